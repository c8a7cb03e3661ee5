"""The real application over a real database with a day of calls told from recorded journals, a recording of real speech
with its transcript, cards, tasks and planned calls; and everything that follows calls, running beside it.

`told` shifts a recorded journal to another moment and client; everything then takes the gateway's own way: journal,
pipeline, upkeep of recordings, followers of the feed.
"""

import asyncio
import contextlib
import itertools
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import soundfile

from gateway.aftercare.follow import wake_followers
from gateway.aftercare.parts import duties_of, followers_of
from gateway.store.staff import load_tables
from tests.api.site import Api, open_api
from tests.gateway.recorded import open_studio
from tests.gateway.site import BASE, rows_of
from tests.recordings.sounds import wav

SPEECH = Path(__file__).parent.parent / "transcription" / "recordings"
CLIENT = "79161234567"
_tellings = itertools.count(1)


def told(
    scenario: str,
    *,
    begin: datetime,
    number: str = CLIENT,
    name: str = "",
    slow: float = 1.0,
) -> list[bytes]:
    """The rows of a recorded journal, told of another moment.

    Args:
        scenario: a folder of tests/scenarios.
        begin: when its first row happened now.
        number: the client's, digits only.
        name: what the line says of him; empty: nothing.
        slow: how many times longer everything took.
    """
    rows = rows_of(scenario)
    first = _moment(rows[0])
    shift = int(begin.timestamp()) - int(first)
    quoted = name.replace('"', '""').encode()

    many = 1000 * next(_tellings)

    def moved(found: re.Match[bytes]) -> bytes:
        return b"%d.%d" % (int(found[1]) + shift, int(found[2]) + many)

    changed = []
    for row in rows:
        at = begin.timestamp() + (_moment(row) - first) * slow
        row = re.sub(rb"\b(1795\d{6})\.(\d{1,5})(?!\d)", moved, row)
        row = re.sub(rb'^("[A-Z_]+",)"[0-9.]+"', rb'\g<1>"%.6f"' % at, row)
        row = row.replace(CLIENT.encode(), number.encode()).replace(b"79169998877", number.encode())
        changed.append(row.replace(b'"Client"', b'"%s"' % quoted))
    return changed


def _moment(row: bytes) -> float:
    return float(row.split(b'"', 4)[3])


async def record(api: Api, call: UUID, folder: Path) -> None:
    """Put real speech beside a call as the PBX leaves it, and its text as the transcriber would write it."""
    pool = api.site.pool
    leg = await pool.fetchval("select id from leg where role = 'client' and call_id = $1 order by started_at", call)
    sound, rate = soundfile.read(SPEECH / "ru.flac", dtype="int16", always_2d=True)
    async with open_studio(pool, folder, archive=folder / "archive", live=api.site.live) as studio:
        for side, channel in (("tx", 0), ("rx", 1)):
            (studio.folder / f"{leg}-{side}.wav").write_bytes(wav(sound[:, channel].copy(), rate=rate))
        (studio.folder / f"{leg}.done").touch()
        assert await studio.upkeep.round() == 1
    said = json.loads((SPEECH / "ru.json").read_text())
    sides = ("manager", "client")
    segments = [{"speaker": sides[s["channel"]], **{k: s[k] for k in ("start", "end", "text")}} for s in said]
    await write_down(api, call, segments)


async def write_down(api: Api, call: UUID, segments: list[dict[str, object]]) -> None:
    """Give a recorded call its transcript."""
    await api.site.pool.execute(
        "with done as (update recording set transcript_state = 'ready' where call_id = $1 returning id)"
        " insert into transcript (recording_id, language, model, segments, text, words)"
        " select id, 'ru', 'base', $2, $3, to_tsvector('russian', $3) from done"
        " on conflict (recording_id) do update set segments = excluded.segments",
        call,
        segments,
        "\n".join(str(s["text"]) for s in segments),
    )


NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class GoesOn(Protocol):
    """A call that was told up to its middle."""

    async def hang_up(self) -> None:
        """Tell its end; nothing where that is told."""


@dataclass(slots=True, kw_only=True)
class Day:
    """A served day of calls."""

    api: Api
    recorded: UUID
    """The call that has a recording and a transcript."""
    folder: Path
    """Where recordings are put."""
    zone: str
    """The company's time zone, in which it is afternoon."""
    calls: list[GoesOn] = field(default_factory=list)
    """Those of the present test (tests/web/phone.py)."""
    freed_at: datetime = NEVER
    """When people were last set free by us (tests/web/rest.py)."""


def afternoon() -> str:
    """A time zone in which it is afternoon now, so that a morning's calls are today's whenever the tests run."""
    ahead = 14 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"  # the signs of these names are turned round (POSIX)


NAMES = {"anna": "Анна Соколова", "boris": "Boris Wiśniewski", "head": "Ewa Lewandowska", "root": "Root"}


