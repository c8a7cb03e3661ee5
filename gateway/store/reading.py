"""Calls as they are read: one, the open ones, and what hangs on a call; `call_lists` finds them.

A stored call becomes the same view that was published when it was written (`gateway.domain.call_view`), and the names
of its people come along in the same query; `names_of` reads them for views that were published or stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.domain.call_view import CardChoice, Names, View, moment
from gateway.domain.recordings import RecordingKey, parse_location
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecording:
    """The recording of a call."""

    id: UUID
    state: str
    duration_us: int | None
    has_speakers: bool | None
    transcript_state: str
    text_at: datetime | None
    """When the text that is there was written, also while a new one is on its way; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """A stored call with what the rules of access ask about it."""

    id: UUID
    pbx: str
    view: View
    names: Names
    """Of those whom the view names by id."""
    recording: CallRecording | None
    users: frozenset[int]
    """Users who had a part."""
    talked: frozenset[int]
    """Users who talked with the client."""
    merged_into: UUID | None
    family_id: UUID
    sorted_at: datetime
    """With `id` the place in a list."""
    size: int | None = None
    """In an order by size: microseconds."""


COMPANY_FIGURES: Mapping[str, str] = {
    "calls": "true",
    "answered": "c.result in ('answered', 'lost_in_transfer')",
    "missed": "c.result = 'missed'",
    "lost": "c.result = 'lost_in_transfer'",
    "talk_seconds": "c.talk_us > 0",
    "wait_seconds": "c.wait_us > 0",
}
"""Which ended calls with a client stand behind a figure of the company (`gateway.domain.figures.company_part`)."""

CALL_COLUMNS = """c.id, c.pbx, c.kind, c.direction, c.state, c.client_number, c.client_kind, c.client_name,
 c.contact_id, c.did, c.trunk, c.result, c.reason, c.answered_by, c.responsible_id, c.wait_us, c.talk_us, c.hold_us,
 c.held_since, c.ring_us, c.outside_us, c.transfers, c.hung_up_by, c.complete, c.started_at, c.answered_at,
 c.ended_at, c.unmapped, c.command_id, c.merged_into, c.revision, c.managers, c.family_id, parts.parts,
 rec.id as recording_id, rec.state as recording_state, rec.duration_us, rec.has_speakers, rec.transcript_state,
 rec.text_at,
 card.name as contact_name,
 responsible.name as responsible_name, sharing.choices"""

CALL_BESIDE = """left join lateral (
    select json_agg(json_build_object('extension', m.extension, 'user_id', m.user_id, 'rang_us', m.rang_us,
        'talk_us', m.talk_us, 'answered', m.answered, 'name', u.name) order by m.extension) as parts
    from call_manager m left join users u on u.id = m.user_id where m.call_id = c.id) parts on true
left join lateral (
    select r.id, r.state, r.duration_us, r.has_speakers, r.transcript_state,
        (select t.made_at from transcript t where t.recording_id = r.id) as text_at
    from recording r where r.call_id = c.id
    order by r.state = 'stored' desc, r.way <> 'site' desc, r.duration_us desc nulls last, r.id limit 1) rec on true
left join contact card on card.id = c.contact_id
left join contact_number shared on shared.number = c.client_number and shared.shared
left join lateral (
    select json_agg(json_build_array(w.id, w.name, w.organisation) order by w.id) as choices from (
        select h.id, h.name, o.name as organisation from contact_phone p join contact h on h.id = p.contact_id
        left join organisation o on o.id = h.organisation_id where p.number = shared.number order by h.id limit 50
    ) w) sharing on shared.number is not null
left join users responsible on responsible.id = c.responsible_id"""


async def read_call(source: Source, id: UUID) -> ReadCall | None:
    """One call, merged or not; None: there is none with this id."""
    row = await source.fetchrow(f"select {CALL_COLUMNS} from call c {CALL_BESIDE} where c.id = $1", id)
    return call_of_row(row, row["started_at"]) if row else None


async def read_calls(source: Source, ids: Sequence[UUID]) -> dict[UUID, ReadCall]:
    """Calls by id; those that do not exist are left out."""
    rows = await source.fetch(f"select {CALL_COLUMNS} from call c {CALL_BESIDE} where c.id = any($1::uuid[])", ids)
    return {r["id"]: call_of_row(r, r["started_at"]) for r in rows}


async def open_calls(source: Source) -> list[ReadCall]:
    """Calls that have not ended, the oldest first."""
    rows = await source.fetch(
        f"select {CALL_COLUMNS} from call c {CALL_BESIDE} where c.state <> 'ended' and c.merged_into is null"
        " and c.kind <> 'service' order by c.started_at limit 2000"
    )
    return [call_of_row(r, r["started_at"]) for r in rows]


