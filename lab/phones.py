"""Scripted phones for the lab: managers' phones that register, and the client's side of the trunk.

Each phone is a process (`phone_worker.py`) because the SIP library must own its process; this is the
asyncio front. It needs no task of its own: the pipe's callbacks settle whoever waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import cast

from lab.errors import LabTimeoutError, PhoneFailed
from lab.phone_calls import WAIT_SECONDS, PhoneCall
from lab.server import AsteriskServer, free_ports

REGISTRATION_SECONDS = 10.0
CLIENT = "79161234567"
"""The number that the client's phone shows unless told otherwise."""


class Codec(StrEnum):
    """What a phone speaks (the name of RFC 3551)."""

    MU_LAW = "PCMU"
    A_LAW = "PCMA"
    G722 = "G722"


class Phone(asyncio.SubprocessProtocol):
    """A phone under our control.

    Attributes:
        user: The extension, or the client's number.
        calls: Every call it has had, by number.
    """

    def __init__(self, user: str) -> None:
        """Made by `open_phone` alone."""
        self.user = user
        self.calls: dict[int, PhoneCall] = {}
        self._transport: asyncio.SubprocessTransport | None = None
        self._orders = 0
        self._answers: dict[int, asyncio.Future[dict[str, object]]] = {}
        self._arrived: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._registered: asyncio.Future[int] | None = None
        self._is_registered = False
        self._ready = asyncio.Event()
        self._gone = asyncio.Event()
        self._unread = b""

    @property
    def pid(self) -> int:
        """The phone's process."""
        assert self._transport is not None
        return self._transport.get_pid() or 0

    async def register(self) -> None:
        """Register at the PBX.

        Raises:
            PhoneFailed: The PBX refused.
        """
        code = await self._registration(on=True)
        if code != 200:
            raise PhoneFailed(f"phone {self.user}: the PBX refused the registration with status {code}")
        self._is_registered = True

    async def unregister(self) -> None:
        """Take the registration back, as a phone that is switched off would."""
        self._is_registered = False
        await self._registration(on=False)

    async def script(
        self,
        *,
        answer_after: float | None = None,
        refuse_with: int | None = None,
        hang_up_after: float | None = None,
        play: Path | None = None,
    ) -> None:
        """Say what the phone does by itself; without arguments it lets calls ring.

        Args:
            answer_after: Seconds of ringing before it answers; None means never.
            refuse_with: SIP status to refuse with at once (486, 603); None means do not refuse.
            hang_up_after: Seconds of every connected call, placed ones too, before it hangs up.
            play: A file to play from the answer on.
        """
        path = None if play is None else str(play)
        await self.order(
            "script",
            answer_after=answer_after,
            refuse_with=refuse_with,
            hang_up_after=hang_up_after,
            play=path,
        )

    async def dial(
        self,
        to: str,
        *,
        caller: str | None = None,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
        play: Path | None = None,
    ) -> PhoneCall:
        """Place a call.

        Args:
            to: Extension, DID or number.
            caller: What to show as our number, any text (line breaks are sent percent-encoded, as an
                attacker would); None leaves it as it is.
            name: What to show as our name with `caller`; None for no name.
            headers: Further SIP headers of the INVITE, as a provider sends them (Privacy, P-Asserted-Identity).
            play: A file to play as soon as there is sound.

        Returns:
            The call, which may not even ring yet.
        """
        path = None if play is None else str(play)
        answer = await self.order("dial", to=to, caller=caller, name=name, headers=dict(headers or {}), play=path)
        return self._call(cast(int, answer["call"]))

    async def next_call(self, seconds: float = WAIT_SECONDS) -> PhoneCall:
        """Wait for the next call that arrives.

        Raises:
            LabTimeoutError: None came in time.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._arrived.get()
        except TimeoutError:
            raise LabTimeoutError(f"phone {self.user}: no call came in {seconds:.1f} s") from None

    def forget_arrived(self) -> None:
        """Forget calls that came and that nobody waited for."""
        while not self._arrived.empty():
            self._arrived.get_nowait()

    async def order(self, do: str, **fields: object) -> dict[str, object]:
        """Send a command to the phone's process and wait for its answer.

        Raises:
            PhoneFailed: The phone could not do it, or its process is gone.
        """
        self._orders += 1
        number = self._orders
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._write({"id": number, "do": do, **fields})
        result: dict[str, object] = await answer
        if "error" in result:
            raise PhoneFailed(f"phone {self.user} could not {do}: {result['error']}")
        return result

    async def ready(self) -> None:
        """Wait until the process has started its SIP library."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._ready.wait()

    async def close(self) -> None:
        """Hang up everything and end the process; a process that is gone is only cleared away."""
        if self._transport is None:
            return
        if not self._gone.is_set():
            await self._end_process(self._transport)
        self._transport.close()

    async def _end_process(self, transport: asyncio.SubprocessTransport) -> None:
        if self._is_registered:
            with suppress(TimeoutError, PhoneFailed):  # the PBX may have been killed
                await self.unregister()
        cast(asyncio.WriteTransport, transport.get_pipe_transport(0)).close()
        try:
            async with asyncio.timeout(5.0):
                await self._gone.wait()
        except TimeoutError:
            transport.kill()
            await self._gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the process's transport."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Read the lines the process wrote."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def process_exited(self) -> None:
        """Fail whoever still waits for an answer."""
        self._gone.set()
        for answer in self._answers.values():
            answer.set_exception(PhoneFailed(f"phone {self.user}: its process ended"))
        self._answers.clear()

    def _hear(self, line: dict[str, object]) -> None:
        if "id" in line:
            self._answers.pop(cast(int, line["id"])).set_result(line)
        elif line["event"] == "ready":
            self._ready.set()
        elif line["event"] == "registered":
            if self._registered is not None and not self._registered.done():
                self._registered.set_result(cast(int, line["code"]))
        else:
            call = self._call(cast(int, line["call"]))
            call.note(line)
            if line["event"] == "incoming":
                self._arrived.put_nowait(call)

    def _call(self, number: int) -> PhoneCall:
        return self.calls.setdefault(number, PhoneCall(self.user, number, self.order))

    def _write(self, line: dict[str, object]) -> None:
        if self._transport is None or self._gone.is_set():
            raise PhoneFailed(f"phone {self.user}: its process ended")
        pipe = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        pipe.write(json.dumps(line).encode() + b"\n")

    async def _registration(self, *, on: bool) -> int:
        self._registered = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(REGISTRATION_SECONDS):
            await self.order("register", on=on)
            return await self._registered


