"""`trunkline serve`: run the gateway until it is told to stop."""

import argparse
import asyncio

from gateway import logs
from gateway.app import run as run_gateway
from gateway.config import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments beside `--config`."""


def run(args: argparse.Namespace) -> int:
    """Check the settings, then run; 0 after an orderly stop."""
    settings = load(args.config)
    logs.configure(level=settings.log.level, form=settings.log.format, private=settings.log.private)
    asyncio.run(run_gateway(settings))
    return 0
