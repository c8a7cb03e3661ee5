"""Things that are really there, for requests that are made from the document: one of everything that has an id.

Almost all of it is made over the API, as a program would; only what comes by itself (missed clients, proposals of
duplicates, deliveries) is written into the database.
"""

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from gateway.api.security import new_api_key
from gateway.domain.access import Role
from gateway.domain.identity import command_id, new_id
from gateway.store.access import issue_key
from gateway.store.commands import store_command
from tests.api.site import Api, store_sound

WEEK = [["09:00-18:00"]] * 5 + [[], []]
TIMES = 3
"""So many of each, for some are removed on the way."""
_keys = itertools.count(1)


async def known_things(api: Api) -> dict[str, list[str]]:
    """Things that are really there, by the name that paths give them."""
    pool = api.site.pool
    calls = [r["id"] for r in await pool.fetch("select id from call where kind = 'client' order by started_at")]
    still_open = [r["id"] for r in await pool.fetch("select id from call where state <> 'ended' limit 1")]
    await store_sound(api, calls[0])
    await pool.execute(
        "insert into recording (id, pbx, name, call_id, state) values ($1, 'pbx1', 'y', $2, 'failed')",
        new_id(),
        calls[1],
    )
    admin = await api.caller(Role.ADMIN, "root")
    made = Made(admin, api.site.users)
    await made.cards()
    await made.tasks()
    await made.goals()
    await made.distribution()
    await made.routing()
    await made.rim()
    await made.agreed()
    await _comes_by_itself(api, made)
    return {
        **made.ids,
        "call_id": [str(call) for call in calls[:3] + still_open],
        "key_id": [await _key(api) for _ in range(3)],
        "command_id": [await _command(api, name) for name in ("anna", "boris")],
        "language": ["auto", "ru"],
        "user_id": [str(api.site.users[name]) for name in ("anna", "boris")],
        "pbx": ["pbx1"],
        "file": ["1763807400.12-rx.wav", "1763807400.12.done"],
        "extension": ["105", "106"],
        "number": ["+79161234567", "8 (916) 555-00-11"],
        "row_id": ["1", "2", "3"],
        "system": ["crm"],
        "kind": ["contact"],
        "external": [f"A{n}" for n in range(TIMES)],
        "outcome": ["refusal", "purchase", "question"],
        "zone": ["Europe/Moscow", "Asia/Tokyo"],
        "view_id": await _views(api),
        "did": ["4950001", "4950002", "4950003"],
        "area": ["columns.calls", "keys", "ring"],
        "session_id": [await _session(api, n) for n in range(TIMES)],
    }


