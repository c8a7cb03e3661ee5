"""The real application with a day's calls told from recorded journals, a recording of real speech, and Chromium.

`told` shifts a recorded journal to another moment and client; everything then takes the gateway's own way: journal,
pipeline, upkeep of recordings. Run as a program it serves the page until it is stopped: `python -m tests.page.site DSN`.
"""

import asyncio
import contextlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import soundfile
from playwright.async_api import Browser, async_playwright

from tests.api.site import Api, open_api
from tests.gateway.recorded import open_studio
from tests.gateway.site import rows_of
from tests.recordings.sounds import wav

SPEECH = Path(__file__).parent.parent / "transcription" / "recordings"
CLIENT = "79161234567"
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

    def moved(found: re.Match[bytes]) -> bytes:
        return str(int(found[0]) + shift).encode()

    changed = []
    for row in rows:
        at = begin.timestamp() + (_moment(row) - first) * slow
        row = re.sub(rb"\b1795\d{6}", moved, row)
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


@contextlib.asynccontextmanager
async def open_chromium(folder: Path) -> AsyncIterator[Browser]:
    """A browser of its own, of this machine."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, headless=True, args=FLAGS, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        )
        try:
            yield browser
        finally:
            await browser.close()


async def fill_day(api: Api, folder: Path, *, now: datetime | None = None) -> UUID:
    """A morning's work of two managers; the id of the call that has a recording."""
    now = now or datetime.now(UTC)
    site = api.site
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
    async with open_api(dsn, folder, goals={"count": 5}) as api:
        await fill_day(api, folder)
        print(f"{api.origin}  anna, boris, head or root: correct horse battery", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
