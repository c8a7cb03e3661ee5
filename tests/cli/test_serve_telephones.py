"""What `trunkline serve` says of telephones: a site without a PBX has some at once, or is told why not."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lab.ports import free_port
from tests.gateway.embedded_site import exchanges

PATIENCE = 60.0
WITHOUT_LIBRARY = (
    "import sys; sys.modules['pjsua2'] = None; from gateway.__main__ import main; sys.exit(main(['serve']))"
)


def served(folder: Path, database: str, until: str, *, python: list[str] | None = None, **more: str) -> tuple[str, str]:
    """Start without a settings file, wait for a text, end it by Ctrl-C; gives terminal and log."""
    ours, theirs = pty.openpty()
    settings = {
        "TRUNKLINE_DATABASE__URL": database,
        "TRUNKLINE_HTTP__PORT": str(free_port()),
        "TRUNKLINE_TRANSCRIPTION__ENABLED": "false",
        "TRUNKLINE_EMBEDDED__PORT": str(free_port()),
    }
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "COLUMNS": "500", **settings, **more}
    with (folder / "log").open("w+b") as log:
        command = [sys.executable, *(python or ["-m", "gateway", "serve"])]
        gateway = subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=log)
        os.close(theirs)
        told = b""
        os.set_blocking(ours, False)
        end = time.monotonic() + PATIENCE
        try:
            while until not in told.decode() + (folder / "log").read_text() and time.monotonic() < end:
                assert gateway.poll() is None, (folder / "log").read_text()
                told += _read(ours)
                time.sleep(0.05)
        finally:
            gateway.send_signal(signal.SIGINT)
            gateway.wait(20)
        told += _read(ours)
        os.close(ours)
    return told.decode(), (folder / "log").read_text()


def _read(terminal: int) -> bytes:
    with suppress(OSError):  # nothing there, or nobody has the other side open any more
        return os.read(terminal, 65536)
    return b""


def test_the_start_says_how_a_first_call_comes_about_and_ctrl_c_ends_the_exchange(
    tmp_path: Path, database: str
) -> None:
    port = str(free_port())
    told, log = served(tmp_path, database, "No phone is entered yet", TRUNKLINE_EMBEDDED__PORT=port)
    end = time.monotonic() + 10
    while exchanges(tmp_path / "var") and time.monotonic() < end:
        time.sleep(0.1)

    assert re.search(r"password  \S+", told)
    assert "trunkline demo" in told
    assert f"registers at 127.0.0.1, UDP port {port}" in told
    assert "cannot run" not in log
    assert exchanges(tmp_path / "var") == []


def test_a_machine_without_the_telephone_library_is_served_and_told_why_in_one_sentence(
    tmp_path: Path, database: str
) -> None:
    told, log = served(tmp_path, database, "serving", python=["-c", WITHOUT_LIBRARY])

    (line,) = [line for line in log.splitlines() if "there are no telephones" in line]
    assert "no telephone library for this machine" in line
    assert "x86-64 with glibc, macOS and Windows" in line
    assert "Asterisk" in line
    assert re.search(r"password  \S+", told)
    assert "the exchange" not in log


@pytest.mark.parametrize(
    ("variable", "value", "cure"),
    [
        ("TRUNKLINE_EMBEDDED__BIND", "10.99.98.97", "this machine has no address 10.99.98.97; choose one of its own"),
        (
            "TRUNKLINE_EMBEDDED__PORT",
            "",
            "is taken by another program, often an Asterisk or another Trunkline; stop",
        ),
    ],
)
def test_what_hinders_the_exchange_is_one_sentence_with_its_cure(
    tmp_path: Path, database: str, variable: str, value: str, cure: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        _, log = served(tmp_path, database, "cannot run", **{variable: value or str(taken.getsockname()[1])})

    (line,) = [line for line in log.splitlines() if "the exchange cannot run" in line]
    assert cure in line
    assert "Traceback" not in log


def test_a_public_address_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TRUNKLINE_EMBEDDED__BIND": "8.8.8.8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "'8.8.8.8' is not allowed; allowed is 127.0.0.1 or an IPv4 address of a private network" in done.stderr
    assert not (tmp_path / "var").exists()
