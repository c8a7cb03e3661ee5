"""What a page may cost, in sizes and counts: script of the first load, what is loaded before it is needed, what moves
under the eye, and how long a list may be in the document. Times are measured by bench/web_load.py."""

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.web.browser import Visit, go, settled
from tests.web.day import Day
from tests.web.phone import RunningCall, band, rule_after_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_MAX = 200_000
"""Bytes of script, packed, until the first page of a person stands: libraries, frame, words and the page itself. What
is written around each file on the line (headers, 850 bytes with the policy) is not in it."""
FILES_MAX = 30
"""Scripts until then: each waits for its turn on the line."""
HOMES = {
    "anna": ("/today", "main li[data-row]"),
    "head": ("/live", "main [role=table] [role=row] b"),
    "root": ("/admin/users", "main tbody tr"),
}
"""Where each begins, and its first row."""
SHIFT_MAX = 0.05
"""Sum of the layout shifts that nobody asked for (Largest a page may have and count as good: 0.1)."""
ROWS_MAX = 120
"""Rows of a list in the document after its first load."""
ELEMENTS_MAX = 6_000
_WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const what = entry.sources.map(({node}) => node?.outerHTML?.slice(0, 80) ?? node?.nodeName);
    window.shifts.push([entry.value, what.join(' | ')]);
  }
}).observe({type: 'layout-shift', buffered: true});
"""


@dataclass(kw_only=True)
class Fetched:
    """The scripts that a page has had from the server."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes that came over the line, by address."""
    _names: dict[str, str] = field(default_factory=dict)

    async def follow(self, page: Page) -> CDPSession:
        """Note what this page fetches from now on."""
        network = await page.context.new_cdp_session(page)
        network.on("Network.responseReceived", self._begun)
        network.on("Network.loadingFinished", self._ended)
        await network.send("Network.enable")
        return network

    def _begun(self, told: dict[str, object]) -> None:
        response = told["response"]
        assert isinstance(response, dict)
        if told["type"] == "Script":
            self._names[str(told["requestId"])] = str(response["url"])

    def _ended(self, told: dict[str, object]) -> None:
        if name := self._names.get(str(told["requestId"])):
            self.sizes[name] = int(str(told["encodedDataLength"]).split(".")[0])

    async def with_mark(self, page: Page, mark: str) -> list[str]:
        """Addresses of those in which a word stands."""
        found = []
        for name in list(self.sizes):
            text = await (await page.context.request.get(name)).text()
            found += [name] if mark in text else []
        return found


async def packed(page: Page, name: str) -> int:
    """Bytes of a script as gzip packs it."""
    return len(gzip.compress(await (await page.context.request.get(name)).body()))


@pytest.mark.parametrize("login", HOMES)
async def test_the_first_load_of_every_home_page_brings_little_script(visit: Visit, login: str) -> None:
    page, fetched = await visit.blank(login), Fetched()
    await fetched.follow(page)
    path, row = HOMES[login]

    await page.goto("/")
    await page.locator(row).first.wait_for()
    names = list(fetched.sizes)
    await settled(page)

    assert page.url.endswith(path)
    sizes = {name: await packed(page, name) for name in names}
    assert 100_000 < sum(sizes.values()) < FIRST_MAX, sorted(sizes.items(), key=lambda one: -one[1])
    assert len(sizes) <= FILES_MAX, sorted(sizes)
    assert await fetched.with_mark(page, "JsSIP") == []


async def test_a_page_of_one_list_is_within_the_first_load(visit: Visit) -> None:
    page, fetched = await visit.blank("root"), Fetched()
    await fetched.follow(page)

    await page.goto("/admin/doctor")
    await page.locator("main h1").wait_for()

    assert 100_000 < sum(fetched.sizes.values()) < FIRST_MAX


async def test_what_is_told_of_sizes_is_what_gzip_makes_of_the_files(visit: Visit) -> None:
    """So the sum above counts packed bytes, and all of them."""
    page, fetched = await visit.blank("anna"), Fetched()
    await fetched.follow(page)
    await page.goto("/today")
    await settled(page)

    for name, size in fetched.sizes.items():
        whole = await packed(page, name)
        assert whole * 0.9 < size < whole + 2_000, name


async def test_parts_come_when_they_are_wanted(visit: Visit) -> None:
    page, fetched = await visit.blank("anna"), Fetched()
    await fetched.follow(page)
    await page.goto("/today")
    await settled(page)
    before = set(fetched.sizes)

    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox")).to_be_visible()
    palette = set(fetched.sizes) - before
    await page.keyboard.press("Escape")
    await go(page, "/calls")
    calls = set(fetched.sizes) - before - palette

    assert palette
    assert calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A page before which a call comes and goes."""

    login: str
    path: Callable[[Day, RunningCall], Awaitable[str]]


async def _card(day: Day, call: RunningCall) -> str:
    found = await day.api.site.pool.fetchval("select contact_id from contact_number where number = '+79161234567'")
    return f"/clients/{found}"


async def _today(day: Day, call: RunningCall) -> str:
    return "/today"


async def _board(day: Day, call: RunningCall) -> str:
    return "/live"


SCENES = {
    "today": Scene(login="anna", path=_today),
    "card": Scene(login="anna", path=_card),
    "board": Scene(login="head", path=_board),
}


@pytest.mark.parametrize("name", SCENES)
async def test_nothing_moves_while_a_call_comes_and_goes(day: Day, visit: Visit, name: str) -> None:
    await rule_after_call(day, 600)
    scene = SCENES[name]
    call = RunningCall(day=day, number="79165550701", name="Moves nothing")
    page = await visit.blank(scene.login)
    await page.add_init_script(_WATCH_SHIFTS)
    await page.goto(await scene.path(day, call))
    await settled(page)
    if name == "today":  # the client of a row stands at the right; where nobody does, the caller's card takes its place
        await page.keyboard.press("j")
        await settled(page)
    states = ("ringing", "talking", "after") if scene.login == "anna" else ("rest", "rest", "rest")
    for act, state in zip((call.ring, call.answer, call.hang_up), states, strict=True):
        await act()
        await expect(band(page)).to_have_attribute("data-state", state)
        if name == "board":
            on_board = page.get_by_role("row").filter(has_text="Moves nothing")
            await expect(on_board.filter(has_text="Talking")).to_have_count(int(act == call.answer))
        await settled(page)

    shifts: list[tuple[float, str]] = await page.evaluate("() => window.shifts")
    assert sum(value for value, _ in shifts) < SHIFT_MAX, shifts


@pytest.mark.parametrize(
    ("login", "path"), [("head", "/calls"), ("head", "/clients"), ("head", "/live"), ("root", "/calls")]
)
async def test_no_list_of_thousands_is_in_the_document(crowd: Day, visit: Visit, login: str, path: str) -> None:
    """With 100,000 calls of 100 managers and 5,000 clients."""
    visitor = Visit(day=crowd, browser=visit.browser)
    page = await visitor(login, path)
    rows = await page.locator("main [role=row], main tr, main li").count()
    elements = await page.locator("*").count()
    await visitor.close()

    assert visitor.faults == []
    assert 20 < rows <= ROWS_MAX
    assert elements < ELEMENTS_MAX
