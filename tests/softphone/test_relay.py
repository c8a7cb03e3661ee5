"""Lines between pages and a PBX: who is connected, what becomes of calls when a page goes, and what is told to whom.

The PBX is a WebSocket server of the test's own; what it would do to calls is written down.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import WSMsgType, web

from gateway.domain.identity import call_id
from gateway.domain.softphone import Away, SoftphoneAccount, SoftphoneLeg
from gateway.softphones.messages import Message, read_message
from gateway.softphones.relay import PBX_GONE, TAKEN_OVER, Line, PbxAway, Place, Softphones, TooFast
from gateway.store.softphones import StoredSoftphone

ANNA = StoredSoftphone(pbx="main", endpoint="101-web", extension="101", user_id=17)
FELL_SILENT, GOES = 1006, 1001


@dataclass
class Pbx:
    """What is done to calls, and what stands."""

    done: list[str] = field(default_factory=list)
    standing: list[SoftphoneLeg] = field(default_factory=list)

    async def put(self, account: SoftphoneAccount) -> None:
        """Nobody asks here."""

    async def remove(self, endpoint: str) -> None:
        """Nobody asks here."""

    async def part(self, endpoint: str, away: Away) -> int:
        """Write it down."""
        self.done.append(f"part {endpoint} {away.wait.seconds}")
        return 1

    async def bring_back(self, endpoint: str) -> int:
        """Write it down."""
        self.done.append(f"bring back {endpoint}")
        return 1

    async def legs(self, endpoint: str) -> Sequence[SoftphoneLeg]:
        """As the test has it."""
        return self.standing


@dataclass
class Page:
    """A page: what it was sent, and how it was closed."""

    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    closed: list[int] = field(default_factory=list)

    async def send(self, text: str) -> None:
        """Write it down."""
        self.heard.put_nowait(text)

    async def close(self, code: int, reason: str) -> None:
        """Write it down."""
        self.closed.append(code)

    async def next(self) -> Message:
        """The next message it hears."""
        async with asyncio.timeout(10):
            message = read_message(await self.heard.get())
        assert message is not None
        return message


@dataclass
class Site:
    """Lines to a PBX of the test's own."""

    lines: Softphones
    pbx: Pbx
    sockets: list[web.WebSocketResponse]
    heard: asyncio.Queue[str]
    registered: list[float]

    async def attach(self, page: Page, *, page_id: str = "page-one", fresh: bool = True) -> Line:
        """Connect Anna's page."""
        line = await self.lines.attach(ANNA, page, page_id=page_id, fresh=fresh)
        while not self.sockets or self.sockets[-1].closed:
            await asyncio.sleep(0)
        return line

    async def say(self, text: str) -> None:
        """The PBX says something on the newest connection."""
        await self.sockets[-1].send_str(text)

    async def talk(self, line: Line, page: Page, dialog: str = "one") -> None:
        """A call is answered."""
        await self.say(message("INVITE", dialog))
        while (await page.next()).dialog != dialog:
            pass
        await self.lines.from_page(line, message("INVITE", dialog, status=200, of="page"))
        await self.heard_start("SIP/2.0 200")

    async def register(self, page: Page) -> None:
        """The PBX has registered the page."""
        await self.say(message("REGISTER", "r", status=200, contact="<sip:101-web@abc.invalid>;expires=60"))
        await page.next()

    async def heard_start(self, start: str) -> str:
        """The next message that the PBX hears and that begins so."""
        async with asyncio.timeout(10):
            while not (text := await self.heard.get()).startswith(start):
                pass
        return text

    async def until(self, *done: str) -> None:
        """Wait until the PBX has done all this, and see that it has done nothing else."""
        async with asyncio.timeout(10):
            while len(self.pbx.done) < len(done):
                await asyncio.sleep(0.01)
        assert self.pbx.done == list(done)


