"""Where the lab's Asterisk comes from: Debian's own package in a chroot, or one installed natively.

Debian 12 has no Asterisk package while Debian unstable carries the 22 LTS line, so a minimal unstable
system is unpacked beside the user's other caches and only Asterisk runs in it. It takes about a minute
once; afterwards it is checked by asking the program for its version, and built anew when that fails.
Unstable moves, therefore the folder's name carries the number of this recipe and not Debian's.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import BuildFailed, LabUnavailable

RECIPE = 2
"""Raised whenever the packages or the steps below change, so that older chroots are left behind."""

PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-ru",  # the written words of the prompts
    "asterisk-core-sounds-ru-wav",
    "asterisk-moh-opsound-wav",
    "unixodbc",
    "odbc-mariadb",  # a site's call journal in its own database (lab.freepbx)
)
OLDEST = 20
"""The oldest major version whose journal and manager events the gateway is written for."""

BUILD_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskHome:
    """One installed Asterisk: where its files are and how to start it.

    Attributes:
        root: The chroot, or `/` for a natively installed Asterisk.
        version: As the program tells it, for example `22.10.1`.
        uid: The numeric user Asterisk runs as; ours, when we are not root.
        gid: The numeric group of that user.
    """

    root: Path
    version: str
    uid: int
    gid: int

    @property
    def is_native(self) -> bool:
        """Tell whether this is the machine's own Asterisk."""
        return self.root == Path("/")

    @property
    def modules(self) -> Path:
        """The module folder as Asterisk sees it."""
        found = sorted((self.root / "usr/lib").glob("**/asterisk/modules"))
        if not found:
            raise LabUnavailable(f"no asterisk/modules folder under {self.root}/usr/lib; reinstall Asterisk")
        return Path("/") / found[0].relative_to(self.root)

    @property
    def sounds(self) -> Path:
        """The folder of prompt sets (`en_US_f_Allison`, `ru_RU_f_IvrvoiceRU`...), seen from outside."""
        return self.root / "usr/share/asterisk/sounds"

    def command(self, directory: Path, *arguments: str) -> list[str]:
        """Give the command line that runs Asterisk with `directory` visible under its own path.

        In a chroot the folder is bound in a mount namespace of that one process, so nothing stays
        mounted when the process is killed and several instances do not see each other. Where LAB_ZONE is set in
        the environment, that one process lives in that zone: Asterisk reads /etc/localtime and no TZ.

        Args:
            directory: The instance's folder, absolute.
            arguments: What follows `asterisk` on the command line.

        Returns:
            An argument list whose last program replaces the earlier ones (the pid stays), and which ends
            when the thread that started it ends, so that a killed test run leaves no Asterisk behind.
        """
        asterisk = ["setpriv", "--pdeathsig=TERM", "env", f"HOME={directory}", "asterisk", *arguments]
        if self.is_native:
            if os.geteuid() != 0:
                return asterisk
            user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
            return [*user, *asterisk]
        zone = '[ -z "$LAB_ZONE" ] || mount --bind "$3/usr/share/zoneinfo/$LAB_ZONE" "$3/usr/share/zoneinfo/Etc/UTC"'
        bind = f'(umask 022 && mkdir -p "$1") && mount --bind "$2" "$1" && {{ {zone}; }} && shift 3 && exec "$@"'
        inside = str(self.root) + str(directory)
        chroot = ["chroot", f"--userspec={self.uid}:{self.gid}", str(self.root)]
        return [
            "unshare",
            "--mount",
            "sh",
            "-c",
            bind,
            "sh",
            inside,
            str(directory),
            str(self.root),
            *chroot,
            *asterisk,
        ]


