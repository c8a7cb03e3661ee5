"""Where the embedded database lies: the gateway's folder, the data in it, the private folder of its socket.

Folders that we did not make keep their rights: where the server's user cannot go, we say so and name the
remedy. The socket lies in a folder that only the server's user enters, and who owns that folder is checked
every time.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.store.embedded_account import MAJOR, Account, FolderClosed, FolderNotOurs, user_name

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 103  # bytes; macOS has 104 with the closing NUL, Linux 108


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

    `wanted` where the server's account can reach it. Otherwise (root's checkout under /root, which nobody
    else may enter) a folder of the same name under /var/lib/trunkline: `/root/trunkline/var` becomes
    `/var/lib/trunkline/root-trunkline-var`. A folder named in the configuration is never replaced like this.

    Args:
        wanted: such as `var` in the checkout; need not exist.
        account: from `server_account()`.
    """
    wanted = wanted.absolute()
    if not account.switched:
        return wanted
    nearest = next(folder for folder in (wanted, *wanted.parents) if folder.is_dir())
    if account.can_enter(nearest):
        return wanted
    return Path("/var/lib/trunkline") / "-".join(wanted.parts[1:])


def prepare_directory(directory: Path, account: Account) -> Layout:
    """Make the gateway's folder if it is missing, and prove that the server's account can reach it.

    Raises:
        FolderClosed: a folder on the way is closed to the account, or strangers may write into this one.
    """
    directory = directory.resolve()
    _make_folders(directory, account)
    status = directory.stat()
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise FolderClosed(f"Everybody may write into {directory}; take that right away: chmod o-w {directory}")
    if not account.can_enter(directory):
        raise FolderClosed(_closed_folder_message(directory, account))
    return Layout(directory=directory)


def _make_folders(directory: Path, account: Account) -> None:
    try:
        missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            # Whatever the umask is: the server's account passes through what we have made.
            folder.chmod(0o711 if account.switched else 0o700)
    except OSError as reason:
        raise FolderClosed(f"The folder {directory} cannot be made: {reason}. Choose another one.") from reason
    if not os.access(directory, os.W_OK | os.X_OK):
        raise FolderClosed(
            f"The gateway may not write into {directory}, which belongs to "
            f"{user_name(directory.stat().st_uid)}. Start it as that user, or choose another folder."
        )


def _closed_folder_message(directory: Path, account: Account) -> str:
    on_the_way = [*reversed(directory.parents), directory]
    closed = next((folder for folder in on_the_way if not account.can_enter(folder)), directory)
    return (
        f"The database server runs as user {account.name!r}, who cannot enter {closed}, so it cannot keep "
        f"its data in {directory}. Choose a folder that every user can reach, for instance "
        f"/var/lib/trunkline, or let that user pass: chmod o+x {closed}"
    )


def prepare_socket_folder(layout: Layout, account: Account) -> Path:
    """The folder for the unix socket: `run` beside the data, or a short one if that path cannot serve.

    A path cannot serve when it is too long for a socket, or holds characters that separate several hosts.

    Raises:
        FolderNotOurs: something is there that is not a private folder of the account.
    """
    folder = layout.directory / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) > LONGEST_SOCKET_PATH or set(str(folder)) & set(',"\\'):
        name = hashlib.sha256(os.fsencode(layout.directory)).hexdigest()[:12]
        folder = Path("/run" if account.switched else "/tmp") / f"trunkline-{account.uid}-{name}"  # noqa: S108
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
        account.own(folder)
    except FileExistsError:
        refuse_open_folder(folder, account)
    return folder


def drop_stale_socket(folder: Path) -> None:
    """Remove what a killed server left in its socket folder; to be called only when none runs on the data.

    PostgreSQL believes the process id in that lock file, whoever has the number today.
    """
    for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (folder / name).unlink(missing_ok=True)


def refuse_open_folder(folder: Path, account: Account) -> None:
    """Check that `folder` is a real folder of the account that nobody else enters.

    Raises:
        FolderNotOurs: it is not.
    """
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not private or status.st_uid != account.uid:
        raise FolderNotOurs(
            f"{folder} must be a folder of {account.name!r} with mode 0700, because the database's socket "
            f"goes there, and it is {stat.filemode(status.st_mode)} of {user_name(status.st_uid)}. "
            "Remove it and start again."
        )