class Made:
    """Makes things over the API and keeps their ids."""

    def __init__(self, admin: ClientSession, users: Mapping[str, int]) -> None:
        self._admin = admin
        self._anna, self._boris, self._head = (users[name] for name in ("anna", "boris", "head"))
        self.ids: dict[str, list[str]] = {}

    async def _add(self, name: str, path: str, body: object = None, *, method: str = "POST", **further: Any) -> Any:
        """Order one thing; its id is kept under the name."""
        headers = {"Idempotency-Key": f"known-{next(_keys)}"} | further.pop("headers", {})
        if body is not None:
            further["json"] = body
        async with self._admin.request(method, path, headers=headers, **further) as response:
            assert response.ok, f"{path}: {await response.text()}"
            made = await response.json()
        if "id" in made:
            self.ids.setdefault(name, []).append(str(made["id"]))
        return made

    async def cards(self) -> None:
        """Cards, some of them merged, organisations, fields, touches, ids of another system, imports."""
        for n in range(TIMES):
            await self._add("organisation_id", "organisations", {"name": f"Firm {n}"})
            await self._add("field_id", "fields", {"key": f"field_{n}", "label": f"Field {n}", "kind": "text"})
            number = f"+7916700000{n}"
            card = await self._add("contact_id", "contacts", {"name": f"Card {n}", "numbers": [number]})
            twin = await self._add("twin", "contacts", {"name": f"Card {n}"})
            merged = await self._add("", f"contacts/{card['id']}/merge", {"gone": [twin["id"]]})
            self.ids.setdefault("merge_id", []).append(str(merged["merges"][0]["id"]))
            await self._add("note_id", f"contacts/{card['id']}/notes", {"text": f"Note {n}"})
            await self._add("touch_id", "touches", {"kind": "visit", "contact": {"id": card["id"]}})
            await self._add("", f"external-ids/crm/contact/A{n}", {"local": str(card["id"])}, method="PUT")
            await self._add("outcome_id", "outcomes", {"contact": card["id"], "outcome": "refusal"})
            text = {"data": f"name;phone\nRow {n};+7916800000{n}\n", "headers": {"Content-Type": "text/csv"}}
            await self._add("import_id", "imports?name=a.csv", **text)
        del self.ids["twin"]

    async def tasks(self) -> None:
        """Tasks, of one, of many and recurring, and working hours."""
        anna, boris = self._anna, self._boris
        for n, hours in enumerate(({"user": anna}, {"user": boris}, {"did": "74951234567"})):
            await self._add("task_id", "tasks", {"kind": "call", "owner": anna})
            group = {"kind": "call", "title": f"Ask {n}", "users": [anna, boris]}
            await self._add("group_id", "tasks/groups", group)
            recurs = {"unit": "week", "begins": "2026-03-02", "at": "10:00"}
            await self._add("series_id", "tasks/series", {"kind": "call", "owner": boris, "recurs": recurs})
            table = {"timezone": "Europe/Moscow", "week": WEEK, "version": 0}
            await self._add("hours_id", "working-hours", {**hours, **table}, method="PUT")

    async def goals(self) -> None:
        """Teams, goals, what channels cost, and who gets reports."""
        anna, head = self._anna, self._head
        for n in range(TIMES):
            team = await self._add("team_id", "teams", {"name": f"Team {n}", "members": [{"user": anna}]})
            goal = {"whose": "team", "team": team["id"], "measure": "calls", "target": 10 + n}
            await self._add("goal_id", "goals", goal)
            sum_ = {"by": "did", "channel": "74951234567", "amount": 10, "currency": "EUR"}
            days = {"since": f"2026-0{n + 1}-01", "until": f"2026-0{n + 1}-28"}
            await self._add("spend_id", "spend", {**sum_, **days})
            await self._add("subscription_id", "reports/subscriptions", {"user": head, "hour": 8 + n, "by": "file"})

    async def distribution(self) -> None:
        """Rules, an absence of each, and handovers."""
        anna, boris = self._anna, self._boris
        rules = [{"name": f"Rule {n}", "members": [{"user": anna}, {"user": boris}]} for n in range(TIMES)]
        for rule in rules:
            await self._add("rule_id", "distribution/rules", rule)
        for year, user in enumerate((anna, boris, anna), 2100):
            days = {"since": f"{year}-01-01T00:00:00Z", "until": f"{year}-02-01T00:00:00Z"}
            await self._add("absence_id", "absences", {"user": user, **days})
        for card in self.ids["contact_id"]:
            await self._add("handover_id", "distribution/handovers", {"contacts": [int(card)], "to": boris})

    async def routing(self) -> None:
        """Groups and inbound routes."""
        for n in range(TIMES):
            members = {"strategy": "all", "members": [self._anna, self._boris]}
            team = await self._add("routing_group_id", "routing-groups", {"name": f"Ring {n}", **members})
            steps = [{"kind": "owner"}, {"kind": "group", "group": team["id"]}]
            route = {"name": f"Way {n}", "did": f"495{n}", "steps": steps}
            await self._add("inbound_route_id", "inbound-routes", route)

    async def rim(self) -> None:
        """Subscriptions of programs with a message each, forms, and rows of endpoints."""
        for n in range(TIMES):
            hook = await self._add("webhook_id", "webhooks", {"url": f"https://crm.example.com/hook/{n}"})
            await self._add("delivery_id", f"webhooks/{hook['id']}/test")
            form = await self._add("form_id", "forms", {"name": f"Landing {n}"})
            self.ids.setdefault("form_key", []).append(re.sub(".*/", "", form["address"]))
            row = {"pbx": "pbx1", "pattern": f"PJSIP/trunk-{n}", "kind": "trunk"}
            await self._add("endpoint_id", "endpoints", row)

    async def agreed(self) -> None:
        """Calls agreed for a moment, and what some may dial beside the others."""
        day = datetime.now(UTC).date() + timedelta(days=7)
        for n, user in enumerate((self._anna, self._boris, self._head)):
            call = {"number": f"+7495123450{n}", "at": f"{day}T11:00", "user": user}
            await self._add("scheduled_id", "scheduled-calls", call)
            exception = {"user": user, "countries": ["PL"], "version": 0}
            await self._add("exception_id", "dial-permissions/exceptions", exception, method="PUT")


