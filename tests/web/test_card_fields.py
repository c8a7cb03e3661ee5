"""The card under quick hands and several of them: fields beside each other, a colleague in the same field, notes."""

from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, settled
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def new_card(day: Day, name: str) -> int:
    """A card of Anna's."""
    root = await day.api.signed_in("root")
    body = {"name": name, "owner": day.api.site.users["anna"]}
    made = await root.post("contacts", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert made.status == 201, await made.text()
    return int((await made.json())["id"])


async def change(day: Day, card: int, **fields: object) -> None:
    """What a colleague writes meanwhile."""
    root = await day.api.signed_in("root")
    version = (await (await root.get(f"contacts/{card}")).json())["version"]
    changed = await root.patch(f"contacts/{card}", json={"version": version, **fields})
    assert changed.status == 200, await changed.text()


async def unheard(visit: Visit, card: int) -> Page:
    """Anna's page of a card, to which no fact comes: what others write it learns by its own requests alone."""
    page = await visit.blank("anna")
    await page.route_web_socket("**/live*", lambda socket: None)
    await page.goto(f"/clients/{card}")
    await page.get_by_role("textbox", name="City").wait_for()
    return page


async def test_another_field_of_the_card_that_was_changed_meanwhile_is_no_obstacle(day: Day, visit: Visit) -> None:
    visit.expects(r"409 PATCH /api/v1/contacts/")
    card = await new_card(day, "Quick hands")
    page = await unheard(visit, card)
    await change(day, card, heat="hot")

    await page.get_by_role("textbox", name="City").fill("Kraków")
    await page.keyboard.press("Tab")

    await expect(page.locator("[data-saved]")).to_be_visible()
    row = await day.api.site.pool.fetchrow("select city, heat from contact where id = $1", card)
    assert row is not None
    assert tuple(row) == ("Kraków", "hot")


async def test_two_texts_for_one_field_are_both_kept_until_somebody_chooses(day: Day, visit: Visit) -> None:
    visit.expects(r"409 PATCH /api/v1/contacts/")
    card = await new_card(day, "Two hands")
    page = await unheard(visit, card)
    await change(day, card, city="Warszawa")
    city = page.get_by_role("textbox", name="City")

    await city.fill("Kraków")
    await page.keyboard.press("Tab")

    asks = page.get_by_role("alert").filter(has_text="Somebody else wrote: Warszawa")
    await expect(asks).to_be_visible()
    await expect(city).to_have_value("Kraków")
    assert await axe(page) == []
    assert await day.api.site.pool.fetchval("select city from contact where id = $1", card) == "Warszawa"
    await asks.get_by_role("button", name="Keep mine").click()
    await expect(asks).to_be_hidden()
    await expect(page.locator("[data-saved]")).to_be_visible()
    assert await day.api.site.pool.fetchval("select city from contact where id = $1", card) == "Kraków"


async def test_a_note_is_no_text_of_the_card_and_moves_nothing_that_was_read(day: Day, visit: Visit) -> None:
    card, first = await new_card(day, "Notes"), f"first {uuid4()}"
    root = await day.api.signed_in("root")
    path = f"contacts/{card}/notes"
    assert (await root.post(path, json={"text": first}, headers={"Idempotency-Key": str(uuid4())})).status == 201
    page = await visit("anna", f"/clients/{card}")
    note = page.get_by_role("textbox", name="Write a note")
    entry = page.get_by_role("listitem").filter(has_text=first)
    await expect(entry).to_be_visible()

    await note.fill("second floor is ready")
    await expect(page.get_by_role("textbox", name="About")).to_have_value("")
    await page.keyboard.press("Control+Enter")
    own = page.get_by_role("listitem").filter(has_text="second floor is ready")
    await expect(own).to_have_count(1)
    await settled(page)
    await expect(own).to_have_count(1)
    assert await day.api.site.pool.fetchval("select note from contact where id = $1", card) == ""

    before = await entry.bounding_box()
    third = f"third {uuid4()}"
    assert (await root.post(path, json={"text": third}, headers={"Idempotency-Key": str(uuid4())})).status == 201
    news = page.get_by_role("button", name="1 new, show")
    await expect(news).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text=third)).to_have_count(0)
    after = await entry.bounding_box()
    assert before is not None
    assert after is not None
    assert await page.locator("h1").evaluate("(one) => { one.tabIndex = -1; one.focus(); return true; }")
    await page.keyboard.press(".")
    await expect(page.get_by_role("listitem").filter(has_text=third)).to_be_visible()
    await expect(news).to_be_hidden()