@contextlib.asynccontextmanager
async def open_day(dsn: str, folder: Path, page: Path, *, port: int = 0) -> AsyncIterator[Day]:
    """Serve a day of calls.

    Args:
        dsn: an empty, migrated database.
        folder: where recordings are put.
        page: the built files that are served.
        port: of 127.0.0.1; 0: a free one.
    """
    zone = afternoon()
    async with _served(dsn, folder, page, zone, port) as api:
        yield Day(api=api, recorded=await fill_day(api, folder), folder=folder, zone=zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """A day that was told and closed: of its database and its files any number of copies are made."""

    template: str
    """Name of the database."""
    folder: Path
    recorded: UUID
    zone: str


@contextlib.asynccontextmanager
async def open_copy(morning: Morning, dsn: str, folder: Path, page: Path) -> AsyncIterator[Day]:
    """Serve a day as it was told.

    Args:
        morning: whose.
        dsn: a copy of its database.
        folder: where its files are copied to.
        page: the built files that are served.
    """
    shutil.copytree(morning.folder, folder)
    async with _served(dsn, folder, page, morning.zone) as api:
        yield Day(api=api, recorded=morning.recorded, folder=folder, zone=morning.zone)


@contextlib.asynccontextmanager
async def _served(dsn: str, folder: Path, page: Path, zone: str, port: int = 0) -> AsyncIterator[Api]:
    async with open_api(dsn, folder, page=page, port=port, goals={"count": 5}, company={"timezone": zone}) as api:
        api.site.pipeline.use(await load_tables(api.site.pool, BASE, ZoneInfo(zone)))
        async with followed(api):
            yield api


@contextlib.asynccontextmanager
async def followed(api: Api) -> AsyncIterator[None]:
    """What the gateway does after calls: missed ones, tasks, states, goals (gateway/aftercare/parts.py)."""
    site, settings = api.site, api.parts.settings
    followers = followers_of(settings, site.pool, site.live)
    for follower in followers:
        await follower.begin()  # before the first call
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(follower.run()) for follower in followers]
        running += [tasks.create_task(duty.run()) for duty in duties_of(settings, site.pool, site.live)]
        running.append(tasks.create_task(wake_followers(site.pool, followers)))
        yield
        for task in running:
            task.cancel()


async def fill_day(api: Api, folder: Path) -> UUID:
    """Two managers' morning, their clients' cards, what they have to do; the id of the call that has a recording."""
    for login, name in NAMES.items():
        await api.site.pool.execute("update users set name = $2 where login = $1", login, name)
    recorded = await _tell_calls(api, folder)
    await _write_cards(api)
    await _plan(api)
    return recorded


async def _write_cards(api: Api) -> None:
    """What the managers know of their clients."""
    root = await api.signed_in("root")
    made = await root.post("organisations", json={"name": "Балтийский лес", "city": "Калининград"}, headers=_key())
    assert made.status == 201, await made.text()
    await api.site.pool.execute(
        "update contact set city = 'Warszawa', line_of_business = 'drewno', heat = 'warm', priority = 3, owner_id = $1,"
        " organisation_id = $2 where id = (select contact_id from contact_number where number = '+79161234567')",
        api.site.users["anna"],
        (await made.json())["id"],
    )


async def _plan(api: Api) -> None:
    """Tasks of both managers, one of them overdue, and a planned call."""
    root, now = await api.signed_in("root"), datetime.now(UTC)
    card = await api.site.pool.fetchval("select contact_id from contact_number where number = '+79161234567'")
    tasks = [
        ("anna", "Send the price list", -2, 3),
        ("anna", "Ask about the delivery to Gdańsk", 1, 5),
        ("anna", "Подготовить договор", 26, 0),
        ("boris", "Find out who decides", 3, 1),
    ]
    for login, title, hours, priority in tasks:
        body = {
            "kind": "call",
            "title": title,
            "priority": priority,
            "owner": api.site.users[login],
            "contact": card,
            "due_at": (now + timedelta(hours=hours)).isoformat(),
        }
        made = await root.post("tasks", json=body, headers=_key())
        assert made.status == 201, await made.text()
    at = (now.astimezone(ZoneInfo(api.parts.settings.company.timezone.key)) + timedelta(minutes=40)).strftime(
        "%Y-%m-%dT%H:%M"
    )
    planned = {"contact": card, "at": at, "user": api.site.users["anna"], "zone": afternoon()}
    made = await root.post("scheduled-calls", json=planned, headers=_key())
    assert made.status == 201, await made.text()


def _key() -> dict[str, str]:
    return {"Idempotency-Key": f"day-{next(_tellings)}"}


async def _tell_calls(api: Api, folder: Path) -> UUID:
    """A morning's calls of two managers; the id of the call that has a recording."""
    now, site = datetime.now(UTC), api.site
    tell = [
        ("in_answered", 200, "79161234567", "Мария Гончарова", 30.0),
        ("out_answered", 180, "79169998877", "", 160.0),
        ("out_answered", 165, "74951234455", "", 95.0),
        ("in_noanswer", 150, "48601234567", "Łukasz Dąbek", 1.0),
        ("queue_answered", 140, "79161112233", "Анна Сергеевна Белозерская-Вознесенская", 20.0),
        ("out_busy", 120, "74959876543", "", 1.0),
        ("in_abandon", 110, "442079460961", "James Whitfield", 1.0),
        ("13b_att_xfer_internal", 95, "79031234567", "Северин", 12.0),
        ("internal", 80, "79161234567", "", 1.0),
        ("in_answered", 60, "79161234567", "Мария Гончарова", 40.0),
        ("16a_anonymous", 45, "79161234567", "", 2.0),
        ("in_busy", 30, "79161234568", "Grzegorz Brzęczyszczykiewicz", 1.0),
    ]
    for at, (scenario, minutes, number, name, slow) in enumerate(tell):
        begin = now - timedelta(minutes=minutes, seconds=at)
        await site.take_all(told(scenario, begin=begin, number=number, name=name, slow=slow))
    for days in range(1, 6):
        for part in range(days):
            begin = now - timedelta(days=days, minutes=7 * part)
            await site.take_all(told("out_answered", begin=begin, number=f"7916555{days:02}{part:02}", slow=95.0))
    call = await site.pool.fetchval(
        "select id from call where client_number = '+79161234567' and talk_us > 0 order by started_at desc limit 1"
    )
    await record(api, call, folder)
    return UUID(str(call))
