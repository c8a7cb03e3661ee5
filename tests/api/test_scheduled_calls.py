"""Scheduled calls over the API: planned by the client's clock, never overlapping, moved, cancelled and brought back."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import ClientResponse, ClientSession

from gateway.api.visibility import sees_event
from gateway.domain.access import Principal, Role
from gateway.domain.scheduled import Scheduled
from gateway.store.scheduled import read_rule, read_scheduled
from gateway.store.scheduled_clock import claim
from tests.api.site import Api, problem

MOSCOW = ZoneInfo("Europe/Moscow")
MONDAY = (datetime.now(UTC) + timedelta(days=10 - datetime.now(UTC).weekday())).date()  # some day next week
LANDLINE, MOBILE, BRITISH = "+74951234567", "+79161234567", "+447400123456"


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def on(time: str) -> str:
    """A time of that day, as a clock shows it."""
    return f"{MONDAY}T{time}"


def instant(time: str, zone: str) -> datetime:
    """The moment at which a clock shows it."""
    return datetime.fromisoformat(on(time)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def ask(client: ClientSession, key: str, **body: object) -> ClientResponse:
    return await client.post("scheduled-calls", json={"at": on("11:00"), **body}, headers=once(key))


async def plan(client: ClientSession, key: str, **body: object) -> dict[str, object]:
    """Plan a call to a land line in Moscow."""
    response = await ask(client, key, **({"number": LANDLINE} | body))
    assert response.status == 201, await response.text()
    found: dict[str, object] = await response.json()
    return found


async def change(client: ClientSession, call: dict[str, object], **body: object) -> ClientResponse:
    return await client.patch(f"scheduled-calls/{call['id']}", json={"version": call["version"], **body})


async def changed(client: ClientSession, call: dict[str, object], **body: object) -> dict[str, object]:
    response = await change(client, call, **body)
    assert response.status == 200, await response.text()
    found: dict[str, object] = await response.json()
    return found


async def card(api: Api, zone: str | None = None, number: str | None = None, owner: int | None = None) -> int:
    pool = api.site.pool
    id_: int = await pool.fetchval(
        "insert into contact (name, timezone, owner_id) values ('Anna Petrova', $1, $2) returning id", zone, owner
    )
    if number:
        await pool.execute("insert into contact_phone (contact_id, number) values ($1, $2)", id_, number)
        await pool.execute("insert into contact_number (contact_id, number) values ($1, $2)", id_, number)
    return id_


async def kinds(api: Api) -> list[str]:
    rows = await api.site.pool.fetch("select kind from fact where kind like 'scheduled.%' order by id")
    return [r["kind"].partition(".")[2] for r in rows]


async def open_abroad(api: Api) -> None:
    await api.site.pool.execute("update dial_policy set countries = '{RU,GB,US}'")


async def test_a_call_stands_at_eleven_by_the_clients_clock(api: Api) -> None:
    """Requirements 5, 11 and 13."""
    anna = await api.caller(Role.MANAGER, "anna")
    contact = await card(api, "Asia/Vladivostok", MOBILE)
    call = await plan(anna, "a", contact=contact, number=None, note="offer")

    at = instant("11:00", "Asia/Vladivostok")
    assert datetime.fromisoformat(str(call["at"])) == at
    assert (call["zone"], call["zone_from"], call["number"]) == ("Asia/Vladivostok", "card", MOBILE)
    assert str(call["client_time"]).startswith(on("11:00"))
    assert str(call["manager_time"]) == at.astimezone(api.parts.settings.company.timezone).isoformat()
    assert call["contact"] == {"id": contact, "name": "Anna Petrova"}
    assert (call["state"], call["minutes"], await kinds(api)) == ("planned", 15, ["created"])


async def test_a_request_repeated_plans_one_call(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    assert (await plan(anna, "a"))["id"] == (await plan(anna, "a"))["id"]


async def test_a_number_that_lies_in_one_zone_says_it_and_one_in_several_asks(api: Api) -> None:
    """Requirement 11."""
    anna = await api.caller(Role.MANAGER, "anna")
    await open_abroad(api)
    assert ((await plan(anna, "a"))["zone"], (await plan(anna, "b", number=BRITISH, at=on("12:00")))["zone"]) == (
        "Europe/Moscow", "Europe/London",
    )  # fmt: skip

    found = await problem(await ask(anna, "c", number=MOBILE), 422, "invalid-request")
    faults = found["errors"]
    assert isinstance(faults, list)
    assert (faults[0]["pointer"], faults[0]["code"]) == ("#/zone", "zone_unknown")
    candidates = {f["detail"] for f in faults if f["code"] == "candidate"}
    assert {"Europe/Moscow", "Asia/Vladivostok"} <= candidates
    call = await plan(anna, "d", number=MOBILE, zone="Asia/Omsk", at=on("13:00"))
    assert (call["zone"], call["zone_from"]) == ("Asia/Omsk", "asked")


WRONG: list[tuple[dict[str, object], str]] = [
    ({"number": "12"}, "number"),
    ({"number": "+8816234567890"}, "number"),
    ({"number": "+78091234567"}, "number"),
    ({"number": "+48221234567"}, "number"),
    ({"number": "+74951234567\r\nX: y"}, "number"),
    ({"at": "2020-01-01T11:00"}, "at"),
    ({"at": "2099-01-01T11:00"}, "at"),
    ({"at": "2027-02-30T11:00"}, "at"),
    ({"at": "11:00"}, "at"),
    ({"at": on("08:59")}, "at"),
    ({"at": on("20:00")}, "at"),
    ({"zone": "Europe/Nowhere"}, "zone"),
    ({"zone": "../etc/passwd"}, "zone"),
    ({"user": 10**9}, "user"),
    ({"contact": 10**9}, "contact"),
    ({"minutes": 0}, "minutes"),
    ({"minutes": 481}, "minutes"),
]


async def test_what_cannot_be_planned_is_refused_by_name(api: Api) -> None:
    """Requirement 11."""
    root = await api.caller(Role.ADMIN, "root")
    for number, (body, pointer) in enumerate(WRONG):
        asked = {"number": LANDLINE, "user": api.site.users["anna"]} | body
        found = await problem(await ask(root, f"k{number}", **asked), 422, "invalid-request")
        assert str(found["errors"][0]["pointer"]).startswith(f"#/{pointer}"), found  # type: ignore[index]

    assert await kinds(api) == []
    refused = await api.site.pool.fetch("select reason, purpose from dial_refusal order by id")
    assert [tuple(r) for r in refused] == [(reason, "scheduled") for reason in ("satellite", "premium", "country")]


async def test_who_has_no_phone_that_could_ring_is_not_planned_for(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    found = await problem(await ask(root, "a", number=LANDLINE), 422, "invalid-request")

    assert "has no extension" in str(found)


async def test_outside_the_permitted_hours_only_at_the_clients_own_wish(api: Api) -> None:
    """Requirement 11."""
    anna = await api.caller(Role.MANAGER, "anna")
    found = await problem(await ask(anna, "a", number=LANDLINE, at=on("06:30")), 422, "invalid-request")
    assert on("09:00").replace("T", " ") in str(found)
    assert "09:00-20:00" in str(found)

    assert (await plan(anna, "b", at=on("06:30"), any_hour=True))["any_hour"] is True


async def test_a_skipped_hour_is_refused_and_a_repeated_one_is_the_first_or_the_second(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    year = datetime.now(UTC).year + 1
    spring = next(d for d in (f"{year}-03-{n}" for n in range(31, 24, -1)) if datetime.fromisoformat(d).weekday() == 6)
    autumn = next(d for d in (f"{year}-10-{n}" for n in range(31, 24, -1)) if datetime.fromisoformat(d).weekday() == 6)
    zone = {"zone": "Europe/Warsaw", "any_hour": True, "number": LANDLINE}
    found = await problem(await ask(anna, "a", at=f"{spring}T02:30", **zone), 422, "rejected")
    assert f"{spring}T03:00" in str(found["detail"])

    first = await plan(anna, "b", at=f"{autumn}T02:30", **zone)
    second = await plan(anna, "c", at=f"{autumn}T02:30", second=True, **zone)
    apart = datetime.fromisoformat(str(second["at"])) - datetime.fromisoformat(str(first["at"]))
    assert (apart, str(first["client_time"])[:16]) == (timedelta(hours=1), str(second["client_time"])[:16])


async def test_two_calls_of_one_manager_never_overlap_and_the_nearest_free_times_are_told(api: Api) -> None:
    """Requirements 9 and 10."""
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    first = await plan(anna, "a", minutes=30)
    found = await problem(await ask(anna, "b", number=LANDLINE, at=on("11:15")), 409, "conflict")
    detail = str(found["detail"])
    asked, free = f"{on('11:00')} to {on('11:30')}", f"{on('10:45')}, {on('11:30')}, {on('11:45')}"
    assert f"scheduled call {first['id']} from {asked} by the clock of Europe/Moscow".replace("T", " ") in detail
    assert f"free times are: {free}.".replace("T", " ") in detail

    await plan(anna, "c", at=on("11:30"))
    await plan(boris, "d", at=on("11:15"))


async def test_of_many_who_plan_into_one_time_at_once_one_succeeds(api: Api) -> None:
    """Requirement 9."""
    anna = await api.caller(Role.MANAGER, "anna")
    asked = [ask(anna, f"k{n}", number=LANDLINE, at=on(f"11:{n:02}")) for n in range(12)]
    found = [response.status for response in await asyncio.gather(*asked)]

    assert sorted(found) == [201] + [409] * 11
    assert await api.site.pool.fetchval("select count(*) from scheduled_call") == 1


async def test_a_call_is_moved_and_who_moved_it_stands_in_its_history(api: Api) -> None:
    """Requirement 6."""
    anna = await api.caller(Role.MANAGER, "anna")
    call, other = await plan(anna, "a"), await plan(anna, "b", at=on("15:00"))
    moved = await changed(anna, call, at=on("12:00"))
    assert datetime.fromisoformat(str(moved["at"])) == instant("12:00", "Europe/Moscow")
    await problem(await change(anna, moved, at=on("15:05")), 409, "conflict")
    await problem(await change(anna, call, at=on("16:00")), 409, "conflict")  # an old version
    longer = await changed(anna, moved, minutes=60, note="long one")

    async with anna.get(f"scheduled-calls/{call['id']}") as response:
        history = (await response.json())["history"]
    assert [(h["told_as"], sorted(h["what"])) for h in history] == [
        ("moved", ["agreed_at", "at", "wall"]),
        ("moved", ["minutes", "note"]),
    ]
    assert (longer["minutes"], other["state"], await kinds(api)) == (60, "planned", ["created"] * 2 + ["moved"] * 2)


async def test_a_call_is_cancelled_and_that_is_undone_while_its_time_is_free(api: Api) -> None:
    """Requirement 6."""
    anna = await api.caller(Role.MANAGER, "anna")
    call = await plan(anna, "a")
    gone = await changed(anna, call, state="cancelled")
    assert gone["state"] == "cancelled"
    assert gone["ended_at"] is not None
    back = await changed(anna, gone, state="planned")
    assert (back["state"], back["ended_at"], back["at"]) == ("planned", None, call["at"])

    gone = await changed(anna, back, state="cancelled")
    taken = await plan(anna, "b")
    found = await problem(await change(anna, gone, state="planned"), 409, "conflict")
    assert f"scheduled call {taken['id']}" in str(found["detail"])
    assert (await changed(anna, gone, at=on("16:00")))["state"] == "planned"
    assert await kinds(api) == ["created", "cancelled", "restored", "cancelled", "created", "restored"]


async def test_a_missed_call_is_planned_anew_and_its_task_is_done(api: Api) -> None:
    anna, pool = await api.caller(Role.MANAGER, "anna"), api.site.pool
    call = await plan(anna, "a")
    task = await pool.fetchval(
        "insert into task (kind, owner_id, made_by, created_at, changed_at)"
        " values ('call_back', $1, 'scheduled', now(), now()) returning id",
        api.site.users["anna"],
    )
    await pool.execute(
        "update scheduled_call set state = 'missed', task_id = $1, attempts = 3, at = now() - interval '1 day',"
        " ends_at = now() - interval '23 hours', reason = 'client_no_answer'",
        task,
    )
    async with anna.get(f"scheduled-calls/{call['id']}") as response:
        assert (await response.json())["detail"] == "The client did not take the phone."
    await problem(await change(anna, call, state="planned"), 409, "conflict")
    again = await changed(anna, call, at=on("12:00"))
    assert (again["state"], again["attempts"], again["task"]) == ("planned", 0, None)
    assert await pool.fetchval("select state from task where id = $1", task) == "done"


async def test_why_a_call_was_moved_is_said_in_the_readers_language(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    call = await plan(anna, "a")
    await api.site.pool.execute("update scheduled_call set reason = 'late'")

    polish = await (await anna.get(f"scheduled-calls/{call['id']}", headers={"Accept-Language": "pl"})).json()
    listed = await (await anna.get("scheduled-calls?fields=detail", headers={"Accept-Language": "ru"})).json()
    english = await (await anna.get(f"scheduled-calls/{call['id']}")).json()

    assert polish["detail"] == "O tej porze bramka nie działała; rozmowę zaplanowano na nowo."
    assert listed["items"] == [{"detail": "В назначенное время шлюз не работал; звонок запланирован заново."}]
    assert english["detail"] == "The gateway was not there at its moment; it was planned anew."


async def claimed(api: Api, id: object) -> Scheduled:
    async with api.site.pool.acquire() as connection:
        call = await read_scheduled(connection, int(str(id)))
        assert call is not None
        await claim(connection, call, "tl-test", datetime.now(UTC))
        return call


async def test_while_it_is_being_dialled_nobody_changes_it(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    call = await plan(anna, "a")
    await claimed(api, call["id"])
    async with anna.get(f"scheduled-calls/{call['id']}") as response:
        now = await response.json()

    found = await problem(await change(anna, now, at=on("15:00")), 409, "conflict")
    assert "being dialled" in str(found["detail"])


async def test_nobody_plans_or_sees_a_colleagues_calls_but_a_head(api: Api) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head, users = await api.caller(Role.SUPERVISOR, "head"), api.site.users
    call = await plan(head, "a", user=users["anna"])
    await problem(await ask(boris, "b", number=LANDLINE, user=users["anna"]), 403, "not-allowed")
    assert (await boris.get(f"scheduled-calls/{call['id']}")).status == 404
    await problem(await change(boris, call, state="cancelled"), 404, "not-found")
    await problem(await change(anna, call, user=users["boris"]), 403, "not-allowed")
    assert (await (await boris.get("scheduled-calls", params={"user": users["anna"]})).json())["items"] == []
    assert len((await (await anna.get("scheduled-calls")).json())["items"]) == 1

    given = await changed(head, call, user=users["boris"])
    assert (given["user_name"], (await kinds(api))[-1]) == ("Boris", "handed_over")
    rows = await api.site.pool.fetch("select users from fact where kind = 'scheduled.handed_over'")
    assert set(rows[0]["users"]) == {users["anna"], users["boris"]}


async def test_a_card_that_may_not_be_seen_is_not_planned_with(api: Api) -> None:
    await api.site.pool.execute("update card_rule set sees = 'own'")
    anna = await api.caller(Role.MANAGER, "anna")
    contact = await card(api, "Europe/Moscow", LANDLINE, owner=api.site.users["boris"])

    await problem(await ask(anna, "a", contact=contact), 422, "invalid-request")


async def test_a_call_for_an_absent_manager_is_refused(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    await api.site.pool.execute(
        "insert into absence (user_id, kind, since, until, hands_over, comes_back, state, made_by, made_at)"
        " values ($1, 'holiday', $2, $3, false, true, 'planned', 'test', now())",
        api.site.users["anna"], instant("00:00", "UTC"), instant("23:00", "UTC"),
    )  # fmt: skip
    found = await problem(await ask(anna, "a", number=LANDLINE), 409, "conflict")

    assert "Anna is absent" in str(found["detail"])


async def test_an_hour_as_full_as_the_rule_allows_takes_no_further_call(api: Api) -> None:
    """Requirement 10."""
    await api.site.pool.execute("update task_rule set hour_max = 2")
    anna = await api.caller(Role.MANAGER, "anna")
    await plan(anna, "a")
    second = await plan(anna, "b", at=on("11:20"))
    await problem(await ask(anna, "c", number=LANDLINE, at=on("11:40")), 409, "conflict")

    await changed(anna, second, at=on("11:25"))  # not one more
    async with anna.get("queue/hours", params={"day": str(MONDAY)}) as response:
        hours = (await response.json())["hours"]
    assert sum(h["tasks"] for h in hours) == 2


async def test_free_times_are_proposed_with_both_clocks(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    await plan(anna, "a")
    async with anna.get("scheduled-calls/free", params={"number": LANDLINE, "at": on("11:00"), "count": 3}) as response:
        found = await response.json()
    assert (found["zone"], found["zone_from"], found["hours"]) == ("Europe/Moscow", "number", "09:00-20:00")
    assert [t["client_time"][11:16] for t in found["times"]] == ["10:45", "11:15", "11:30"]

    await problem(await anna.get("scheduled-calls/free", params={"number": MOBILE}), 422, "invalid-request")


async def test_the_rule_is_changed_by_a_head_and_holds_at_once(api: Api) -> None:
    head, anna = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")
    body = {"version": 1, "hours_since": "12:00", "hours_until": "13:30", "weekdays": [0, 1, 2, 3, 4], "minutes": 20}
    await problem(await anna.patch("scheduled-calls/rule", json=body), 403, "not-allowed")
    async with head.patch("scheduled-calls/rule", json=body) as response:
        rule = await response.json()
    assert (rule["hours_since"], rule["minutes"], rule["late_minutes"], rule["version"]) == ("12:00", 20, 5, 2)
    assert (await read_rule(api.site.pool)).hours.until == 13 * 60 + 30

    await problem(await ask(anna, "a", number=LANDLINE), 422, "invalid-request")
    assert (await plan(anna, "b", at=on("12:00")))["minutes"] == 20
    await problem(await head.patch("scheduled-calls/rule", json=body), 409, "conflict")
    wrong = {"version": 2, "hours_until": "11:00"}
    await problem(await head.patch("scheduled-calls/rule", json=wrong), 422, "invalid-request")


async def test_it_stands_in_the_queue_and_on_the_time_line(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    contact = await card(api, "Europe/Moscow", LANDLINE)
    call = await plan(anna, "a", contact=contact, note="offer")
    async with anna.get("queue", params={"days": 15}) as response:
        (entry,) = (await response.json())["scheduled"]
    assert (entry["call"]["id"], entry["section"]) == (call["id"], "later")

    await changed(anna, call, state="cancelled")
    async with anna.get(f"contacts/{contact}/timeline") as response:
        entries = (await response.json())["items"]
    found = [(e["kind"], e["id"], e["body"]["state"]) for e in entries if e["kind"].startswith("scheduled")]
    assert found == [("scheduled_ended", str(call["id"]), "cancelled"), ("scheduled", str(call["id"]), "cancelled")]
    async with anna.get("queue", params={"days": 15}) as response:
        assert (await response.json())["scheduled"] == []


async def test_a_list_is_paged_by_the_moment(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    for n, time in enumerate(("15:00", "11:00", "13:00")):
        await plan(anna, f"k{n}", at=on(time))
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        async with anna.get("scheduled-calls", params=params) as response:
            found = await response.json()
        seen += [c["client_time"][11:16] for c in found["items"]]
        if not (cursor := found["next"]):
            break

    assert seen == ["11:00", "13:00", "15:00"]


async def test_a_hostile_note_stays_a_note(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    note = '"quoted", ${SHELL(id)}; drop table scheduled_call; \\ \r\n<script>'
    assert (await plan(anna, "a", note=note))["note"] == note


async def test_what_happens_to_a_call_is_told_to_its_manager_and_no_colleague(api: Api) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR, "head")
    with api.site.live.listening() as screen:
        call = await plan(anna, "a")
        await changed(anna, call, at=on("12:00"))
        told = [screen.queue.get_nowait() for _ in range(2)]
    assert [(h.kind, h.users) for h in told] == [
        ("scheduled.created", (api.site.users["anna"],)),
        ("scheduled.moved", (api.site.users["anna"],)),
    ]
    assert [sees_event(_as(api, who), "scheduled.moved", told[1].users) for who in ("anna", "boris", "head")] == [
        True, False, True,
    ]  # fmt: skip
    assert (await boris.get(f"scheduled-calls/{call['id']}")).status == 404
    assert (await head.get(f"scheduled-calls/{call['id']}")).status == 200


def _as(api: Api, who: str) -> Principal:
    role = Role.SUPERVISOR if who == "head" else Role.MANAGER
    return Principal(id=f"user:{api.site.users[who]}", role=role, manager=str(api.site.users[who]))