async def _comes_by_itself(api: Api, made: Made) -> None:
    """Missed clients, cards that may be one person, and reports that could not be sent."""
    pool, cards = api.site.pool, [int(card) for card in made.ids["contact_id"]]
    for n, card in enumerate(cards):
        missed = await pool.fetchval(
            "insert into missed (contact_id, number, pbx, did, state, calls, first_at, last_at, due_at, give_up_at)"
            " values ($1, $2, 'pbx1', '74951234567', 'open', 1, now(), now(), now(), now() + interval '7 days')"
            " returning id",
            card,
            f"+7916700000{n}",
        )
        made.ids.setdefault("missed_id", []).append(str(missed))
        delivery = await pool.fetchval(
            "insert into report_delivery (subscription_id, day, state, next_try_at, due_at, made_at, letter)"
            " values ($1, $2, 'failed', now(), now(), now(), $3) returning id",
            int(made.ids["subscription_id"][n]),
            date(2026, 3, n + 1),
            {"subject": "s", "text": "t", "html": "h"},
        )
        if str(delivery) not in made.ids["delivery_id"]:
            made.ids["delivery_id"].append(str(delivery))
    for user in ("anna", "boris", "head"):
        asked = await pool.fetchval(
            "insert into help_ask (user_id, text) values ($1, 'x') returning id", api.site.users[user]
        )
        made.ids.setdefault("help_id", []).append(str(asked))
    for one, other in itertools.combinations(sorted(cards), 2):
        pair = await pool.fetchval(
            "insert into duplicate (one_id, other_id, reasons, score) values ($1, $2, '{name}', 0.9) returning id",
            one,
            other,
        )
        made.ids.setdefault("duplicate_id", []).append(str(pair))


async def _key(api: Api) -> str:
    """Issue a key that nobody uses."""
    key_id, _, digest = new_api_key()
    await issue_key(api.site.pool, key_id=key_id, secret_digest=digest, name="unused", role=Role.MANAGER)
    return key_id


async def _session(api: Api, n: int) -> str:
    """Begin a session of the one who asks."""
    session = await api.site.pool.fetchval(
        "insert into session (token_hash, user_id, expires_at) values ($1, $2, now() + interval '1 hour') returning id",
        bytes([n]) * 32,
        api.site.users.get("tireless", api.site.users["root"]),
    )
    return str(session)


async def _views(api: Api) -> list[str]:
    """Saved views of the one who asks."""
    who = api.site.users.get("tireless", api.site.users["root"])
    rows = await api.site.pool.fetch(
        "insert into saved_view (list, name, owner_id) select 'calls', 'View ' || n, $1 from generate_series(1, 3) n"
        " returning id",
        who,
    )
    return [str(row["id"]) for row in rows]


async def _command(api: Api, name: str) -> str:
    """Write down a click-to-call of this person."""
    id_, user = command_id(), api.site.users[name]
    async with api.site.pool.acquire() as connection:
        await store_command(connection, id=id_, pbx="pbx1", user_id=user, extension="101", number="+79161234567")
    return id_
