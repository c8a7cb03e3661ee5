"""`python -m lab`: build the lab's Asterisk, or run it with two managers' phones that answer."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from gateway.domain.errors import GatewayError
from lab.chroot import ensure_asterisk
from lab.phones import open_manager_phone
from lab.run import PORT, run
from lab.server import AsteriskServer, open_asterisk

ANSWER_SECONDS = 2.0


def build(arguments: argparse.Namespace) -> None:
    """Make sure there is an Asterisk to run."""
    home = ensure_asterisk()
    print(f"Asterisk {home.version} in {home.root}")


def up(arguments: argparse.Namespace) -> None:
    """Run a lab Asterisk until interrupted, and print how to reach it."""
    with open_asterisk(arguments.directory) as server:
        print(json.dumps(describe(server), indent=2), flush=True)
        asyncio.run(_answer_calls(server))


def demonstrate(arguments: argparse.Namespace) -> None:
    """Run gateway and lab together, with one call to look at."""
    run(arguments.directory.absolute(), stay=not arguments.once, port=arguments.port)


def describe(server: AsteriskServer) -> dict[str, object]:
    """Give what a gateway or a phone must know of a running lab Asterisk."""
    return {
        "ami": {"host": "127.0.0.1", "port": server.ports.ami, "user": server.gateway.user},
        "ami_secret": server.gateway.secret,
        "sip_port": server.ports.sip,
        "trunk_port": server.ports.trunk,
        "phone_secret": server.phone_secret,
        "systemname": server.systemname,
        "journal": str(server.journal),
        "recordings": str(server.recordings),
    }


async def _answer_calls(server: AsteriskServer) -> None:
    """Keep the phones of 101 and 102 registered; they answer by themselves."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_manager_phone(server, "101") as anna, open_manager_phone(server, "102") as boris:
        await anna.script(answer_after=ANSWER_SECONDS)
        await boris.script(answer_after=ANSWER_SECONDS * 2)
        await stopped.wait()


def main() -> int:
    """Run the command named in the arguments; 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("build", help="build the chroot with Asterisk if need be").set_defaults(run=build)
    running = commands.add_parser("up", help="run the lab Asterisk until Ctrl-C")
    running.add_argument("--directory", type=Path, default=Path("var/lab"), help="where its folders go")
    running.set_defaults(run=up)
    shown = commands.add_parser("run", help="run the gateway with the lab and one demonstration call")
    shown.add_argument("--directory", type=Path, default=Path("var/lab"), help="where its folders go")
    shown.add_argument("--port", type=int, default=PORT, help="where the page is served")
    shown.add_argument("--once", action="store_true", help="end after the demonstration call")
    shown.set_defaults(run=demonstrate)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except GatewayError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
