"""Chromium before the real application: who visits which page with which looks, what went wrong there, what axe finds,
and a picture.

A console error, a script's fault, a refused policy, a lost request or a status of 400 and more fails the test, unless
it said beforehand that it expects it (`visit.expects`).
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, async_playwright

from gateway.api.security import COOKIE
from tests.api.site import token_of
from tests.web.day import Day

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
LOCALES = {"en": "en-GB", "ru": "ru-RU", "pl": "pl-PL"}
Theme = Literal["light", "dark"]
Language = Literal["en", "ru", "pl"]
WIDE, NARROW = (1440, 900), (360, 740)
PATIENCE = 30_000
"""Milliseconds that a page gets on a machine that does other things too."""
READY = "#root main h1, #root form"
BUSY = "[aria-busy=true]"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The rule that is left out is experimental (axe does not run it by itself): it counts keys that are shown in a button.
_RUN_AXE = """async (tags) => {
  const rules = {'label-content-name-mismatch': {enabled: false}};
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, rules, resultTypes: ['violations']});
  return found.violations.map(({id, help, nodes}) => `${id}: ${help}\\n` + nodes.slice(0, 5).map(
    (node) => `  ${node.target.join(' ')}  ${node.html.slice(0, 160)}  ${node.any[0]?.message ?? ''}`).join('\\n'));
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHOTS = "TRUNKLINE_SHOTS"
"""Environment: the folder where pictures are kept."""
_open: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()
"""Requests whose answers a page waits for."""
_GO = "(path) => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }"
_ENDLESS = frozenset({"media", "eventsource", "websocket"})


