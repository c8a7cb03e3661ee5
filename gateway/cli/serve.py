"""`trunkline serve`: run the gateway until it is told to stop.

Without a settings file it runs on defaults: its data in `var/` of the current folder, its own PostgreSQL, the page on
this machine alone. The first start enters an administrator and shows the password once (`gateway.cli.first_start`).
"""

import argparse
import asyncio
import gc
import sys

import structlog

from gateway import logs
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.cli.first_start import clear_told, make_first_administrator, tell
from gateway.cli.next_steps import say_next_steps, without_telephony
from gateway.config import load

log = structlog.get_logger()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments beside `--config`."""


def run(args: argparse.Namespace) -> int:
    """Check the settings, then run; 0 after an orderly stop."""
    settings = load(args.config)
    logs.configure(level=settings.log.level, form=settings.log.format, private=settings.log.private)
    if lacking := without_telephony(settings):
        log.warning("there are no telephones", reason=lacking)
    if sys.stdout.isatty():
        print("Trunkline starts: its database, its page, its telephones.", flush=True)
    asyncio.run(run_gateway(settings, ready=_begin))
    return 0


async def _begin(gateway: Gateway) -> None:
    if not await begin(gateway) and sys.stdout.isatty():
        print(f"\n  The page is at {gateway.settings.public_url}/ until Ctrl-C.", flush=True)
    await say_next_steps(gateway)


async def begin(gateway: Gateway) -> bool:
    """Let the first person in, then settle.

    Returns:
        Whether an administrator was made, and the address told with his password.
    """
    settings = gateway.settings
    clear_told(settings.home)
    made = await make_first_administrator(gateway.pool)
    if made is not None:
        tell(made, address=f"{settings.public_url}/", home=settings.home)
    _settle()
    return made is not None


def _settle() -> None:
    """Keep the garbage collector away from what was loaded and built: a look through all of it takes 100 ms,
    in which no call reaches a screen (bench/screen.py)."""
    gc.collect()
    gc.freeze()
