"""The command line on a site of its own: a settings file, a database, and what people type."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.__main__ import main

SETTINGS = """
[database]
url = "{database}"
[pbx.office]
[pbx.plant]
"""


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class CommandSite:
    """Runs commands as a shell would."""

    file: Path
    capture: pytest.CaptureFixture[str]
    give: Callable[[str], None]

    def run(self, command: str, *words: str, typed: str = "") -> Done:
        """Run `trunkline COMMAND WORDS`, with a line of standard input."""
        self.give(typed)
        code = main([command, "--config", str(self.file), *words])
        captured = self.capture.readouterr()
        return Done(code, captured.out, captured.err)


def open_command_site(
    folder: Path, database: str, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch, text: str = SETTINGS
) -> CommandSite:
    """A site with the PBXs office and plant."""
    file = folder / "trunkline.toml"
    file.write_text(text.format(database=database))
    return CommandSite(file=file, capture=capture, give=lambda typed: patch.setattr(sys, "stdin", io.StringIO(typed)))
