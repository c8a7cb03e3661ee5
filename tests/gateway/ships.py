"""`trunkline ship` as a process of its own, as it runs on a PBX's host: a folder stands for the host."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.api.security import new_api_key
from gateway.domain.access import Right, Role
from gateway.store.access import issue_key
from gateway.store.database import Pool
from lab.ports import free_port
from tests.faults.plant import HOME as HOME


async def host_key(pool: Pool, pbx: str = "pbx1") -> str:
    """A key as `trunkline key add --pbx` issues it."""
    key_id, key, digest = new_api_key()
    await issue_key(
        pool,
        key_id=key_id,
        secret_digest=digest,
        name=f"host of {pbx}",
        role=Role.ADMIN,
        rights=[Right.JOURNAL_SHIP],
        pbx=pbx,
    )
    return key


def gateway_file(folder: Path, *, database: str, pbxs: tuple[str, ...] = ("pbx1",), more: str = "") -> Path:
    """The settings of a gateway whose PBXs are on other hosts."""
    file = folder / f"{free_port()}.toml"
    lines = [
        f'home = "{folder}/{HOME}"',
        f'database.url = "{database}"',
        f"http.port = {file.stem}",
        "transcription.enabled = false",
        "recordings.free_space_limit = 0",
        more,
    ]
    for name in pbxs:
        lines += [f"[pbx.{name}]", "journal.shipped = true", 'trunks = [{ endpoint = "trunk" }]']
    file.write_text("\n".join(lines))
    return file


@dataclass
class Host:
    """A PBX's host: a folder with a journal, recordings, a key and the file of `trunkline ship`."""

    folder: Path
    url: str
    key: str
    pbx: str = "pbx1"
    more: str = ""
    keep_days: int = 7
    kilobytes_per_second: int = 0
    within: tuple[str, ...] = ()
    """The command that runs its ships on another network."""
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recordings.mkdir(parents=True, exist_ok=True)
        self.key_file.write_text(self.key + "\n")
        self.key_file.chmod(0o600)
        self.write()

    @property
    def journal(self) -> Path:
        """Where its Asterisk writes."""
        return self.folder / "trunkline.csv"

    @property
    def recordings(self) -> Path:
        """Where its Asterisk records."""
        return self.folder / "monitor"

    @property
    def key_file(self) -> Path:
        """The key."""
        return self.folder / "ship.key"

    @property
    def config(self) -> Path:
        """What `trunkline ship` is told."""
        return self.folder / "ship.toml"

    @property
    def words(self) -> str:
        """Everything its ships have said."""
        log = self.folder / "ship.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def write(self) -> None:
        """Write the file."""
        self.config.write_text(
            f'[ship]\nurl = "{self.url}"\npbx = "{self.pbx}"\nkey_file = "ship.key"\njournal = "trunkline.csv"\n'
            f'{self.more}\n[ship.recordings]\nfolder = "monitor"\nkeep_days = {self.keep_days}\n'
            f"kilobytes_per_second = {self.kilobytes_per_second}\n"
        )

    def start(self) -> "subprocess.Popen[bytes]":
        """Start a ship."""
        command = [*self.within, sys.executable, "-m", "gateway", "ship", "--config", str(self.config)]
        with (self.folder / "ship.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def append(self, *rows: bytes) -> None:
        """As cel_custom does: open, write one row, close."""
        for row in rows:
            with self.journal.open("ab") as file:
                file.write(row + b"\n")

    def record(self, name: str, sound: bytes, *, sides: tuple[str, ...] = ("-rx.wav", "-tx.wav")) -> None:
        """As MixMonitor and its command do."""
        for side in sides:
            (self.recordings / f"{name}{side}").write_bytes(sound)
        (self.recordings / f"{name}.done").write_bytes(b"")

    def end(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


@contextlib.contextmanager
def a_host(folder: Path, *, port: int | str, key: str, pbx: str = "pbx1", **more: object) -> Iterator[Host]:
    """A host whose ships are ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    host = Host(folder, f"http://127.0.0.1:{port}", key, pbx, **more)  # type: ignore[arg-type]
    try:
        yield host
    finally:
        host.end()


async def ended(process: "subprocess.Popen[bytes]", seconds: float = 60.0) -> int:
    """Wait until it has ended; gives its code."""
    return await asyncio.to_thread(process.wait, seconds)


@dataclass
class CutLine:
    """A line between host and gateway that breaks after so many bytes; counts how often."""

    port: int = 0
    each: int | None = None
    cuts: int = 0


@contextlib.asynccontextmanager
async def cut_line(to: int, *, each: int | None) -> AsyncIterator[CutLine]:
    """A forwarder to a port of this machine whose connections break in the middle.

    Args:
        to: the port.
        each: bytes from the host after which a connection is reset; None: never.
    """
    line = CutLine(each=each)
    writers: set[asyncio.StreamWriter] = set()

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool) -> None:
        passed = 0
        while data := await source.read(4096):
            passed += len(data)
            if counted and line.each is not None and passed > line.each:
                line.cuts += 1
                return
            sink.write(data)
            await sink.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        writers.update((writer, back))
        ways = [
            asyncio.ensure_future(carry(reader, back, counted=True)),
            asyncio.ensure_future(carry(there, writer, counted=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, back):
                end.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)