def call_of_row(row: Mapping[str, object], sorted_at: datetime, size: int | None = None) -> ReadCall:
    """A row of `CALL_COLUMNS` with its place in a list."""
    parts: list[dict[str, object]] = row["parts"] or []  # type: ignore[assignment]
    recording = None
    if row["recording_id"] is not None:
        recording = CallRecording(
            id=row["recording_id"],  # type: ignore[arg-type]
            state=row["recording_state"],  # type: ignore[arg-type]
            duration_us=row["duration_us"],  # type: ignore[arg-type]
            has_speakers=row["has_speakers"],  # type: ignore[arg-type]
            transcript_state=row["transcript_state"],  # type: ignore[arg-type]
            text_at=row["text_at"],  # type: ignore[arg-type]
        )
    known = [p for p in parts if p["user_id"] is not None]
    return ReadCall(
        id=row["id"],  # type: ignore[arg-type]
        pbx=str(row["pbx"]),
        view=stored_view(row, parts),
        names=_names(row, known),
        recording=recording,
        users=frozenset(int(str(p["user_id"])) for p in known),
        talked=frozenset(int(str(p["user_id"])) for p in known if p["answered"]),
        merged_into=row["merged_into"],  # type: ignore[arg-type]
        family_id=row["family_id"],  # type: ignore[arg-type]
        sorted_at=sorted_at,
        size=size,
    )


def _names(row: Mapping[str, object], parts: Sequence[Mapping[str, object]]) -> Names:
    """The names that came with a call."""
    users = {int(str(p["user_id"])): str(p["name"]) for p in parts}
    if row["responsible_id"] is not None:
        users[int(str(row["responsible_id"]))] = str(row["responsible_name"])
    contact, choices = row["contact_id"], row["choices"]
    return Names(
        contacts={} if contact is None else {int(str(contact)): str(row["contact_name"])},
        users=users,
        choices={str(row["client_number"]): tuple(_choice(c) for c in choices)} if isinstance(choices, list) else {},
    )


def _choice(row: Sequence[object]) -> CardChoice:
    id_, name, organisation = row
    return CardChoice(
        contact_id=int(str(id_)), name=str(name), organisation=None if organisation is None else str(organisation)
    )


async def names_of(source: Source, views: Sequence[Mapping[str, object]]) -> Names:
    """The present names of those whom views of calls name by id, in one query; views of anything else have none.

    A view that was made before a merge or a choice names an older card: the present one comes along.
    """
    calls = [view for view in views if "managers" in view]
    contacts = {view["contact_id"] for view in calls} - {None}
    users = {view["responsible_id"] for view in calls} | {part["user_id"] for view in calls for part in _parts(view)}
    numbers = {str(view["id"]): number for view in calls if (number := _number(view)) is not None}
    if not contacts and not numbers and users <= {None}:
        return Names()
    row = await source.fetchrow(
        "select (select json_agg(json_build_array(w.id, c.id, c.name)) from unnest($1::bigint[]) as w(id)"
        "  join contact c on c.id = present_card(w.id)) as contacts,"
        " (select json_agg(json_build_array(u.id, u.name)) from users u where u.id = any($2::bigint[])) as users,"
        " (select json_agg(json_build_array(n.number, c.id, c.name, o.name) order by c.id) from contact_number n"
        "  join contact_phone p on p.number = n.number join contact c on c.id = p.contact_id"
        "  left join organisation o on o.id = c.organisation_id"
        "  where n.number = any($3::text[]) and n.shared) as choices,"
        " (select json_agg(json_build_array(k.id, c.id, c.name)) from call k join contact c on c.id = k.contact_id"
        "  where k.id = any($4::uuid[]) and k.contact_chosen is not null) as chosen",
        list(contacts),
        list(users - {None}),
        sorted(set(numbers.values())),
        sorted(numbers),
    )
    return _namescall_of_row(row)


def _number(view: Mapping[str, object]) -> str | None:
    """The client's number that may have a card."""
    client = view.get("client")
    return client["number"] if isinstance(client, Mapping) and client["kind"] == "client" else None


def _namescall_of_row(row: Mapping[str, list[list[object]] | None]) -> Names:
    cards = [(int(str(a)), int(str(b)), str(name)) for a, b, name in row["contacts"] or ()]
    chosen = [(str(call), int(str(card)), str(name)) for call, card, name in row["chosen"] or ()]
    choices: dict[str, tuple[CardChoice, ...]] = {}
    for number, *card in row["choices"] or ():
        choices[str(number)] = (*choices.get(str(number), ()), _choice(card))
    return Names(
        contacts={card: name for _, card, name in (*cards, *chosen)},
        users={int(str(id_)): str(name) for id_, name in row["users"] or ()},
        kept={told: card for told, card, _ in cards if told != card},
        chosen={call: card for call, card, _ in chosen},
        choices=choices,
    )


def _parts(view: Mapping[str, object]) -> list[Mapping[str, object]]:
    parts: list[Mapping[str, object]] = view["managers"]  # type: ignore[assignment]
    return parts


def in_seconds(microseconds: object) -> float | None:
    """Whole microseconds of the database in seconds."""
    return None if microseconds is None else round(int(str(microseconds)) / 1_000_000, 6)


