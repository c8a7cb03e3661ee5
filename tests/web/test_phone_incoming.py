"""A call that rings: who it is, at once and as text; several who share a number; a second call."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit, axe, too_wide
from tests.web.day import Day
from tests.web.phone import RunningCall, band

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGED = [
    "<b>Anna</b>",
    "<script>window.forged = 1</script>",
    "<img src=x onerror='window.forged = 2'>",
    "<svg/onload=window.forged=3>",
    '"><script>window.forged=4</script>',
    "'-window.forged-'",
    "javascript:window.forged=5",
    "<iframe src=javascript:window.forged=6>",
    "<a href=//evil.example>bank</a>",
    "{{constructor.constructor('window.forged=7')()}}",
    "${window.forged=8}",
    "</title><script>window.forged=9</script>",
    "<style>*{display:none}</style>",
    "&lt;b&gt;entity&lt;/b&gt;",
    "%3Cscript%3E",
    "\u202egnipyt\u202c",
    "A" * 200,
    "<math><mtext><script>window.forged=10</script>",
    "<input autofocus onfocus=window.forged=11>",
    "[Click](javascript:window.forged=12)",
]


async def test_a_ringing_call_shows_who_it_is_and_leaves_the_focus_where_one_types(day: Day, visit: Visit) -> None:
    page = await visit("anna", "/today")
    find = page.locator("input[data-dial]")
    await find.fill("half a na")
    call = RunningCall(day=day, number="79161234567", name="Line says this")

    await call.ring()

    phone = band(page)
    card = await day.api.site.pool.fetchval(
        "select name from contact where id = (select contact_id from contact_number where number = '+79161234567')"
    )
    await expect(phone).to_have_attribute("data-state", "ringing")
    await expect(phone.get_by_role("link", name=card)).to_be_visible()
    await expect(phone).to_contain_text("Балтийский лес")
    await expect(phone).to_contain_text("Answer on your phone")
    await expect(phone).to_contain_text("Wants:")
    await expect(phone.get_by_role("alert")).to_have_text(f"Incoming call, {card}. Answer on your phone")
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []
    await call.answer()
    await expect(phone).to_have_attribute("data-state", "talking")
    await call.hang_up()
    await expect(phone).not_to_have_attribute("data-state", "talking")


async def test_names_that_a_caller_forges_are_text(day: Day, visit: Visit) -> None:
    page = await visit("anna", "/today")
    await page.evaluate("() => { window.forged = 0 }")
    for at, name in enumerate(FORGED):
        call = RunningCall(day=day, number=f"7916700{at:04}", name=name)
        await call.ring()

        who = band(page).locator("[title]").first
        shown = name.replace("\u202e", " ").replace("\u202c", " ").strip()
        await expect(who).to_have_text(shown[:80])
        await call.hang_up()
        await expect(band(page)).not_to_have_attribute("data-state", "ringing")
    assert await page.evaluate("() => window.forged") == 0
    assert await page.locator("main script, main iframe, section script, section iframe").count() == 0


async def test_one_of_several_who_share_a_number_is_chosen_by_a_digit(day: Day, visit: Visit) -> None:
    root = await day.api.signed_in("root")
    cards = []
    for name in ("Wiktor", "Zofia", "Ян"):
        body = {"name": name, "phones": [{"number": "+48601777888", "shared": True}]}
        made = await root.post("contacts", json=body, headers={"Idempotency-Key": f"share-{name.encode().hex()}"})
        assert made.status == 201, await made.text()
        cards.append((await made.json())["id"])
    page = await visit("anna", "/today")
    call = RunningCall(day=day, number="48601777888")

    await call.ring()

    phone = band(page)
    await expect(phone).to_contain_text("3 people use this number")
    await expect(phone.get_by_role("group", name="Who is calling?").get_by_role("button")).to_have_count(4)
    await page.keyboard.press("2")
    async with asyncio.timeout(10):
        while await day.api.site.pool.fetchval("select contact_id from call where id = $1", await call.id()) is None:
            await asyncio.sleep(0.05)
    await expect(phone.get_by_role("link", name="Zofia")).to_be_visible()
    await page.wait_for_url(f"**/clients/{cards[1]}")
    await call.hang_up()


async def test_a_second_call_is_a_chip_beside_the_first(day: Day, visit: Visit) -> None:
    page = await visit("anna", "/today")
    first = RunningCall(day=day, number="79161234567")
    await first.ring()
    await first.answer()
    await expect(band(page)).to_have_attribute("data-state", "talking")

    second = RunningCall(day=day, number="79169990001", name="Second")
    await second.ring()

    chip = band(page).get_by_role("group", name="Other calls").get_by_role("button")
    await expect(chip).to_have_text("RingingSecond")
    await chip.click()
    await expect(band(page)).to_have_attribute("data-state", "ringing")
    await second.hang_up()
    await expect(band(page)).to_have_attribute("data-state", "talking")
    await first.hang_up()


@pytest.mark.parametrize("language", ["en", "ru", "pl"])
async def test_a_narrow_screen_holds_every_state_of_the_band(day: Day, visit: Visit, language: str) -> None:
    page = await visit("anna", "/today", narrow=True, language=language)
    phone = page.locator("section[data-state]").first
    call = RunningCall(day=day, number="79161234567")
    for act, state, height in ((call.ring, "ringing", 112), (call.answer, "talking", 112)):
        await act()
        await expect(phone).to_have_attribute("data-state", state)
        box = await phone.bounding_box()
        assert box is not None
        assert (round(box["width"]), round(box["height"])) == (360, height)
        for button in await phone.get_by_role("button").all():
            place = await button.bounding_box()
            assert place is None or place["x"] + place["width"] <= 360
        assert await too_wide(page) == 0
    await call.hang_up()


_NOTICES = """
window.notices = [];
const Own = window.Notification;
window.Notification = class extends Own {
  constructor(title, options) {
    super(title, options);
    window.notices.push({title, body: options.body, open: true, of: this});
  }
  close() { super.close(); for (const one of window.notices) if (one.of === this) one.open = false; }
};
document.hasFocus = () => window.away !== true;
"""
_TOLD = "() => window.notices.map(({title, body, open}) => ({title, body, open}))"


async def test_a_page_behind_other_windows_lets_the_computer_say_who_calls(day: Day, visit: Visit) -> None:
    page = await visit.blank("anna", permissions=["notifications"])
    await page.add_init_script(_NOTICES)
    await page.goto("/today")
    await band(page).get_by_role("button", name="My state:").click()
    await page.get_by_role("switch", name="Notice on the desktop").click(force=True)
    await expect(page.get_by_role("switch", name="Notice on the desktop")).to_be_checked()
    await page.keyboard.press("Escape")
    await page.evaluate("() => { window.away = true }")
    call = RunningCall(day=day, number="79161234567", name="Line says this")

    await call.ring()

    async with asyncio.timeout(10):
        while not any("Балтийский лес" in one["body"] for one in await page.evaluate(_TOLD)):
            await asyncio.sleep(0.05)
    told = await page.evaluate(_TOLD)
    assert [one["open"] for one in told] == [False] * (len(told) - 1) + [True]
    assert {one["title"] for one in told} == {await band(page).get_by_role("link").first.inner_text()}
    await page.evaluate("() => { window.away = false; window.dispatchEvent(new Event('focus')) }")
    assert not any(one["open"] for one in await page.evaluate(_TOLD))
    await call.hang_up()
    await expect(band(page)).not_to_have_attribute("data-state", "ringing")

    again = RunningCall(day=day, number="79161234567")
    await again.ring()
    await expect(band(page)).to_have_attribute("data-state", "ringing")
    assert len(await page.evaluate(_TOLD)) == len(told), "in front of everything the page says it itself"
    await again.hang_up()
