"""A manager's whole day by the keyboard alone, over the whole gateway and a real Asterisk: no mouse is touched, and at
every step one sees where one is."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from lab.phones import Phone, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.api.site import PASSWORD
from tests.web.browser import settled
from tests.web.phone import band
from tests.web.real import Workplace, at_work

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

UNSEEN = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.id === 'main') return null;
  const seen = (element) => {
    const {outlineStyle, outlineWidth, outlineColor} = getComputedStyle(element);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && !/, 0\\)|transparent/.test(outlineColor);
  };
  const place = at.getBoundingClientRect();
  const inside = place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth;
  for (let one = at, depth = 0; one && depth < 3; one = one.parentElement, depth++) {
    if (seen(one)) return inside ? null : `out of sight: ${at.outerHTML.slice(0, 200)}`;
  }
  return at.outerHTML.slice(0, 200);
}"""
"""What has the focus without showing it, or where nobody sees it; null: nothing."""


@dataclass(kw_only=True)
class Keys:
    """The only thing that touches the page."""

    page: Page

    async def press(self, *keys: str) -> None:
        """Press keys, and see where the focus is afterwards."""
        for key in keys:
            await self.page.keyboard.press(key)
            await self.is_seen()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.page.keyboard.type(text)

    async def is_seen(self) -> None:
        """Whatever has the focus shows it."""
        assert await self.page.evaluate(UNSEEN) is None

    async def tab_to(self, aim: Locator, *, back: bool = False) -> None:
        """Go there by Tab; the focus is seen at each stop."""
        for _ in range(150):
            if await aim.evaluate("(one) => one === document.activeElement || one.contains(document.activeElement)"):
                return
            await self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not lead to {aim}")


async def until_row(work: Workplace, query: str) -> object:
    async with asyncio.timeout(60):
        while not (found := await work.gateway.pool.fetchval(query)):
            await asyncio.sleep(0.05)
    return found


async def test_a_managers_day_needs_no_mouse(
    asterisk: AsteriskServer, database: str, browser: Browser, static: Path
) -> None:
    async with (
        at_work(asterisk, database, browser) as work,
        open_manager_phone(asterisk, "101") as desk,
        open_client_phone(asterisk) as client,
    ):
        page = work.page
        await page.mouse.move(0, 0)
        await page.add_init_script("addEventListener('pointerdown', () => { window.clicked = true; }, true)")
        await work.gateway.pool.execute("update manager_state_rule set after_call_seconds = 600")
        keys = Keys(page=page)
        await miss(work, desk, client)
        await sign_in(keys)
        await return_the_missed(work, keys, desk, client)
        await take_a_call(work, keys, desk, client)
        await find_clients(keys)
        await dial(work, keys, desk, client)
        await do_a_task(work, keys)
        await filter_and_help(keys)
        await leave(keys)
        assert await page.evaluate("() => window.clicked") is None


async def miss(work: Workplace, desk: Phone, client: Phone) -> None:
    """A client calls and nobody answers."""
    call = await client.dial("4950001", caller="79161112233", name="Zofia Lis")
    ringing = await desk.next_call()
    await call.hang_up()
    await ringing.ended()
    await until_row(work, "select id from missed where state = 'open'")


async def sign_in(keys: Keys) -> None:
    """From the first page with nothing in the browser to Today."""
    page = keys.page
    await page.context.clear_cookies()
    await page.goto("/")
    await expect(page.get_by_label("Login")).to_be_visible()
    await keys.tab_to(page.get_by_label("Login"))
    await keys.type("anna")
    await keys.press("Tab")
    await keys.type(PASSWORD)
    await keys.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    await settled(page)


async def return_the_missed(work: Workplace, keys: Keys, desk: Phone, client: Phone) -> None:
    """The row, the call, no outcome but by digits."""
    page, phone = keys.page, band(keys.page)
    await client.script(answer_after=0.5)
    await keys.press("j")
    await expect(page.locator("li[data-row]").first).to_be_focused()
    await keys.press("c")
    await expect(phone).to_have_attribute("data-state", "dialling")
    ringing = await desk.next_call()
    await ringing.answer()
    await expect(phone).to_have_attribute("data-state", "talking")
    await keys.press("Shift+F8")
    await ringing.ended()
    await expect(phone).to_have_attribute("data-state", "after")
    await keys.press("Control+Enter")  # to the card, where the outcome is given
    panel = page.get_by_role("region", name="After this call")
    await expect(panel).to_be_visible()
    await keys.press("1")
    await expect(panel.get_by_role("radio", name="Talked, goes on")).to_be_checked()
    await keys.press("Control+Enter")
    await page.wait_for_url("**/today")
    await until_row(work, "select id from missed where state = 'called_back'")


