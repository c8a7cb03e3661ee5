"""Recordings: found in the PBX's folder, taken into the archive, linked to calls; the PBX's copy; what is missing.

A recording's state lies on its own row. An attempt is counted before the work begins, so a file that kills the
gateway stops after a few; who was not to blame gets the attempt back. The link to the call is the leg whose id is
the recording's name: `enter_book` (migration 0003) sets it when the leg comes later and moves it in a merge, and
`link_late` mends what two transactions at the same moment did not see of each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from gateway.domain.figures import microseconds
from gateway.domain.identity import recording_id
from gateway.domain.recordings import RecordingKey, RecordingState, RecordingWay, StoredArchive, TranscriptState
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRecording:
    """A recording that lies in the PBX's folder, with what decides whether it may be taken in."""

    name: str
    key: RecordingKey
    state: RecordingState
    is_due: bool
    """Whether its next attempt may begin."""
    leg_known: bool
    leg_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxCopy:
    """The PBX's files of a stored recording."""

    id: UUID
    name: str
    ingested_at: datetime
    """When the ingest that was verified began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrecordedCall:
    """An answered call of which there is no recording."""

    call_id: UUID
    pbx: str
    started_at: datetime
    ended_at: datetime
    state: RecordingState | None
    """DAMAGED or FAILED: there is a file that could not be archived. None: there is no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepCounts:
    """How things stand, for /metrics and doctor."""

    waiting: int
    """In the PBX's folder, to be taken in."""
    oldest_waiting: timedelta | None
    faulty: int
    """Damaged or given up."""
    without_call: int
    kept_sources: int
    """Stored, but the PBX's copy stays: a side was damaged, or deleting it failed."""
    transcripts_waiting: int
    transcripts_failed: int


async def names_settled(source: Pool | Connection, pbx: str) -> set[str]:
    """Names in the PBX's folder at which nothing is left to take in; the site's own recordings are not among them."""
    rows = await source.fetch(
        "select name from recording where pbx = $1 and source_deleted_at is null and state <> 'wanted'"
        " and way <> 'site'",
        pbx,
    )
    return {r["name"] for r in rows}


async def enter_found(
    source: Pool | Connection, pbx: str, days: Mapping[str, date], way: RecordingWay = RecordingWay.DIALPLAN
) -> list[FoundRecording]:
    """Make the rows of recordings that lie in the PBX's folder.

    Args:
        source: where to write.
        pbx: the PBX's name.
        days: name to the day that is taken while the leg is unknown.
        way: how they were made. Ours takes the row of one that the site made under the same name, until it is stored.

    Returns:
        One for each name, in the same order. A copy that had been deleted and lies there again is remembered.
    """
    names = sorted(days)
    await source.execute(
        "insert into recording (id, pbx, name, state, call_id, day, way)"
        " select n.id, $1, n.name, 'wanted', l.call_id, coalesce((l.started_at at time zone 'UTC')::date, n.day), $5"
        " from unnest($2::uuid[], $3::text[], $4::date[]) as n(id, name, day)"
        " left join leg l on l.pbx = $1 and l.id = n.name"
        " where not exists (select from recording r where r.pbx = $1 and r.name = n.name) on conflict do nothing",
        pbx,
        [recording_id(pbx, name) for name in names],
        names,
        [days[name] for name in names],
        str(way),
    )
    if way.is_ours:
        await source.execute(
            "update recording set source_deleted_at = null, way = case when state = 'wanted' then $3 else way end"
            " where pbx = $1 and name = any($2::text[])"
            " and (source_deleted_at is not null or way = 'site' and state = 'wanted')",
            pbx,
            names,
            str(way),
        )
    rows = await source.fetch(
        "select r.id, r.name, r.day, r.state, r.next_try_at <= now() as due, l.id is not null as leg_known,"
        " l.ended_at is not null as leg_ended from recording r left join leg l on l.pbx = r.pbx and l.id = r.name"
        " where r.pbx = $1 and r.name = any($2::text[])",
        pbx,
        names,
    )
    found = {
        r["name"]: FoundRecording(
            name=r["name"],
            key=RecordingKey(recording_id=r["id"], day=r["day"]),
            state=RecordingState(r["state"]),
            is_due=r["due"],
            leg_known=r["leg_known"],
            leg_ended=r["leg_ended"],
        )
        for r in rows
    }
    return [found[name] for name in days if name in found]


async def forget_vanished(source: Pool | Connection, pbx: str, there: Collection[str]) -> int:
    """Forget recordings that the PBX threw away because nobody talked: seen while it rang, and gone with the call.

    A row of which an attempt was made, or whose files may still come back, stays.

    Args:
        source: where to write.
        pbx: the PBX's name.
        there: names of what lies in its folder now.

    Returns:
        How many were forgotten.
    """
    done = await source.execute(
        "delete from recording r using leg l where r.pbx = $1 and r.state = 'wanted' and r.way <> 'site'"
        " and r.attempts = 0 and r.reason is null and r.name <> all($2::text[]) and l.pbx = r.pbx and l.id = r.name"
        " and l.ended_at < now() - interval '1 minute'",
        pbx,
        list(there),
    )
    return int(done.removeprefix("DELETE "))


