"""What comes of the demonstration's call, told at the moment at which the database has it.

The database is what every screen reads, so a step that is told here is one that a person sees on the page.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime

import asyncpg

from gateway.demo.call import DemoFailed
from gateway.store.database import Pool

LOOK_SECONDS = 0.1
CALL_SECONDS = 90.0
TEXT_SECONDS = 300.0
"""The speech model is loaded for the first text, on a slow disk for a while."""


async def follow(pool: Pool, *, client: str, since: datetime, has_text: bool, tell: Callable[[str], None]) -> None:
    """Tell each step of the client's next call, from its card to the figures.

    Args:
        pool: the site's database.
        client: his number, E.164.
        has_text: whether the site writes down what is said.
        since: aware; calls that began before are others.
        tell: given a line for people at each step.

    Raises:
        DemoFailed: a step did not come in time; says which.
    """
    mine = "client_number = $1 and started_at >= $2 and merged_into is null"
    call = await _until(pool, f"select * from call where {mine}", client, since, what="call in the database")
    card = await pool.fetchrow("select name, created_at from contact where id = $1", call["contact_id"])
    if card is not None:
        seconds = (card["created_at"] - call["started_at"]).total_seconds()
        new = f"made {seconds:.2f} s after the call came in" if card["created_at"] >= since else "known already"
        tell(f"Card        {card['name'] or client}, {new}")
    talking = await _until(pool, f"select * from call where {mine} and state <> 'ringing'", client, since, what="talk")
    tell(f"Talk        with {', '.join(talking['answered_by']) or 'nobody'}, after {_seconds(talking['wait_us'])}")
    ended = await _until(pool, f"select * from call where {mine} and state = 'ended'", client, since, what="end")
    tell(f"Call        {ended['direction']}, {ended['result']}, talked {_seconds(ended['talk_us'])}")
    if ended["result"] != "answered":
        raise DemoFailed(f"The demonstration call came out as {ended['result']}; nobody talked.")
    await _sound(pool, ended, tell, has_text=has_text)
    await _figures(pool, ended, tell)


async def _sound(pool: Pool, call: asyncpg.Record, tell: Callable[[str], None], *, has_text: bool) -> None:
    stored = "select * from recording where call_id = $1 and state = 'stored'"
    recording = await _until(pool, stored, call["id"], what="recording")
    size = f"{_seconds(recording['duration_us'])}, SHA-256 {recording['sha256'].hex()[:16]}…"
    tell(f"Recording   {size}, both sides apart")
    if not has_text:
        return tell("Text        none: transcription.enabled = false")
    tell("Text        (the speech model is loaded for the first one)")
    written = "select segments from transcript where recording_id = $1"
    row = await _until(pool, written, recording["id"], what="text", seconds=TEXT_SECONDS)
    segments = json.loads(row["segments"]) if isinstance(row["segments"], str) else row["segments"]
    for segment in segments:
        tell(f"  {segment['start']:5.1f} s  {segment['speaker'] or '':8} {segment['text'].strip()}")


async def _figures(pool: Pool, call: asyncpg.Record, tell: Callable[[str], None]) -> None:
    rows = await pool.fetch(
        "select u.name, sum(d.calls) as calls, sum(d.numbers) as numbers, sum(d.talk_us) as talk"
        " from manager_day d join users u on u.id = d.user_id"
        " join extension e on e.user_id = u.id and e.extension = any($1) group by u.name",
        call["answered_by"],
    )
    for row in rows:
        told = f"{row['calls']} call(s), {row['numbers']} client(s), {float(row['talk']) / 6e7:.1f} minutes of talk"
        tell(f"Figures     {row['name']}: {told}")


async def _until(pool: Pool, query: str, *values: object, what: str, seconds: float = CALL_SECONDS) -> asyncpg.Record:
    try:
        async with asyncio.timeout(seconds):
            while (row := await pool.fetchrow(query, *values)) is None:  # noqa: ASYNC110 - others write it
                await asyncio.sleep(LOOK_SECONDS)
            return row
    except TimeoutError:
        raise DemoFailed(f"The demonstration waited {seconds:.0f} s for its {what}. See `trunkline doctor`.") from None


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1e6:.1f} s"
