"""Calls: one call, and the journal's events that explain it; `gateway.api.call_lists` finds them.

The JSON of a call is `gateway.domain.call_view` with the names its reader may see and with its recording; but for the
recording it is the same as on the live socket and in the feed.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError
from gateway.api.routing import API_PREFIX, Asked, Route, answer
from gateway.api.sight import sight_of
from gateway.api.visibility import owners
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.call_view import Sight, View, named
from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent, in_order
from gateway.domain.own_rows import OWN_KINDS, is_own, read_own_row
from gateway.domain.phone import NumberKind
from gateway.store import reading
from gateway.store.database import Connection
from gateway.store.journal import family_of_call
from gateway.store.reading import CallRecording, ReadCall

MomentText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Seconds = float


class CallPath(Incoming):
    """Which call."""

    call_id: UUID


class CallPlace(Incoming):
    """Where a page of calls ends."""

    at: datetime
    id: UUID
    size: int | None = None


class ClientView(Outgoing):
    """The outside party."""

    number: str | None = Field(description="E.164; null: hidden, short or not known")
    kind: str | None
    name: str = Field(description="caller id name as the line sent it; anybody can send anything")


class ManagerView(Outgoing):
    """One manager's part."""

    extension: str
    user_id: int | None
    name: str | None = Field(description="of the user; null: nobody is known for the extension")
    rang_seconds: Seconds
    talk_seconds: Seconds


class ChoiceView(Outgoing):
    """One of several persons who call with this number."""

    contact_id: int
    name: str
    organisation: str | None


class TransferView(Outgoing):
    """One transfer of the client."""

    kind: str
    at: MomentText
    by: str | None
    to: str | None
    outcome: str | None
    taken_by: str | None


class RecordingView(Outgoing):
    """The recording of a call."""

    id: UUID
    state: str
    duration_seconds: Seconds | None
    has_speakers: bool | None
    transcript_state: str
    text_at: datetime | None = Field(
        description="when the text that is there was written, also while a new one is on its way; null: there is none"
    )


class CallView(Outgoing):
    """A call."""

    id: UUID
    pbx: str
    kind: str
    direction: str
    state: str
    client: ClientView
    contact_id: int | None
    contact_name: str | None = Field(description="of the card as it is now; null: no card, or you may not see it")
    choices: tuple[ChoiceView, ...] = Field(
        description="whose number it is, where several persons share it; PATCH says who it was"
    )
    did: str | None
    trunk: str | None
    result: str
    missed_reason: str | None
    reason: str | None = Field(
        description="why nobody talked, inbound like missed_reason, outbound one of busy, no_answer, refused, no_phone"
        " (the manager's phone), client_busy, client_refused, client_no_answer, client_no_response, no_such_number,"
        " number_changed, line_overloaded, trunk_unreachable, client_failed, manager_hung_up"
    )
    answered_by: tuple[str, ...]
    responsible_id: int | None
    responsible_name: str | None
    managers: tuple[ManagerView, ...]
    wait_seconds: Seconds | None
    talk_seconds: Seconds
    hold_seconds: Seconds | None
    held_since: MomentText | None = Field(description="since when the client hears music; null: he does not")
    ring_seconds: Seconds
    outside_seconds: Seconds
    transfers: tuple[TransferView, ...]
    hung_up_by: str | None
    complete: bool
    started_at: MomentText
    answered_at: MomentText | None
    ended_at: MomentText | None
    unmapped: tuple[str, ...]
    command_id: str | None
    merged_into: UUID | None
    revision: int
    recording: RecordingView | None


class CallEvent(Outgoing):
    """One thing that happened to one leg, as the fold read it from the journal."""

    at: datetime
    kind: str
    leg: str
    channel: str
    bridge: str
    cause: int | None = Field(description="hang-up cause, ITU-T Q.850")
    call_id: UUID | None = Field(description="the call the leg belongs to")
    role: str | None
    extension: str | None
    is_own: bool = Field(description="a row that the gateway wrote itself, not the PBX")
    details: dict[str, str] = Field(description="what else the row says; empty fields are left out")


class CallEvents(Outgoing):
    """All that the journal says of a call, in the order in which it was folded."""

    items: tuple[CallEvent, ...]


async def named_views(parts: ApiParts, calls: Sequence[ReadCall], who: Principal) -> list[View]:
    """Stored calls with the names that their reader may see, as the live socket shows them."""
    sight = await sight_of(parts.pool, who, [call.names for call in calls])
    return [named(call.view, call.names, cards=sight) for call in calls]


async def call_models(parts: ApiParts, calls: Sequence[ReadCall], who: Principal) -> list[CallView]:
    """Stored calls as the API shows them."""
    sight = await sight_of(parts.pool, who, [call.names for call in calls])
    return [_model(call, sight) for call in calls]


async def call_model(parts: ApiParts, call: ReadCall, who: Principal) -> CallView:
    """A stored call as the API shows it."""
    (model,) = await call_models(parts, [call], who)
    return model