def default_cache() -> Path:
    """Give the folder that keeps the chroot between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "trunkline"


def ensure_asterisk(cache: Path | None = None) -> AsteriskHome:
    """Find a usable Asterisk, or build the chroot that holds one.

    Args:
        cache: Folder of the chroot; None means `default_cache()`.

    Returns:
        The machine's own Asterisk where it is new enough, else the one in the chroot.

    Raises:
        LabUnavailable: There is none and this user cannot make one.
        BuildFailed: debootstrap failed several times; the message names its log.
    """
    if native := native_asterisk():
        return native
    if os.geteuid() != 0:
        raise LabUnavailable(
            f"no Asterisk {OLDEST}+ on PATH, and only root can build one; run as root or install Asterisk"
        )
    folder = cache or default_cache()
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / f"asterisk-{RECIPE}"
    with _one_builder(folder / f"asterisk-{RECIPE}.lock"):
        if (home := _inspect(root)) is None:
            _build(root)
            home = _inspect(root)
    if home is None:
        raise BuildFailed(f"the chroot {root} was built but its asterisk does not start; remove it and retry")
    return home


def native_asterisk() -> AsteriskHome | None:
    """Find an Asterisk on PATH that is new enough; None if there is none."""
    program = shutil.which("asterisk")
    if program is None:
        return None
    version = _version([program, "-V"])
    if version is None or int(version.split(".")[0]) < OLDEST:
        return None
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and (account := _account(Path("/etc/passwd"))):
        uid, gid = account
    return AsteriskHome(root=Path("/"), version=version, uid=uid, gid=gid)


@contextmanager
def _one_builder(lock: Path) -> Iterator[None]:
    """Hold the lock that keeps two runs from building at once; the kernel frees it if we die."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _inspect(root: Path) -> AsteriskHome | None:
    """Look at a chroot by starting the program in it; None if it is absent or broken."""
    if not (root / "usr/sbin/asterisk").exists():
        return None
    version = _version(["chroot", str(root), "asterisk", "-V"])
    account = _account(root / "etc/passwd")
    if version is None or account is None:
        return None
    return AsteriskHome(root=root, version=version, uid=account[0], gid=account[1])


def _version(command: list[str]) -> str | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Asterisk (\d+\.\d+\.\d+)", answer.stdout)
    return found.group(1) if answer.returncode == 0 and found else None


def _account(passwd: Path) -> tuple[int, int] | None:
    """Read the numeric user and group of `asterisk` from a passwd file; None if it has none."""
    if not passwd.exists():
        return None
    for line in passwd.read_text().splitlines():
        fields = line.split(":")
        if fields[0] == "asterisk":
            return int(fields[2]), int(fields[3])
    return None


def _build(root: Path) -> None:
    """Build into a folder beside `root` and rename it, so that a half-built chroot is never used."""
    if shutil.which("debootstrap") is None:
        raise LabUnavailable("debootstrap is missing; type: apt install debootstrap")
    log = root.with_suffix(".log")
    for left in root.parent.glob(f"{root.name}-building-*"):
        _remove(left)  # of a build that was killed: the lock says that nobody builds now
    for _ in range(BUILD_ATTEMPTS):
        scratch = Path(tempfile.mkdtemp(prefix=f"{root.name}-building-", dir=root.parent))
        scratch.chmod(0o755)
        if _debootstrap(scratch, log):
            _remove(root)
            scratch.rename(root)
            return
        _remove(scratch)
    raise BuildFailed(f"debootstrap failed {BUILD_ATTEMPTS} times; its log is {log}")


def _debootstrap(scratch: Path, log: Path) -> bool:
    include = "--include=" + ",".join(PACKAGES)
    with log.open("w") as output:
        built = subprocess.run(
            ["debootstrap", "--variant=minbase", include, "sid", str(scratch)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if built.returncode != 0:
        return False
    for archive in (scratch / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()
    return _inspect(scratch) is not None


def _remove(folder: Path) -> None:
    """Delete a chroot; what is still mounted in it after a killed debootstrap is unmounted first."""
    if not folder.exists():
        return
    for inside in ("proc", "sys", "dev/pts", "dev/shm"):
        if (folder / inside).is_mount():
            subprocess.run(["umount", "--lazy", str(folder / inside)], check=True)
    shutil.rmtree(folder)
