"""`trunkline serve`: run the gateway until it is told to stop."""

import argparse
import asyncio
import gc

from gateway import logs
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.config import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments beside `--config`."""


def run(args: argparse.Namespace) -> int:
    """Check the settings, then run; 0 after an orderly stop."""
    settings = load(args.config)
    logs.configure(level=settings.log.level, form=settings.log.format, private=settings.log.private)
    asyncio.run(run_gateway(settings, ready=_settle))
    return 0


async def _settle(gateway: Gateway) -> None:
    """Keep the garbage collector away from what was loaded and built: a look through all of it takes 100 ms,
    in which no call reaches a screen (bench/screen.py)."""
    gc.collect()
    gc.freeze()