@contextlib.asynccontextmanager
async def open_chromium(folder: Path, *flags: str) -> AsyncIterator[Browser]:
    """A browser of its own, of this machine.

    Args:
        folder: its home.
        flags: beside the usual ones.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=[*FLAGS, *flags],
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(kw_only=True)  # Playwright keeps something at the owner of a handler
class Visit:
    """Opens pages as a person: `page = await visit("anna", "/calls", theme="dark", language="pl", narrow=True)`."""

    day: Day
    browser: Browser
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    windows: dict[str, BrowserContext] | None = None
    """Those that outlive the test, by their looks (`look` of conftest.py); None: each visit has its own browser."""
    _tabs: list[Page] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    async def __call__(
        self,
        login: str | None = "anna",
        path: str = "/",
        *,
        theme: Theme = "light",
        language: Language = "en",
        narrow: bool = False,
        size: tuple[int, int] | None = None,
        **options: object,
    ) -> Page:
        """A page in a browser of its own, ready to be used.

        Args:
            login: anna and boris are managers, head a supervisor, root an administrator; None: nobody has signed in.
            path: the address.
            theme: which the person's system has.
            language: which the person has chosen, and his browser has.
            narrow: on a telephone's screen, with a finger.
            size: of the window, where neither the usual nor the narrow one will do.
            options: further ones of Playwright's `new_context`.
        """
        page = await self.blank(login, theme=theme, language=language, narrow=narrow, size=size, **options)
        await page.goto(path)
        await settled(page)
        return page

    async def blank(
        self,
        login: str | None = "anna",
        *,
        theme: Theme = "light",
        language: Language = "en",
        narrow: bool = False,
        size: tuple[int, int] | None = None,
        **options: object,
    ) -> Page:
        """The same before the first address is opened: for `page.route` and the like."""
        width, height = size or (NARROW if narrow else WIDE)
        context = await self._window(
            {
                "base_url": self.day.api.origin,
                "viewport": {"width": width, "height": height},
                "has_touch": narrow,
                "locale": LOCALES[language],
                "color_scheme": theme,
                "timezone_id": self.day.zone,
                "reduced_motion": "reduce",
                **options,
            }
        )
        if login is not None:
            chosen = "update users set language = $2, theme = 'auto' where login = $1"
            await self.day.api.site.pool.execute(chosen, login, language)
            token = token_of(await self.day.api.signed_in(login))
            cookie = {"name": COOKIE, "value": token, "url": self.day.api.origin, "httpOnly": True}
            await context.add_cookies([cookie])  # type: ignore[list-item]
        return await self.tab(context)

    async def _window(self, options: dict[str, object]) -> BrowserContext:
        """A browser of its own; or, where windows are kept, the one that looks so, without what was left in it."""
        if self.windows is None:
            context = await self.browser.new_context(**options)  # type: ignore[arg-type]
            self.contexts.append(context)
            return context
        looks = repr(sorted(options.items(), key=lambda option: option[0]))
        if looks not in self.windows:
            self.windows[looks] = await self.browser.new_context(**options)  # type: ignore[arg-type]
            await self.windows[looks].new_page()  # keeps it open: to open a window costs more than most pages
        await self.windows[looks].clear_cookies()
        return self.windows[looks]

    async def tab(self, context: BrowserContext) -> Page:
        """A further tab of the same browser."""
        page = await context.new_page()
        self._tabs.append(page)
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("console", self._told)
        page.on("requestfailed", self._lost)
        page.on("response", self._answered)
        waited = _open[page] = set()
        page.on("request", lambda asked: None if asked.resource_type in _ENDLESS else waited.add(asked))
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda asked: waited.discard(asked))  # type: ignore[call-overload]  # noqa: PLW0108 - it is written to
        return page

    def expects(self, *patterns: str) -> None:
        """Say which faults belong to the test, as regular expressions: `403 GET /api/v1/users`, `lost GET /api/.*`."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def _note(self, fault: str) -> None:
        if not any(pattern.search(fault) for pattern in self._expected):
            self.faults.append(fault)

    def _told(self, message: ConsoleMessage) -> None:
        # What the network answered is told in the console too, and is noted below with its address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._note(f"console: {message.text}")

    def _lost(self, request: Request) -> None:
        # A request that a page leaves behind when it goes is no fault.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"lost {request.method} {_path(request.url)} {request.failure}")

    def _answered(self, response: Response) -> None:
        asks_who_is_there = response.status == 401 and _path(response.url) == "/api/v1/session"
        if response.status >= 400 and not asks_who_is_there:
            self._note(f"{response.status} {response.request.method} {_path(response.url)}")

    async def close(self) -> None:
        """Close every window, and in those that are kept every tab with what it stored."""
        for page in self._tabs if self.windows is not None else ():
            await page.evaluate("() => localStorage.clear()")
            await page.close()
        for context in self.contexts:
            await context.close()


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[-1]


async def settled(page: Page) -> None:
    """Wait until the page is there, it asks for nothing more, and nothing on it loads."""
    await page.locator(READY).first.wait_for()
    async with asyncio.timeout(PATIENCE / 1000):
        quiet = 0
        while quiet < 5:
            quiet = 0 if _open.get(page) or await page.locator(BUSY).count() else quiet + 1
            await asyncio.sleep(0.03)


async def go(page: Page, path: str) -> None:
    """Go to another address within the page, as a link of its own would."""
    await page.evaluate(_GO, path)
    await settled(page)


async def axe(page: Page, *, without: Sequence[str] = ()) -> list[str]:
    """What axe finds on the page as it is now: a rule, and the places that break it.

    Args:
        page: settled.
        without: rules that do not hold here, by their ids; the test says why.
    """
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(_RUN_AXE, AXE_TAGS)
    return [fault for fault in found if fault.split(":")[0] not in without]


async def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    found: int = await page.evaluate(WIDER)
    return max(0, found)


async def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture, where TRUNKLINE_SHOTS names a folder.

    Args:
        page: settled.
        name: of the file, without `.png`.
        whole: also what lies below the window's edge.
    """
    if place := os.environ.get(SHOTS):
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=folder / f"{name}.png", full_page=whole, animations="disabled")