async def take_a_call(work: Workplace, keys: Keys, desk: Phone, client: Phone) -> None:
    """It rings, is answered; a note during the call, then outcome, reason, next step, and the next client."""
    page, phone = keys.page, band(keys.page)
    await desk.script(answer_after=2.0)
    call = await client.dial("4950001", caller="79163334455", name="Jan Nowak")
    await expect(phone).to_have_attribute("data-state", "ringing")
    await call.connected()
    await expect(phone).to_have_attribute("data-state", "talking")
    await open_palette(keys)
    await keys.type("Jan Nowak")
    await expect(page.get_by_role("option").first).to_contain_text("Jan Nowak")
    await keys.press("Enter")
    panel = page.get_by_role("region", name="After this call")
    await expect(panel).to_be_visible()
    await keys.tab_to(panel.get_by_label("Note"))
    await keys.type("too dear for him")
    await keys.press("F9")
    await expect(phone).to_have_attribute("data-state", "hold")
    await keys.press("F9")
    await expect(phone).to_have_attribute("data-state", "talking")
    await keys.press("Shift+F8")
    await call.ended()
    await expect(phone).to_have_attribute("data-state", "after")
    await keys.press("Escape", "4")
    await expect(panel.get_by_role("radio", name="Refusal")).to_be_checked()
    await keys.tab_to(panel.locator('input[aria-label="Why they refuse"]'), back=True)
    await keys.press("ArrowDown", "Enter")
    await expect(panel.get_by_role("button", name="Save and next")).to_be_enabled()
    await keys.press("Control+Enter")
    await page.wait_for_url("**/today")
    row = await work.gateway.pool.fetchrow(
        "select o.note, r.key from outcome o join disposition d on d.id = o.disposition_id"
        " join disposition_reason r on r.id = o.reason_id where d.key = 'refusal'"
    )
    assert row is not None
    assert row["note"] == "too dear for him"


async def open_palette(keys: Keys) -> None:
    """Its field has the focus as soon as it is there."""
    await keys.press("Control+k")
    await expect(keys.page.get_by_role("combobox", name="Find, call, go to")).to_be_focused()


async def find_clients(keys: Keys) -> None:
    """By name, and by number in another way of writing."""
    page = keys.page
    for words, downs in (("zofia", 0), ("8 (916) 111-22-33", 1)):
        await open_palette(keys)
        await keys.type(words)
        await expect(page.get_by_role("option").filter(has_text="Zofia Lis")).to_be_visible()
        await keys.press(*["ArrowDown"] * downs, "Enter")
        await page.wait_for_url(re.compile(r"/clients/\d+$"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Zofia Lis")
        await keys.press("g", "h")
        await page.wait_for_url("**/today")


async def dial(work: Workplace, keys: Keys, desk: Phone, client: Phone) -> None:
    """A number by D."""
    page, phone = keys.page, band(keys.page)
    await client.script(answer_after=0.5)
    await desk.script(answer_after=0.5)
    await keys.press("d")
    await keys.type("8 916 999-88-77")
    await expect(phone).to_contain_text("Will be dialled")
    await keys.press("Enter")
    await expect(phone).to_have_attribute("data-state", "talking")
    await keys.press("Shift+F8")
    await expect(phone).to_have_attribute("data-state", "after")
    await keys.press("Control+Enter")
    panel = page.get_by_role("region", name="After this call")
    await expect(panel).to_be_visible()
    await keys.press("1")
    await expect(panel.get_by_role("radio", name="Talked, goes on")).to_be_checked()
    await keys.press("Control+Enter")
    await page.wait_for_url("**/today")


async def do_a_task(work: Workplace, keys: Keys) -> None:
    """Made, done, and not done after all."""
    page, pool = keys.page, work.gateway.pool
    await keys.press("g", "t")
    await page.wait_for_url("**/tasks")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    await settled(page)
    await keys.press("t")
    side = page.locator("main aside")
    await keys.tab_to(side.get_by_role("textbox").first)
    await keys.type("Send the price list")
    await keys.press("Enter")
    row = page.get_by_role("row").filter(has_text="Send the price list")
    await expect(row).to_be_visible()
    await settled(page)
    await keys.press("Escape")
    for _ in range(10):
        await keys.press("j")
        if await row.evaluate("(one) => one === document.activeElement"):
            break
    await keys.press("Enter")
    await keys.tab_to(side.get_by_role("button", name="Done"))
    await keys.press("Enter")
    done = "select count(*) from task where title = 'Send the price list' and state = 'done'"
    await until_row(work, done)
    await expect(page.get_by_role("button", name=re.compile("^Undo"))).to_be_visible()
    await keys.press("Control+z")
    async with asyncio.timeout(60):
        while await pool.fetchval(done):
            await asyncio.sleep(0.05)


async def filter_and_help(keys: Keys) -> None:
    """The list of calls, its filter, and all keys."""
    page = keys.page
    await keys.press("Escape", "g", "l")
    await page.wait_for_url("**/calls")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
    await settled(page)
    await keys.press("/")
    await expect(page.locator("input[data-filter]").first).to_be_focused()
    await keys.type("9163334455")
    await keys.press("Enter")
    await page.wait_for_url(re.compile("9163334455"))
    await expect(page.locator("tbody tr")).to_have_count(1)
    await keys.press("Escape", "j", "Enter")
    await page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}"))
    await keys.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("All keys")
    await keys.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def leave(keys: Keys) -> None:
    """The profile, and out."""
    page = keys.page
    await open_palette(keys)
    await keys.type("profile")
    await expect(page.get_by_role("option").first).to_contain_text("Profile", ignore_case=True)
    await keys.press("Enter")
    await page.wait_for_url("**/profile")
    await settled(page)
    await keys.tab_to(page.get_by_role("button", name=re.compile("^Menu ")))
    await keys.press("Enter")
    out = page.get_by_role("menuitem", name="Sign out")
    await expect(out).to_be_visible()
    for _ in range(15):
        if await out.evaluate("(one) => one === document.activeElement"):
            break
        await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(page.get_by_label("Login")).to_be_visible()