async def begin_ingest(source: Pool | Connection, id: UUID, *, attempts: int) -> bool:
    """Count an attempt before it is made; the next one is due after 30 s, then 2 min, then 8 min.

    Args:
        source: where to write.
        id: the recording's.
        attempts: how many are made at most.

    Returns:
        True: go on. False: it is not due, or was given up because all its attempts were cut off.
    """
    counted = await source.fetchval(
        "update recording set attempts = attempts + 1,"
        " next_try_at = now() + interval '30 seconds' * power(4, least(attempts, 5))"
        " where id = $1 and state = 'wanted' and next_try_at <= now() returning attempts",
        id,
    )
    if counted is None:
        return False
    if counted > attempts:
        await give_up(source, id, RecordingState.FAILED, "the gateway was ended each time it was taken in")
        return False
    return True


async def leave_out(source: Pool | Connection, id: UUID) -> bool:
    """Leave out a site's recording of which no call is known, or whose call has a recording of our own.

    Args:
        source: where to write.
        id: the site's recording.

    Returns:
        Whether it is left out; its row tells why.
    """
    done = await source.execute(
        "update recording r set state = 'skipped', reason = case when o.ours then 'the call has a recording of our own'"
        " else 'no call with this uniqueid is known' end from (select exists (select from recording o"
        " join recording r on r.id = $1 and o.call_id = r.call_id and o.id <> r.id"
        " where o.way <> 'site' and o.state in ('wanted', 'stored')) as ours) o"
        " where r.id = $1 and r.state = 'wanted' and r.way = 'site' and (o.ours or r.call_id is null)",
        id,
    )
    return str(done) == "UPDATE 1"


async def put_off(source: Pool | Connection, id: UUID, reason: str, wait: timedelta) -> None:
    """Take back an attempt for which the recording was not to blame."""
    await source.execute(
        "update recording set attempts = greatest(attempts - 1, 0), reason = $2, next_try_at = now() + $3"
        " where id = $1 and state = 'wanted'",
        id,
        reason,
        wait,
    )


async def note_failure(source: Pool | Connection, id: UUID, reason: str, *, attempts: int) -> bool:
    """Write down a failed attempt.

    Returns:
        Whether the recording is given up: it was the last attempt.
    """
    state = await source.fetchval(
        "update recording set reason = $2, state = case when attempts >= $3 then 'failed' else state end"
        " where id = $1 and state = 'wanted' returning state",
        id,
        reason,
        attempts,
    )
    return bool(state == RecordingState.FAILED)


async def give_up(source: Pool | Connection, id: UUID, state: RecordingState, reason: str) -> None:
    """End a recording's way as damaged or failed; the reason of its last failure stays before ours."""
    await source.execute(
        "update recording set state = $2, reason = case when $2 = 'failed' and reason is not null"
        " then reason || '; ' || $3 else $3 end where id = $1 and state = 'wanted'",
        id,
        str(state),
        reason,
    )


async def want_again(source: Pool | Connection, id: UUID) -> bool:
    """Try a recording that was given up once more, from the beginning; False: it was not given up."""
    done = await source.execute(
        "update recording set state = 'wanted', attempts = 0, next_try_at = now()"
        " where id = $1 and state in ('damaged', 'failed')",
        id,
    )
    return str(done) == "UPDATE 1"


async def save_stored(
    connection: Connection, key: RecordingKey, archive: StoredArchive, *, began_at: datetime, transcribe: bool
) -> NewFact | None:
    """Write down that a recording is in the archive, with its fact.

    Args:
        connection: within a transaction.
        key: its address.
        archive: as it was read back.
        began_at: aware; when taking in began.
        transcribe: whether a transcript is wanted.

    Returns:
        The fact; None: it was written down before.
    """
    row = await connection.fetchrow(
        "with done as (update recording r set state = 'stored', reason = nullif($2, ''), archive = $3, playback = $3,"
        " peaks = $3, sha256 = $4, bytes = $5, duration_us = $6, has_speakers = $7, source_whole = $8,"
        " ingested_at = $9, stored_at = now(), transcript_state = $10,"
        " call_id = coalesce((select l.call_id from leg l where l.pbx = r.pbx and l.id = r.name), r.call_id)"
        " where id = $1 and state = 'wanted' returning *)"
        " select d.call_id, c.contact_id, array(select distinct m.user_id from call_manager m"
        " where m.call_id = d.call_id and m.user_id is not null order by 1) as users"
        " from done d left join call c on c.id = d.call_id",
        key.recording_id,
        archive.remark,
        key.location,
        archive.sha256,
        archive.size,
        microseconds(archive.duration),
        archive.has_speakers,
        archive.is_whole,
        began_at,
        str(TranscriptState.WANTED if transcribe else TranscriptState.NONE),
    )
    if row is None:
        return None
    fact = NewFact(
        kind="recording.stored",
        body={
            "id": str(key.recording_id),
            "call_id": str(row["call_id"]) if row["call_id"] else None,
            "duration_seconds": archive.duration.total_seconds(),
            "has_speakers": archive.has_speakers,
            "transcript": str(TranscriptState.WANTED if transcribe else TranscriptState.NONE),
        },
        call_id=row["call_id"],
        contact_id=row["contact_id"],
        users=tuple(row["users"]),
    )
    await save_facts(connection, [fact])
    return fact


