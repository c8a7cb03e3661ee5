"""`trunkline serve`: run the gateway until it is told to stop.

Without a settings file it runs on defaults: its data in `var/` of the current folder, its own PostgreSQL, the page on
this machine alone. The first start enters an administrator and shows the password once (`gateway.cli.first_start`).
"""

import argparse
import asyncio
import gc

from gateway import logs
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.cli.first_start import clear_told, make_first_administrator, tell
from gateway.config import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments beside `--config`."""


def run(args: argparse.Namespace) -> int:
    """Check the settings, then run; 0 after an orderly stop."""
    settings = load(args.config)
    logs.configure(level=settings.log.level, form=settings.log.format, private=settings.log.private)
    asyncio.run(run_gateway(settings, ready=begin))
    return 0


async def begin(gateway: Gateway) -> None:
    """Let the first person in, then settle."""
    settings = gateway.settings
    clear_told(settings.home)
    if made := await make_first_administrator(gateway.pool):
        tell(made, address=f"{settings.public_url}/", home=settings.home)
    _settle()


def _settle() -> None:
    """Keep the garbage collector away from what was loaded and built: a look through all of it takes 100 ms,
    in which no call reaches a screen (bench/screen.py)."""
    gc.collect()
    gc.freeze()
