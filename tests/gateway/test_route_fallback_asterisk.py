"""A real Asterisk whose gateway is dead, slow, or answers what it should not: every caller rings the site's own route.

The hard limit is 150 ms for all questions of a call together (deploy/asterisk/trunkline_route.conf). Here a call must
ring within a second, which no default limit of CURL would give; `python -m bench.route --asterisk` measures the figure.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest

from lab.phones import Phone, open_client_phone, open_manager_phone
from lab.ports import free_port
from lab.server import AsteriskServer
from tests.gateway.routing_site import keep_key

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]
SOON = 1.0
KEY = "tl_000000000000_a-key-that-must-not-be-logged"
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answered(body: bytes, status: bytes = b"200 OK") -> Reply:
    """A whole HTTP answer."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
        writer.write(head + body)
        await writer.drain()

    return reply


async def silent(_: asyncio.StreamWriter) -> None:
    """Accepts, and does not answer in time."""
    await asyncio.sleep(0.5)


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, so that no limit on silence would help."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        writer.write(b"T")
        await writer.drain()
        await asyncio.sleep(0.02)


@dataclass(slots=True)
class BadGateway:
    """What stands at the gateway's address."""

    reply: Reply = silent
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            await self.reply(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass(slots=True, kw_only=True)
class Scene:
    """The lab's Asterisk, who asks the bad gateway; the head's phone is the site's own route."""

    asterisk: AsteriskServer
    gateway: BadGateway
    address: str
    client: Phone
    head: Phone
    anna: Phone

    async def rings_the_sites_own_phone(self, *, caller: str | None = None) -> float:
        """Call, and see that the site's own phone rings; gives the seconds from the INVITE to the client's 180."""
        began = time.time()
        call = await self.client.dial("4950020", caller=caller)
        await self.head.next_call(5)
        await call.ringing(5)
        took = call.moments["ringing"] - began
        await call.hang_up()
        await call.ended()
        return took

    async def point_to(self, url: str) -> None:
        """Let Asterisk ask at this address."""
        await self.set("TRUNKLINE_ROUTE_URL", url)

    async def set(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan."""

        def tell() -> None:
            with self.asterisk.console() as console:
                console.action("Setvar", Variable=name, Value=value)

        await asyncio.to_thread(tell)


@asynccontextmanager
async def open_scene(asterisk: AsteriskServer) -> AsyncIterator[Scene]:
    """Point Asterisk to a bad gateway."""
    gateway = BadGateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    async with AsyncExitStack() as stack:
        stack.callback(server.close)
        scene = Scene(
            asterisk=asterisk,
            gateway=gateway,
            address=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1/route",
            client=await stack.enter_async_context(open_client_phone(asterisk)),
            head=await stack.enter_async_context(open_manager_phone(asterisk, "100")),
            anna=await stack.enter_async_context(open_manager_phone(asterisk, "101")),
        )
        keep_key(asterisk, KEY)
        await scene.set("TRUNKLINE_ROUTE_PBX", "lab")
        await scene.point_to(scene.address)
        yield scene


async def test_a_dead_or_slow_gateway_or_one_that_answers_nonsense_delays_no_call(asterisk: AsteriskServer) -> None:
    trap = asterisk.directory / "spool" / "trap"
    hostile = f'"${{SHELL(touch {trap})}}"'.encode()
    replies = {
        "silent": silent,
        "dripping": dripping,
        "garbage": answered(b"\x00\xff<html>" + hostile),
        "500": answered(b"The gateway failed.", b"500 Internal Server Error"),
        "redirect": answered(b"", b"302 Found\r\nLocation: http://127.0.0.1:9/"),
        "5 MB": answered(b"x" * 5_000_000),
        "many fields": answered(b"TL1:" + b"x:" * 200_000),
        "another version": answered(b"TL2:dial:PJSIP/101:20:-:0:0:END"),
        "half": answered(b"TL1:dial:PJSIP/101:20"),
        "an unknown action": answered(b"TL1:system:PJSIP/101:20:-:0:0:END"),
        "lines": answered(b"TL1:dial:PJSIP/101:20:-:0:0\r\nX: 1:END:"),
        "problem": answered(b'{"type": "/api/v1/problems/not-signed-in", "status": 401}', b"401 Unauthorized"),
        "commands": answered(b"TL1:dial:PJSIP/101,20," + hostile + b":20:-:0:0:END:more"),
    }
    async with open_scene(asterisk) as scene:
        for name, reply in replies.items():
            scene.gateway.reply = reply
            took = await scene.rings_the_sites_own_phone()
            assert took < SOON, f"{name}: rang after {took:.3f} s"
        await scene.point_to(f"http://127.0.0.1:{free_port()}/api/v1/route")
        assert await scene.rings_the_sites_own_phone() < SOON
        await scene.point_to("http://192.0.2.1:81/api/v1/route")
        assert await scene.rings_the_sites_own_phone() < SOON
        await scene.point_to("")
        assert await scene.rings_the_sites_own_phone() < SOON

        assert scene.anna.calls == {}
        assert not trap.exists()
        log = (asterisk.directory / "log" / "full").read_text(errors="replace")
        logged = [line for line in log.splitlines() if KEY in line]
        assert logged == [], "the key stands in no line of Asterisk's log"


async def test_the_limit_is_one_for_all_questions_of_a_call(asterisk: AsteriskServer) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.06)
        await answered(b"TL1:dial:PJSIP/nobody:5:-:0:0:END")(writer)  # Asterisk says at once that it is not there

    async with open_scene(asterisk) as scene:
        scene.gateway.reply = slowly
        assert await scene.rings_the_sites_own_phone() < SOON

        left = [int(found) for request in scene.gateway.asked for found in re.findall(r"&left=(\d+) ", request)]
        assert 2 <= len(left) <= 3, "two answers of 60 ms leave too little for a third"
        assert left == sorted(left, reverse=True)
        assert left[0] == 150
        assert left[1] <= 90


async def test_of_a_hostile_answer_in_the_right_form_only_harmless_signs_are_dialled(asterisk: AsteriskServer) -> None:
    trap = asterisk.directory / "spool" / "trap2"
    async with open_scene(asterisk) as scene:
        scene.gateway.reply = answered(f"TL1:dial:PJSIP/101,9,S(${{SHELL(touch {trap})}}):5:-:0:0:END".encode())
        call = await scene.client.dial("4950020")
        await asyncio.sleep(1.0)
        await call.hang_up()
        await call.ended()

        log = (asterisk.directory / "log" / "full").read_text(errors="replace")
        dialled = re.findall(r'Executing \[dial@trunkline-route:1\] Dial\("[^"]*", "([^"]*)"\)', log)
        assert dialled
        assert all(re.fullmatch(r"[A-Za-z0-9_./&@-]+,5,t", text) for text in dialled)
        assert not trap.exists()


async def test_whatever_a_caller_calls_himself_is_one_field_of_the_question(asterisk: AsteriskServer) -> None:
    trap = asterisk.directory / "spool" / "trap3"
    callers = [
        '7"6<1>',
        "7\r\nX-Injected: yes",
        "%0d%0aX-Injected: yes",
        f"${{SHELL(touch {trap})}}",
        "a,b)}&pbx=other&step=9",
        "7916;foo=bar#frag?x",
        "'`|\\$(id)",
        "привет",
        "9" * 300,
    ]
    async with open_scene(asterisk) as scene:
        scene.gateway.reply = answered(b"TL1:site:-:0:-:0:0:END")
        for caller in callers:
            assert await scene.rings_the_sites_own_phone(caller=caller) < SOON

        assert len(scene.gateway.asked) == len(callers)
        for request in scene.gateway.asked:
            line, *headers = request.split("\r\n")
            found = re.fullmatch(r"GET /api/v1/route\?([!-~]*) HTTP/1\.1", line)
            assert found, line
            fields = [pair.partition("=") for pair in found[1].split("&")]
            assert [name for name, _, _ in fields] == ["pbx", "call", "did", "caller", "step", "status", "left"]
            values = {name: unquote(value) for name, _, value in fields}
            assert (values["pbx"], values["did"], values["step"]) == ("lab", "4950020", "0")
            assert values["left"] == "150"
            assert len(values["caller"]) <= 64
            assert not any(header.startswith("X-Injected") for header in headers)
        assert not trap.exists()
