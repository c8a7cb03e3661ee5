"""The command line's frame: what is offered, exit codes, and that only what is needed is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway import __version__
from gateway.__main__ import COMMANDS, main

ANSWERED = Path(__file__).parent / "scenarios" / "in_answered" / "journal.cel.csv"
SITE = ("--managers", "100,101,102", "--trunks", "trunk", "--region", "RU", "--json")


def trunkline(*words: str, cwd: Path | None = None, script: str = "") -> subprocess.CompletedProcess[str]:
    program = ["-c", script] if script else ["-m", "gateway"]
    return subprocess.run([sys.executable, *program, *words], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_help_lists_the_commands_with_a_line_each():
    done = trunkline("--help")

    assert done.returncode == 0
    assert COMMANDS["replay"].help in done.stdout


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])

    assert left.value.code == 0
    assert capsys.readouterr().out == f"trunkline {__version__}\n"


@pytest.mark.parametrize("words", [[], ["relpay"], ["replay", "--no-such-option"], ["--verbose", "replay"]])
def test_wrong_usage_ends_with_2_and_a_usage_line(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)

    assert left.value.code == 2
    assert "usage: trunkline" in capsys.readouterr().err


def test_a_fault_ends_with_1_and_one_clear_line(tmp_path):
    done = trunkline("replay", str(tmp_path / "gone.cel.csv"), *SITE)

    assert done.returncode == 1
    assert done.stderr.startswith("trunkline: ")
    assert "gone.cel.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_loads_neither_database_nor_server_nor_settings(tmp_path):
    (tmp_path / "empty.cel.csv").write_text("")
    script = (
        "import sys; from gateway.__main__ import main; code = main(sys.argv[1:]);"
        "heavy = {'sqlalchemy', 'aiohttp', 'asyncpg', 'pydantic', 'numpy', 'faster_whisper'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )

    done = trunkline("replay", str(tmp_path / "empty.cel.csv"), *SITE, script=script)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reader_that_goes_away_ends_the_command_without_a_traceback():
    script = (
        "import os, sys; from gateway.__main__ import main;"
        "reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1); sys.exit(main(sys.argv[1:]))"
    )

    done = trunkline("replay", str(ANSWERED), *SITE, script=script)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_row_of_the_table_names_a_command_of_ours(name):
    command = COMMANDS[name]

    assert command.module.startswith(("gateway.cli.", "transcription."))
    assert command.help.strip(".") == command.help != ""
