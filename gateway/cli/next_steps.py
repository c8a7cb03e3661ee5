"""What the start says of telephones: whether there are any, and what to do next where none is registered.

On a terminal it is a paragraph for the person who started it, in a log one line with the same words.
"""

import asyncio
import sys
from contextlib import suppress
from typing import TextIO

import structlog

from exchange.control import Seen
from exchange.pool import EngineMissing, check_library
from gateway.app import Gateway
from gateway.settings import Settings

log = structlog.get_logger()

WAIT_SECONDS = 10.0
"""For the exchange to run; a start says nothing of what takes longer."""
_LOOK_SECONDS = 0.1


def without_telephony(settings: Settings) -> str:
    """Why a site without a PBX has no telephones either, with the cure; empty: it has some.

    Args:
        settings: the site's.
    """
    if not settings.has_no_telephony:
        return ""
    try:
        check_library()
    except EngineMissing as fault:
        return f"No PBX is configured, and {str(fault)[0].lower()}{str(fault)[1:]}"
    return ""


async def say_next_steps(gateway: Gateway, terminal: TextIO | None = None) -> None:
    """Say how a first call comes about where no phone is registered; returns early when the gateway is stopped.

    Args:
        gateway: runs.
        terminal: where people read; None: standard output.
    """
    if gateway.exchange is None:
        return
    out = sys.stdout if terminal is None else terminal
    looking = asyncio.ensure_future(_looked(gateway))
    stopping = asyncio.ensure_future(gateway.stopped())
    done, _ = await asyncio.wait((looking, stopping), timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in (looking, stopping):
        task.cancel()
    if looking not in done:
        return
    seen = looking.result()
    if seen is not None and not any(phone.contacts for phone in seen.phones):
        _say(out, _hint(gateway.settings, phones=len(seen.phones)))


async def _looked(gateway: Gateway) -> Seen | None:
    """How the exchange stands once it runs; None: it does not, and the log has the reason."""
    assert gateway.exchange is not None
    engine = gateway.exchange.engine
    while not engine.failed:
        with suppress(TimeoutError):
            await engine.ready(_LOOK_SECONDS)
            if (seen := await engine.look()) is not None:
                return seen
    return None


def _hint(settings: Settings, *, phones: int) -> str:
    entered = "No phone is entered yet" if not phones else f"None of the {phones} phones is registered yet"
    where = f"{settings.embedded.bind}, UDP port {settings.embedded.port}"
    return (
        f"{entered}. See a call go through all of it: the button `Demonstration` on the page, `trunkline demo`, or"
        f" `make run DEMO=1`. A phone of your own registers at {where}, with the user and password that its"
        " person's extension gives: docs/embedded.md."
    )


def _say(out: TextIO, text: str) -> None:
    if out.isatty():
        print(f"\n  {text}\n", file=out, flush=True)
    else:
        log.info("about telephones", told=text)
