"""The real application with a day's calls told from recorded journals, a recording of real speech, and Chromium.

`told` shifts a recorded journal to another moment and client; everything then takes the gateway's own way: journal,
pipeline, upkeep of recordings. Run as a program it serves the page until it is stopped, over an empty database:
`python -m tests.page.site DSN`.
"""

import asyncio
import contextlib
import itertools
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import soundfile
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from gateway.api.security import COOKIE
from gateway.store.staff import load_tables
from tests.api.site import Api, open_api, token_of
from tests.gateway.recorded import open_studio
from tests.gateway.site import BASE, rows_of
from tests.recordings.sounds import wav

SPEECH = Path(__file__).parent.parent / "transcription" / "recordings"
CLIENT = "79161234567"
CHROMIUM = "/usr/bin/chromium"
_tellings = itertools.count(1)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A served day of calls."""

    api: Api
    recorded: UUID
    """The call that has a recording and a transcript."""
    folder: Path
    """Where recordings are put."""
    zone: str
    """The company's time zone, in which it is afternoon."""


def afternoon() -> str:
    """A time zone in which it is afternoon now, so that a morning's calls are today's whenever the tests run."""
    ahead = 14 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"  # the signs of these names are turned round (POSIX)


@contextlib.asynccontextmanager
async def open_day(dsn: str, folder: Path) -> AsyncIterator[Day]:
    """Serve a day of calls."""
    zone = afternoon()
    async with open_api(dsn, folder, goals={"count": 5}, company={"timezone": zone}) as api:
        api.site.pipeline.use(await load_tables(api.site.pool, BASE, ZoneInfo(zone)))
        yield Day(api=api, recorded=await fill_day(api, folder), folder=folder, zone=zone)


@contextlib.asynccontextmanager
async def open_chromium(folder: Path) -> AsyncIterator[Browser]:
    """A browser of its own, of this machine."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=FLAGS, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        )
        try:
            yield browser
        finally:
            await browser.close()


Visit = Callable[..., Awaitable[Page]]


async def visited(
    day: Day, browser: Browser, login: str | None, path: str, faults: list[str], **looks: object
) -> tuple[BrowserContext, Page]:
    """A page in a browser of its own.

    Args:
        day: the application.
        browser: the program.
        login: who is signed in; None: nobody.
        path: which address.
        faults: gets every fault of a script and everything the policy refused.
        looks: `width`, `locale`, `color_scheme`; else a wide English one.
    """
    width = int(str(looks.pop("width", 1440)))
    options: dict[str, object] = {"locale": "en-GB", "timezone_id": day.zone, **looks}
    context = await browser.new_context(
        base_url=day.api.origin,
        viewport={"width": width, "height": 900},
        **options,  # type: ignore[arg-type]
    )
    if login is not None:
        token = token_of(await day.api.signed_in(login))
        await context.add_cookies([{"name": COOKIE, "value": token, "url": day.api.origin, "httpOnly": True}])
    page = await context.new_page()
    page.set_default_timeout(5000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: _note(message, faults))
    await page.goto(path)
    await page.wait_for_selector("#login" if login is None else "main > *")
    return context, page


def _note(message: ConsoleMessage, faults: list[str]) -> None:
    """Answers such as 401 and 404 are told in the console too, and are no faults."""
    if message.type == "error" and "Failed to load resource" not in message.text:
        faults.append(message.text)


async def fill_day(api: Api, folder: Path) -> UUID:
    """A morning's work of two managers; the id of the call that has a recording."""
    now, site = datetime.now(UTC), api.site
    await site.pool.execute("update users set name = 'Анна Соколова' where login = 'anna'")
    await site.pool.execute("update users set name = 'Boris Wiśniewski' where login = 'boris'")
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


async def _serve(dsn: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="trunkline-page-"))
    async with open_day(dsn, folder) as day:
        print(f"{day.api.origin}  anna, boris, head or root: correct horse battery", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
