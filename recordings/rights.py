"""Proof that we can read and delete the PBX's recordings as our own user, shown by `trunkline doctor`.

Reading is proved by opening files that lie there, deleting by making and removing a file of our own:
unlink(2) asks for the right to write the folder, and with the sticky bit set for the ownership of the file
as well. Asterisk makes files with 0666 less its umask, so its group must be ours and its umask must leave
the group its right to read.
"""

import errno
import grp
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from gateway.domain.recordings import parse_spool_file
from recordings.errors import NoRight
from recordings.folders import FOLDER_FLAGS, open_plain

PROBE_PREFIX = ".trunkline-probe-"
MOST_FILES = 200  # looked at by one probe


class Weight(StrEnum):
    """How much a finding matters."""

    FAULT = "fault"  # recordings will be lost or not be deleted
    ADVICE = "advice"  # it works, but not as it should


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with the folder."""

    weight: Weight
    problem: str
    """Plain words."""
    remedy: str
    """What to type or to change."""


def probe(folder: Path) -> list[Finding]:
    """Prove that recordings in a folder can be read and deleted by the user who asks.

    Args:
        folder: the PBX's recording folder.

    Returns:
        What is wrong, the gravest first; empty when all is well.
    """
    descriptor = _open(folder)
    if isinstance(descriptor, Finding):
        return [descriptor]
    try:
        findings = [
            *_reading(folder, descriptor),
            *_deleting(folder, descriptor),
            *_who_we_are(folder, descriptor),
        ]
    finally:
        os.close(descriptor)
    return sorted(findings, key=lambda finding: finding.weight is Weight.ADVICE)


def _open(folder: Path) -> int | Finding:
    try:
        return os.open(folder, FOLDER_FLAGS)
    except FileNotFoundError:
        problem, remedy = (
            f"The recording folder {folder} does not exist.",
            f"make it: install -d -o asterisk -g asterisk -m 2770 {folder}",
        )
    except PermissionError:
        problem, remedy = f"The recording folder {folder} may not be opened by our user.", _join_group(folder)
    except OSError as failure:
        if failure.errno not in (errno.ELOOP, errno.ENOTDIR):
            problem, remedy = (
                f"The recording folder {folder} cannot be opened: {os.strerror(failure.errno or 0)}.",
                "check the disk or the mount",
            )
        elif folder.is_symlink():
            problem, remedy = (
                f"The recording folder {folder} is a link.",
                f"configure the real path, {os.path.realpath(folder)}",
            )
        else:
            problem, remedy = (
                f"The recording folder {folder} is not a folder.",
                "configure the folder that the dialplan include records into",
            )
    return _fault(problem, remedy)


def _reading(folder: Path, descriptor: int) -> Iterator[Finding]:
    """Open what lies there."""
    try:
        with os.scandir(descriptor) as entries:
            names = [entry.name for entry in islice(entries, MOST_FILES)]
    except PermissionError:
        yield _fault(f"The recording folder {folder} may not be listed by our user.", _join_group(folder))
        return
    unreadable = [name for name in names if parse_spool_file(name) and not _is_readable(descriptor, name)]
    if unreadable:
        yield _fault(
            f"{len(unreadable)} of {len(names)} files looked at in {folder} may not be read by our user.",
            "let the PBX write for its group: UMask=0007 in asterisk.service, chmod -R g+rX on the folder; "
            + _join_group(folder),
        )


def _is_readable(descriptor: int, name: str) -> bool:
    """Whether a file can be opened and read; one that is gone or no plain file is not the rights' fault."""
    try:
        with open_plain(descriptor, name) as file:
            file.read(1)
    except NoRight:
        return False
    except OSError:
        return True
    return True


def _deleting(folder: Path, descriptor: int) -> Iterator[Finding]:
    """Make a file of our own and remove it."""
    name = f"{PROBE_PREFIX}{os.getpid()}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o600, dir_fd=descriptor))
        os.unlink(name, dir_fd=descriptor)
    except OSError as failure:
        with suppress(OSError):
            os.unlink(name, dir_fd=descriptor)
        yield _undeletable(folder, failure)
        return
    about = os.fstat(descriptor)
    if about.st_mode & stat.S_ISVTX and os.geteuid() not in (0, about.st_uid):
        yield _fault(
            f"The recording folder {folder} has the sticky bit: only their owner may delete the files.",
            f"chmod -t {folder}",
        )


def _undeletable(folder: Path, failure: OSError) -> Finding:
    match failure.errno:
        case errno.EROFS:
            return _fault(f"The recording folder {folder} is mounted read-only.", "mount it for writing")
        case errno.ENOSPC | errno.EDQUOT:
            return _fault(
                f"The disk of the recording folder {folder} is full.",
                "free space there; the PBX can record nothing either",
            )
        case errno.EACCES | errno.EPERM:
            return _fault(
                f"Our user may not delete files in {folder}.", f"chmod g+rwxs {folder}; {_join_group(folder)}"
            )
        case _:
            reason = os.strerror(failure.errno or 0)
            return _fault(f"A file could not be made and removed in {folder}: {reason}.", "check the disk")


def _who_we_are(folder: Path, descriptor: int) -> Iterator[Finding]:
    about = os.fstat(descriptor)
    if os.geteuid() == 0:
        yield Finding(
            weight=Weight.ADVICE,
            problem="This runs as root, who may do everything, so nothing is proved about the gateway's user.",
            remedy="run it as a user of its own who is in the PBX's group",
        )
    if about.st_mode & stat.S_IRWXO:
        yield Finding(
            weight=Weight.ADVICE,
            problem=f"Every user of this machine may look into the recording folder {folder}.",
            remedy=f"chmod o-rwx {folder}",
        )


def _join_group(folder: Path) -> str:
    try:
        group = grp.getgrgid(folder.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "asterisk"
    return f"put our user into the folder's group: usermod -aG {group} trunkline, then restart the gateway"


def _fault(problem: str, remedy: str) -> Finding:
    return Finding(weight=Weight.FAULT, problem=problem, remedy=remedy)
