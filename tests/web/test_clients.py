"""Cards of clients: what is next stands first, colleagues by name, a new card for a call that rings, lists from a file,
and cards that may be one person."""

import asyncio
import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, settled, shot, too_wide
from tests.web.day import Day, told
from tests.web.phone import RunningCall, band

pytestmark = pytest.mark.asyncio(loop_scope="session")

_keys = itertools.count(1)


def once() -> dict[str, str]:
    return {"Idempotency-Key": f"clients-{next(_keys)}"}


async def make_card(day: Day, name: str, **body: object) -> int:
    root = await day.api.signed_in("root")
    made = await root.post("contacts", json={"name": name, **body}, headers=once())
    assert made.status == 201, await made.text()
    id_: int = (await made.json())["id"]
    return id_


async def top(page: Page, place: str) -> float:
    """Where an element begins on the page."""
    box = await page.locator(place).first.bounding_box()
    assert box is not None, place
    return box["y"]


async def test_none_of_them_makes_a_card_for_the_call(day: Day, visit: Visit) -> None:
    for name in ("Alojzy", "Bogna"):
        await make_card(day, name, phones=[{"number": "+48601555444", "shared": True}])
    page = await visit("anna", "/today")
    call = RunningCall(day=day, number="48601555444")
    await call.ring()

    await band(page).get_by_role("button", name="None of them").click()
    panel = page.get_by_role("complementary", name="New client")
    await expect(panel.get_by_label("Number")).to_have_value(re.compile("601.555.444"))
    await expect(panel).to_contain_text("Alojzy, Bogna")
    await panel.get_by_label("Name", exact=True).fill("Czesław")
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []
    await panel.get_by_role("button", name="Make the card for this call").click()

    await page.wait_for_url(re.compile(r"/clients/\d+$"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Czesław")
    card = int(page.url.rsplit("/", 1)[-1])
    joined = await day.api.site.pool.fetchval("select contact_id from call where id = $1", await call.id())
    assert joined == card
    await call.hang_up()


async def test_the_gateways_reasons_stand_at_the_fields_of_a_new_card(day: Day, visit: Visit) -> None:
    visit.expects(r"(409|422) POST /api/v1/contacts")
    taken = await make_card(day, "Dobrawa", numbers=["+48601555333"])
    page = await visit("boris", "/clients?new=1")
    panel = page.get_by_role("complementary", name="New client")

    await panel.get_by_label("Number").fill("12")
    await panel.get_by_role("button", name="Make the card").click()
    await expect(panel).to_contain_text("This is no client's number; write it with its code")
    await panel.get_by_label("Number").fill("+48 601 555 333")
    await expect(panel).to_contain_text("This number is on another card")
    await expect(panel.get_by_role("link", name="Dobrawa")).to_have_attribute("href", f"/clients/{taken}")
    await panel.get_by_role("checkbox", name="Several people use this number").check()
    await panel.get_by_role("button", name="Make the card").click()

    await page.wait_for_url(re.compile(r"/clients/\d+$"))
    shared = "select count(*) from contact_phone join contact_number n using (number) where number = $1 and n.shared"
    assert await day.api.site.pool.fetchval(shared, "+48601555333") == 2


async def test_the_time_line_names_who_talked_in_their_order(day: Day, visit: Visit) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=20)
    rows = told("13b_att_xfer_internal", begin=begin, number="48601222111", name="Przekazana", slow=12.0)
    await day.api.site.take_all(rows)
    card = await day.api.site.pool.fetchval("select contact_id from call where client_number = '+48601222111'")
    root = await day.api.signed_in("root")
    due = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    body = {
        "kind": "call",
        "title": "Send the contract",
        "contact": card,
        "due_at": due,
        "owner": day.api.site.users["boris"],
    }
    assert (await root.post("tasks", json=body, headers=once())).status == 201

    page = await visit("boris", f"/clients/{card}")
    await expect(page.locator("main")).to_contain_text(re.compile(r"Анна Соколова \d+:\d\d → you \d+:\d\d"))

    narrow = await visit("boris", f"/clients/{card}", narrow=True)
    await expect(narrow.get_by_text("Send the contract").first).to_be_visible()
    order = [await top(narrow, place) for place in ("h1", "[aria-label='Next step']", "summary")]
    order.append(await top(narrow, "[role=radiogroup][aria-label='Time line']"))
    assert order == sorted(order)
    await expect(narrow.get_by_label("City")).to_be_hidden()
    await narrow.locator("summary").click()
    await expect(narrow.get_by_label("City")).to_be_visible()
    assert await too_wide(narrow) == 0
    assert await axe(narrow) == []


async def test_a_list_of_clients_becomes_cards_and_is_taken_back(day: Day, visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "klienci.csv"
    rows = [
        "Imię i nazwisko;Telefon;Miasto",
        "Jan Import;+48 601 400 001;Łódź",
        "Ewa Import;601400002;Gdynia",
        "Bez numeru;;Radom",
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    page = await visit("head", "/clients/import")

    await page.locator("input[type=file]").set_input_files(file)
    await page.wait_for_url(re.compile(r"import=\d+"))
    await expect(page.get_by_role("combobox", name="What “Telefon” becomes")).to_have_value("Telephone number")
    await page.get_by_role("combobox", name="What “Miasto” becomes").click()
    await page.get_by_role("option", name="City", exact=True).click()
    await page.get_by_label("Country of national numbers").fill("PL")
    await page.get_by_label("Country of national numbers").press("Enter")
    await settled(page)
    assert await axe(page) == []
    await page.get_by_role("button", name="Try it").click()
    await expect(page.locator("main")).to_contain_text("What would happen")
    await expect(page.locator("main")).to_contain_text("No number, e-mail or id.")
    await shot(page, "import-tried")
    await page.get_by_role("button", name="Import 2 rows").click()

    await expect(page.get_by_role("button", name="Take the import back")).to_be_visible()
    made = "select count(*) from contact where name in ('Jan Import', 'Ewa Import')"
    assert await day.api.site.pool.fetchval(made) == 2
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click()
    bad = Path(await (await download.value).path()).read_text(encoding="utf-8-sig")
    assert "Bez numeru" in bad
    assert "Jan Import" not in bad
    await page.get_by_role("button", name="Take the import back").click()
    await expect(page.locator("main")).to_contain_text("The import was taken back whole.")
    assert await day.api.site.pool.fetchval(made) == 0


async def test_how_a_file_is_written_is_chosen_where_the_guess_is_wrong(visit: Visit, tmp_path: Path) -> None:
    file = "name;phone;city, street\nЧП ЮГ;+79161240001;Perm, Mira\n".encode("cp1251")
    page = await visit("head", "/clients/import")
    await page.locator("input[type=file]").set_input_files({"name": "юг.csv", "mimeType": "text/csv", "buffer": file})
    await page.wait_for_url(re.compile(r"import=\d+"))
    columns = page.locator("section", has=page.get_by_role("heading", name="Columns", exact=True))
    await expect(columns).to_contain_text("во чц")
    assert await axe(page) == []
    await shot(page, "import-writing", whole=True)

    await page.get_by_role("combobox", name="Encoding").click()
    await page.get_by_role("option", name="Cyrillic, Windows-1251").click()
    await expect(columns).to_contain_text("ЧП ЮГ")
    await page.get_by_role("combobox", name="Between the columns").click()
    await page.get_by_role("option", name="Comma").click()
    await expect(columns.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_role("combobox", name="Encoding")).to_have_value("Cyrillic, Windows-1251")
    await page.get_by_label("Row of column names").fill("0")
    await page.keyboard.press("Enter")
    await expect(columns).to_contain_text("Column 2")
    await page.get_by_role("button", name="Guess again").click()
    await expect(columns).to_contain_text("во чц")
    await expect(page.get_by_role("combobox", name="Between the columns")).to_have_value("Semicolon")

    book = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        workbook.add_worksheet("Note").write_column(0, 0, ["Hello", "there"])
        sheet = workbook.add_worksheet("Clients")
        sheet.write_row(0, 0, ["name", "phone"])
        sheet.write_row(1, 0, ["Anna", "+79161240002"])
    narrow = await visit("head", "/clients/import", narrow=True, language="ru", theme="dark")
    await narrow.locator("input[type=file]").set_input_files(book)
    await narrow.wait_for_url(re.compile(r"import=\d+"))
    await narrow.get_by_role("combobox", name="Лист").click()
    await narrow.get_by_role("option", name="Clients").click()
    await expect(narrow.get_by_role("combobox", name="Чем станет «phone»")).to_have_value("Телефон")
    assert await too_wide(narrow) == 0
    assert await axe(narrow) == []
    await shot(narrow, "import-writing-ru-360", whole=True)


async def test_cards_of_one_person_are_joined_and_others_told_apart_each_with_undo(day: Day, visit: Visit) -> None:
    pool = day.api.site.pool
    pairs: list[tuple[int, int, int]] = []
    for name in ("Łucja", "Hubert"):
        one = await make_card(day, f"{name} Nowak", numbers=[f"+48601300{len(pairs):03}"], city="Lublin")
        other = await make_card(day, f"{name} Nowak-Zych", city="Lublin")
        pair = await pool.fetchval(
            "insert into duplicate (one_id, other_id, reasons, score, found_at)"
            " values ($1, $2, '{name,city}', $3, now())"
            " on conflict (one_id, other_id) do update set score = excluded.score returning id",
            one,
            other,
            0.99 - len(pairs) / 100,
        )
        pairs.append((pair, one, other))
    page = await visit("head", "/clients/duplicates")

    first = page.get_by_role("table", name=re.compile("Łucja"))
    await expect(first).to_contain_text("Lublin")
    await shot(page, "duplicates")
    assert await axe(page) == []
    await first.get_by_role("button", name="Join, keep Łucja Nowak", exact=True).click()
    await expect(first).to_be_hidden()
    merged = "select merged_into from contact where id = $1"
    assert await pool.fetchval(merged, pairs[0][2]) == pairs[0][1]
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    async with asyncio.timeout(20):
        while await pool.fetchval(merged, pairs[0][2]) is not None:
            await asyncio.sleep(0.05)

    second = page.get_by_role("table", name=re.compile("Hubert"))
    await page.locator("section", has=second).get_by_role("button", name="Not the same").click()
    await expect(second).to_be_hidden()
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await expect(second).to_be_visible()
    assert await pool.fetchval("select state from duplicate where id = $1", pairs[1][0]) == "open"
