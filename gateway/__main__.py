"""The command `trunkline`: finds the sub-command's module, runs it, and turns errors into exit codes.

Only the module of the command that was asked for is imported, so `replay` starts without the database, the
HTTP server or the speech model. A command is a module with `add_arguments(parser)` and `run(args) -> int`.
Exit codes: 0 done, 1 a fault (told in one line on standard error), 2 wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from gateway import __version__
from gateway.domain.errors import GatewayError
from gateway.guard import check_packages


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the table of commands.

    Attributes:
        module: where it lives; imported only when it is asked for.
        help: one line for `trunkline --help`.
        needs_settings: whether it takes `--config` (`args.config` is a path or None).
    """

    module: str
    help: str
    needs_settings: bool = True


COMMANDS = {
    "serve": Command(module="gateway.cli.serve", help="run the gateway until it is told to stop"),
    "demo": Command(module="gateway.cli.demo", help="start without a PBX and see one call go through all of it"),
    "doctor": Command(module="gateway.cli.doctor", help="check the site and say what is missing"),
    "user": Command(module="gateway.cli.user", help="add, change and list the people who sign in"),
    "key": Command(module="gateway.cli.key", help="issue, list and revoke API keys"),
    "backup": Command(
        module="gateway.cli.backup", help="save the database and the list of recordings, or check a backup"
    ),
    "restore": Command(module="gateway.cli.restore", help="read a backup back into an empty database"),
    "simulate": Command(
        module="gateway.cli.simulate", help="live through a synthetic day, and account for every call of it"
    ),
    "ship": Command(
        module="gateway.cli.ship",
        help="send a PBX's journal and recordings to the gateway; runs on the PBX's host",
        needs_settings=False,
    ),
    "replay": Command(
        module="gateway.cli.replay",
        help="fold recorded journals into calls and print them",
        needs_settings=False,
    ),
    "openapi": Command(
        module="gateway.cli.openapi",
        help="write the OpenAPI document of the HTTP API",
        needs_settings=False,
    ),
    "transcribe": Command(
        module="transcription.command",
        help="write down what is said in a recording",
        needs_settings=False,
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; None means those of this process.

    Returns:
        The exit code: 0 done, 1 a fault. Wrong usage leaves by SystemExit with 2, as argparse does.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        check_packages()
        name = words[0] if words else ""
        if name not in COMMANDS or not _is_here(COMMANDS[name]):
            _overview().parse_args(words)  # prints the help or the fault, and leaves
        return _run(COMMANDS[name], name, words[1:])
    except GatewayError as fault:
        print(f"trunkline: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        # The reader of our output went away (`replay ... | head`); the flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _is_here(command: Command) -> bool:
    """Whether this installation carries the command's module; a command without one is not offered."""
    return find_spec(command.module) is not None


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trunkline", description="Telephony and communications gateway with call recording."
    )
    parser.add_argument("--version", action="version", version=f"trunkline {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        if _is_here(command):
            commands.add_parser(name, help=command.help)
    return parser


def _run(command: Command, name: str, words: list[str]) -> int:
    module = import_module(command.module)
    parser = argparse.ArgumentParser(prog=f"trunkline {name}", description=module.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    if command.needs_settings:
        parser.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="the settings (default: TRUNKLINE_CONFIG, else trunkline.toml if it exists)",
        )
    module.add_arguments(parser)
    code = module.run(parser.parse_args(words))
    sys.stdout.flush()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
