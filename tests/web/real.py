"""The page over the whole gateway and a real Asterisk: Anna's desk phone at 101, her browser, the client's phone."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from playwright.async_api import Browser, Page

from gateway.api.security import COOKIE, Passwords
from gateway.app import Gateway
from lab.server import AsteriskServer
from tests.api.site import PASSWORD
from tests.gateway.test_real_calls import running, settings_for
from tests.web.browser import settled

SHOWN = """() => {
  window.rung = [];
  const section = document.querySelector('section[aria-label="Phone"]');
  let before = section.dataset.state;
  new MutationObserver(() => {
    const state = section.dataset.state;
    if (state === before) return;
    before = state;
    if (state === 'ringing') requestAnimationFrame((frame) => setTimeout(() => {
      window.rung.push((performance.timeOrigin + performance.now()) / 1000);
    }));
  }).observe(section, {attributes: true, attributeFilter: ['data-state']});
}"""
"""Notes when the band rings on the screen: after the frame in which it was drawn, in seconds of the wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Anna at work."""

    gateway: Gateway
    page: Page


@contextlib.asynccontextmanager
async def at_work(
    asterisk: AsteriskServer, database: str, browser: Browser, path: str = "/today"
) -> AsyncIterator[Workplace]:
    """Anna has signed in and looks at a page.

    Args:
        asterisk: of the lab.
        database: fresh and migrated.
        browser: Chromium.
        path: the address. The files that the gateway serves are built already (web/build.py).
    """
    async with running(settings_for(asterisk, database)) as gateway:
        await gateway.pool.execute("update users set password_hash = $1", await Passwords().hash(PASSWORD))
        origin = f"http://127.0.0.1:{gateway.settings.http.port}"
        async with aiohttp.ClientSession() as client:
            told = {"login": "anna", "password": PASSWORD}
            answer = await client.post(f"{origin}/api/v1/session", json=told, headers={"X-CSRF": "1", "Origin": origin})
            assert answer.status == 200, await answer.text()
            token = answer.cookies[COOKIE].value
        context = await browser.new_context(base_url=origin, viewport={"width": 1440, "height": 900}, locale="en-GB")
        await context.add_cookies([{"name": COOKIE, "value": token, "url": origin, "httpOnly": True}])
        page = await context.new_page()
        await page.goto(path)
        await settled(page)
        try:
            yield Workplace(gateway=gateway, page=page)
        finally:
            await context.close()
