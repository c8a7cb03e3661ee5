"""What comes of the demonstration's call, told at the moment at which the database has it.

The database is what every screen reads, so a step that is told here is one that a person sees on the page.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from gateway.demo.call import DemoFailed
from gateway.domain.demonstration import DemoStep, Told
from gateway.store.database import Pool

LOOK_SECONDS = 0.1
CALL_SECONDS = 90.0
TEXT_SECONDS = 300.0
"""The speech model is loaded for the first text, on a slow disk for a while."""


async def follow(pool: Pool, *, client: str, since: datetime, has_text: bool, tell: Callable[[Told], None]) -> None:
    """Tell each step of the client's next call, from its card to the figures.

    Args:
        pool: the site's database.
        client: his number, E.164.
        has_text: whether the site writes down what is said.
        since: aware; calls that began before are others.
        tell: given each step.

    Raises:
        DemoFailed: a step did not come in time; says which.
    """
    mine = "client_number = $1 and started_at >= $2 and merged_into is null"
    call = await _until(pool, f"select * from call where {mine}", client, since, what="call in the database")

    def say(step: DemoStep, text: str, **values: str | float) -> None:
        tell(Told(step=step, text=text, values=values, call=call["id"]))

    card = await pool.fetchrow("select name, created_at from contact where id = $1", call["contact_id"])
    if card is not None:
        seconds = (card["created_at"] - call["started_at"]).total_seconds()
        is_new, name = card["created_at"] >= since, card["name"] or client
        new = f"made {seconds:.2f} s after the call came in" if is_new else "known already"
        say(DemoStep.CARD, f"{name}, {new}", name=name, **({"seconds": round(seconds, 2)} if is_new else {}))
    talking = await _until(pool, f"select * from call where {mine} and state <> 'ringing'", client, since, what="talk")
    whom, wait = ", ".join(talking["answered_by"]), talking["wait_us"]
    say(DemoStep.TALK, f"with {whom or 'nobody'}, after {_seconds(wait)}", extension=whom, wait=_rounded(wait))
    ended = await _until(pool, f"select * from call where {mine} and state = 'ended'", client, since, what="end")
    result, talk = ended["result"], ended["talk_us"]
    told = f"{ended['direction']}, {result}, talked {_seconds(talk)}"
    say(DemoStep.CALL, told, direction=ended["direction"], result=result, talk=_rounded(talk))
    if result != "answered":
        raise DemoFailed(f"The demonstration call came out as {result}; nobody talked.")
    await _sound(pool, ended["id"], say, has_text=has_text)
    await _figures(pool, ended, say)


async def _sound(pool: Pool, call: UUID, say: Callable[..., None], *, has_text: bool) -> None:
    stored = "select * from recording where call_id = $1 and state = 'stored'"
    recording = await _until(pool, stored, call, what="recording")
    length, digest = recording["duration_us"], recording["sha256"].hex()
    told = f"{_seconds(length)}, SHA-256 {digest[:16]}…, both sides apart"
    say(DemoStep.RECORDING, told, seconds=_rounded(length), sha256=digest)
    if not has_text:
        return say(DemoStep.TEXT, "none: transcription.enabled = false", is_on=0)
    say(DemoStep.TEXT, "(the speech model is loaded for the first one)", is_on=1)
    written = "select segments from transcript where recording_id = $1"
    row = await _until(pool, written, recording["id"], what="text", seconds=TEXT_SECONDS)
    segments = json.loads(row["segments"]) if isinstance(row["segments"], str) else row["segments"]
    for segment in segments:
        _tell_words(segment, say)


def _tell_words(segment: Mapping[str, str | float], say: Callable[..., None]) -> None:
    start, by, words = float(segment["start"]), segment["speaker"] or "", str(segment["text"]).strip()
    say(DemoStep.SAID, f"{start:5.1f} s  {by:8} {words}", start=start, by=by, words=words)


async def _figures(pool: Pool, call: asyncpg.Record, say: Callable[..., None]) -> None:
    rows = await pool.fetch(
        "select u.name, sum(d.calls) as calls, sum(d.numbers) as numbers, sum(d.talk_us) as talk"
        " from manager_day d join users u on u.id = d.user_id"
        " join extension e on e.user_id = u.id and e.extension = any($1) group by u.name",
        call["answered_by"],
    )
    for row in rows:
        calls, clients, minutes = int(row["calls"]), int(row["numbers"]), float(row["talk"]) / 6e7
        told = f"{row['name']}: {calls} call(s), {clients} client(s), {minutes:.1f} minutes of talk"
        say(DemoStep.FIGURES, told, name=row["name"], calls=calls, clients=clients, minutes=round(minutes, 1))


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


def _rounded(microseconds: int) -> float:
    return round(microseconds / 1e6, 1)
