"""`GET /calls/{id}/promises`: what was promised in a call as its transcript tells it (`gateway.domain.promises`).

They are read out of the words each time they are asked for, so a transcript that is written anew brings its own. Days
and hours are of the clock that the reader names, for people say "on Tuesday at eleven" by a clock that they share.
"""

from datetime import date, datetime

from pydantic import Field

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.api.task_views import ZoneName
from gateway.domain.access import Right
from gateway.domain.promises import Promise, PromiseKind, promises
from gateway.domain.staff import zone_of
from gateway.store.transcripts import find_transcript


class PromiseQuery(Incoming):
    """By whose clock."""

    zone: ZoneName | None = Field(
        default=None, description="whose clock days and hours are of; left out, or unknown: the company's"
    )


class PromiseView(Outgoing):
    """One promise that was heard."""

    kind: PromiseKind
    day: date
    time: str | None = Field(description="like 11:00; null: no hour was said")
    start: float = Field(description="seconds from the start of the recording")
    speaker: str | None = Field(description="manager or client; null: nobody can tell")
    quote: str = Field(description="the sentence, of 160 signs at most")


class PromiseList(Outgoing):
    """The last ones, in the order in which they were said."""

    items: tuple[PromiseView, ...]


class Promises:
    """The handler of promises."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/calls/{call_id}/promises",
                handler=self.heard,
                summary="What was promised in a call, as its transcript tells it",
                right=Right.RECORDINGS_LISTEN_OWN,
                tag="recordings",
            ),
        )

    async def heard(self, asked: Asked[CallPath, PromiseQuery, Nothing]) -> PromiseList:
        """What was promised; nothing as long as there is no transcript."""
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, Right.RECORDINGS_LISTEN_OWN)
        written = call.recording and await find_transcript(self._parts.pool, call.recording.id)
        if not written:
            return PromiseList(items=())
        zone = zone_of(asked.query.zone, self._parts.settings.company.timezone)
        begun = datetime.fromisoformat(str(call.view["answered_at"] or call.view["started_at"])).astimezone(zone)
        return PromiseList(items=tuple(_view(promise) for promise in promises(written.segments, begun)))


def _view(promise: Promise) -> PromiseView:
    return PromiseView(
        kind=promise.kind,
        day=promise.day,
        time=promise.time.strftime("%H:%M") if promise.time else None,
        start=promise.start,
        speaker=promise.speaker,
        quote=promise.quote,
    )
