"""Phones without persons: the asyncio side of `exchange.phone_process`, for demonstration and simulation.

Each phone is a process, because its SIP library must own one. Nothing here waits on a clock but where an argument
says so; what a phone sees comes as `PhoneEvent`s in the order in which it saw them, and a call object keeps them.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import unquote

from exchange.phone_calls import PhoneCall, PhoneEvent
from gateway.domain.errors import GatewayError, GiveUp, TryAgain

_Value = TypeVar("_Value")

LOOPBACK = "127.0.0.1"
START_SECONDS = 20.0
ANSWER_SECONDS = 10.0
REGISTRATION_SECONDS = 5.0
END_SECONDS = 5.0
CALLS_OF_A_PHONE = 4
"""The library's limit for a process."""


class NoPhones(GiveUp, ImportError):
    """Phones of our own need pjsua2-python, whose wheels are for Linux on x86-64 (glibc), macOS and Windows; use
    Asterisk on this machine."""


class PhoneFailed(TryAgain, RuntimeError):
    """A phone of our own did not do what it was told."""


class LoopbackPhone(asyncio.SubprocessProtocol):
    """A phone that does what it is told.

    Attributes:
        user: Its extension, or the name of the provider whose switch it is.
        arrived: Calls that came, in order; whoever scripts the phone takes them from here.
        address: Host and port of its own socket.
    """

    def __init__(self, user: str, address: tuple[str, int]) -> None:
        """Made by `open_phone` alone."""
        self.user, self.address = user, address
        self.arrived: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._calls: dict[int, PhoneCall] = {}
        self._answers: dict[int, asyncio.Future[dict[str, object]]] = {}
        self._orders = 0
        loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = loop.create_future()
        self._registration: asyncio.Future[int] = loop.create_future()
        self._gone = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None
        self._unread = b""

    async def register(self, *, on: bool = True) -> None:
        """Register, or take the registration back.

        Raises:
            PhoneFailed: it was refused, or nobody answered.
        """
        self._registration = asyncio.get_running_loop().create_future()
        await self.order("register", on=on)
        try:
            async with asyncio.timeout(REGISTRATION_SECONDS):
                code = await self._registration
        except TimeoutError:
            raise PhoneFailed(f"phone {self.user}: nobody answered its registration") from None
        if code != 200:
            raise PhoneFailed(f"phone {self.user}: its registration was answered with {code}")

    async def dial(
        self, to: str, *, caller: str = "", name: str = "", play: Path | None = None, again: bool = False
    ) -> PhoneCall:
        """Place a call.

        Args:
            to: extension, DID or number.
            caller: number to show; empty: its own.
            name: name to show with it.
            play: what is spoken as soon as there is sound.
            again: from the beginning each time it is over.

        Raises:
            PhoneFailed: the phone could not even try (it has four calls).
        """
        spoken = None if play is None else str(play)
        answer = await self.order("dial", to=to, caller=caller, name=name, play=spoken, again=again)
        return self._calls.setdefault(cast(int, answer["call"]), PhoneCall(self, cast(int, answer["call"])))

    async def order(self, do: str, **words: object) -> dict[str, object]:
        """Send a command and wait for its answer.

        Raises:
            PhoneFailed: it could not be done, or the process is gone.
        """
        if self._gone.is_set():
            raise PhoneFailed(f"phone {self.user}: its process ended")
        self._orders += 1
        number, answer = self._orders, asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._write({"id": number, "do": do, **words})
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                result: dict[str, object] = await answer
        except TimeoutError:
            raise PhoneFailed(f"phone {self.user} does not answer") from None
        finally:
            self._answers.pop(number, None)
        if "error" in result:
            raise PhoneFailed(f"phone {self.user} could not {do}: {result['error']}")
        return result

    async def begin(self, told: dict[str, object]) -> None:
        """Wait until its library runs.

        Raises:
            PhoneFailed: it does not start.
        """
        self._write(told)
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._begun
        except TimeoutError:
            raise PhoneFailed(f"phone {self.user} does not start") from None

    def kill(self) -> None:
        """End the process at once, as a failure would."""
        if self._transport is not None and not self._gone.is_set():
            self._transport.kill()

    async def close(self) -> None:
        """Hang up everything and end the process."""
        if self._transport is None:
            return
        cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            self._transport.kill()
            await self._gone.wait()
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the process."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Read what the process wrote."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def process_exited(self) -> None:
        """Tell everybody who waits, and end the calls that nobody else will."""
        self._gone.set()
        fault = PhoneFailed(f"phone {self.user}: its process ended")
        _fail(self._begun, fault)
        _fail(self._registration, fault)
        for answer in self._answers.values():
            _fail(answer, fault)
        for call in self._calls.values():
            if not call.is_over:
                call.note(PhoneEvent(kind="ended", at=0.0, code=0))

    def _hear(self, line: dict[str, object]) -> None:
        if "id" in line:
            if answer := self._answers.get(cast(int, line["id"])):
                answer.set_result(line)
            return
        code, at = cast(int, line.get("code", 0)), cast(float, line["at"])
        match line["event"]:
            case "ready":
                self._begun.set_result(None)
            case "failed":
                self._begun.set_exception(PhoneFailed(f"phone {self.user} does not start: {line['reason']}"))
            case "registered":
                if not self._registration.done():
                    self._registration.set_result(code)
            case "incoming":
                caller, dialled = _user_of(str(line["caller"])), _user_of(str(line["dialled"]))
                call = PhoneCall(self, cast(int, line["call"]), caller=caller, dialled=dialled)
                self._calls[call.number] = call
                self.arrived.put_nowait(call)
            case kind:
                number = cast(int, line["call"])
                call = self._calls.setdefault(number, PhoneCall(self, number))
                call.note(PhoneEvent(kind=str(kind), at=at, code=code))

    def _write(self, line: dict[str, object]) -> None:
        assert self._transport is not None
        pipe = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        pipe.write(json.dumps(line).encode() + b"\n")


