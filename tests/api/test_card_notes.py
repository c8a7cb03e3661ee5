"""Notes upon cards: their author mends them for a day, then they are history."""

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.api.test_merges import ok, post

pytestmark = pytest.mark.asyncio


async def test_an_author_changes_and_takes_back_his_note_and_the_audit_says_so(api: Api) -> None:
    """Requirement 107: the history of a client is what people wrote, and who changed it."""
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    card = (await ok(await post(anna, "contacts", {"name": "A"}), 201))["id"]
    note = await ok(await post(anna, f"contacts/{card}/notes", {"text": "звонить с 9"}), 201)
    path = f"contacts/{card}/notes/{note['id']}"

    changed = await ok(await anna.patch(path, json={"version": 1, "text": "звонить с 10"}))
    await problem(await anna.patch(path, json={"version": 1, "text": "x"}), 409, "conflict")
    await problem(await boris.patch(path, json={"version": 2, "text": "x"}), 403, "not-allowed")
    await problem(await boris.delete(path), 403, "not-allowed")
    line = await ok(await boris.get(f"contacts/{card}/timeline"))
    gone = await anna.delete(path)

    assert (changed["text"], changed["version"], changed["at"]) == ("звонить с 10", 2, note["at"])
    told = line["items"][0]["body"]
    assert told["text"] == "звонить с 10"
    assert told["changed_at"] is not None
    assert gone.status == 204
    assert (await ok(await anna.get(f"contacts/{card}/notes")))["items"] == []
    rows = await api.site.pool.fetch(
        "select action, detail from audit where object = $1 order by id", f"note:{note['id']}"
    )
    assert [r["action"] for r in rows] == ["contact.note_changed", "contact.note_removed"]
    assert "звонить" not in str([r["detail"] for r in rows])
    kinds = [f["kind"] for f in (await ok(await anna.get("events")))["items"]]
    assert kinds[-2:] == ["contact.note_changed", "contact.note_removed"]


async def test_a_note_of_yesterday_stays_as_it_is(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    card, other = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "AB"]
    note = await ok(await post(anna, f"contacts/{card}/notes", {"text": "x"}), 201)
    path = f"contacts/{card}/notes/{note['id']}"
    await problem(await anna.delete(f"contacts/{other}/notes/{note['id']}"), 404, "not-found")

    await api.site.pool.execute("update contact_note set at = at - interval '25 hours'")

    await problem(await anna.patch(path, json={"version": 1, "text": "y"}), 409, "conflict")
    await problem(await anna.delete(path), 409, "conflict")
