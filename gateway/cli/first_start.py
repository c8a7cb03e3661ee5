"""The first start: a gateway in which no administrator is entered makes one, and tells the password once.

It is told on the terminal alone, never in a log: a log is copied, shipped and kept. A gateway without a terminal (a
service, a container, output sent through a pipe) writes it into `HOME/first-sign-in.txt`, which only its own account
reads and which goes with the first start a day later; the log names the file and not what is in it.
"""

import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import structlog

from gateway.api.security import Passwords
from gateway.domain.access import Role
from gateway.store import people
from gateway.store.access import write_audit
from gateway.store.database import Connection, Pool
from gateway.store.staff import add_user

log = structlog.get_logger()

LOGIN = "admin"
FILE = "first-sign-in.txt"
FILE_SECONDS = 86_400.0
"""How long the file with the password stays at least."""
_WORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are taken for another when they are typed
_WORDS = 4
_LETTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAdministrator:
    """Who was made."""

    login: str
    password: str = field(repr=False)


async def make_first_administrator(pool: Pool) -> FirstAdministrator | None:
    """Enter an administrator if there is none that is active; two nodes that start at once make one.

    Returns:
        Who was made; None: there is one already.
    """
    if await pool.fetchval("select exists (select from users where role = 'admin' and active)"):
        return None
    password = new_password()
    hashed = await Passwords().hash(password)
    async with pool.acquire() as connection, connection.transaction():
        if await people.other_admins(connection, 0):
            return None
        login = await _free_login(connection)
        user = await add_user(connection, login=login, name="Administrator", role=Role.ADMIN, password_hash=hashed)
        await write_audit(connection, actor="first start", action="user.entered", object=f"user:{user}")
    return FirstAdministrator(login=login, password=password)


def new_password() -> str:
    """Four groups of four letters and digits: 79 bits, and easy to type off a screen."""
    return "-".join("".join(secrets.choice(_WORD_LETTERS) for _ in range(_LETTERS)) for _ in range(_WORDS))


async def _free_login(connection: Connection) -> str:
    """`admin`, or with a number where somebody who is no administrator has that login."""
    login, number = LOGIN, 1
    while await people.login_taken(connection, login):
        number += 1
        login = f"{LOGIN}{number}"
    return login


def tell(made: FirstAdministrator, *, address: str, home: Path, terminal: TextIO | None = None) -> None:
    """Say login, password and address once.

    Args:
        made: who was entered.
        address: where a browser finds the gateway.
        home: the gateway's folder, for the file where nobody looks at a terminal.
        terminal: where people read; None: standard output.
    """
    out = sys.stdout if terminal is None else terminal
    text = (
        "  The first administrator is entered. The password is shown this once; change it after you signed in.\n\n"
        f"      address   {address}\n      login     {made.login}\n      password  {made.password}\n"
    )
    if out.isatty():
        print(f"\n{text}", file=out, flush=True)
        return
    home.mkdir(parents=True, exist_ok=True)
    file = home / FILE
    file.unlink(missing_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(text, encoding="utf-8")
    log.warning("the first administrator is entered; read how to sign in, then remove the file", file=str(file))


def clear_told(home: Path, *, now: float | None = None) -> None:
    """Remove the file of an earlier start once it is a day old.

    Args:
        home: the gateway's folder.
        now: seconds of the epoch; None: this moment.
    """
    file = home / FILE
    if file.exists() and (time.time() if now is None else now) - file.stat().st_mtime > FILE_SECONDS:
        file.unlink(missing_ok=True)