def stored_view(row: Mapping[str, object], parts: Sequence[Mapping[str, object]]) -> View:
    """A row of `call` as `call_view` showed the call when it was written."""
    return {
        "id": str(row["id"]),
        "pbx": row["pbx"],
        "kind": row["kind"],
        "direction": row["direction"],
        "state": row["state"],
        "client": {
            "number": row["client_number"],
            "kind": row["client_kind"],
            "name": row["client_name"],
        },
        "contact_id": row["contact_id"],
        "did": row["did"],
        "trunk": row["trunk"],
        "result": row["result"],
        "missed_reason": row["reason"] if row["result"] == "missed" else None,
        "reason": row["reason"],
        "answered_by": row["answered_by"],
        "responsible_id": row["responsible_id"],
        "managers": _managers(row["managers"], parts),
        "wait_seconds": in_seconds(row["wait_us"]),
        "talk_seconds": in_seconds(row["talk_us"]),
        "hold_seconds": in_seconds(row["hold_us"]),
        "held_since": moment(row["held_since"]),  # type: ignore[arg-type]
        "ring_seconds": in_seconds(row["ring_us"]),
        "outside_seconds": in_seconds(row["outside_us"]),
        "transfers": row["transfers"],
        "hung_up_by": row["hung_up_by"],
        "complete": row["complete"],
        "started_at": moment(row["started_at"]),  # type: ignore[arg-type]
        "answered_at": moment(row["answered_at"]),  # type: ignore[arg-type]
        "ended_at": moment(row["ended_at"]),  # type: ignore[arg-type]
        "unmapped": row["unmapped"],
        "command_id": row["command_id"],
        "merged_into": str(row["merged_into"]) if row["merged_into"] else None,
        "revision": row["revision"],
    }


def _managers(told: object, parts: Sequence[Mapping[str, object]]) -> list[View]:
    """The managers as they were told, and those who came to an open call since."""
    shown: list[View] = list(told) if isinstance(told, list) else []
    known = {view["extension"] for view in shown}
    return shown + [
        {
            "extension": p["extension"],
            "user_id": p["user_id"],
            "rang_seconds": in_seconds(p["rang_us"]),
            "talk_seconds": in_seconds(p["talk_us"]),
        }
        for p in parts
        if p["extension"] not in known
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLeg:
    """A leg as it was stored."""

    id: str
    call_id: UUID | None
    role: str
    extension: str | None
    user_id: int | None
    """Who has the manager's extension now."""
    is_open: bool


_LEG = (
    "select l.id, l.call_id, l.role, l.extension, e.user_id, l.ended_at is null as is_open from leg l"
    " left join extension e on e.pbx = l.pbx and e.extension = l.extension and now() >= e.since and now() < e.until"
)


async def legs_of_call(source: Source, call: UUID) -> list[StoredLeg]:
    """The legs of a call in the order in which they began."""
    rows = await source.fetch(f"{_LEG} where l.call_id = $1 order by l.started_at, l.id", call)
    return [StoredLeg(**dict(r)) for r in rows]


async def legs_of_family(source: Source, family: UUID) -> list[StoredLeg]:
    """The legs of all calls of a family."""
    rows = await source.fetch(f"{_LEG} where l.call_id in (select id from call where family_id = $1)", family)
    return [StoredLeg(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSound:
    """Where the parts of a recording lie."""

    archive: RecordingKey | None
    playback: RecordingKey | None
    peaks: RecordingKey | None


async def read_sound(source: Source, recording: UUID) -> StoredSound | None:
    """The places of a stored recording's parts; None: it is not in the archive."""
    row = await source.fetchrow(
        "select archive, playback, peaks from recording where id = $1 and state = 'stored'", recording
    )
    if row is None:
        return None
    return StoredSound(**{name: parse_location(place or "") for name, place in row.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRecording:
    """A recording of a call while an order for it is written down."""

    id: UUID
    state: str
    is_being_written: bool
    """Whether somebody is writing down what was said, and his claim has not run out."""


async def hold_recordings(connection: Connection, call: UUID) -> list[HeldRecording]:
    """A call's recordings, the one that is shown first; nobody changes them until the transaction ends."""
    rows = await connection.fetch(
        "select id, state, transcript_state = 'claimed' and transcript_claimed_until > now() as is_being_written"
        " from recording where call_id = $1 order by state = 'stored' desc, duration_us desc nulls last, id for update",
        call,
    )
    return [HeldRecording(**{**dict(r), "is_being_written": bool(r["is_being_written"])}) for r in rows]


async def note_listening(pool: Pool, *, actor: str, recording: UUID, detail: dict[str, object]) -> bool:
    """Write one audit row for one listening: requests for further parts of the same sound within ten minutes are it.

    Returns:
        Whether a row was written.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1 || $2, 3))", actor, str(recording))
        written = await connection.fetchval(
            "insert into audit (actor, action, object, detail) select $1, 'recording.listened', $2, $3 where not exists"
            " (select from audit where actor = $1 and action = 'recording.listened' and object = $2"
            " and at > now() - interval '10 minutes') returning true",
            actor,
            str(recording),
            detail,
        )
        return bool(written)
