"""`GET /calls/{call_id}/caller`: who calls, for the screen that comes up while the telephone rings.

One answer with everything that is shown before somebody answers: the person or the several who share the number, what
he said last, what is open with him, the last touches, our number and its source, and who else rings.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach, sees_cards
from gateway.domain.access import Principal, Right
from gateway.domain.call_view import CardChoice
from gateway.domain.cards import card_reach, proposed_zone
from gateway.domain.local_time import wall_of
from gateway.domain.recordings import is_recorded
from gateway.domain.tasks import Origin, TaskKind
from gateway.store.callers import (
    Around,
    KnownCaller,
    LastWords,
    OpenTask,
    around,
    known_callers,
    last_words,
    open_tasks,
)
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.reading import ReadCall
from gateway.store.timeline import Entry, read_timeline

PEOPLE_SHOWN = 9
"""As many as digits choose between."""
TOUCHES_SHOWN = 6


class CallerColleague(Outgoing):
    """A colleague by name."""

    user: int
    name: str


class CalledLine(Outgoing):
    """Which of our numbers was called."""

    did: str
    name: str = Field(description="of the number, else of its route; empty: nobody named it")
    source_kind: str | None
    source_name: str | None


class CallerOrganisation(Outgoing):
    """Whom he calls for."""

    id: int
    name: str
    people: int = Field(description="cards of it, up to 1000")


class KnownPerson(Outgoing):
    """Somebody who may be calling."""

    contact: int
    name: str = Field(description="empty: his card has no name yet")
    organisation: CallerOrganisation | None
    job_title: str
    city: str
    line_of_business: str
    heat: str | None
    priority: int
    stage: str
    source_kind: str | None
    source_name: str | None
    owner: CallerColleague | None
    yours: bool
    owner_since: datetime | None
    zone: str | None = Field(description="the client's, from his card or his numbers; null: nobody knows")
    local_time: str | None = Field(description="what his clock shows now, like 18:26")
    numbers: tuple[str, ...]
    created_at: datetime
    last_touch_at: datetime
    calls: int = Field(description="with him, this one among them, up to 1000")
    touches: int = Field(description="everything in his time line, up to 1000 of each kind")
    version: int


class SaidView(Outgoing):
    """A sentence and where it stands."""

    second: float = Field(description="of the recording")
    text: str


class LastWordsView(Outgoing):
    """What he said at the end of the last call that was written down."""

    call: UUID
    at: datetime
    managers: tuple[str, ...] = Field(description="names of those who talked with him")
    words: tuple[SaidView, ...]


class CallerTask(Outgoing):
    """A task that is open with him."""

    id: int
    kind: TaskKind
    origin: Origin
    title: str = Field(description="empty: to be worded from kind and origin")
    due_at: datetime | None
    owner: CallerColleague | None


class CallerTouch(Outgoing):
    """One of the last things that happened with him; see the time line of his card."""

    at: datetime
    kind: str
    id: str
    by: str | None
    open: bool
    body: dict[str, JsonValue]


class CallerView(Outgoing):
    """Who calls."""

    call: UUID
    state: str
    direction: str
    at: datetime
    number: str | None = Field(description="null: hidden, short or not known")
    called_himself: str = Field(description="caller id name as the line sent it; anybody can send anything")
    line: CalledLine | None
    recorded: bool | None = Field(
        description="whether its talk is recorded, by its route or else as the site is set up; null: the PBX decides"
    )
    ringing: tuple[CallerColleague, ...] = Field(description="whose phones ring besides mine")
    people: tuple[KnownPerson, ...] = Field(description="one; several who share the number; none that may be seen")
    last_words: LastWordsView | None
    wants: CallerTask | None = Field(description="the nearest open task")
    tasks: tuple[CallerTask, ...] = Field(description="the nearest ones")
    tasks_open: int
    touches: tuple[CallerTouch, ...] = Field(description="the last ones, without this call")


class Callers:
    """The handler of who calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/calls/{call_id}/caller",
                handler=self.caller,
                summary="Who calls, at a glance: for the screen while the telephone rings",
                right=Right.CALLS_READ_OWN,
                tag="calls",
            ),
        )

    async def caller(self, asked: Asked[CallPath, Nothing, Nothing]) -> CallerView:
        """Everything a ringing call shows."""
        who = asked.principal
        async with self._parts.pool.acquire() as source:
            call = await visible_call(self._parts, who, asked.path.call_id, Right.CALLS_READ_OWN, source=source)
            beside = await around(source, call.id, _text(call.view["did"]))
            people = await known_callers(source, await _cards(source, call, who))
            only = people[0] if len(people) == 1 else None
            said, tasks, touches = None, (0, list[OpenTask]()), list[Entry]()
            if only is not None:
                reached = reach(who, Right.RECORDINGS_LISTEN_OWN)
                said = await last_words(source, only.id, but=call.id, only_user=reached)
                tasks = await open_tasks(source, only.id)
                mine = reach(who, Right.CALLS_READ_OWN)
                touches = await read_timeline(source, only.id, only_user=mine, before=None, limit=TOUCHES_SHOWN + 1)
        recorded = self._recorded(str(call.view["pbx"]), beside.routed_to_record)
        return _view(call, who, beside, recorded, people, said, tasks, touches)

    def _recorded(self, pbx: str, routed: bool | None) -> bool | None:
        line = self._parts.settings.pbx.get(pbx)
        if line is None:
            return routed
        return is_recorded(line.recordings.way, routed, is_set_up=self._parts.settings.records(line))


