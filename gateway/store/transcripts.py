"""Transcripts: claimed many at a time, fenced by the claim's epoch, and found by their words.

The state lies on the recording's own row. An attempt is counted at the claim, so a file that ends its worker stops
after a few; a claim that nobody renews runs out and the file is claimed again under the next epoch, and what the
first claimer still brings is refused. Words are kept twice, as they are and as the language's stems (PostgreSQL,
"Full Text Search"; configurations of languages that it does not know are `simple`); the Russian ё counts as е.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.recordings import RecordingKey
from gateway.domain.transcript import Segment, Transcript, from_json, to_json
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts

CONFIGURATIONS: Mapping[str, str] = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""Text search configuration by language, as every PostgreSQL from 14 on has them."""
_SIMPLE = "simple"
_BEGIN, _END = "\x02", "\x03"
"""Around found words in a headline; no text of ours holds control characters."""
_CONTROL = dict.fromkeys(i for i in range(32) if i != 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A recording that we may write down until its claim runs out."""

    key: RecordingKey
    epoch: int
    """Results of an older one are refused."""
    attempts: int
    """This one included."""
    language: str | None
    """Chosen beforehand; None: to be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTranscript:
    """A transcript with what the store adds to it."""

    recording_id: UUID
    language: str | None
    model: str
    segments: tuple[Segment, ...]
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A recording in which the words were said."""

    recording_id: UUID
    call_id: UUID | None
    stored_at: datetime
    language: str | None
    snippet: tuple[tuple[str, bool], ...]
    """Pieces of the text around the words; True marks the words themselves."""


async def claim(
    source: Pool | Connection, *, limit: int, lease: timedelta, attempts: int, retried: bool
) -> list[Claim]:
    """Claim recordings to write down; others skip them meanwhile.

    Args:
        source: where to write.
        limit: how many at most.
        lease: how long nobody else may claim them.
        attempts: how many claims a recording has at most.
        retried: whether to take those that were claimed before; else those that were not.

    Returns:
        The claims, the longest waiting first.
    """
    rows = await source.fetch(
        "with due as (select id from recording where (transcript_state = 'wanted' and transcript_next_try_at <= now()"
        " or transcript_state = 'claimed' and transcript_claimed_until < now()) and transcript_attempts < $3"
        " and (transcript_attempts > 0) = $4 order by stored_at limit $1 for update skip locked)"
        " update recording r set transcript_state = 'claimed', transcript_attempts = transcript_attempts + 1,"
        " transcript_epoch = transcript_epoch + 1, transcript_claimed_until = now() + $2::interval from due"
        " where r.id = due.id"
        " returning r.id, r.day, r.transcript_epoch, r.transcript_attempts, r.language, r.stored_at",
        limit,
        lease,
        attempts,
        retried,
    )
    return [
        Claim(
            key=RecordingKey(recording_id=r["id"], day=r["day"]),
            epoch=r["transcript_epoch"],
            attempts=r["transcript_attempts"],
            language=r["language"],
        )
        for r in sorted(rows, key=lambda r: r["stored_at"])
    ]


async def fail_cut_off(source: Pool | Connection, *, attempts: int) -> list[UUID]:
    """Give up recordings whose claims ran out so often that a further one is not allowed; gives their ids."""
    rows = await source.fetch(
        "update recording set transcript_state = 'failed',"
        " transcript_reason = concat_ws('; ', transcript_reason, 'the work was cut off each time')"
        " where transcript_state = 'claimed' and transcript_claimed_until < now() and transcript_attempts >= $1"
        " returning id",
        attempts,
    )
    return [r["id"] for r in rows]


async def renew(source: Pool | Connection, claims: Sequence[Claim], lease: timedelta) -> int:
    """Keep claims for longer; gives how many are still ours."""
    done = await source.execute(
        "update recording r set transcript_claimed_until = now() + $3::interval"
        " from unnest($1::uuid[], $2::bigint[]) as c(id, epoch)"
        " where r.id = c.id and r.transcript_epoch = c.epoch and r.transcript_state = 'claimed'",
        *_ids_and_epochs(claims),
        lease,
    )
    return int(done.removeprefix("UPDATE "))


async def give_back(source: Pool | Connection, claims: Sequence[Claim], *, reason: str | None, wait: timedelta) -> None:
    """End claims for which the recordings are not to blame: the attempt does not count."""
    await source.execute(
        "update recording r set transcript_state = 'wanted', transcript_attempts = transcript_attempts - 1,"
        " transcript_reason = $3, transcript_claimed_until = null, transcript_next_try_at = now() + $4::interval"
        " from unnest($1::uuid[], $2::bigint[]) as c(id, epoch)"
        " where r.id = c.id and r.transcript_epoch = c.epoch and r.transcript_state = 'claimed'",
        *_ids_and_epochs(claims),
        reason,
        wait,
    )


async def note_failure(source: Pool | Connection, claim: Claim, reason: str, *, attempts: int) -> bool | None:
    """Write down why a claim had no result; the next one is due after 30 s, then 2 min.

    Args:
        source: where to write.
        claim: ours.
        reason: in plain words.
        attempts: how many claims a recording has at most; 0: it is given up at once.

    Returns:
        Whether the recording is given up; None: the claim is no longer ours, nothing was written.
    """
    state = await source.fetchval(
        "update recording set transcript_reason = $3, transcript_claimed_until = null,"
        " transcript_state = case when transcript_attempts >= $4 then 'failed' else 'wanted' end,"
        " transcript_next_try_at = now() + interval '30 seconds' * power(4, least(transcript_attempts, 6) - 1)"
        " where id = $1 and transcript_epoch = $2 and transcript_state = 'claimed' returning transcript_state",
        claim.key.recording_id,
        claim.epoch,
        reason,
        attempts,
    )
    return None if state is None else bool(state == "failed")


async def save_transcript(connection: Connection, claim: Claim, transcript: Transcript) -> NewFact | None:
    """Store a transcript with its fact.

    Args:
        connection: within a transaction.
        claim: ours.
        transcript: what was written down.

    Returns:
        The fact; None: the claim is no longer ours, nothing was written.
    """
    row = await connection.fetchrow(
        "with done as (update recording set transcript_state = 'ready', transcript_reason = null,"
        " transcript_claimed_until = null where id = $1 and transcript_epoch = $2 and transcript_state = 'claimed'"
        " returning call_id) select d.call_id, c.contact_id, array(select distinct m.user_id from call_manager m"
        " where m.call_id = d.call_id and m.user_id is not null order by 1) as users"
        " from done d left join call c on c.id = d.call_id",
        claim.key.recording_id,
        claim.epoch,
    )
    if row is None:
        return None
    segments = [{**s, "text": _clean(s["text"])} for s in to_json(transcript.segments)]
    await connection.execute(
        "insert into transcript (recording_id, language, model, segments, text, words) values ($1, $2, $3, $4, $5,"
        " to_tsvector('simple', translate($5, 'ёЁ', 'еЕ')) || to_tsvector($6::text::regconfig,"
        " translate($5, 'ёЁ', 'еЕ'))) on conflict (recording_id) do update set language = excluded.language,"
        " model = excluded.model, segments = excluded.segments, text = excluded.text, words = excluded.words,"
        " made_at = now()",
        claim.key.recording_id,
        transcript.language,
        transcript.model,
        segments,
        "\n".join(str(s["text"]) for s in segments),
        CONFIGURATIONS.get(transcript.language or "", _SIMPLE),
    )
    fact = NewFact(
        kind="transcript.ready",
        body={
            "recording_id": str(claim.key.recording_id),
            "call_id": str(row["call_id"]) if row["call_id"] else None,
            "language": transcript.language,
            "segments": len(segments),
        },
        call_id=row["call_id"],
        contact_id=row["contact_id"],
        users=tuple(row["users"]),
    )
    await save_facts(connection, [fact])
    return fact


async def want_transcript(source: Pool | Connection, recording: UUID, *, language: str | None) -> bool:
    """Write a stored recording down anew, also when it was given up; a present claim loses its right.

    Args:
        source: where to write.
        recording: its id.
        language: two-letter code; None: found out.

    Returns:
        False: there is no such recording in the archive.
    """
    done = await source.execute(
        "update recording set transcript_state = 'wanted', transcript_attempts = 0, transcript_reason = null,"
        " transcript_claimed_until = null, transcript_next_try_at = now(), transcript_epoch = transcript_epoch + 1,"
        " language = $2 where id = $1 and state = 'stored'",
        recording,
        language,
    )
    return str(done) == "UPDATE 1"


async def find_transcript(source: Pool | Connection, recording: UUID) -> StoredTranscript | None:
    """The transcript of a recording; None: there is none."""
    row = await source.fetchrow(
        "select language, model, segments, made_at from transcript where recording_id = $1", recording
    )
    if row is None:
        return None
    return StoredTranscript(
        recording_id=recording,
        language=row["language"],
        model=row["model"],
        segments=from_json(row["segments"]),
        made_at=row["made_at"],
    )


def words_condition(place: str, languages: Sequence[str]) -> str:
    """SQL that is true of a row `t` of transcript in which the words of a query were said.

    Each row is asked in its own language, so that stems and stop words fit; a query of stop words only is asked
    word by word. The index `transcript_words` serves it.

    Args:
        place: the parameter with the query as a person types it (PostgreSQL, `websearch_to_tsquery`), e.g. `$1`.
        languages: those that a call may be in; only their stems are known, others are asked word by word.
    """
    known = sorted({language for language in languages if language in CONFIGURATIONS})
    arms = [f"t.language = '{language}' and t.words @@ {_query(place, CONFIGURATIONS[language])}" for language in known]
    others = ", ".join(f"'{language}'" for language in known)
    rest = f"(t.language is null or t.language not in ({others}))" if known else "true"
    return "(" + " or ".join([*arms, f"{rest} and t.words @@ {_query(place, _SIMPLE)}"]) + ")"


async def search(
    source: Pool | Connection,
    query: str,
    *,
    languages: Sequence[str],
    limit: int = 50,
    before: tuple[datetime, UUID] | None = None,
    user_id: int | None = None,
) -> list[SearchHit]:
    """Recordings in which words were said, newest first.

    Args:
        source: where to read.
        query: words, "a phrase", `or`, `-without`; anything else is ignored.
        languages: see `words_condition`.
        limit: how many at most.
        before: `stored_at` and `recording_id` of the last hit of the page before; None: the first page.
        user_id: only calls in which this user has a part; None: all.
    """
    configuration = "case t.language " + " ".join(
        f"when '{language}' then '{name}'::regconfig" for language, name in sorted(CONFIGURATIONS.items())
    )
    rows = await source.fetch(
        "with hit as (select r.id, r.call_id, r.stored_at, t.language, t.text"
        " from transcript t join recording r on r.id = t.recording_id"
        f" where {words_condition('$1', languages)} and r.state = 'stored'"
        " and ($2::timestamptz is null or (r.stored_at, r.id) < ($2, $3))"
        " and ($4::bigint is null or exists (select from call_manager m"
        "   where m.call_id = r.call_id and m.user_id = $4))"
        " order by r.stored_at desc, r.id desc limit $5)"
        " select t.id, t.call_id, t.stored_at, t.language, ts_headline(c.name, translate(t.text, 'ёЁ', 'еЕ'),"
        "  websearch_to_tsquery(c.name, translate($1, 'ёЁ', 'еЕ')) || websearch_to_tsquery('simple',"
        "  translate($1, 'ёЁ', 'еЕ')), $6) as headline"
        f" from hit t, lateral (select {configuration} else 'simple'::regconfig end as name) as c"
        " order by t.stored_at desc, t.id desc",
        query.replace("\0", " "),
        before[0] if before else None,
        before[1] if before else None,
        user_id,
        limit,
        f'MaxFragments=2, MinWords=5, MaxWords=18, FragmentDelimiter=" … ", StartSel={_BEGIN}, StopSel={_END}',
    )
    return [
        SearchHit(
            recording_id=r["id"],
            call_id=r["call_id"],
            stored_at=r["stored_at"],
            language=r["language"],
            snippet=_pieces(r["headline"]),
        )
        for r in rows
    ]


def _query(place: str, configuration: str) -> str:
    """A typed query as the configuration reads it; word by word where it holds stop words only."""
    folded = f"translate({place}, 'ёЁ', 'еЕ')"
    plain = f"websearch_to_tsquery('simple', {folded})"
    if configuration == _SIMPLE:
        return plain
    stems = f"websearch_to_tsquery('{configuration}', {folded})"
    return f"(case when numnode({stems}) = 0 then {plain} else {stems} end)"


def _pieces(headline: str) -> tuple[tuple[str, bool], ...]:
    """A headline cut at its marks."""
    pieces: list[tuple[str, bool]] = []
    for part in headline.split(_BEGIN):
        word, mark, rest = part.partition(_END)
        pieces += [(word, bool(mark)), (rest, False)]
    return tuple(piece for piece in pieces if piece[0])


def _clean(text: object) -> str:
    """A text without control characters, which no database keeps and no screen shows."""
    return str(text).translate(_CONTROL)


def _ids_and_epochs(claims: Sequence[Claim]) -> tuple[list[UUID], list[int]]:
    return [c.key.recording_id for c in claims], [c.epoch for c in claims]
