"""The audit as administrators read it: filtered, in pages, with names, as a file that leaves its own rows."""

from typing import Any

from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api, problem


async def rows(client: ClientSession, **query: str) -> list[Any]:
    """All pages of it."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        response = await client.get("audit", params=query | cursor)
        assert response.status == 200, await response.text()
        page = await response.json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_acts_are_told_by_code_and_values_with_the_names_of_who_and_what(api: Api) -> None:
    root, users = await api.signed_in("root"), api.site.users
    await root.patch(f"users/{users['anna']}", json={"name": "Anna B"})
    team = await root.post("teams", json={"name": "Sales"}, headers={"Idempotency-Key": "t"})
    team_id = (await team.json())["id"]
    await api.site.pool.execute(
        "insert into audit (actor, action, object) values ('cli:root', 'recording.listened', $1)", "7f-9c"
    )

    listened, made, changed = await rows(root)

    who = {"kind": "user", "id": str(users["root"]), "name": "Root"}
    assert (changed["action"], changed["actor"], changed["params"]) == ("user.changed", who, {"fields": ["name"]})
    assert changed["about"] == {"kind": "user", "id": str(users["anna"]), "name": "Anna B"}
    assert made["about"] == {"kind": "team", "id": str(team_id), "name": "Sales"}
    assert listened["about"] == {"kind": "recording", "id": "7f-9c", "name": None}
    assert (listened["actor"]["kind"], listened["actor"]["name"]) == ("cli", None)


async def test_acts_are_found_by_who_what_about_and_when(api: Api) -> None:
    root, users = await api.signed_in("root"), api.site.users
    for n, (actor, action, about) in enumerate(
        (
            ("user:7", "user.changed", "user:1"),
            ("user:7", "user.entered", "user:2"),
            ("key:abc", "users.other", "card_rule"),
            (f"user:{users['anna']}", "missed.dismiss", "missed:1"),
        )
    ):
        await api.site.pool.execute(
            "insert into audit (at, actor, action, object)"
            " values (timestamptz '2026-03-01T10:00Z' + $1 * interval '1 h', $2, $3, $4)",
            n,
            actor,
            action,
            about,
        )

    async def found(**query: str) -> list[str]:
        return [row["action"] for row in await rows(root, **query)]

    everything = ["missed.dismiss", "users.other", "user.entered", "user.changed"]
    assert await found(limit="2") == everything
    assert await found(user=str(users["anna"])) == ["missed.dismiss"]
    assert await found(actor="key:abc") == ["users.other"]
    assert await found(action="user.*") == ["user.entered", "user.changed"]
    assert await found(action="user.changed") == ["user.changed"]
    assert await found(about="user") == ["user.entered", "user.changed"]
    assert await found(about="user:2") == ["user.entered"]
    assert await found(about="card_rule") == ["users.other"]
    assert await found(since="2026-03-01T11:30:00Z", until="2026-03-01T12:30:00Z") == ["users.other"]
    assert (await (await root.get("audit/actions")).json())["items"] == sorted(everything)
    await problem(await root.get("audit", params={"user": "1", "actor": "key:a"}), 422, "invalid-request")


async def test_a_file_of_the_audit_leaves_rows_in_it(api: Api) -> None:
    root = await api.signed_in("root")
    await api.site.pool.execute("insert into audit (actor, action, object) values ('user:1', 'a.b', '=cmd()')")

    response = await root.get("audit/file", params={"action": "a.b"})

    text = await response.text()
    assert (response.status, response.content_type) == (200, "text/csv")
    assert text.count("\n") == 2
    assert "a.b" in text
    started, ended = [row for row in reversed(await rows(root)) if row["action"].startswith("audit.")]
    assert started["params"] == {"format": "csv", "filters": ["action"]}
    assert ended["params"] == {"format": "csv", "rows": 1}


async def test_the_audit_is_the_administrators_alone(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")

    for path in ("audit", "audit/actions", "audit/file"):
        await problem(await head.get(path), 403, "not-allowed")
