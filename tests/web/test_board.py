"""The supervisor's board follows calls by itself, lets one take part and give away, and fills every screen."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, settled, shot, too_wide
from tests.web.day import NAMES, Day, told
from tests.web.phone import RunningCall

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_is_on_the_board_while_it_goes_on(day: Day, visit: Visit) -> None:
    page = await visit("head", "/live")
    row = page.get_by_role("row").filter(has_text="Воздвиженский")
    await expect(page.get_by_role("table", name="Managers").get_by_role("row")).not_to_have_count(1)
    await expect(row).to_have_count(0)

    call = RunningCall(day=day, number="79160001122", name="Воздвиженский")
    await call.answer()
    await expect(row).to_contain_text("Talking")

    await call.hang_up()
    await expect(row.filter(has_text="Talking")).to_have_count(0)


async def test_taking_part_stands_in_the_row_of_who_talks_and_with_those_who_may(day: Day, visit: Visit) -> None:
    page = await visit("head", "/live")
    call = RunningCall(day=day, number="79160001133", name="Селезнёв")
    await call.answer()
    row = page.get_by_role("row").filter(has_text="Селезнёв")

    for act in ("Listen", "Whisper", "Barge in"):
        await expect(row.get_by_role("button", name=act)).to_be_visible()
    others = page.get_by_role("table", name="Managers").get_by_role("button", name="Listen")
    await expect(others).to_have_count(1)
    await shot(page, "board-talk")
    assert await axe(page) == []
    await call.hang_up()
    await expect(others).to_have_count(0)


async def test_who_was_not_returned_in_time_is_given_to_a_manager(day: Day, visit: Visit) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=50)
    await day.api.site.take_all(told("in_noanswer", begin=begin, number="79160001144", name="Непозванный"))
    page = await visit("head", "/live")
    side = page.get_by_role("complementary", name="What to look at")
    late = side.get_by_role("listitem").filter(has_text=re.compile("Непозванный|160.?00.?11.?44|916 000-11-44"))
    await expect(late).to_contain_text("over")

    await late.get_by_role("button", name=re.compile("^Give")).click()
    await page.get_by_role("menuitem", name=re.compile("Boris")).click()

    await expect(page.get_by_role("status").filter(has_text="Given to Boris Wiśniewski")).to_be_visible()
    owner = await day.api.site.pool.fetchval(
        "select t.owner_id from missed m join task t on t.id = m.task_id where m.number = '+79160001144'"
        " or m.contact_id = (select contact_id from contact_number where number = '+79160001144')"
    )
    assert owner == day.api.site.users["boris"]


async def order_of(page: Page) -> list[str]:
    cells = page.get_by_role("table", name=re.compile("Managers|Менеджеры")).get_by_role("row").locator("b.cut")
    return [text for text in await cells.all_inner_texts() if text in NAMES.values()]


async def test_rows_are_ordered_by_a_key_and_on_a_telephone_by_state(day: Day, visit: Visit) -> None:
    call = RunningCall(day=day, number="79160001155", name="Считаный")
    await call.answer()
    page = await visit("head", "/live")
    await expect(page.get_by_role("row").filter(has_text="Считаный")).to_contain_text("Talking")
    by_name = await order_of(page)
    await page.keyboard.press("s")
    await expect(page).to_have_url(re.compile("order=state"))
    await page.reload()
    await settled(page)
    await expect(page.get_by_role("button", name=re.compile("^By state"))).to_be_visible()
    by_state = await order_of(page)
    assert by_name[0] == NAMES["boris"]
    assert by_state[0] == NAMES["anna"], "who talks stands first"
    assert sorted(by_name) == sorted(by_state)

    narrow = await visit("head", "/live", narrow=True, theme="dark")

    await expect(narrow.get_by_role("button", name=re.compile("^By state"))).to_be_visible()
    assert await too_wide(narrow) == 0
    assert await order_of(narrow) == by_state
    assert await axe(narrow) == []


@pytest.mark.parametrize("size", [(1920, 1080), (2560, 1440)])
async def test_a_wall_screen_has_no_empty_gulf(visit: Visit, size: tuple[int, int]) -> None:
    page = await visit("head", "/live", size=size)
    await page.get_by_role("button", name="Wall screen").click()
    table = page.get_by_role("table", name="Managers")
    await expect(page.get_by_role("complementary", name="What to look at")).to_be_visible()
    await page.wait_for_function("() => document.fullscreenElement !== null")

    box = await table.evaluate("(e) => { const b = e.getBoundingClientRect(); return [b.left, b.right, b.bottom]; }")
    left, right, bottom = (edge / side for edge, side in zip(box, (size[0], size[0], size[1]), strict=True))
    rail = await page.get_by_role("complementary", name="What to look at").evaluate(
        "(e) => e.getBoundingClientRect().left"
    )
    assert left < 0.05
    assert rail / size[0] - right < 0.05
    assert bottom > 0.9
    await shot(page, f"wall-{size[0]}")
