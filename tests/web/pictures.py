"""Pictures of every page and of what the phone's band shows, for the guide and for looking at:

    python -m tests.web.pictures --out docs/pictures [--static FOLDER] [--only card]

A file is `<page>.png`, `<page>-dark.png`, `<page>-360.png` (a telephone's screen), `<page>-ru.png` or `<page>-pl.png`.
The day is that of the tests with more of everything (furnished_day.py); clocks and dates are those of the moment.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from playwright.async_api import Page, expect

from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.switchboard import accepted
from tests.database import FAST, open_folder
from tests.web.browser import Language, Theme, Visit, open_chromium, settled
from tests.web.day import Day, open_day, record, write_down
from tests.web.furnished_day import furnish
from tests.web.phone import RunningCall, band, rule_after_call
from tests.web.small_png import small_png
from tests.web.test_pages import PAGES, address_of
from web.build import STATIC, build

NARROW_PAGES = ("today", "clients", "card", "calls", "player", "tasks", "me", "live", "stats")
TRANSLATED_PAGES = ("today", "card", "calls", "player", "stats")
CALLER = "79161234567"
THEMES: tuple[Theme, ...] = ("light", "dark")
LANGUAGES: tuple[Language, ...] = ("ru", "pl")


SAID: list[dict[str, object]] = [
    {"speaker": "manager", "start": 1.0, "end": 3.0, "text": "Когда вам удобно поговорить?"},
    {"speaker": "client", "start": 4.0, "end": 7.0, "text": "Позвоните мне во вторник в одиннадцать."},
]
"""In the call that is pictured."""
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <match target="pattern">
    <edit name="family" mode="prepend" binding="strong"><string>DejaVu Sans Condensed</string></edit>
  </match>
</fontconfig>
"""
"""The one font of a bare Debian is much wider than those that the page asks for; its condensed cut is about as wide."""


@dataclass(kw_only=True)
class Studio:
    """Takes pictures of a day and keeps them."""

    day: Day
    visit: Visit
    blank: Page
    """A page that makes them small."""
    folder: Path
    only: str
    """A part of the names that are wanted; empty: all."""
    kept: list[Path] = field(default_factory=list)

    def wants(self, *names: str) -> bool:
        """Whether one of these is wanted."""
        return any(self.only in name for name in names)

    async def keep(self, page: Page, name: str) -> None:
        """Keep what a page shows."""
        await page.evaluate("() => document.fonts.ready")
        png = await page.screenshot(animations="disabled", caret="hide")
        place = self.folder / f"{name}.png"
        await asyncio.to_thread(place.write_bytes, await small_png(self.blank, png))
        self.kept.append(place)

    async def both(self, login: str | None, path: str) -> dict[str, Page]:
        """An address in both themes, by the end of the file's name."""
        return {"" if theme == "light" else f"-{theme}": await self.visit(login, path, theme=theme) for theme in THEMES}

    async def close(self) -> None:
        """Close the windows that were looked at."""
        await self.visit.close()
        self.visit.contexts.clear()


async def take_pages(studio: Studio) -> None:
    """Every page in both themes, the main ones on a narrow screen and in the other languages."""
    for name, (login, address) in PAGES.items():
        path = await address_of(studio.day, address)
        if studio.wants(name, f"{name}-dark"):
            for end, page in (await studio.both(login, path)).items():
                await studio.keep(page, name + end)
        if name in NARROW_PAGES and studio.wants(f"{name}-360"):
            await studio.keep(await studio.visit(login, path, narrow=True), f"{name}-360")
        for language in LANGUAGES if name in TRANSLATED_PAGES else ():
            if studio.wants(f"{name}-{language}"):
                await studio.keep(await studio.visit(login, path, language=language), f"{name}-{language}")
        await studio.close()
    for language in LANGUAGES:
        if studio.wants(f"today-360-{language}"):
            await studio.keep(
                await studio.visit("anna", "/today", narrow=True, language=language), f"today-360-{language}"
            )
    await studio.close()


async def take_sign_in(studio: Studio) -> None:
    """Who has not signed in, and whose session has ended."""
    for end, page in (await studio.both(None, "/today")).items():
        await studio.keep(page, f"sign-in{end}")
    studio.visit.expects(r"^401 ", r"console: .*WebSocket", r"^403 ")
    for end, page in (await studio.both("boris", "/calls")).items():
        field = page.locator("input[data-filter]").first
        await field.click()
        await studio.day.api.site.pool.execute(
            "delete from session where user_id = (select id from users where login = 'boris')"
        )
        await field.press_sequentially("7916123")
        await page.get_by_role("region", name="Sign in again").locator("input[type=password]").wait_for()
        await field.focus()
        await studio.keep(page, f"session-over{end}")
    await studio.close()


