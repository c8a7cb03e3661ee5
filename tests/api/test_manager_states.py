"""The board of states, choosing one's own, a colleague's, rules and reasons: over the real server and database.

Requirement 60: efficiency of manager, telephone and working time.
"""

import asyncio
import contextlib
import itertools
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from gateway.domain.access import Role
from gateway.domain.manager_states import Chosen, State
from tests.api.site import open_api, problem
from tests.gateway.office import office_over
from tests.gateway.site import ZONE
from tests.gateway.test_manager_states import CALL, at, chosen

_keys = itertools.count(1)


def once() -> dict[str, str]:
    """A new key for a new order."""
    return {"Idempotency-Key": f"state-{next(_keys)}"}


async def put(client: ClientSession, path: str, **body: object) -> dict[str, Any]:
    """Choose a state."""
    response = await client.put(path, json=body, headers=once())
    assert response.status == 200, await response.text()
    found: dict[str, Any] = await response.json()
    return found


async def board(client: ClientSession) -> dict[int, dict[str, Any]]:
    """The board by user."""
    response = await client.get("states")
    assert response.status == 200, await response.text()
    return {item["user"]: item for item in (await response.json())["items"]}


async def test_a_manager_chooses_his_break_and_his_head_sees_it(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")
        before = (await board(head))[api.site.users["anna"]]
        assert (before["state"], before["known"], before["takes_calls"]) == ("available", False, True)

        view = await put(anna, "states/me", state="break", reason="lunch")

        assert (view["state"], view["reason"], view["takes_calls"]) == ("break", "lunch", False)
        assert (await board(head))[api.site.users["anna"]] == view
        assert set(await board(anna)) == {api.site.users["anna"]}
        facts = await api.site.pool.fetch("select users, body from fact where kind = 'manager.state_changed'")
        assert [(sorted(f["users"]), f["body"]["state"]) for f in facts] == [
            (sorted([api.site.users["anna"], api.site.users["head"]]), "break")
        ]


async def test_the_same_key_chooses_once_and_another_body_is_refused(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna, key = await api.caller(Role.MANAGER, "anna"), {"Idempotency-Key": "k1"}
        first = await anna.put("states/me", json={"state": "break"}, headers=key)
        await put(anna, "states/me", state="available")
        again = await anna.put("states/me", json={"state": "break"}, headers=key)
        other = await anna.put("states/me", json={"state": "off"}, headers=key)

        assert await again.json() == await first.json()
        assert (await board(anna))[api.site.users["anna"]]["state"] == "available"
        await problem(other, 422, "key-reused")
        missing = await anna.put("states/me", json={"state": "break"})
        assert missing.status == 422


async def test_a_supervisor_chooses_for_others_and_it_is_written_into_the_audit(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")
        boris = api.site.users["boris"]
        await problem(await anna.put(f"states/{boris}", json={"state": "off"}, headers=once()), 403, "not-allowed")
        await problem(await anna.get(f"states/{boris}/history"), 403, "not-allowed")

        view = await put(head, f"states/{boris}", state="off")

        assert (view["user"], view["state"]) == (boris, "off")
        rows = await api.site.pool.fetch("select actor, object, detail from audit where action = 'state.chosen'")
        assert [(r["object"], r["detail"]["state"]) for r in rows] == [(f"user:{boris}", "off")]
        await put(anna, "states/me", state="break")
        assert await api.site.pool.fetchval("select count(*) from audit where action = 'state.chosen'") == 1
        gone = await head.put("states/999999", json={"state": "off"}, headers=once())
        await problem(gone, 404, "not-found")


async def test_what_cannot_be_chosen_is_refused_in_words(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna, nobody = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.ADMIN)
        for body in (
            {"state": "talking"},
            {"state": "break", "reason": "siesta"},
            {"state": "break", "reason": "x'; drop table users--"},
            {"state": "off", "reason": "lunch"},
            {"state": "available", "seconds": 5},
            {"state": "after_call", "seconds": 100_000},
            {"state": "break", "until": "now"},
        ):
            response = await anna.put("states/me", json=body, headers=once())
            assert response.status == 422, body
        await problem(await nobody.put("states/me", json={"state": "off"}, headers=once()), 403, "not-allowed")
        await put(anna, "states/me", state="off")
        late = await anna.put("states/me", json={"state": "after_call"}, headers=once())
        await problem(late, 409, "conflict")


async def test_reasons_and_rules_are_data(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR, "head")
        new = {"key": "smoke", "name": 'Smoke, "outside"; DROP', "minutes": 10}
        assert (await anna.post("break-reasons", json=new, headers=once())).status == 403
        made = await (await head.post("break-reasons", json=new, headers=once())).json()
        await problem(await head.post("break-reasons", json=new, headers=once()), 409, "conflict")
        assert (await put(anna, "states/me", state="break", reason="smoke"))["reason"] == "smoke"
        path, change = f"break-reasons/{made['id']}", {"version": 1, "archived": True}
        assert (await (await head.patch(path, json=change)).json())["archived_at"]
        await problem(await head.patch(path, json=change), 409, "conflict")
        keys = [r["key"] for r in (await (await anna.get("break-reasons")).json())["items"]]
        assert keys == ["rest", "lunch", "training", "meeting", "paperwork"]
        refused = await anna.put("states/me", json={"state": "break", "reason": "smoke"}, headers=once())
        assert refused.status == 422

        company = (await (await head.get("state-rules")).json())["items"][0]
        rule = {"user": api.site.users["anna"], "after_call_seconds": 90, "version": 0}
        own = await (await head.put("state-rules", json=rule)).json()
        assert (own["after_call_seconds"], own["begins"]) == (90, None)
        await problem(await head.put("state-rules", json=rule), 409, "conflict")
        assert (await head.put("state-rules", json={"version": company["version"]})).status == 422
        assert (await head.delete(f"state-rules/{company['id']}")).status == 404
        assert (await head.delete(f"state-rules/{own['id']}")).status == 204


async def test_seconds_of_the_report_are_those_of_its_intervals(database: str, tmp_path: Path) -> None:
    """Requirement 60: each figure opens into what it counts; over midnight both days have their parts."""
    async with open_api(database, tmp_path, company={"timezone": ZONE.key}) as api:
        head, anna = await api.caller(Role.SUPERVISOR, "head"), api.site.users["anna"]
        office = await office_over(api.site, settings=api.parts.settings, moment=at("09:00"))
        for clock, what in (("09:00", Chosen.AVAILABLE), ("11:00", Chosen.BREAK), ("11:30", Chosen.AVAILABLE)):
            office.moment = at(clock)
            await chosen(office, "anna", what)
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        await office.at(at("12:00"))
        office.moment = at("26:00")
        await chosen(office, "anna", Chosen.OFF)

        query = {"period": "dates", "since": "2026-11-20", "until": "2026-11-21", "user": str(anna)}
        report = await (await head.get("reports/states", params=query)).json()
        first, second = report["lines"]
        assert (first["key"]["first_available"], first["key"]["last_off"]) == ("09:00:00", None)
        assert (second["key"]["first_available"], second["key"]["last_off"]) == ("00:00:00", "02:00:00")
        assert sum(first["cells"][f"{s}_seconds"]["value"] for s in State) == pytest.approx(15 * 3600)
        assert first["cells"]["break_seconds"]["value"] == 1800
        assert second["cells"]["available_seconds"]["value"] == 7200
        talking, after = (first["cells"][n]["value"] for n in ("talking_seconds", "after_call_seconds"))
        assert after == 15
        assert first["cells"]["occupancy"]["value"] == pytest.approx(talking / (15 * 3600 - 1800), abs=1e-4)
        for line in (first, second):
            for name, cell in line["cells"].items():
                if cell["rows"]:
                    rows = (await (await head.get(cell["rows"].removeprefix("/api/v1/"))).json())["items"]
                    assert sum(r["seconds"] for r in rows) == pytest.approx(cell["value"]), name

        table = await head.get("reports/states", params={**query, "format": "csv"})
        text = (await table.read()).decode("utf-8-sig")
        assert "First available" in text
        assert "09:00:00" in text
        sheet = await head.get("reports/states", params={**query, "format": "xlsx"})
        assert (await sheet.read())[:2] == b"PK"
        week = await (await head.get("reports/states", params={**query, "step": "week"})).json()
        assert [line["key"]["first_available"] for line in week["lines"]] == [None]
        assert week["lines"][0]["cells"]["break_seconds"]["value"] == 1800


async def test_a_long_history_is_read_in_pages(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna = await api.caller(Role.MANAGER, "anna")
        for n in range(7):
            await put(anna, "states/me", state=("break", "available")[n % 2])
        path, seen, cursor = f"states/{api.site.users['anna']}/history", [], None
        while True:
            page = await (await anna.get(path, params={"limit": 3} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [item["state"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break

        assert seen == ["break", "available"] * 3 + ["break"]
        await problem(await anna.get(path, params={"cursor": "nonsense"}), 404, "unknown-cursor")
        assert (await anna.get(path, params={"since": "2026-02-02", "until": "2026-02-01"})).status == 422


async def test_a_change_is_heard_on_the_live_socket_by_him_and_his_heads_only(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        anna = await api.caller(Role.MANAGER, "anna")
        boris, head = await api.caller(Role.MANAGER, "boris"), await api.caller(Role.SUPERVISOR, "head")
        sockets = [await client.ws_connect("live") for client in (anna, boris, head)]
        await asyncio.sleep(0.2)

        await put(anna, "states/me", state="break", reason="lunch")

        for socket in (sockets[0], sockets[2]):
            heard = await changed(socket, 3)
            assert heard is not None
            assert (heard["state"], heard["before"]) == ("break", None)
        assert await changed(sockets[1], 0.5) is None
        for socket in sockets:
            await socket.close()


async def changed(socket: ClientWebSocketResponse, seconds: float) -> dict[str, Any] | None:
    """The next change of a state that is told; None: none is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (heard := await socket.receive_json())["kind"] != "manager.state_changed":
                pass
            body: dict[str, Any] = heard["body"]
            return body
    return None
