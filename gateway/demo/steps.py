"""What comes of the demonstration's call, told at the moment at which the database has it.

The database is what every screen reads, so a step that is told here is one that a person sees on the page. Each step
has a time by which it must have come; after it the demonstration ends with a sentence that says what is missing.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from gateway.demo.call import LOOK, DemoFailed, in_time
from gateway.domain.demonstration import DemoStep, Told
from gateway.store.database import DATABASE_AWAY, Pool

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what; seconds."""

    call: float = 90.0
    """For each step of the call and its recording."""
    text: float = 600.0
    """The speech model is loaded for the first text, and the writing down gives way to everything else on the machine
    (measured: 10 s on a quiet machine, a minute with eight others wanting each core)."""


PATIENCE = Patience()
_STANDS = {
    "none": "Its text is not wanted.",
    "wanted": "Its text waits for the transcriber.",
    "claimed": "The transcriber is at its text; the machine is slow or busy.",
}


async def follow(
    pool: Pool,
    *,
    client: str,
    since: datetime,
    has_text: bool,
    tell: Callable[[Told], None],
    patience: Patience = PATIENCE,
) -> None:
    """Tell each step of the client's next call, from its card to the figures.

    Args:
        pool: the site's database.
        client: his number, E.164.
        has_text: whether the site writes down what is said.
        since: aware; calls that began before are others.
        tell: given each step.
        patience: until when each must have come.

    Raises:
        DemoFailed: a step did not come in time; says which.
    """
    seconds = patience.call
    mine = "client_number = $1 and started_at >= $2 and merged_into is null"
    call = await _until(
        pool,
        f"select * from call where {mine}",
        client,
        since,
        late="The demonstration waited {seconds} s for its call in the database.",
        seconds=seconds,
    )

    def say(step: DemoStep, text: str, **values: str | float) -> None:
        tell(Told(step=step, text=text, values=values, call=call["id"]))

    async with in_time(seconds, "The demonstration waited {seconds} s for the client's card."):
        card = await pool.fetchrow("select name, created_at from contact where id = $1", call["contact_id"])
    if card is not None:
        late = (card["created_at"] - call["started_at"]).total_seconds()
        is_new, name = card["created_at"] >= since, card["name"] or client
        new = f"made {late:.2f} s after the call came in" if is_new else "known already"
        say(DemoStep.CARD, f"{name}, {new}", name=name, **({"seconds": round(late, 2)} if is_new else {}))
    talking = await _until(
        pool,
        f"select * from call where {mine} and state <> 'ringing'",
        client,
        since,
        late="The demonstration waited {seconds} s for its talk.",
        seconds=seconds,
    )
    whom, wait = ", ".join(talking["answered_by"]), talking["wait_us"]
    say(DemoStep.TALK, f"with {whom or 'nobody'}, after {_seconds(wait)}", extension=whom, wait=_rounded(wait))
    ended = await _until(
        pool,
        f"select * from call where {mine} and state = 'ended'",
        client,
        since,
        late="The demonstration waited {seconds} s for its end.",
        seconds=seconds,
    )
    result, talk = ended["result"], ended["talk_us"]
    told = f"{ended['direction']}, {result}, talked {_seconds(talk)}"
    say(DemoStep.CALL, told, direction=ended["direction"], result=result, talk=_rounded(talk))
    if result != "answered":
        raise DemoFailed(f"The demonstration call came out as {result}; nobody talked.")
    await _sound(pool, ended["id"], say, patience, has_text=has_text)
    async with in_time(seconds, "The demonstration waited {seconds} s for the figures."):
        await _figures(pool, ended, say)


async def _sound(pool: Pool, call: UUID, say: Callable[..., None], patience: Patience, *, has_text: bool) -> None:
    settled = "select * from recording where call_id = $1 and state <> 'wanted'"
    recording = await _until(
        pool, settled, call, late="The demonstration waited {seconds} s for its recording.", seconds=patience.call
    )
    if recording["state"] != "stored":
        left = f"The recording is {recording['state']}: {recording['reason'] or 'no reason is told'}."
        raise DemoFailed(f"{left} {LOOK}")
    length, digest = recording["duration_us"], recording["sha256"].hex()
    told = f"{_seconds(length)}, SHA-256 {digest[:16]}…, both sides apart"
    say(DemoStep.RECORDING, told, seconds=_rounded(length), sha256=digest)
    if not has_text:
        return say(DemoStep.TEXT, "none: transcription.enabled = false", is_on=0)
    say(DemoStep.TEXT, "(the speech model is loaded for the first one)", is_on=1)
    for segment in await _text(pool, recording["id"], patience.text):
        _tell_words(segment, say)


async def _text(pool: Pool, recording: UUID, seconds: float) -> list[Mapping[str, str | float]]:
    state = (
        "select transcript_state, transcript_reason, segments from recording left join transcript"
        " on recording_id = id where id = $1"
    )
    settled = f"{state} and (segments is not null or transcript_state = 'failed')"
    try:
        row = await _until(
            pool, settled, recording, late="The demonstration waited {seconds} s for its text.", seconds=seconds
        )
    except DemoFailed as late:
        raise DemoFailed(f"{late} {_stands(await pool.fetchrow(state, recording, timeout=seconds))}") from None
    if row["segments"] is None:
        left = f"Nothing was written down: {row['transcript_reason'] or 'no reason is told'}."
        raise DemoFailed(f"{left} {LOOK}")
    found: list[Mapping[str, str | float]] = row["segments"]
    return json.loads(row["segments"]) if isinstance(row["segments"], str) else found


def _stands(row: asyncpg.Record | None) -> str:
    """How far a text is that did not come."""
    if row is None:
        return "Its recording is gone."
    stands = _STANDS.get(row["transcript_state"], f"Its text is {row['transcript_state']}.")
    why = f"The reason is: {row['transcript_reason']}." if row["transcript_reason"] else ""
    return f"{stands} {why}".strip()


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


async def _until(pool: Pool, query: str, *values: object, late: str, seconds: float) -> asyncpg.Record:
    row = None
    async with in_time(seconds, late):
        while row is None:
            with suppress(*DATABASE_AWAY):  # it may come again meanwhile
                row = await pool.fetchrow(query, *values)
            if row is None:
                await asyncio.sleep(LOOK_SECONDS)
    assert row is not None
    return row


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1e6:.1f} s"


def _rounded(microseconds: int) -> float:
    return round(microseconds / 1e6, 1)