def _model(call: ReadCall, sight: Sight) -> CallView:
    recording = recording_model(call.recording) if call.recording is not None else None
    return CallView.model_validate({**named(call.view, call.names, cards=sight), "recording": recording})


def recording_model(recording: CallRecording) -> RecordingView:
    """A call's recording as the API shows it."""
    return RecordingView(
        id=recording.id,
        state=recording.state,
        duration_seconds=reading.in_seconds(recording.duration_us),
        has_speakers=recording.has_speakers,
        transcript_state=recording.transcript_state,
        text_at=recording.text_at,
    )


def wanted_number(parts: ApiParts, text: str) -> str:
    """A number typed by a person in E.164.

    Raises:
        InvalidRequestError: it is hidden, short, or none.
    """
    number = parts.plan.parse(text)
    if number.e164 is None or number.kind is NumberKind.HIDDEN:
        detail = "This is no full telephone number; write it with its code, like +7 916 123-45-67."
        raise InvalidRequestError([FieldFault(place="query", pointer="#/number", code="number", detail=detail)])
    return number.e164


async def visible_call(
    parts: ApiParts, principal: Principal, id: UUID, right: Right, *, source: Connection | None = None
) -> ReadCall:
    """The call behind an address, the one it was merged into where it was.

    Args:
        parts: the API's.
        principal: who asks.
        id: from the address.
        right: what he wants to do, over his own calls; a recording is one's own only where one has talked.
        source: a transaction that goes on: whoever holds a connection must not wait for a second one; None: any.

    Raises:
        NotFoundError: there is none, or he may not see it.
    """
    place = source or parts.pool
    call = await reading.read_call(place, id)
    for _ in range(5):  # a merged call points at one that stands; more steps only while one is being moved
        if call is None or call.merged_into is None:
            break
        call = await reading.read_call(place, call.merged_into)
    if call is None:
        raise NotFoundError
    own = call.talked if right is Right.RECORDINGS_LISTEN_OWN else call.users
    if not allowed(principal, right, owners(own)):
        raise NotFoundError
    return call


class Calls:
    """The handlers that read calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/calls/{call_id}",
                handler=self.one,
                summary="One call; a merged one answers with the call it was merged into",
                right=Right.CALLS_READ_OWN,
                tag="calls",
            ),
            Route(
                method="GET",
                path="/calls/{call_id}/events",
                handler=self.events,
                summary="The journal's events that explain a call",
                right=Right.CALLS_READ_OWN,
                tag="calls",
            ),
        )

    async def one(self, asked: Asked[CallPath, Nothing, Nothing]) -> CallView | web.Response:
        """One call."""
        wanted = asked.path.call_id
        call = await visible_call(self._parts, asked.principal, wanted, Right.CALLS_READ_OWN)
        view = await call_model(self._parts, call, asked.principal)
        if call.id == wanted:
            return view
        return answer(view, headers={"Content-Location": f"{API_PREFIX}/calls/{call.id}"})

    async def events(self, asked: Asked[CallPath, Nothing, Nothing]) -> CallEvents:
        """The rows of the call's family; who may not see everybody's calls gets those of this call's legs."""
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, Right.CALLS_READ_OWN)
        family = await family_of_call(self._parts.pool, call.id)
        legs = {leg.id: leg for leg in await reading.legs_of_family(self._parts.pool, call.family_id)}
        events = self._mapped(call.pbx, family.rows if family else [])
        if not allowed(asked.principal, Right.CALLS_READ_ALL):
            events = [e for e in events if e.leg in legs and legs[e.leg].call_id == call.id]
        return CallEvents(items=tuple(_event(e, legs.get(e.leg)) for e in in_order(events)))

    def _mapped(self, pbx: str, rows: list[bytes]) -> list[LegEvent]:
        """The events of stored rows; rows that say nothing of a leg are left out."""
        read = self._parts.read_row.get(pbx)
        events: list[LegEvent] = []
        for row in rows:
            try:
                event = read_own_row(row) if is_own(row) else read(row) if read else None
            except Rejected:
                continue
            if event is not None:
                events.append(event)
        return events


_TOLD_APART = frozenset({"at", "kind", "leg", "channel", "bridge", "cause"})
_DETAILS = tuple(f.name for f in fields(LegEvent) if f.name not in _TOLD_APART)


def _event(event: LegEvent, leg: reading.StoredLeg | None) -> CallEvent:
    details = {name: getattr(event, name) for name in _DETAILS}
    return CallEvent(
        at=event.at,
        kind=event.kind,
        leg=event.leg,
        channel=event.channel,
        bridge=event.bridge,
        cause=event.cause,
        call_id=leg.call_id if leg else None,
        role=leg.role if leg else None,
        extension=leg.extension if leg else None,
        is_own=event.kind in OWN_KINDS,
        details={name: str(value).lower() if value is True else str(value) for name, value in details.items() if value},
    )
