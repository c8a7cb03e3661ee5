"""A second site for the lab, with other habits than the first, and its people's phones: the stage of `lab.record`.

Where `lab/conf` is plain, `lab/conf2` has what grown sites have: Local queue members, ring groups, follow-me to a
mobile, a menu, a car park, voicemail, a conference, a browser twin of a desk phone, and two providers' lines.
"""

from __future__ import annotations

import asyncio
import os
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabTimeoutError, PhoneFailed
from lab.phone_calls import PhoneCall
from lab.phones import Codec, Phone, open_phone
from lab.server import AsteriskServer, free_ports, render

TEMPLATES = Path(__file__).parent / "conf2"
MANAGERS = "anna-desk=101,101-WS=101,102,100,103"
TRUNKS = "my-trunk-1,my-trunk-2"
CLIENT, CLIENT2, MOBILE, OUTSIDE = "79161234567", "79265554433", "79031112233", "79169998877"
SECOND_LINE = {"X-Line": "2"}
"""The header by which the PBX knows calls of the second line."""


class OfficeServer(AsteriskServer):
    """The lab's Asterisk with the configuration of the second site.

    Attributes:
        second_trunk: Where Asterisk expects the second provider (UDP).
    """

    second_trunk = 0

    def prepare(self) -> None:
        """Write the first site's configuration, then this one's over it."""
        self.second_trunk = self.second_trunk or free_ports().trunk
        super().prepare()
        values = self._values() | {"SECOND_TRUNK_PORT": str(self.second_trunk)}
        for source in TEMPLATES.glob("*.conf"):
            target = self.directory / "etc" / source.name
            target.write_text(render(source.read_text(), values))
            if os.geteuid() == 0:
                os.chown(target, self.home.uid, self.home.gid)

    def do(self, action: str, **fields: str) -> dict[str, str]:
        """Carry out one manager action and give its answer."""
        with self.console() as console:
            return console.action(action, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The server and everybody's phones.

    Attributes:
        outside: Behind the first line: clients call by it, and calls to the outside arrive at it.
        outside2: Behind the second line.
        desk: Anna's desk phone, extension 101.
        twin: Anna's browser, extension 101 too; registered only where a play says so.
        boris: Extension 102.
        head: The supervisor, extension 100.
        hum: A sound file.
        humming: Calls that play it.
    """

    server: OfficeServer
    hum: Path
    humming: list[PhoneCall] = field(default_factory=list)
    outside: Phone
    outside2: Phone
    desk: Phone
    twin: Phone
    boris: Phone
    head: Phone

    @property
    def phones(self) -> tuple[Phone, ...]:
        """All of them."""
        return (self.outside, self.outside2, self.desk, self.twin, self.boris, self.head)

    async def call(self, did: str, *, caller: str = CLIENT) -> PhoneCall:
        """A client calls by the first line."""
        return await self.outside.dial(did, caller=caller)

    async def answer(self, phone: Phone, after: float = 0.6) -> PhoneCall:
        """The next call of a phone, answered after some ringing."""
        call = await phone.next_call()
        await asyncio.sleep(after)
        await call.answer()
        await call.connected()
        return call

    async def press(self, call: PhoneCall, digits: str) -> None:
        """Press keys; the phone hums, for the library sends no keys on a stream on which it sends nothing else."""
        if call not in self.humming:
            self.humming.append(call)
            await call.play(self.hum)
            await asyncio.sleep(0.2)
        await call.dtmf(digits)

    async def do(self, action: str, **fields: str) -> dict[str, str]:
        """A manager action, as its answer comes."""
        return await asyncio.to_thread(self.server.do, action, **fields)

    async def command(self, text: str) -> str:
        """What a console command says."""
        return (await self.do("Command", Command=text)).get("Output", "")

    async def channel_of(self, name: str) -> str:
        """The newest channel of an endpoint."""
        lines = (await self.command("core show channels concise")).splitlines()
        found = [line.split("!")[0] for line in lines if line.startswith(f"PJSIP/{name}-")]
        return max(found)

    async def crash(self) -> None:
        """SIGKILL the PBX, start it again, and bring the phones back."""
        self.server.kill()
        for phone in self.phones:
            await _hang_up_all(phone)
        await asyncio.to_thread(self.server.start)
        await self.register()

    async def restart(self) -> None:
        """Stop the PBX in order, start it again, and bring the phones back."""
        await asyncio.to_thread(self.server.restart)
        await self.register()

    async def register(self) -> None:
        """Switch on the phones that are on unless a play says otherwise."""
        for phone in (self.desk, self.boris, self.head):
            await phone.register()

    async def quiet(self, seconds: float = 60.0) -> None:
        """Wait until no channel is left.

        Raises:
            LabTimeoutError: Some call goes on.
        """
        async with asyncio.timeout(seconds):
            while "0 active channels" not in await self.command("core show channels count"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)

    async def clear(self) -> None:
        """Let every phone ring again, and forget what came before; whatever still goes on is hung up."""
        for phone in self.phones:
            await _hang_up_all(phone)
        try:
            await self.quiet()
        except TimeoutError:
            raise LabTimeoutError("calls of the play before are still going on") from None
        for phone in self.phones:
            await phone.script()
            phone.forget_arrived()


def write_hum(path: Path, seconds: int = 20) -> Path:
    """A faint noise of 8 kHz, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x10\x00\xf0\xff" * (4000 * seconds))
    return path


async def _hang_up_all(phone: Phone) -> None:
    for call in list(phone.calls.values()):
        with suppress(PhoneFailed):  # it ended by itself meanwhile
            await call.hang_up()


async def open_stage_phone(stack: AsyncExitStack, server: OfficeServer, user: str, *, port: int | None = None) -> Phone:
    """Switch on one phone until the stack ends: a manager's, or at a port one behind a provider's line."""
    codec = Codec.MU_LAW if port is None else Codec.A_LAW
    secret = server.phone_secret if port is None else None
    return await stack.enter_async_context(
        open_phone(user=user, pbx_port=server.ports.sip, secret=secret, codec=codec, port=port)
    )


@asynccontextmanager
async def open_stage(server: OfficeServer) -> AsyncIterator[Stage]:
    """Switch on everybody's phone for as long as the block lasts."""
    async with AsyncExitStack() as stack:

        async def phone(user: str, port: int | None = None) -> Phone:
            return await open_stage_phone(stack, server, user, port=port)

        stage = Stage(
            server=server,
            hum=write_hum(server.directory / "hum.wav"),
            outside=await phone(CLIENT, server.ports.trunk),
            outside2=await phone(CLIENT2, server.second_trunk),
            desk=await phone("anna-desk"),
            twin=await phone("101-WS"),
            boris=await phone("102"),
            head=await phone("100"),
        )
        await stage.register()
        yield stage
