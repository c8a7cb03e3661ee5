"""The card under quick hands and several of them: fields beside each other, a colleague in the same field, notes, and
what is made on it; names of our lines."""

import re
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, go, settled
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


async def test_an_organisation_is_made_and_a_number_added_and_taken_back_on_the_card(day: Day, visit: Visit) -> None:
    visit.expects(r"422 PATCH /api/v1/contacts/")
    card, name = await new_card(day, "Reach"), f"Firm {uuid4()}"
    page = await visit("anna", f"/clients/{card}", language="pl")
    await page.get_by_role("combobox", name="Organizacja").fill(name)
    await page.get_by_role("option", name=f"Utwórz „{name}”").click()
    await expect(page.locator("main").get_by_role("link", name=name).first).to_be_visible()
    found = await day.api.site.pool.fetchval(
        "select o.name from contact c join organisation o on o.id = c.organisation_id where c.id = $1", card
    )
    assert found == name

    further = page.get_by_role("textbox", name="Kolejny numer lub e-mail")
    await further.fill("12")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("To nie jest numer klienta")).to_be_visible()
    await further.fill("8 (926) 777-00-11")
    await page.keyboard.press("Enter")
    await expect(further).to_have_value("")
    number = page.get_by_role("button", name=re.compile("^Usuń 8.926"))
    await further.fill("zofia@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("zofia@example.com")).to_be_visible()
    assert await axe(page) == []
    await number.click()
    await expect(number).to_be_hidden()
    await page.get_by_role("button", name="Cofnij").click()
    await expect(number).to_be_visible()
    kept = await day.api.site.pool.fetchval("select number from contact_phone where contact_id = $1", card)
    assert kept == "+79267770011"


async def test_a_task_is_made_on_the_card_by_its_persons_clock(day: Day, visit: Visit) -> None:
    card, title = await new_card(day, "Tasked"), f"Send it {uuid4()}"
    page = await visit("anna", f"/clients/{card}", language="ru", timezone_id="Asia/Tokyo")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasked")

    await page.keyboard.press("t")
    side = page.get_by_role("complementary", name="Новая задача")
    await expect(side).to_contain_text("Tasked")
    await expect(side.get_by_label("Что", exact=True)).to_be_focused()
    await page.keyboard.type(title)
    await side.get_by_label("Когда").fill("24.11.2099")
    await side.get_by_label("Время").fill("1630")
    await page.keyboard.press("Tab")
    await expect(side.get_by_label("Когда")).to_have_value(re.compile("24 нояб"))
    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    await expect(side.get_by_label("Что", exact=True)).to_have_value(title)
    assert await axe(page) == []
    await side.get_by_role("button", name="Поставить задачу").click()

    await expect(side).to_be_hidden()
    assert page.url.endswith(f"/clients/{card}")
    await expect(page.get_by_text(title).first).to_be_visible()
    due = await day.api.site.pool.fetchval("select due_at from task where title = $1 and contact_id = $2", title, card)
    assert due.astimezone(ZoneInfo(day.zone)).isoformat()[:16] == "2099-11-24T16:30"


async def test_a_manager_reads_the_names_of_our_lines_and_leaves_the_filters_by_esc(day: Day, visit: Visit) -> None:
    root = await day.api.signed_in("root")
    for did in ("4950001", "4950004"):
        present = (await (await root.get("numbers")).json())["items"]
        version = next((one["version"] for one in present if one["did"] == did), 0)
        body = {"version": version, "name": f"Line {did[-1]}", "source_kind": "site", "source_name": "Shop"}
        named = await root.put(f"numbers/{did}", json=body)
        assert named.status == 200, await named.text()
    page = await visit("anna", "/calls?did=4950001")
    await expect(page.get_by_role("cell", name="Line 1").first).to_be_visible()
    await expect(page.get_by_role("button", name="Take away: Our line")).to_be_visible()

    button = page.get_by_role("button", name="Filters", exact=True)
    await button.press("Enter")
    panel = page.get_by_role("complementary", name="Filters")
    await expect(panel.get_by_role("combobox", name="Period")).to_be_focused()
    await panel.get_by_label("From", exact=True).fill("01/02/2026")
    await panel.get_by_label("Client's name").fill("Мария")
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(button).to_be_focused()
    await expect(page).to_have_url(re.compile(r"first=2026-02-01.*client="))

    await go(page, f"/calls/{day.recorded}")
    await expect(page.locator("main")).to_contain_text("Line 1")
    rail = page.get_by_role("navigation", name="Main menu")
    await expect(rail.get_by_role("link", name=re.compile(r"^Tasks \d+"))).to_be_visible()
    await expect(rail.get_by_role("link", name=re.compile(r"^Today \d+"))).to_be_visible()
