"""The tests' day with everything that a company of three years has: names on cards, numbers with their sources, teams,
routes, hours, goals, outcomes, notes and tasks. For pictures; the tests themselves want the plain day.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession

from gateway.doctor.places import PLACES
from gateway.settings import PbxKind
from gateway.store.aftercare_health import aftercare_health
from gateway.store.doctor_runs import DoctorRun, save_run
from tests.web.day import Day, told

CLIENTS = (
    ("+79169998877", "Виктор Кузьмин-Караваев", "Екатеринбург", "building materials", "hot", 5),
    ("+74951234455", "Зинаида Павловна Иванова", "Москва", "office furniture", "warm", 3),
    ("+48601234567", "Łukasz Dąbek", "Warszawa", "hurtownia drewna", "warm", 2),
    ("+79161112233", "Анна Сергеевна Белозерская-Вознесенская", "Екатеринбург", "building materials", "hot", 5),
    ("+74959876543", "Priya Raman", "Bristol", "logistics", "cold", 1),
    ("+442079460961", "James Whitfield", "London", "wholesale", "warm", 2),
    ("+79031234567", "Северин Аркадьевич Константинопольский", "Санкт-Петербург", "ship repair", None, 0),
    ("+79161234568", "Grzegorz Brzęczyszczykiewicz", "Lublin", "transport", "cold", 1),
)
"""Who is behind the day's numbers: name, town, line of business, heat, priority."""
LINES = (
    ("4950001", "Price list", "campaign", "Yandex Direct"),
    ("4950003", "Main number", "site", "Site, header"),
    ("4950004", "Kraków office", "printed", "Catalogue 2026"),
)
NAMES = ("Ольга Никифорова", "Сергей Ким", "Dorota Maj-Grabowska", "Agnieszka Wiśniewska-Kowalczyk", "Tomasz Lis")
WEEK = [["09:00-18:00"]] * 7
_keys = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The administrator at work."""

    day: Day
    client: ClientSession

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make something."""
        key = {"Idempotency-Key": f"furnished-{next(_keys)}"}
        async with self.client.post(path, json=body, headers=key) as answer:
            assert answer.status in (200, 201), f"{path}: {await answer.text()}"
            found: dict[str, Any] = await answer.json()
            return found

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Set something."""
        key = {"Idempotency-Key": f"furnished-{next(_keys)}"}
        async with self.client.put(path, json=body, headers=key) as answer:
            assert answer.status in (200, 201), f"{path}: {await answer.text()}"

    async def card(self, number: str) -> int:
        """The card that has a number."""
        found = await self.day.api.site.pool.fetchval("select contact_id from contact_number where number = $1", number)
        return int(found)

    @property
    def users(self) -> Mapping[str, int]:
        """Ids by login."""
        return self.day.api.site.users


async def furnish(day: Day) -> None:
    """Fill a day."""
    await day.api.site.pool.execute("update users set name = 'Piotr Zawadzki' where login = 'root'")
    office = Office(day=day, client=await day.api.signed_in("root"))
    await _tell_a_week(day)
    await _taken(day)
    await _set_up(office)
    await _taken(day)
    await _name_cards(office)
    await _routes(office)
    await _work(office)
    await _give_outcomes(day)
    await _miss_somebody(day)
    await _look(day)


async def _name_cards(office: Office) -> None:
    pool, anna = office.day.api.site.pool, office.users["anna"]
    made = await office.post("organisations", {"name": "ООО «УралСтройКомплект»", "city": "Екатеринбург"})
    for number, name, city, business, heat, priority in CLIENTS:
        await pool.execute(
            "update contact set name = $2, city = $3, line_of_business = $4, heat = $5, priority = $6, stage = 'lead',"
            " owner_id = $7, organisation_id = $8 where id = $1",
            await office.card(number),
            name,
            city,
            business,
            heat,
            priority,
            anna if priority else None,
            made["id"] if business == "building materials" else None,
        )
    unnamed = await pool.fetch("select id from contact where name = '' order by id")
    for row, name in zip(unnamed, itertools.cycle(NAMES), strict=False):
        await pool.execute("update contact set name = $2, stage = 'client' where id = $1", row["id"], name)


async def _set_up(office: Office) -> None:
    users = office.users
    for did, name, kind, source in LINES:
        named = {"version": 0, "name": name, "source_kind": kind, "source_name": source}
        await office.put(f"numbers/{did}", named)
    members = [{"user": users["anna"]}, {"user": users["boris"]}]
    await office.post("teams", {"name": "Sales Kraków", "head": users["head"], "members": members})
    # Every day, for pictures are taken on Sundays too.
    holiday = [{"day": "2026-12-25", "hours": [], "name": "Christmas"}]
    hours = {"timezone": office.day.zone, "week": WEEK, "exceptions": holiday, "version": 0}
    await office.put("working-hours", hours)
    await office.post("goals", {"name": "Talks of two minutes", "measure": "calls", "seconds": 120, "target": 20})
    field = {"key": "seats", "label": "Seats", "kind": "number", "searchable": True}
    await office.post("fields", field)
    choice = {"key": "delivery", "label": "Delivery", "kind": "choice", "choices": ["Own lorry", "Carrier", "None"]}
    await office.post("fields", choice)
    await office.post("keys", {"name": "CRM, cards and calls", "role": "supervisor"})
    await office.post("keys", {"name": "Site form", "role": "manager", "user": users["anna"]})
    receiver = {"url": "https://crm.example.com/hooks/trunkline", "kinds": ["call.*"], "description": "CRM"}
    await office.post("webhooks", receiver)


async def _routes(office: Office) -> None:
    anna, boris = office.users["anna"], office.users["boris"]
    group = await office.post("routing-groups", {"name": "Sales", "strategy": "longest_idle", "members": [anna, boris]})
    steps = [
        {"kind": "owner", "seconds": 20},
        {"kind": "group", "group": group["id"], "seconds": 30, "wait_seconds": 60},
        {"kind": "manager", "user": boris, "seconds": 20},
        {"kind": "hang_up"},
    ]
    closed = [{"kind": "hang_up"}]
    for did, name in (("74955550101", "Sales, main number"), ("4950001", "Price list"), ("*", "All other numbers")):
        route = {"name": name, "did": did, "record": True, "notice": True, "steps": steps, "closed_steps": closed}
        await office.post("inbound-routes", route)


async def _work(office: Office) -> None:
    anna, now = office.users["anna"], datetime.now(UTC)
    for number, title, hours, priority in (
        ("+79161112233", "Прислать расчёт с доставкой", 2, 4),
        ("+48601234567", "Send the certificate again", -3, 5),
        ("+442079460961", "Quote for 120 chairs", 4, 2),
        ("+74951234455", "Уточнить размеры второго этажа", 22, 1),
    ):
        task = {
            "kind": "letter" if title.startswith("Send") else "call",
            "title": title,
            "priority": priority,
            "owner": anna,
            "contact": await office.card(number),
            "due_at": (now + timedelta(hours=hours)).isoformat(),
        }
        await office.post("tasks", task)
    for number, minutes, note in (("+74951234455", 95, "Price of 40 desks"), ("+79161112233", 150, "Contract ready")):
        at = (now + timedelta(minutes=minutes)).astimezone(ZoneInfo(office.day.zone))
        planned = {
            "contact": await office.card(number),
            "at": at.strftime("%Y-%m-%dT%H:%M"),
            "zone": office.day.zone,
            "user": anna,
            "note": note,
            "any_hour": True,
        }
        await office.post("scheduled-calls", planned)
    for number, text in (
        ("+79161234567", "Delivery through Gdańsk; the building has no lift."),
        ("+79161112233", "Второй этаж будет готов 5 декабря: 26 мест сейчас, 20 потом."),
    ):
        await office.post(f"contacts/{await office.card(number)}/notes", {"text": text})


async def _give_outcomes(day: Day) -> None:
    """Anna has said how most of her talks went."""
    anna = Office(day=day, client=await day.api.signed_in("anna"))
    calls = await day.api.site.pool.fetch(
        "select c.id from call c join call_manager m on m.call_id = c.id where m.user_id = $1 and c.talk_us > 0"
        " and c.contact_id is not null order by c.started_at limit 12",
        day.api.site.users["anna"],
    )
    due = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    step = {"kind": "task", "task": "call", "due_at": due}
    for row, outcome in zip(calls, itertools.cycle(("talked", "talked", "purchase", "refusal")), strict=False):
        said: dict[str, Any] = {"call": str(row["id"]), "outcome": outcome}
        said |= {"next_step": step} if outcome == "talked" else {}
        async with anna.client.get("dispositions") as answer:
            rows = await answer.json()
        wanted = next(d for d in rows["dispositions"] if d["key"] == outcome)
        if wanted["reason_required"]:
            said["reason"] = next(r["key"] for r in rows["reasons"] if r["of"] == wanted["reasons"])
        await anna.post("outcomes", said)


async def _tell_a_week(day: Day) -> None:
    """Inbound calls of the days before, some of them missed."""
    now = datetime.now(UTC)
    for days, hours in itertools.product(range(1, 9), (4.5, 3.2, 1.7, 0.4)):
        missed = (days * 7 + int(hours)) % 5 == 0
        rows = told(
            "in_noanswer" if missed else "in_answered",
            begin=now - timedelta(days=days, hours=hours),
            number=f"7926444{days:02}{int(hours):02}",
            name=NAMES[(days + int(hours)) % len(NAMES)],
            slow=1.0 if missed else 20.0 + days,
        )
        await day.api.site.take_all(rows)


async def _taken(day: Day) -> None:
    """Wait until everything that follows calls has been done: it writes to the same cards."""
    async with asyncio.timeout(60):
        while any(one.behind for one in (await aftercare_health(day.api.site.pool)).followers):
            await asyncio.sleep(0.1)


async def _look(day: Day) -> None:
    """What the doctor found an hour ago."""
    off = "The call journal (CEL) is switched off: no call would be seen."
    seen = "Every user of this machine may look into the recording folder /var/spool/asterisk/trunkline."
    found = (
        ("asterisk pbx1", "ok", "", "Logged in at 10.0.0.5:5038 as 'trunkline'.", []),
        ("asterisk pbx1", "fault", "cel_off", off, PLACES[PbxKind.FREEPBX].events()),
        ("journal of pbx1", "ok", "", "The last 2000 rows have every event a call needs.", []),
        ("recordings of pbx1", "advice", "recordings_rights", seen, ["chmod o-rwx /var/spool/asterisk/trunkline"]),
    )
    names = ("area", "level", "code", "text", "remedy")
    run = DoctorRun(
        pbx="pbx1",
        kind="freepbx",
        at=datetime.now(UTC) - timedelta(minutes=12),
        faults=1,
        advice=1,
        findings=[dict(zip(names, row, strict=True)) for row in found],
        wrong=frozenset({"cel_off"}),
    )
    await save_run(day.api.site.pool, run)


async def _miss_somebody(day: Day) -> None:
    """Two clients of the last minutes whom nobody answered."""
    now = datetime.now(UTC)
    for minutes, number, name in ((3, "79219876501", "Марина Цой"), (1, "48712345678", "Meble Dąbrowa")):
        rows = told("in_noanswer", begin=now - timedelta(minutes=minutes), number=number, name=name)
        await day.api.site.take_all(rows)