def message(
    method: str, dialog: str, *, status: int | None = None, of: str = "pbx", contact: str = "", more: str = ""
) -> str:
    """A message of the PBX, or of the page."""
    own, other = "<sip:101-web@pbx.invalid>;tag=1", "<sip:79161234567@10.0.0.5>;tag=2"
    start = f"SIP/2.0 {status} OK" if status else f"{method} sip:101-web@abc.invalid SIP/2.0"
    first = method in ("INVITE", "REGISTER") and status is None
    to = ("<sip:5000@pbx.invalid>" if of == "page" else "<sip:101-web@pbx.invalid>") if first else own
    lines = [start, "Via: SIP/2.0/WS 10.0.0.5:8088;branch=z9hG4bK1", f"From: {own if of == 'page' else other}"]
    lines += [f"To: {to}", f"Call-ID: {dialog}", f"CSeq: 1 {method}", "Content-Length: 0"]
    lines += [f"Contact: {contact}"] if contact else []
    return "\r\n".join([*lines, *([more] if more else [])]) + "\r\n\r\n"


@asynccontextmanager
async def open_site(*, grace: float = 0.2, forbidden: str = "") -> AsyncIterator[Site]:
    """Lines to a PBX, and the PBX."""
    sockets: list[web.WebSocketResponse] = []
    heard: asyncio.Queue[str] = asyncio.Queue()
    registered: list[float] = []
    pbx, tasks = Pbx(), set[asyncio.Task[None]]()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        sockets.append(socket)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                heard.put_nowait(frame.data)
        return socket

    async def may_dial(account: StoredSoftphone, number: str) -> str | None:
        return "country" if number == forbidden else None

    async def note(account: StoredSoftphone, lasting: timedelta) -> None:
        registered.append(lasting.total_seconds())

    def spawn(work: Coroutine[object, object, None]) -> None:
        tasks.add(asyncio.ensure_future(work))

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    away = Away(wait=timedelta(seconds=30))
    place = Place(name="main", url=f"ws://127.0.0.1:{port}/ws", away=away, pbx=pbx)
    lines = Softphones({"main": place}, may_dial=may_dial, registered=note, spawn=spawn, grace_seconds=grace)
    try:
        yield Site(lines=lines, pbx=pbx, sockets=sockets, heard=heard, registered=registered)
    finally:
        await lines.close()
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_page_that_says_that_it_goes_in_mid_call_parts_at_once() -> None:
    async with open_site(grace=60) as site:
        page = Page()
        line = await site.attach(page)
        await site.talk(line, page)
        await site.lines.detach(line, page, GOES)
        await site.until("part 101-web 30")
        assert len(site.lines) == 0


async def test_a_page_without_a_call_goes_without_a_word() -> None:
    async with open_site() as site:
        page = Page()
        line = await site.attach(page)
        await site.talk(line, page)
        await site.lines.from_page(line, message("BYE", "one", of="page"))
        await site.heard_start("BYE")
        await site.lines.detach(line, page, GOES)
        await site.until()
        assert len(site.lines) == 0


async def test_a_page_that_fell_silent_comes_back_to_its_line_and_hears_what_it_missed() -> None:
    async with open_site(grace=60) as site:
        page, again = Page(), Page()
        line = await site.attach(page)
        await site.talk(line, page)
        await site.lines.detach(line, page, FELL_SILENT)
        await site.say(message("OPTIONS", "asked"))
        while not line.waiting:
            await asyncio.sleep(0.01)
        assert await site.attach(again, fresh=False) is line
        assert (await again.next()).dialog == "asked"
        await site.register(again)
        await site.until("bring back 101-web")  # of its first registration


async def test_a_page_that_fell_silent_and_stays_away_parts() -> None:
    async with open_site(grace=0.05) as site:
        page = Page()
        line = await site.attach(page)
        await site.talk(line, page)
        await site.lines.detach(line, page, FELL_SILENT)
        await site.until("part 101-web 30")