async def link_late(source: Pool | Connection, pbx: str) -> int:
    """Link recordings of the last days to the calls of their legs where that is not so; gives how many."""
    done = await source.execute(
        "update recording r set call_id = l.call_id from leg l where r.pbx = $1 and l.pbx = r.pbx and l.id = r.name"
        " and (r.call_id is null or r.found_at > now() - interval '2 days') and l.call_id is distinct from r.call_id"
        " and l.call_id is not null",
        pbx,
    )
    return int(done.removeprefix("UPDATE "))


async def copies_to_delete(source: Pool | Connection, pbx: str, keep: timedelta, limit: int = 1000) -> list[PbxCopy]:
    """The PBX's copies whose time is over; the copy of a recording that we have deleted goes at once.

    Args:
        source: where to read.
        pbx: the PBX's name.
        keep: how long a copy stays after its recording was verified.
        limit: how many at most.
    """
    rows = await source.fetch(
        "select id, name, ingested_at from recording where pbx = $1 and source_deleted_at is null and way <> 'site'"
        " and (state = 'stored' and source_whole and stored_at <= now() - $2::interval"
        " or state = 'deleted' and ingested_at is not null) and source_next_try_at <= now()"
        " order by stored_at limit $3",
        pbx,
        keep,
        limit,
    )
    return [PbxCopy(id=r["id"], name=r["name"], ingested_at=r["ingested_at"]) for r in rows]


async def note_copy_deleted(source: Pool | Connection, id: UUID) -> None:
    """Write down that the PBX's copy is gone."""
    await source.execute("update recording set source_deleted_at = now(), source_reason = null where id = $1", id)


async def note_copy_kept(source: Pool | Connection, id: UUID, reason: str, wait: timedelta) -> None:
    """Write down why the PBX's copy could not be deleted, and when it is tried again."""
    await source.execute(
        "update recording set source_reason = $2, source_next_try_at = now() + $3 where id = $1", id, reason, wait
    )


async def calls_without_recording(
    source: Pool | Connection, pbxs: Sequence[str], *, since: datetime, grace: timedelta, limit: int = 1000
) -> list[UnrecordedCall]:
    """Answered calls of which there is no recording, newest first.

    Args:
        source: where to read.
        pbxs: the PBXs that record.
        since: aware; older calls are left out.
        grace: how long after its end a call's recording may still be on its way.
        limit: how many at most.
    """
    rows = await source.fetch(
        "select c.id, c.pbx, c.started_at, c.ended_at, (select r.state from recording r where r.call_id = c.id limit 1)"
        " as state from call c where c.pbx = any($1::text[]) and c.started_at >= $2 and c.merged_into is null"
        " and c.kind = 'client' and c.state = 'ended' and c.answered_by <> '{}' and c.talk_us > 0"
        " and c.ended_at < now() - $3::interval and not exists (select from recording r where r.call_id = c.id"
        " and r.state in ('wanted', 'stored', 'deleted')) order by c.started_at desc limit $4",
        pbxs,
        since,
        grace,
        limit,
    )
    return [
        UnrecordedCall(
            call_id=r["id"],
            pbx=r["pbx"],
            started_at=r["started_at"],
            ended_at=r["ended_at"],
            state=RecordingState(r["state"]) if r["state"] else None,
        )
        for r in rows
    ]


async def upkeep_counts(source: Pool | Connection, *, grace: timedelta) -> UpkeepCounts:
    """How things stand.

    Args:
        source: where to read.
        grace: how long after a recording was found the journal may still bring its leg.
    """
    row = await source.fetchrow(
        "select (select count(*) from recording where state = 'wanted') as waiting,"
        " (select now() - min(found_at) from recording where state = 'wanted') as oldest_waiting,"
        " (select count(*) from recording where state in ('damaged', 'failed')) as faulty,"
        " (select count(*) from recording where call_id is null and found_at < now() - $1::interval"
        "   and state not in ('deleted', 'skipped')) as without_call,"
        " (select count(*) from recording where source_deleted_at is null and state = 'stored' and way <> 'site'"
        "   and (not source_whole or source_reason is not null)) as kept_sources,"
        " (select count(*) from recording where transcript_state in ('wanted', 'claimed')) as transcripts_waiting,"
        " (select count(*) from recording where transcript_state = 'failed') as transcripts_failed",
        grace,
    )
    return UpkeepCounts(**dict(row))