@asynccontextmanager
async def open_phone(
    *, user: str, pbx_port: int, secret: str | None = None, codec: Codec = Codec.MU_LAW, port: int | None = None
) -> AsyncIterator[Phone]:
    """Run a phone for as long as the block lasts.

    Args:
        user: The extension or number it shows.
        pbx_port: The PBX's SIP port on 127.0.0.1.
        secret: Its SIP password; None for a phone that is not asked for one.
        codec: The one codec it speaks; managers' phones in the lab speak mu-law, the trunk A-law.
        port: Its own SIP port; None for a free one.

    Yields:
        The phone, ready but not registered.
    """
    settings = {
        "user": user,
        "secret": secret,
        "codec": codec,
        "port": port or free_ports().sip,
        "pbx_port": pbx_port,
    }
    phone = Phone(user)
    worker = [sys.executable, "-m", "lab.phone_worker", json.dumps(settings)]
    root = str(Path(__file__).parent.parent)
    await asyncio.get_running_loop().subprocess_exec(
        lambda: phone, *worker, cwd=root, env={**os.environ, "PYTHONPATH": root}, stderr=None, start_new_session=True
    )
    try:
        await phone.ready()
        yield phone
    finally:
        await phone.close()


@asynccontextmanager
async def open_manager_phone(server: AsteriskServer, extension: str) -> AsyncIterator[Phone]:
    """Run the registered phone of one of the lab's managers (`MANAGERS`)."""
    async with open_phone(user=extension, pbx_port=server.ports.sip, secret=server.phone_secret) as phone:
        await phone.register()
        yield phone


@asynccontextmanager
async def open_client_phone(server: AsteriskServer, number: str = CLIENT) -> AsyncIterator[Phone]:
    """Run the phone behind the trunk: it calls DIDs, and every call out of the office arrives at it."""
    ports = server.ports
    async with open_phone(user=number, pbx_port=ports.sip, codec=Codec.A_LAW, port=ports.trunk) as phone:
        yield phone
