"""The board of states, choosing one's own, a colleague's, rules and reasons: over the real server and database.

Requirement 60: efficiency of manager, telephone and working time.
"""

import itertools
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import open_api

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
