"""What a newcomer does: a fresh clone, one command, and the text of a call. Requirement L: works with no PBX at all.

The set-up is that of this run (its packages were installed from the same lock); everything else is the clone's own, in
folders that nobody made before.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.first_start import FILE
from gateway.demo.speech import SPOKEN
from lab.ports import free_port
from tests.database import open_folder

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 900
"""Longer than all that the demonstration itself waits for: its own sentence tells best what did not come."""
_OF_THE_SITE = ("TRUNKLINE_", "MAKE", "MFLAGS")


def cloned(folder: Path) -> Path:
    """The committed state, with this run's packages standing in for `make`'s first step."""
    clone = folder / "session"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(clone)], check=True)
    (clone / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.endswith(".stamp"):
            (clone / ".venv" / part.name).symlink_to(part)
    (clone / ".venv" / "run.stamp").touch()
    if (REPOSITORY / "web" / "node_modules").is_dir():
        (clone / "web" / "node_modules").symlink_to(REPOSITORY / "web" / "node_modules")
    return clone


def make(clone: Path, *words: str) -> tuple[int, str, str]:
    """Run make as somebody who has set nothing; gives the exit code and what it told on both channels."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_SITE)}
    told, faults = clone.parent / "told", clone.parent / "faults"
    with told.open("w") as output, faults.open("w") as errors:
        process = subprocess.Popen(
            ["make", *words],
            cwd=clone,
            env=clean | {"TRUNKLINE_HTTP__PORT": str(free_port())},
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            pytest.fail(f"not at its end after {PATIENCE} s; told so far:\n{told.read_text()}{faults.read_text()}")
    return process.returncode, told.read_text(), faults.read_text()


def words(text: str) -> list[str]:
    """Small letters without marks; how a number or a name is written is the model's choice."""
    return re.findall(r"[a-z']+", text.lower())


@pytest.mark.speech
def test_one_command_shows_a_call_from_the_first_ring_to_its_text_and_figures() -> None:
    with open_folder(on_disk=True) as folder:
        clone = cloned(folder)

        code, told, faults = make(clone, "run", "DEMO=1", "WITH=--once")

        assert code == 0, told + faults
        for step in ("A client", "rings and shows", "Card", "Talk", "The manager answers", "Recording", "Figures"):
            assert step in told
        heard = re.findall(r"^ +[0-9.]+ s +[0-9.]+ s +(manager|client) +(.+)$", told, re.M)
        for by in ("manager", "client"):
            spoken = words(" ".join(line.words for line in SPOKEN if line.by == by))
            written = words(" ".join(text for who, text in heard if who == by))
            missing = [word for word in spoken if word not in written]
            assert len(missing) <= len(spoken) // 5, (by, missing, heard)
        assert "Demo manager: 1 call(s), 1 client(s), 0.4 minutes of talk" in told
        sign_in = (clone / "var" / FILE).read_text()  # no terminal was there to tell it to
        assert re.search(r"login +admin\n +password +\S+", sign_in)
        password = sign_in.split()[-1]
        assert password not in told + faults
        assert not running(clone)


def running(clone: Path) -> list[str]:
    """Processes that belong to the clone and are still there, its database server's apart."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(clone) in line and "python" in line:
            found.append(line)
    return found
