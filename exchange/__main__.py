"""`python -m exchange --home FOLDER`: the exchange as a process of its own, started by the gateway.

One runs for a home at a time (a lock on its file). It reads `exchange/options.json`, logs to standard error in JSON,
and ends by SIGTERM, or when the gateway says so; a gateway that is gone is no reason.
"""

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import structlog

from exchange.desk import Desk, open_desk
from exchange.doorway import told_of
from exchange.front import FrontConfig, open_front
from exchange.house import House
from exchange.journal import Journal
from exchange.options import Options, Places, read_options
from exchange.parties import Invite, Refusal
from exchange.pool import Died, WorkerProcess, open_pool
from exchange.service import Exchange
from exchange.wire import Event
from exchange.worker_settings import WorkerSettings
from gateway.domain.errors import GatewayError, GiveUp

log: structlog.stdlib.BoundLogger = structlog.get_logger("exchange")
_IDLE_LOOK = 0.5
_LISTENS = "listens"
_STARTING = Refusal(code=503, reason="The exchange is starting")


class AlreadyRunning(GiveUp):
    """Another exchange runs for this home; there is nothing to do."""


async def run(places: Places, options: Options, ready: Callable[[], None] = lambda: None) -> None:
    """Carry calls until told to stop.

    Args:
        places: where its things lie.
        options: how it listens.
        ready: called once it listens.

    Raises:
        GatewayError: a port is taken, an address is missing, the library is not there.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    desk = Desk(options=options.text(), stop=stop)

    def choose(invite: Invite) -> int | Refusal | None:
        return desk.exchange.choose(invite) if desk.exchange is not None else _STARTING

    def hear(worker: WorkerProcess, event: Event | Died) -> None:
        if desk.exchange is not None:
            desk.exchange.hear(worker, event)

    async with AsyncExitStack() as stack:
        front = stack.enter_context(
            open_front(FrontConfig(bind=options.bind, port=options.port, keep_in=places.folder), choose)
        )
        settings = WorkerSettings(
            bind=options.bind,
            front=front.inside_port,
            rtp_port=options.rtp_port,
            rtp_ports=options.rtp_ports,
            codecs=options.codecs,
        )
        journal = Journal(places.journal)
        stack.callback(journal.close)
        pool = await stack.enter_async_context(open_pool(settings, hear, ahead=options.ahead, most=options.workers))
        house = House(places=places, door=front)
        house.open()
        for worker in pool.workers.values():
            if worker.port:
                front.admit_worker(worker.port)
        async with asyncio.TaskGroup() as tasks:
            desk.exchange = Exchange(
                house=house,
                journal=journal,
                pool=pool,
                tasks=tasks,
                route=desk.route,
                permission=desk.permission,
                untaken=desk.untaken,
            )
            for_ever = [
                tasks.create_task(front.run()),
                tasks.create_task(desk.exchange.keep_time()),
                tasks.create_task(desk.exchange.close_old_recordings()),
            ]
            async with open_desk(desk, places):
                log.info("the exchange runs", bind=options.bind, port=front.outside[1])
                ready()
                await _stopped(desk)
            desk.exchange.end_all("exchange_stopped")
            for task in for_ever:
                task.cancel()


async def _stopped(desk: Desk) -> None:
    while not desk.stop.is_set():
        if desk.ends_when_idle and desk.exchange is not None and not desk.exchange.brains:
            return
        with suppress(TimeoutError):  # a gateway may say at any moment that we shall end when no call is left
            async with asyncio.timeout(_IDLE_LOOK):
                await desk.stop.wait()


def _lock(places: Places) -> int:
    places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning from None
    return held


def _log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> int:
    """Run; a fault is told in one line."""
    parser = argparse.ArgumentParser(prog="python -m exchange", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the gateway's home")
    parser.add_argument("--detach", action="store_true", help="go on in a process of its own once it listens")
    args = parser.parse_args()
    places = Places(home=args.home.resolve())
    return _detached(places) if args.detach else _run_to_the_end(places, lambda fault: None)


def _detached(places: Places) -> int:
    """Leave the exchange to itself: our process ends when it listens, or with its fault on standard output."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8", errors="replace") as told:
            fault = told.read()
        if fault != _LISTENS:
            sys.stdout.write(fault)
        return 0 if fault == _LISTENS else 1
    os.close(reading)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nowhere, standard)

    def tell(text: str) -> None:
        with suppress(OSError):
            os.write(writing, text.encode())
            os.close(writing)

    return _run_to_the_end(places, tell)


def _run_to_the_end(places: Places, tell: Callable[[str], None]) -> int:
    """Run; `tell` gets `_LISTENS`, or a sentence why not."""
    _log_as_json()
    try:
        held = _lock(places)
        options = read_options(places.options.read_text()) if places.options.exists() else Options()
        asyncio.run(run(places, options, ready=lambda: tell(_LISTENS)))
        os.close(held)
    except GatewayError as fault:
        return _failed(fault, tell)
    except BaseExceptionGroup as faults:
        first: BaseException = faults
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        log.error("the exchange failed", exc_info=first)
        return _failed(first, tell)
    return 0


def _failed(fault: BaseException, tell: Callable[[str], None]) -> int:
    told = told_of(fault)
    sys.stderr.write(told.partition("\n")[2] + "\n")
    tell(told)
    return 1


if __name__ == "__main__":
    sys.exit(main())
