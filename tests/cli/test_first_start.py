"""The first start of a gateway: somebody can sign in, and his password stands in no log."""

import asyncio
import io
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.api.security import Passwords
from gateway.cli.first_start import (
    FILE,
    FILE_SECONDS,
    FirstAdministrator,
    clear_told,
    make_first_administrator,
    new_password,
    tell,
)
from gateway.domain.access import password_faults
from gateway.store.database import open_pool
from gateway.store.staff import add_user
from lab.ports import free_port

MADE = FirstAdministrator(login="admin", password="abcd-efgh-jkmn-pqrs")


class Terminal(io.StringIO):
    """A stream at which a person sits."""

    def isatty(self) -> bool:
        return True


async def test_a_gateway_without_an_administrator_makes_one_who_can_sign_in(database: str) -> None:
    async with open_pool(database, size=2) as pool:
        made = await make_first_administrator(pool)

        assert made is not None
        row = await pool.fetchrow("select role, active, password_hash from users where login = $1", made.login)
        assert (made.login, row["role"], row["active"]) == ("admin", "admin", True)
        assert await Passwords().verify(row["password_hash"], made.password)
        assert await pool.fetchval("select count(*) from audit where action = 'user.entered'") == 1


async def test_there_is_one_first_administrator_however_many_gateways_start(database: str) -> None:
    async with open_pool(database, size=4) as pool:
        made = await asyncio.gather(*(make_first_administrator(pool) for _ in range(4)))
        again = await make_first_administrator(pool)

        assert len([one for one in made if one]) == 1
        assert again is None
        assert await pool.fetchval("select count(*) from users where role = 'admin'") == 1


async def test_the_login_of_somebody_else_is_left_to_him(database: str) -> None:
    async with open_pool(database, size=2) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await add_user(connection, login="admin", name="Admin Smith", role="manager")
        made = await make_first_administrator(pool)

        assert made is not None
        assert made.login == "admin2"


def test_the_password_is_one_that_the_product_itself_takes() -> None:
    passwords = {new_password() for _ in range(200)}

    assert len(passwords) == 200
    assert all(not password_faults(password, login="admin") for password in passwords)


def test_a_terminal_shows_it_and_no_file_is_written(tmp_path: Path) -> None:
    terminal = Terminal()
    tell(MADE, address="http://127.0.0.1:8080/", home=tmp_path, terminal=terminal)

    assert all(word in terminal.getvalue() for word in ("http://127.0.0.1:8080/", "admin", MADE.password))
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_it_stands_in_a_file_of_our_own_for_a_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, pipe = tmp_path / "var", io.StringIO()
    tell(MADE, address="http://127.0.0.1:8080/", home=home, terminal=pipe)

    file, heard = home / FILE, capsys.readouterr()
    assert MADE.password in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert MADE.password not in pipe.getvalue() + heard.out + heard.err
    clear_told(home, now=time.time() + FILE_SECONDS - 60)
    assert file.exists()
    clear_told(home, now=time.time() + FILE_SECONDS + 60)
    assert not file.exists()


def test_serve_without_a_settings_file_tells_the_terminal_alone(tmp_path: Path, database: str) -> None:
    """What a newcomer types: no file, no administrator; his data go to `var/` of the folder."""
    told, log = _served_at_a_terminal(tmp_path, database)
    again, _ = _served_at_a_terminal(tmp_path, database)

    password = re.search(r"password  (\S+)", told)
    assert password is not None
    assert re.search(r"address\s+http://127\.0\.0\.1:\d+/", told)
    assert "serving" in log
    assert password[1] not in log
    assert "password" not in again
    assert (tmp_path / "var").is_dir()
    assert not (tmp_path / "var" / FILE).exists()


def _served_at_a_terminal(folder: Path, database: str) -> tuple[str, str]:
    """Run `trunkline serve` at a terminal until it serves; gives what the terminal and what the log showed."""
    ours, theirs = pty.openpty()
    settings = {"TRUNKLINE_DATABASE__URL": database, "TRUNKLINE_HTTP__PORT": str(free_port())}
    settings["TRUNKLINE_EMBEDDED__ENABLED"] = "false"
    with (folder / "log").open("w+b") as log:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            cwd=folder,
            env={**os.environ, **settings, "TRUNKLINE_TRANSCRIPTION__ENABLED": "false"},
            stdout=theirs,
            stderr=log,
        )
        try:
            _until_serving(gateway, folder / "log")
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(20)
            os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 65536):
                told += part
        except OSError:  # how Linux says that nobody has the other side open any more
            pass
        os.close(ours)
        return told.decode(), (folder / "log").read_text()


def _until_serving(gateway: subprocess.Popen[bytes], log: Path, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while "serving" not in log.read_text():
        assert gateway.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    time.sleep(1.0)  # the administrator is made right after
