"""What missed clients look like from outside."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Outgoing, RowId
from gateway.domain.missed import MissedState
from gateway.store.missed_lists import MissedRow

Did = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class MissedPath(Incoming):
    """Which missed client."""

    missed_id: RowId


class MissedQuery(Incoming):
    """Which missed clients."""

    state: MissedState | None = Field(default=None, description="left out: all; the inbox is `open`")
    owner: RowId | None = Field(default=None, description="whose task it is")
    did: Did | None = None
    contact: RowId | None = None
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="in any way of writing"
    )
    since: Moment | None = Field(default=None, description="called last at this moment or later")
    until: Moment | None = None
    overdue: bool = Field(default=False, description="only open ones whose deadline has passed")
    hidden: bool = Field(default=False, description="those without a number, too")
    limit: Limit = 50
    cursor: CursorText | None = None


class MissedPlace(Incoming):
    """Where a page of missed clients ends."""

    at: datetime
    id: int


class MissedView(Outgoing):
    """A missed client."""

    id: int
    state: MissedState
    contact: int | None
    contact_name: str | None
    number: str | None
    pbx: str
    did: str | None
    calls: int = Field(description="how often he called in vain")
    attempts: int = Field(description="how often we called and he did not answer")
    first_at: datetime
    last_at: datetime
    due_at: datetime = Field(description="until when somebody was to call back")
    overdue: bool
    new_client: bool = Field(description="nobody has sorted his card yet")
    hidden: bool
    task: int | None
    owner: int | None
    owner_name: str | None
    claimed_by: int | None
    claimed_until: datetime | None
    closed_at: datetime | None
    closed_by_call: UUID | None
    closed_by_user: int | None
    escalated_at: datetime | None
    why: str | None = Field(description="why it was dismissed")
    version: int


class MissedCallView(Outgoing):
    """One call that was missed."""

    call: UUID
    at: datetime
    reason: str = Field(description="like a call's missed_reason, or lost_in_transfer")


class HolderView(Outgoing):
    """Who has the client for himself at the moment."""

    user: int | None = Field(description="null: a phone that nobody is entered for")
    until: datetime | None = Field(description="null: as long as the call goes on")


class MissedWithCalls(MissedView):
    """A missed client with his calls."""

    missed_calls: tuple[MissedCallView, ...] = Field(description="the last ones, oldest first")
    held_by: HolderView | None


class Claim(Incoming):
    """Taking a client for oneself."""

    user: RowId | None = Field(default=None, description="for whom; left out: for me. Others need a right")


class Dismissal(Incoming):
    """Why nothing has to be done."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class Assignment(Incoming):
    """Who is to call back."""

    user: RowId | None = Field(description="null: whoever takes it first")


class CountQuery(Incoming):
    """Of which time."""

    since: Moment | None = None
    until: Moment | None = None
    did: Did | None = None


class CountView(Outgoing):
    """How the missed clients of one of our numbers came out."""

    did: str | None
    states: dict[MissedState, int]
    calls: int
    hidden: int = Field(description="calls without a number: nobody could call back")
    answered_seconds: float | None = Field(description="from the first call to the talk, on average")


class CountList(Outgoing):
    """By the number that was called."""

    items: tuple[CountView, ...]


def missed_values(row: MissedRow, now: datetime) -> dict[str, object]:
    """The values of a `MissedView`."""
    held = row.claimed_until is not None and row.claimed_until > now
    return {
        "id": row.id,
        "state": row.state,
        "contact": row.contact_id,
        "contact_name": row.contact_name,
        "number": row.number,
        "pbx": row.pbx,
        "did": row.did,
        "calls": row.calls,
        "attempts": row.attempts,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "due_at": row.due_at,
        "overdue": row.state == MissedState.OPEN and row.due_at < now,
        "new_client": row.new_client,
        "hidden": row.hidden,
        "task": row.task_id,
        "owner": row.owner_id,
        "owner_name": row.owner_name,
        "claimed_by": row.claimed_by if held else None,
        "claimed_until": row.claimed_until if held else None,
        "closed_at": row.closed_at,
        "closed_by_call": row.closed_by_call,
        "closed_by_user": row.closed_by_user,
        "escalated_at": row.escalated_at,
        "why": row.dismissed_why,
        "version": row.version,
    }