async def test_another_page_takes_the_line_over_with_its_calls() -> None:
    async with open_site() as site:
        page, other = Page(), Page()
        line = await site.attach(page)
        await site.register(page)
        await site.talk(line, page)
        await site.attach(other, page_id="page-two")
        assert page.closed == [TAKEN_OVER]
        await site.register(other)
        fresh = ["part 101-web 30", "bring back 101-web"]
        await site.until(*fresh, "part 101-web 30", *fresh)


async def test_only_a_page_without_calls_parts_what_another_one_left() -> None:
    async with open_site() as site:
        page = Page()
        await site.attach(page, fresh=False)
        await site.register(page)
        await site.until("bring back 101-web")
        assert site.registered == [60.0]


async def test_a_gateway_that_stops_parts_nobody() -> None:
    async with open_site() as site:
        page = Page()
        line = await site.attach(page)
        await site.talk(line, page)
        await site.lines.close()
        assert (site.pbx.done, page.closed) == ([], [1001])


async def test_a_call_is_named_by_us_and_by_nobody_else() -> None:
    async with open_site() as site:
        site.pbx.standing = [SoftphoneLeg(leg="pbx1-7.2", family="pbx1-7.1", dialog="one")]
        page = Page()
        await site.attach(page)
        await site.say(message("INVITE", "one", more="X-Call-Id: forged\r\nX-Leg-Id: tl-forged"))
        named = await page.next()
        assert named.all("x-call-id") == [str(call_id("main", "pbx1-7.1"))]
        assert named.all("x-leg-id") == ["pbx1-7.2"]
        await site.say(message("INVITE", "other", more="X-Leg-Id: tl-forged"))
        unknown = await page.next()
        assert unknown.dialog == "other"
        assert unknown.all("x-leg-id") == []


async def test_a_forbidden_number_and_another_account_get_no_further_than_us() -> None:
    async with open_site(forbidden="5000") as site:
        page = Page()
        line = await site.attach(page)
        await site.lines.from_page(line, message("INVITE", "one", of="page").replace("101-web@abc", "5000@pbx", 1))
        refused = await page.next()
        assert (refused.status, refused.start) == (403, "SIP/2.0 403 country")
        await site.lines.from_page(line, message("INVITE", "two", of="page").replace("101-web@pbx", "102-web@pbx"))
        assert (await page.next()).status == 403
        await site.lines.from_page(line, message("INVITE", "six", of="page").replace("101-web@abc", "102@pbx", 1))
        assert "Call-ID: six" in await site.heard_start("INVITE")
        assert site.heard.empty()


async def test_a_page_that_sends_too_fast_is_cut_off() -> None:
    async with open_site() as site:
        line = await site.attach(Page())
        with pytest.raises(TooFast):
            await flooded(site, line)


async def flooded(site: Site, line: Line) -> None:
    """A thousand messages at once."""
    for _ in range(1000):
        await site.lines.from_page(line, "\r\n\r\n")


async def test_a_pbx_that_goes_closes_its_pages_and_one_that_is_away_is_told() -> None:
    async with open_site() as site:
        page = Page()
        await site.attach(page)
        await site.sockets[-1].close()
        async with asyncio.timeout(10):
            while not page.closed:
                await asyncio.sleep(0.01)
        assert page.closed == [PBX_GONE]
    nowhere = Place(name="main", url="ws://127.0.0.1:9/ws", away=Away(wait=timedelta(seconds=30)), pbx=Pbx())
    lines = Softphones({"main": nowhere}, may_dial=_nobody, registered=_nothing, spawn=asyncio.ensure_future)
    with pytest.raises(PbxAway):
        await lines.attach(ANNA, Page(), page_id="page-one", fresh=True)
    await lines.close()


async def _nobody(account: StoredSoftphone, number: str) -> str | None:
    return None


async def _nothing(account: StoredSoftphone, lasting: timedelta) -> None:
    return None
