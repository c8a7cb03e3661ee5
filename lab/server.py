"""One running lab Asterisk with folders and ports of its own; any number of them side by side.

`open_asterisk` writes the configuration from `lab/conf` and copies beside it the very files of
`deploy/asterisk` that a real site installs, so whatever is wrong in those shows here first. All paths are
the same inside and outside the chroot, because the instance's folder is bound there under its own name.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.chroot import AsteriskHome, ensure_asterisk
from lab.console import Console
from lab.errors import LabTimeoutError, ServerFailed
from lab.ports import free_port, sound_ports

TEMPLATES = Path(__file__).parent / "conf"
SUPPLIED = Path(__file__).parent.parent / "deploy" / "asterisk"
BOOT_SECONDS = 60.0
STOP_SECONDS = 10.0
RTP_PORTS = 400
"""Enough for 100 calls of two legs, each with RTP and RTCP."""

MANAGERS = ("100", "101", "102")
"""The extensions of the lab's office; each has an endpoint of the same name."""
MANAGER_CONTEXT = "from-managers"
"""Where click-to-call sends a manager's leg to dial the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The loopback ports of one instance.

    Attributes:
        sip: Where Asterisk listens for phones and the trunk (UDP).
        ami: Where its manager interface listens (TCP).
        http: Where its web server listens, for ARI and browsers' phones (TCP).
        trunk: Where Asterisk expects the provider, so where the client's phone must listen (UDP).
        rtp_start: The first of `RTP_PORTS` ports for sound (UDP).
    """

    sip: int
    ami: int
    http: int
    trunk: int
    rtp_start: int


def free_ports() -> Ports:
    """Ports that nobody else takes while this process lives (`lab.ports`)."""
    return Ports(sip=free_port(), ami=free_port(), http=free_port(), trunk=free_port(), rtp_start=sound_ports())


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerAccount:
    """A user of the manager interface: name and secret."""

    user: str
    secret: str


