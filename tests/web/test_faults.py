"""What happens to an open page when the server is restarted, the connection is lost, or a second tab is opened: nothing
typed, no call and no order is lost, the band says what is wrong, and everything comes back by itself."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page, expect
from prometheus_client import CollectorRegistry

from gateway.api.server import make_app, make_runner
from tests.api.switchboard import accepted
from tests.web.browser import Visit, axe, settled, shot
from tests.web.day import Day, told
from tests.web.phone import RunningCall, band, rule_after_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = re.compile(r"No connection, trying (again in \d+ s|now)\. What you write is kept\.")
LOST = (r"^lost \w+ /(api/v1|static/assets)/", r"console: WebSocket connection", r"console: .*net::ERR_")
"""What a page tells the browser's console while its server is away."""


@dataclass(kw_only=True)
class Server:
    """The gateway's HTTP server over the day's database; it can be stopped, and opened again at the same address."""

    day: Day
    port: int = 0
    _runner: web.AppRunner | None = None

    async def begin(self) -> None:
        """Open it; the first time at a free port."""
        self._runner = make_runner(
            make_app(replace(self.day.api.parts, registry=CollectorRegistry())), shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def end(self) -> None:
        """Stop it: requests are refused, sockets are closed."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@pytest_asyncio.fixture(loop_scope="session")
async def server(day: Day) -> AsyncIterator[Server]:
    """One of its own, so that other tests have theirs."""
    opened = Server(day=day)
    await opened.begin()
    yield opened
    await opened.end()


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.05)


async def card_of(day: Day, call: RunningCall) -> int:
    return int(
        await day.api.site.pool.fetchval("select contact_id from contact_number where number = $1", f"+{call.number}")
    )


async def talking_at(day: Day, visit: Visit, number: str, name: str, **options: object) -> tuple[RunningCall, Page]:
    """A client with whom Anna talks, and his card before her."""
    await rule_after_call(day, 600)
    call = RunningCall(day=day, number=number, name=name)
    await call.ring()
    page = await visit("anna", f"/clients/{await card_of(day, call)}", **options)  # type: ignore[arg-type]
    await call.answer()
    await expect(band(page)).to_have_attribute("data-state", "talking")
    return call, page


async def test_a_server_that_is_restarted_in_mid_call_takes_nothing_away(
    day: Day, visit: Visit, server: Server
) -> None:
    visit.expects(*LOST, r"^4\d\d PATCH /api/v1/contacts/")  # a version that a colleague made old meanwhile
    call, page = await talking_at(day, visit, "79165550601", "Restart", base_url=server.origin)
    card, phone = await card_of(day, call), band(page)
    panel = page.get_by_role("region", name="After this call")
    await panel.get_by_label("Note").fill("asks for the pri")

    await server.end()

    await expect(phone).to_contain_text(AWAY)
    await expect(phone).to_have_attribute("data-state", "talking")  # nobody said that it ended
    await shot(page, "away-in-a-call")
    await panel.get_by_label("Note").press_sequentially("ce list")
    await panel.get_by_role("radio", name="Call later").click()
    await page.get_by_label("City", exact=True).fill("Gdańsk")
    await expect(page.get_by_text("Not sent yet, kept here")).to_be_visible()
    await page.keyboard.press("F9")
    await expect(phone).to_contain_text("No connection to the server. Try again in a moment.")
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []
    boris = await day.api.signed_in("root")
    version = (await (await boris.get(f"contacts/{card}")).json())["version"]
    written = await boris.patch(f"contacts/{card}", json={"line_of_business": "Timber trade", "version": version})
    assert written.status == 200, await written.text()

    await server.begin()

    await expect(phone).not_to_contain_text("No connection")
    await expect(phone).to_have_attribute("data-state", "talking")
    await expect(page.get_by_label("Line of business")).to_have_value("Timber trade")
    await expect(page.get_by_label("City", exact=True)).to_have_value("Gdańsk")
    await expect(panel.get_by_label("Note")).to_have_value("asks for the price list")
    await expect(panel.get_by_role("radio", name="Call later")).to_be_checked()
    in_base = "select city = 'Gdańsk' and line_of_business = 'Timber trade' from contact where id = $1"
    await until(lambda: day.api.site.pool.fetchval(in_base, card))
    held = await day.api.site.pool.fetchval(
        "select count(*) from command where kind = 'hold' and call_id = $1", await call.id()
    )
    assert held == 0  # what was refused for want of a connection is not done later, unasked
    await call.hang_up()
    await expect(phone).to_have_attribute("data-state", "after")


async def test_what_happened_while_the_server_was_away_is_there_when_it_is_back(
    day: Day, visit: Visit, server: Server
) -> None:
    visit.expects(*LOST)
    board = day.api.board
    board.outcome, ordered = accepted(), len(board.orders)
    page = await visit("anna", "/today", base_url=server.origin)
    phone = band(page)
    await page.keyboard.press("d")
    await page.locator("input[data-dial]").fill("8 916 555-06-02")
    await expect(phone).to_contain_text("Will be dialled")
    await page.keyboard.press("Enter")
    await expect(phone).to_have_attribute("data-state", "dialling")

    await server.end()

    await expect(phone).to_contain_text(AWAY)
    await expect(phone).to_have_attribute("data-state", "dialling")
    begin = datetime.now(UTC) - timedelta(seconds=40)
    await day.api.site.take_all(told("in_noanswer", begin=begin, number="79165550603", name="Meanwhile"))
    await until(lambda: day.api.site.pool.fetchval("select id from missed where number = '+79165550603'"))

    await server.begin()

    await expect(phone).not_to_contain_text("No connection")
    await expect(phone).to_have_attribute("data-state", "dialling")
    await expect(page.get_by_role("button", name=re.compile("new, show"))).to_be_visible()
    await page.keyboard.press("Period")
    await expect(page.get_by_role("listitem").filter(has_text="Meanwhile").first).to_be_visible()
    assert len(board.orders) == ordered + 1
    ended = len(board.hung_up)
    await page.keyboard.press("Shift+F8")
    await until(lambda: _is(lambda: len(board.hung_up) > ended))


async def _is(holds: Callable[[], bool]) -> bool:
    return holds()


async def test_a_call_that_began_while_the_server_was_away_rings_when_it_is_back(
    day: Day, visit: Visit, server: Server
) -> None:
    visit.expects(*LOST)
    page = await visit("anna", "/calls", base_url=server.origin)
    await server.end()
    await expect(band(page)).to_have_attribute("data-state", "offline")
    await shot(page, "away")
    await page.keyboard.press("Control+k")  # a part that was not loaded yet
    call = RunningCall(day=day, number="79165550604", name="Came meanwhile")
    await call.ring()

    await server.begin()

    await expect(band(page)).to_have_attribute("data-state", "ringing")
    await expect(band(page)).to_contain_text("Came meanwhile")
    await expect(page.get_by_role("combobox", name="Find, call, go to")).to_be_visible()
    await call.hang_up()


async def test_a_lost_connection_is_said_at_once_and_comes_back_by_itself(day: Day, visit: Visit) -> None:
    visit.expects(*LOST)
    call, page = await talking_at(day, visit, "79165550605", "Network")
    note = page.get_by_role("region", name="After this call").get_by_label("Note")
    await note.fill("second fl")

    await page.context.set_offline(True)

    await expect(band(page)).to_contain_text(AWAY)
    await note.press_sequentially("oor")
    await call.hang_up()
    await page.context.set_offline(False)
    await expect(band(page)).to_have_attribute("data-state", "after")
    await expect(band(page)).not_to_contain_text("No connection")
    await expect(note).to_have_value("second floor")


async def test_a_server_that_says_nothing_more_counts_as_away(day: Day, visit: Visit, server: Server) -> None:
    """A dead network closes no socket and answers no question."""
    visit.expects(*LOST)
    async with relay(server.port) as (port, silence):
        page = await visit.blank("anna", base_url=f"http://127.0.0.1:{port}")
        await page.clock.install()
        await page.goto("/tasks")
        await settled(page)
        silence.set()

        await page.clock.fast_forward(46_000)  # when the page asks whether anybody is there
        await asyncio.sleep(0.3)
        await page.clock.fast_forward(12_000)  # so long it waits for an answer
        await page.clock.run_for(3_000)

        await expect(band(page)).to_contain_text(AWAY)
        await page.close()  # before the network: what it still asks for is lost with it


@contextlib.asynccontextmanager
async def relay(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A network between browser and server that can fall silent without closing anything."""
    silence, tasks = asyncio.Event(), set[asyncio.Task[None]]()
    writers: list[asyncio.StreamWriter] = []

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await source.read(65536):
                if silence.is_set():
                    await asyncio.Event().wait()
                target.write(block)
                await target.drain()
            target.close()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        writers.extend((ahead, writer))
        for source, target in ((reader, ahead), (behind, writer)):
            tasks.add(asyncio.ensure_future(pump(source, target)))

    listening = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], silence
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def test_a_second_tab_shows_the_same_call_and_takes_over_when_the_first_is_closed(day: Day, visit: Visit) -> None:
    day.api.board.outcome = accepted()
    call, page = await talking_at(day, visit, "79165550606", "Two tabs")
    second = await visit.tab(page.context)
    await second.goto(f"/clients/{await card_of(day, call)}")
    await settled(second)
    await expect(band(second)).to_have_attribute("data-state", "talking")

    await page.keyboard.press("F9")
    for tab in (page, second):
        await expect(band(tab)).to_have_attribute("data-state", "hold")
    await second.keyboard.press("F9")
    for tab in (page, second):
        await expect(band(tab)).to_have_attribute("data-state", "talking")
    await page.get_by_role("region", name="After this call").get_by_label("Note").fill("typed in the first")
    await call.hang_up()
    for tab in (page, second):
        await expect(band(tab)).to_have_attribute("data-state", "after")
    await page.close()

    panel = second.get_by_role("region", name="After this call")
    await expect(panel.get_by_label("Note")).to_have_value("typed in the first")
    await second.keyboard.press("9")
    await second.keyboard.press("Control+Enter")
    await second.wait_for_url("**/today")
    assert (
        await day.api.site.pool.fetchval("select note from outcome where call_id = $1", await call.id())
        == "typed in the first"
    )
    await expect(band(second)).not_to_have_attribute("data-state", "after")