def check_phones() -> None:
    """Whether phones can be had on this machine.

    Raises:
        NoPhones: they cannot.
    """
    if find_spec("pjsua2") is None:
        raise NoPhones


def free_port(host: str = LOOPBACK) -> int:
    """A UDP port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def open_phone(
    *, user: str, server: tuple[str, int], secret: str | None = None, host: str = LOOPBACK, port: int | None = None
) -> AsyncIterator[LoopbackPhone]:
    """Run a phone for as long as the block lasts.

    Args:
        user: its extension; for a provider's switch a name.
        server: host and port of the SIP server.
        secret: its password; None: a provider's switch, which is not asked for one.
        host: loopback address of its own socket.
        port: port of its own socket; None: a free one.

    Yields:
        The phone, not registered yet.

    Raises:
        NoPhones: they cannot be had on this machine.
        PhoneFailed: it does not start.
    """
    check_phones()
    phone = LoopbackPhone(user, (host, port or free_port(host)))
    told: dict[str, object] = {
        "user": user,
        "secret": secret,
        "host": host,
        "port": phone.address[1],
        "server_host": server[0],
        "server_port": server[1],
    }
    root = str(Path(__file__).parent.parent)
    await asyncio.get_running_loop().subprocess_exec(
        lambda: phone,
        *(sys.executable, "-m", "exchange.phone_process"),
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for whoever runs it, who ends it in order
    )
    try:
        await phone.begin(told)
        yield phone
    finally:
        with suppress(GatewayError, OSError):
            await phone.close()


def _fail(waiting: asyncio.Future[_Value], fault: PhoneFailed) -> None:
    """Let whoever waits have the fault; nobody may be waiting."""
    if not waiting.done():
        waiting.set_exception(fault)
        waiting.exception()


def _user_of(address: str) -> str:
    """The user of a SIP address as the library writes it: `"Name" <sip:101@host>`."""
    found = address.rpartition("<")[2].partition("sip:")[2]
    return unquote(found.partition("@")[0].partition(";")[0]) if "@" in found else ""