class AsteriskServer:
    """A lab Asterisk and what a gateway must know to work with it.

    Attributes:
        directory: Holds etc, log, spool, run, db and recordings of this instance.
        ports: Where it listens.
        systemname: The prefix of its uniqueids.
        gateway: The manager account with the rights of a real site.
        observer: The manager account that may do everything; for tests only.
        phone_secret: The SIP password of every manager's phone.
        journal: The call journal, written as calls go on.
        recordings: Folder of the `-rx.wav`, `-tx.wav` and `.done` files.
    """

    def __init__(self, directory: Path, home: AsteriskHome, ports: Ports, systemname: str, readers_gid: int) -> None:
        """Take the parameters of `open_asterisk`; nothing is started yet."""
        self.directory = directory.absolute()
        self.home = home
        self.ports = ports
        self.systemname = systemname
        self.gateway = ManagerAccount(user="trunkline", secret=secrets.token_urlsafe(18))
        self.observer = ManagerAccount(user="observer", secret=secrets.token_urlsafe(18))
        self.phone_secret = secrets.token_urlsafe(12)
        self.journal = self.directory / "log/cel-custom/trunkline.csv"
        self.recordings = self.directory / "recordings"
        self._readers_gid = readers_gid
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running Asterisk."""
        return self._running().pid

    def prepare(self) -> None:
        """Write the configuration and make the folders, with the rights a real site gives them."""
        for name in ("etc", "log/cel-custom", "spool/recording", "run", "db", "recordings"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        values = self._values()
        for source in (*TEMPLATES.glob("*.conf"), *SUPPLIED.glob("*.conf")):
            (self.directory / "etc" / source.name).write_text(render(source.read_text(), values))
        if os.geteuid() == 0:
            self._hand_over()

    def start(self) -> None:
        """Start Asterisk and wait until it is fully booted.

        Raises:
            ServerFailed: It ended at once.
            LabTimeoutError: It was not ready within a minute.
        """
        options = ("-f", "-n", "-C", str(self.directory / "etc/asterisk.conf"))
        with (self.directory / "log/console.txt").open("ab") as output:
            self._process = subprocess.Popen(
                self.home.command(self.directory, *options),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o027,
                env=os.environ | self.environment(),
                start_new_session=True,  # Ctrl-C is for us; we stop it in order
            )
        self._wait_until_booted()

    def environment(self) -> dict[str, str]:
        """What Asterisk's process finds in its environment beside ours; a site of its own kind adds to it."""
        return {}

    def stop(self) -> None:
        """Ask Asterisk to end, and end it if it does not; nothing happens when it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End Asterisk by SIGKILL, as a crash would."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop Asterisk if it still runs, and start it again on the same folders and ports."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop the process from running (SIGSTOP): it stays connected and answers nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process run again."""
        self._running().send_signal(signal.SIGCONT)

    def console(self) -> Console:
        """Open a manager session as the observer; use it in a `with` statement."""
        return Console(self.ports.ami, self.observer.user, self.observer.secret)

    def command(self, text: str) -> str:
        """Run a console command, for example `core show channels`, and give its output."""
        with self.console() as console:
            return console.command(text)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise ServerFailed(f"the lab Asterisk is not running; its logs are in {self.directory / 'log'}")
        return self._process

    def _values(self) -> dict[str, str]:
        return {
            "DIRECTORY": str(self.directory),
            "MODULES": str(self.home.modules),
            "RECORDINGS": str(self.recordings),
            "SYSTEMNAME": self.systemname,
            "SIP_PORT": str(self.ports.sip),
            "AMI_PORT": str(self.ports.ami),
            "HTTP_PORT": str(self.ports.http),
            "TRUNK_PORT": str(self.ports.trunk),
            "RTP_START": str(self.ports.rtp_start),
            "RTP_END": str(self.ports.rtp_start + RTP_PORTS - 1),
            "AMI_USER": self.gateway.user,
            "AMI_SECRET": self.gateway.secret,
            "OBSERVER_USER": self.observer.user,
            "OBSERVER_SECRET": self.observer.secret,
            "PHONE_SECRET": self.phone_secret,
        }

    def _hand_over(self) -> None:
        """Give the folders to Asterisk's user, and what the gateway reads to the readers' group."""
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, self.home.uid, self.home.gid)
        for folder, mode in ((self.journal.parent, 0o2750), (self.recordings, 0o2770)):
            os.chown(folder, self.home.uid, self._readers_gid)
            folder.chmod(mode)

    def _wait_until_booted(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            self._running()
            try:
                with self.console() as console:
                    console.wait_event("FullyBooted", deadline - time.monotonic())
                    return
            except OSError:
                time.sleep(0.05)
        raise LabTimeoutError(f"Asterisk was not ready in {BOOT_SECONDS:.0f} s; its logs are in {self.directory}")


def render(template: str, values: Mapping[str, str]) -> str:
    """Put the values into a configuration text, where each stands as `@NAME@`.

    Raises:
        ServerFailed: The text has a name that no value was given for.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in values:
            raise ServerFailed(f"a lab template asks for @{name}@; known are {', '.join(sorted(values))}")
        return values[name]

    return re.sub(r"@([A-Z][A-Z_]*)@", value, template)


@contextmanager
def open_asterisk(
    directory: Path,
    *,
    home: AsteriskHome | None = None,
    ports: Ports | None = None,
    systemname: str = "pbx1",
    readers_gid: int | None = None,
) -> Iterator[AsteriskServer]:
    """Run a lab Asterisk for as long as the block lasts.

    Args:
        directory: Where its folders go; journal and recordings stay there afterwards.
        home: Which Asterisk to run; None means `ensure_asterisk()`, which may take a minute once.
        ports: Where it listens; None means free ports.
        systemname: The prefix of its uniqueids; different for each PBX of one gateway.
        readers_gid: The group that may read the journal and read and delete recordings; None means
            our own. It has an effect only for root.

    Yields:
        The running server, fully booted.
    """
    server = AsteriskServer(
        directory,
        home or ensure_asterisk(),
        ports or free_ports(),
        systemname,
        os.getegid() if readers_gid is None else readers_gid,
    )
    server.prepare()
    try:
        server.start()
        yield server
    finally:
        server.stop()
