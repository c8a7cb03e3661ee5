"""Start the gateway without a PBX and see one call go through all of it, each step as it happens.

  trunkline demo          then it goes on running: sign in at the address it shows
  trunkline demo --once   then it ends

A client's phone calls in over a provider, both on this machine; a manager's phone rings and answers, and both speak
with real voices. The call is recorded, written down and counted as every call is. Needs no PBX, no root and no network.
"""

import argparse
import asyncio
import os
import socket
import sys
import time
from contextlib import suppress

import psutil

from exchange.phones import LOOPBACK, check_phones, free_port
from gateway import logs
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.cli.serve import begin
from gateway.config import load
from gateway.domain.demonstration import DemoStep, Told
from gateway.domain.errors import GatewayError
from gateway.settings import EMBEDDED, LogLevel, Settings

PORT = "TRUNKLINE_EMBEDDED__PORT"
_END_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--once", action="store_true", help="end after the call; exit code 1 where it failed")


def run(args: argparse.Namespace) -> int:
    """Serve, show, and go on serving."""
    check_phones()
    settings = _with_engine(args)
    quiet = settings.log.level if "TRUNKLINE_LOG__LEVEL" in os.environ else LogLevel.WARNING
    logs.configure(level=quiet, form=settings.log.format, private=settings.log.private)
    failed: list[GatewayError] = []
    _say("Trunkline starts: its database, its telephone exchange, its page.")
    presented: list[Gateway] = []

    async def present(gateway: Gateway) -> None:
        presented.append(gateway)
        await _present(gateway, once=args.once, failed=failed)

    try:
        asyncio.run(run_gateway(settings, ready=present))
    finally:
        for gateway in presented:
            _end_exchange(gateway)
    if failed and args.once:
        raise failed[0]
    return 0


def _with_engine(args: argparse.Namespace) -> Settings:
    """The settings, with the embedded engine where no PBX is configured, on a port that is free."""
    settings = load(args.config)
    if settings.embedded.enabled or not settings.has_engine:
        return settings
    if PORT not in os.environ and not _is_free(settings.embedded.port):
        os.environ[PORT] = str(free_port())
        _say(f"UDP port {settings.embedded.port} is taken on this machine; {os.environ[PORT]} is used for telephones.")
    return load(args.config)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


async def _present(gateway: Gateway, *, once: bool, failed: list[GatewayError]) -> None:
    """Show the call, unless somebody stops the gateway before."""
    await begin(gateway)
    _say(f"The page is at {gateway.settings.public_url}/ — open it now to see the call there too.\n")
    showing = asyncio.ensure_future(gateway.demonstration.run(_Terminal(time.monotonic())))
    stopping = asyncio.ensure_future(gateway.stopped())
    await asyncio.wait((showing, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not showing.done():
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing
        return
    try:
        showing.result()
        _say("\nThat was one call, from the first ring to the figures.")
    except GatewayError as fault:
        failed.append(fault)
        if not once:
            _say(f"\n{fault}")
    if once:
        gateway.stop()
    else:
        _say(f"Trunkline goes on running at {gateway.settings.public_url}/ until Ctrl-C.")


def _end_exchange(gateway: Gateway) -> None:
    """The exchange would outlive us, as it should on a site; here nobody needs it any more."""
    line = gateway.lines.get(EMBEDDED)
    pid = line.exchange.engine.pid if line is not None and line.exchange is not None else None
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        exchange = psutil.Process(pid)
        exchange.terminate()
        try:
            exchange.wait(_END_SECONDS)
        except psutil.TimeoutExpired:
            exchange.kill()


_NAMED = frozenset({DemoStep.CARD, DemoStep.TALK, DemoStep.CALL, DemoStep.RECORDING, DemoStep.TEXT, DemoStep.FIGURES})
"""Steps that begin with their own name; the others are sentences."""


class _Terminal:
    """Writes each step with the seconds since the beginning."""

    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self, told: Told) -> None:
        name = f"{told.step.capitalize():<12}" if told.step in _NAMED else ""
        indent = "  " if told.step is DemoStep.SAID else ""
        _say(f"{time.monotonic() - self._began:6.1f} s  {indent}{name}{told.text}")


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