async def _cards(source: Connection, call: ReadCall, who: Principal) -> list[int]:
    """The cards of the call's client that the caller may see, in the order in which they are offered."""
    if not sees_cards(who):
        return []
    contact = call.view["contact_id"]
    ids = [contact] if isinstance(contact, int) else [c.contact_id for c in _choices(call)]
    seen = await visible_ids(source, ids, card_reach(who))
    return [id_ for id_ in ids if id_ in seen][:PEOPLE_SHOWN]


def _choices(call: ReadCall) -> Iterable[CardChoice]:
    return (choice for choices in call.names.choices.values() for choice in choices)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _view(
    call: ReadCall,
    who: Principal,
    beside: Around,
    recorded: bool | None,
    people: Sequence[KnownCaller],
    said: LastWords | None,
    tasks: tuple[int, Sequence[OpenTask]],
    touches: Sequence[Entry],
) -> CallerView:
    client, own = call.view["client"], own_user(who)
    assert isinstance(client, dict)
    shown = tuple(map(_task, tasks[1]))
    return CallerView(
        call=call.id,
        state=str(call.view["state"]),
        direction=str(call.view["direction"]),
        at=call.sorted_at,
        number=client["number"],
        called_himself=str(client["name"]),
        line=None if beside.line is None else CalledLine.model_validate(beside.line, from_attributes=True),
        recorded=recorded,
        ringing=tuple(
            CallerColleague(user=id_, name=name) for id_, name in sorted(beside.ringing.items()) if id_ != own
        ),
        people=tuple(_person(person, own) for person in people),
        last_words=None if said is None else _said(said),
        wants=shown[0] if shown else None,
        tasks=shown,
        tasks_open=tasks[0],
        touches=tuple(_touch(e) for e in touches if e.id != str(call.id))[:TOUCHES_SHOWN],
    )


def _person(person: KnownCaller, own: int | None) -> KnownPerson:
    zone = person.timezone or proposed_zone(person.numbers)
    plain = {
        name: getattr(person, name) for name in KnownPerson.model_fields if name in KnownCaller.__dataclass_fields__
    }
    return KnownPerson(
        **plain,
        contact=person.id,
        organisation=None
        if person.organisation_id is None
        else CallerOrganisation(
            id=person.organisation_id, name=person.organisation_name or "", people=person.organisation_people
        ),
        owner=_colleague(person.owner_id, person.owner_name),
        yours=own is not None and person.owner_id == own,
        zone=zone,
        local_time=None if zone is None else f"{wall_of(datetime.now(UTC), ZoneInfo(zone)):%H:%M}",
        touches=person.calls + person.other_touches,
    )


def _colleague(user: int | None, name: str | None) -> CallerColleague | None:
    return None if user is None else CallerColleague(user=user, name=name or "")


def _said(said: LastWords) -> LastWordsView:
    words = tuple(SaidView(second=second, text=text) for second, text in said.words)
    return LastWordsView(call=said.call_id, at=said.at, managers=said.users, words=words)


def _task(task: OpenTask) -> CallerTask:
    return CallerTask(
        id=task.id,
        kind=TaskKind(task.kind),
        origin=Origin(task.origin),
        title=task.title,
        due_at=task.due_at,
        owner=_colleague(task.owner_id, task.owner_name),
    )


def _touch(entry: Entry) -> CallerTouch:
    return CallerTouch.model_validate(
        {"at": entry.at, "kind": entry.kind, "id": entry.id, "by": entry.by, "open": entry.open, "body": entry.body}
    )
