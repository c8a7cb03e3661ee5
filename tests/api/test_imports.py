"""Imports over HTTP: a file is sent, corrected, tried, run, undone; every row gets its verdict.

Requirements 112, 113, 116 to 119 and 124 to 127 (numbers in any writing, no duplicates, simple and transparent import,
Excel and CSV, no theft by export); complaint C30 (rows that vanish without a word).
"""

import asyncio
import csv
import io
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
import xlsxwriter
from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api, open_api, problem

_orders = itertools.count(1)
CLIENTS = """ФИО;Телефон;E-mail;Компания;Менеджер;Комментарий
Иванов Иван;8 (495) 123-45-67 доб. 12;ivan@example.com;ООО Ромашка;anna;звонить утром
Петров Пётр;+7 916 123-45-67, 8-916-765-43-21;;ООО «Ромашка»;Boris;
Иван Иванов;84951234567;;ооо ромашка;;то же лицо
Сидорова Анна;нет телефона;;;;
Кузнецов;7,49512E+10;;;;
Смирнов;+7 903 111-22-33;smirnov@example;;nobody;
;;;;;
"""


@pytest_asyncio.fixture
async def api(database: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The served application."""
    async with open_api(database, tmp_path) as served:
        yield served


def key() -> dict[str, str]:
    """A new Idempotency-Key."""
    return {"Idempotency-Key": f"order-{next(_orders)}"}


async def sent(client: ClientSession, text: str | bytes, name: str = "clients.csv", kind: str = "text/csv") -> Any:
    """A file that was taken."""
    data = text.encode() if isinstance(text, str) else text
    async with client.post(
        "imports", params={"name": name}, data=data, headers={"Content-Type": kind, **key()}
    ) as response:
        assert response.status == 201, await response.text()
        return await response.json()


async def ordered(client: ClientSession, id: int, word: str, **body: object) -> Any:
    """An order that was taken, and the import when nothing goes on any more."""
    async with client.post(f"imports/{id}/{word}", headers=key(), **({"json": body} if body else {})) as response:
        assert response.status == 202, await response.text()
    return await settled(client, id)


async def settled(client: ClientSession, id: int) -> Any:
    """The import when nothing goes on any more."""
    for _ in range(600):
        found = await (await client.get(f"imports/{id}")).json()
        if found["state"] not in ("checking", "running", "undoing"):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def verdicts(client: ClientSession, id: int) -> list[Any]:
    """All rows."""
    found = await (await client.get(f"imports/{id}/rows", params={"limit": "200"})).json()
    return list(found["items"])


async def test_a_file_is_looked_at_tried_and_imported_with_a_verdict_for_every_row(api: Api) -> None:
    """Requirements 112, 113, 117, 119."""
    client = await api.caller(Role.SUPERVISOR, "head")

    found = await sent(client, CLIENTS.encode("cp1251"))
    assert found["writing"] == {"encoding": "cp1251", "delimiter": ";", "sheet": None, "header": 1}
    assert found["targets"] == ["name", "number", "email", "organisation", "owner", "note"]
    id_ = found["id"]
    await _plan_of_moscow(client, found)
    tried = await ordered(client, id_, "check")
    assert tried["state"] == "checked"
    assert await api.site.pool.fetchval("select count(*) from contact") == 0
    told = await verdicts(client, id_)

    done = await ordered(client, id_, "run")
    assert done["state"] == "done"
    assert done["counts"] == tried["counts"] == {"created": 3, "joined": 1, "refused": 2, "told": 2}
    rows = await verdicts(client, id_)
    assert [(r["line"], r["verdict"]) for r in rows] == [(r["line"], r["verdict"]) for r in told]
    assert [r["verdict"] for r in rows] == ["created", "created", "joined", "refused", "refused", "created"]
    assert (rows[2]["by"], rows[2]["value"], rows[2]["twin"]) == ("number", "+74951234567", 2)
    assert "only the first digits" in rows[4]["words"]
    assert rows[4]["column"] == "Телефон"
    assert rows[4]["cells"][1] == "7,49512E+10"
    assert [f["code"] for f in rows[5]["faults"]] == ["email_not_understood", "owner_unknown"]
    card = await (await client.get(f"contacts/{rows[0]['contact']}")).json()
    assert (card["name"], card["owner"], card["organisation_name"]) == (
        "Иванов Иван",
        api.site.users["anna"],
        "ООО Ромашка",
    )
    assert [(p["number"], p["label"]) for p in card["phones"]] == [("+74951234567", "ext. 12")]
    assert card["note"] == "звонить утром\nто же лицо"


async def _plan_of_moscow(client: ClientSession, found: Any) -> None:
    options = {k: v for k, v in found["options"].items() if v is not None} | {"area_code": "495"}
    body = {"version": found["version"], "options": options}
    response = await client.patch(f"imports/{found['id']}", json=body)
    assert response.status == 200, await response.text()


async def corrected(client: ClientSession, found: Any, **writing: object) -> Any:
    """The import when a person has said how its file is written."""
    body = {"version": found["version"], "writing": writing}
    async with client.patch(f"imports/{found['id']}", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_an_encoding_that_was_guessed_wrongly_is_chosen_and_the_columns_are_read_anew(api: Api) -> None:
    client = await api.caller(Role.SUPERVISOR, "head")
    found = await sent(client, "name;phone\nЧП ЮГ;+79161234567\n".encode("cp1251"))
    assert (found["writing"]["encoding"], found["columns"][0]["samples"]) == ("koi8_r", ["во чц"])

    right = await corrected(client, found, encoding="cp1251", delimiter=";")
    assert (right["writing"]["encoding"], right["columns"][0]["samples"]) == ("cp1251", ["ЧП ЮГ"])
    again = await client.patch(f"imports/{found['id']}", json={"version": found["version"], "writing": {}})
    await problem(again, 409, "conflict")
    await ordered(client, found["id"], "run")
    assert await api.site.pool.fetchval("select name from contact") == "ЧП ЮГ"


async def test_a_delimiter_that_was_guessed_wrongly_is_chosen_and_the_mapping_proposed_anew(api: Api) -> None:
    client = await api.caller(Role.SUPERVISOR, "head")
    found = await sent(
        client,
        "ФИО;Телефон;Город, улица, дом, квартира\nАнна;+79161234567;Пермь, Мира, 5, 7\n"
        "Олег;+79161234568;Омск, Ленина, 1, 2\n",
    )
    assert (found["writing"]["delimiter"], len(found["columns"])) == (",", 4)

    right = await corrected(client, found, encoding="utf-8", delimiter=";")
    assert right["targets"][:2] == ["name", "number"]
    assert right["columns"][2]["samples"] == ["Пермь, Мира, 5, 7", "Омск, Ленина, 1, 2"]
    assert right["progress"]["total"] == 2
    whole = await corrected(client, right, encoding="utf-8", delimiter="", header=0)
    assert (len(whole["columns"]), whole["progress"]["total"]) == (1, 3)
    bad = await client.patch(
        f"imports/{found['id']}", json={"version": whole["version"], "writing": {"delimiter": ";;"}}
    )
    await problem(bad, 422, "invalid-request")
    done = await ordered(client, (await corrected(client, whole, encoding="utf-8", delimiter=";"))["id"], "run")
    assert done["counts"]["created"] == 2


async def test_a_second_sheet_is_chosen_also_one_of_which_no_column_is_known(api: Api, tmp_path: Path) -> None:
    client = await api.caller(Role.SUPERVISOR, "head")
    with xlsxwriter.Workbook(str(tmp_path / "book.xlsx")) as book:
        sheets = {
            "О файле": [["Номер", "Дата"], ["+79161234567", "31/12/1980"]],
            "Слова": [["Раз", "Два"], ["сосна", "ель"]],
            "Clients": [["name", "phone", "birthday"], ["Anna", "8 916 123-45-67", "12/31/1980"]],
        }
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    found = await sent(client, (tmp_path / "book.xlsx").read_bytes(), "book.xlsx", "application/octet-stream")
    assert (found["sheets"], found["writing"]["sheet"]) == (["О файле", "Слова", "Clients"], "О файле")
    assert found["options"]["day_first"] is True

    words = await corrected(client, found, sheet="Слова")
    assert [c["samples"] for c in words["columns"]] == [["Раз", "сосна"], ["Два", "ель"]]
    right = await corrected(client, words, sheet="Clients")
    assert right["targets"] == ["name", "number", "birthday"]
    assert right["options"]["day_first"] is False, "as the dates of this sheet are written"
    gone = await client.patch(
        f"imports/{found['id']}", json={"version": right["version"], "writing": {"sheet": "No such"}}
    )
    await problem(gone, 422, "rejected")
    done = await ordered(client, found["id"], "run")
    assert done["counts"]["created"] == 1
    card = await api.site.pool.fetchrow("select name, birthday from contact")
    assert (card["name"], str(card["birthday"])) == ("Anna", "1980-12-31")


async def test_a_number_written_two_ways_never_makes_two_cards(api: Api) -> None:
    """Requirement 116, and the cards that calls have made."""
    client = await api.caller(Role.ADMIN)
    made = await client.post("contacts", json={"name": "Old", "numbers": ["+79161234567"]}, headers=key())
    old = (await made.json())["id"]

    found = await sent(client, "name,phone\nNew,8 (916) 123-45-67\nAgain,9161234567\n")
    await ordered(client, found["id"], "run")
    rows = await verdicts(client, found["id"])

    assert [(r["verdict"], r["contact"]) for r in rows] == [("joined", old), ("joined", old)]
    assert rows[0]["faults"][0]["code"] == "name_differs"
    assert await api.site.pool.fetchval("select count(*) from contact") == 1


async def test_an_undo_takes_cards_away_and_gives_values_back_and_keeps_what_people_did(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    made = await client.post("contacts", json={"name": "Old", "numbers": ["+79161234567"]}, headers=key())
    old = (await made.json())["id"]
    found = await sent(
        client,
        "name,phone,city,note,company\nOld,89161234567;89031112233,Moscow,note of the file,Acme\n"
        "A,+79030000001,Kazan,,Acme\nB,+79030000002,Omsk,,Beta\n",
    )
    await ordered(client, found["id"], "run")
    rows = await verdicts(client, found["id"])
    changed = rows[2]["contact"]
    await client.patch(f"contacts/{changed}", json={"version": 1, "note": "a person was here"})
    await client.patch(f"contacts/{old}", json={"version": 2, "city": "Tver"})

    undone = await ordered(client, found["id"], "undo")

    assert undone["state"] == "undone"
    assert {k: undone["counts"][k] for k in ("deleted", "restored", "kept")} == {"deleted": 1, "restored": 1, "kept": 2}
    card = await (await client.get(f"contacts/{old}")).json()
    assert (card["city"], card["note"], card["organisation"]) == ("Tver", "", None)
    assert [p["number"] for p in card["phones"]] == ["+79161234567"]
    assert (await client.get(f"contacts/{rows[1]['contact']}")).status == 404
    kept = await (await client.get(f"imports/{found['id']}/kept")).json()
    assert {(k["contact"], tuple(k["what"])) for k in kept["items"]} == {(old, ("city",)), (changed, ("changed",))}
    assert [r["name"] for r in await api.site.pool.fetch("select name from organisation")] == ["Beta"]

    forced = await ordered(client, found["id"], "undo", force=True)
    assert forced["counts"]["deleted"] == 2
    assert await api.site.pool.fetchval("select count(*) from contact") == 1
    assert (await (await client.get(f"contacts/{old}")).json())["city"] == ""
    assert await api.site.pool.fetchval("select count(*) from organisation") == 0


async def test_the_same_file_twice_is_noticed(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    first = await sent(client, "name,phone\nA,+79030000001\n")
    await ordered(client, first["id"], "run")

    second = await sent(client, "name,phone\nA,+79030000001\n", name="other name.csv")
    assert [(s["id"], s["state"]) for s in second["same"]] == [(first["id"], "done")]
    refused = await client.post(f"imports/{second['id']}/run", headers=key())
    assert "imported before" in str((await problem(refused, 409, "conflict"))["detail"])

    again = await ordered(client, second["id"], "run", again=True)
    assert again["counts"] == {"created": 0, "joined": 1, "refused": 0, "told": 0}


async def test_an_upload_repeated_with_its_key_is_one_import(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    headers = {"Content-Type": "text/csv", **key()}
    first = await client.post(
        "imports", params={"name": "a.csv"}, data=b"name,phone\nA,+79030000001\n", headers=headers
    )
    again = await client.post(
        "imports", params={"name": "a.csv"}, data=b"name,phone\nA,+79030000001\n", headers=headers
    )
    other = await client.post(
        "imports", params={"name": "a.csv"}, data=b"name,phone\nB,+79030000002\n", headers=headers
    )

    assert (await first.json())["id"] == (await again.json())["id"]
    await problem(other, 422, "key-reused")
    assert len(list(api.parts.imports.folder.iterdir())) == 1


async def test_two_imports_at_once_make_no_card_twice(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    rows = "".join(f"Client {n},+7916{n:07d},Firm {n % 50}\n" for n in range(3000))
    ids = [(await sent(client, f"name,phone,company\n{head}{rows}"))["id"] for head in ("", "Other,+79990000000,X\n")]

    await asyncio.gather(*(client.post(f"imports/{id_}/run", headers=key()) for id_ in ids))
    done = [await settled(client, id_) for id_ in ids]

    assert [d["state"] for d in done] == ["done", "done"]
    assert sum(d["counts"]["created"] for d in done) == 3001
    assert await api.site.pool.fetchval("select count(*) from contact") == 3001
    assert await api.site.pool.fetchval("select count(*) from organisation") == 51


async def test_an_import_can_be_stopped_and_undone(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    rows = "".join(f"Client {n},+7916{n:07d}\n" for n in range(20_000))
    id_ = (await sent(client, f"name,phone\n{rows}"))["id"]
    await client.post(f"imports/{id_}/run", headers=key())
    while not (await (await client.get(f"imports/{id_}")).json())["progress"]["done"]:
        await asyncio.sleep(0.02)

    stopped = await ordered(client, id_, "cancel")
    assert stopped["state"] == "cancelled"
    assert 0 < stopped["progress"]["done"] < 20_000
    assert await api.site.pool.fetchval("select count(*) from contact") == stopped["counts"]["created"]

    await ordered(client, id_, "undo")
    assert await api.site.pool.fetchval("select count(*) from contact") == 0
    assert await api.site.pool.fetchval("select count(*) from contact_number") == 0


async def test_the_verdicts_come_as_a_file_in_which_no_cell_is_a_formula(api: Api) -> None:
    """Requirement 125."""
    client = await api.caller(Role.ADMIN)
    id_ = (await sent(client, "name,phone\n=1+1,12\n@cmd,+79030000001\n"))["id"]
    await ordered(client, id_, "run")

    response = await client.get(f"imports/{id_}/verdicts")
    rows = list(csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert response.content_type == "text/csv"
    assert [row[1] for row in rows] == ["Verdict", "refused", "created"]
    assert rows[1][6] == "'=1+1"
    assert (await (await client.get(f"imports/{id_}/verdicts", params={"format": "xlsx"})).read())[:2] == b"PK"


async def test_a_workbook_is_imported_with_numbers_that_excel_took_for_amounts(api: Api, tmp_path: Path) -> None:
    """Requirement 118."""
    book = xlsxwriter.Workbook(str(tmp_path / "clients.xlsx"))
    sheet = book.add_worksheet("Клиенты")
    sheet.write_row(0, 0, ["Имя клиента", "Телефон", "Дата рождения"])
    sheet.write_row(1, 0, ["Иванов", 74951234567.0, "31.12.1980"])
    sheet.write_formula(2, 0, '=CONCATENATE("Пет","ров")', None, "Петров")
    sheet.write(2, 1, 89161234567)
    book.close()
    client = await api.caller(Role.ADMIN)
    found = await sent(client, (tmp_path / "clients.xlsx").read_bytes(), "clients.xlsx", "application/vnd.ms-excel")

    await ordered(client, found["id"], "run")

    cards = await api.site.pool.fetch(
        "select c.name, p.number, c.birthday::text as day from contact c join contact_phone p on p.contact_id = c.id"
        " order by c.id"
    )
    assert [tuple(c) for c in cards] == [("Иванов", "+74951234567", "1980-12-31"), ("Петров", "+79161234567", None)]


async def test_what_cannot_be_a_table_is_refused_with_a_sentence(api: Api) -> None:
    client = await api.caller(Role.ADMIN)
    for data, words in ((b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, "no text file"), (b"\n\n\n", "no rows")):
        response = await client.post(
            "imports", params={"name": "x"}, data=data, headers={"Content-Type": "text/csv", **key()}
        )
        assert words in str((await problem(response, 422, "rejected"))["detail"])
    assert not list(api.parts.imports.folder.iterdir())


async def test_managers_neither_import_nor_export(api: Api) -> None:
    """Requirements 124 to 126."""
    client = await api.caller(Role.MANAGER, "anna")
    await problem(await client.get("imports"), 403, "not-allowed")
    await problem(await client.get("exports/contacts"), 403, "not-allowed")


async def test_an_export_can_be_imported_again_and_leaves_its_trace(api: Api) -> None:
    """Requirements 125 to 128."""
    client = await api.caller(Role.SUPERVISOR, "head")
    id_ = (await sent(client, "name,phone,e-mail,city\n@Acme,+79030000001 доб. 5,a@example.com,-Kazan\n"))["id"]
    await ordered(client, id_, "run")

    response = await client.get("exports/contacts", params={"q": "acme"})
    text = (await response.read()).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["Name"], row["Phone"], row["City"]) == ("'@Acme", "'+79030000001 ext. 5", "'-Kazan")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="contacts-')

    found = await sent(client, text, "again.csv")
    assert found["targets"][1:4] == ["name", "number", "email"]
    await ordered(client, found["id"], "run")
    assert (await verdicts(client, found["id"]))[0]["verdict"] == "joined"
    assert (await verdicts(client, found["id"]))[0]["faults"] == []

    audit = await api.site.pool.fetch(
        "select actor, action, detail from audit where action like '%export%' order by id"
    )
    assert [(a["action"], a["detail"].get("cards")) for a in audit] == [
        ("contacts.export_started", None),
        ("contacts.exported", 1),
    ]
    workbook = await (await client.get("exports/contacts", params={"format": "xlsx"})).read()
    assert workbook[:2] == b"PK"