async def take_keys(studio: Studio) -> None:
    """The palette and the list of keys."""
    for end, page in (await studio.both("anna", "/today")).items():
        await page.keyboard.press("Control+k")
        await page.get_by_role("combobox", name="Find, call, go to").fill("мария")
        await page.get_by_role("option").filter(has_text="Мария").first.wait_for()
        await studio.keep(page, f"palette{end}")
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await page.get_by_role("dialog").wait_for()
        await studio.keep(page, f"all-keys{end}")
    await studio.close()


async def take_no_connection(studio: Studio) -> None:
    """The live line is away."""
    studio.visit.expects(r"console: ", r"^lost ")
    for end, page in (await studio.both("anna", "/today")).items():
        await page.context.set_offline(True)
        await expect(band(page)).to_have_attribute("data-state", "offline")
        await studio.keep(page, f"no-connection{end}")
    await studio.close()


async def take_call(studio: Studio) -> None:
    """A call from the first ring to its outcome."""
    await rule_after_call(studio.day, 600)
    studio.day.api.board.outcome = accepted()
    card = await address_of(studio.day, "/clients/{card}")
    today, cards = await studio.both("anna", "/today"), await studio.both("anna", card)
    small = await studio.visit("anna", "/today", narrow=True)
    call = RunningCall(day=studio.day, number=CALLER)
    await call.ring()
    await _all(today, studio, "ringing", "ringing")
    await expect(band(small)).to_have_attribute("data-state", "ringing")
    await studio.keep(small, "ringing-360")
    await call.routed(0, record=True)
    await call.answer()
    await _all(cards, studio, "talking", "talking")
    for end, page in (await studio.both("head", "/live")).items():
        await page.get_by_role("row").filter(has_text="Talking").wait_for()
        await studio.keep(page, f"live{end}")
    for end, page in cards.items():
        await page.keyboard.press("Shift+F9")
        await page.get_by_label("Colleague, extension or number").wait_for()
        await page.wait_for_timeout(300)
        await studio.keep(page, f"transfer{end}")
        await page.keyboard.press("Escape")
    await call.hang_up()
    await record(studio.day.api, UUID(await call.id()), studio.day.folder)
    await write_down(studio.day.api, UUID(await call.id()), SAID)
    for end, page in cards.items():
        await page.reload()
        await expect(band(page)).to_have_attribute("data-state", "after")
        await page.get_by_role("button", name="Take: Call").wait_for()
        await page.keyboard.press("1")
        await settled(page)
        await studio.keep(page, f"after-call{end}")
    await studio.close()


async def _all(pages: dict[str, Page], studio: Studio, state: str, name: str) -> None:
    for end, page in pages.items():
        await expect(band(page)).to_have_attribute("data-state", state)
        await settled(page)
        await studio.keep(page, name + end)


STATES: dict[tuple[str, ...], Callable[[Studio], Awaitable[None]]] = {
    ("sign-in", "session-over"): take_sign_in,
    ("palette", "all-keys"): take_keys,
    ("no-connection",): take_no_connection,
    ("ringing", "talking", "transfer", "after-call", "live"): take_call,
}
"""What is taken beside the pages, by the beginnings of its files' names."""


@asynccontextmanager
async def open_studio(static: Path, out: Path, only: str) -> AsyncIterator[Studio]:
    """A furnished day, a browser before it, and a place for pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with open_folder() as place, tempfile.TemporaryDirectory(prefix="trunkline-pictures-") as kept:
        folder = Path(kept)
        async with open_embedded(place / "session", settings=FAST) as server:
            await upgrade(server.dsn)
            (fonts := folder / ".config" / "fontconfig").mkdir(parents=True)
            (fonts / "fonts.conf").write_text(FONTS)
            async with open_day(server.dsn, folder / "day", static) as day, open_chromium(folder) as browser:
                await furnish(day)
                visit = Visit(day=day, browser=browser)
                blank = await browser.new_page()
                yield Studio(day=day, visit=visit, blank=blank, folder=out, only=only)
                await visit.close()
                assert visit.faults == [], visit.faults


async def take(static: Path, out: Path, only: str) -> list[Path]:
    """Take all pictures that are wanted."""
    async with open_studio(static, out, only) as studio:
        await take_pages(studio)
        for names, work in STATES.items():
            if studio.wants(*names, *(f"{name}-dark" for name in names)):
                await work(studio)
        return studio.kept


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of every page.")
    parser.add_argument("--out", type=Path, required=True, help="the folder for them")
    parser.add_argument("--static", type=Path, help="built files (gateway/static, built where its sources changed)")
    parser.add_argument("--only", default="", help="a part of the names that are wanted")
    args = parser.parse_args()
    if args.static is None:
        build()
    kept = asyncio.run(take(args.static or STATIC, args.out, args.only))
    print(f"{len(kept)} pictures, {sum(place.stat().st_size for place in kept) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
