"""What the live board looks like from outside."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from gateway.api.day_views import ReturnedView
from gateway.api.fields import Outgoing
from gateway.api.help_asks import HelpView
from gateway.domain.manager_states import State


class BoardTeam(Outgoing):
    """A team of the board."""

    id: int
    name: str
    members: tuple[int, ...]


class BoardCall(Outgoing):
    """The call a manager is in, or the one that waits."""

    call: UUID
    direction: str
    state: str = Field(description="ringing, talking")
    started_at: datetime
    answered_at: datetime | None
    held_since: datetime | None
    contact: int | None
    contact_name: str | None
    organisation: str | None
    heat: str | None
    number: str | None
    called_himself: str = Field(description="caller id name as the line sent it; anybody can send anything")
    did: str | None
    line: str


class BoardGoal(Outgoing):
    """How far somebody is with his goal of the day."""

    goal: int
    name: str
    measure: str
    done: float
    target: int
    expected: float = Field(description="what an even pace over his working hours would have reached by now")
    pace: str = Field(description="reached, ahead, on, behind")


class BoardAway(Outgoing):
    """An absence that goes on, or begins today."""

    kind: str
    since: datetime
    until: datetime | None


class BoardManager(Outgoing):
    """A line of the board."""

    user: int
    name: str
    teams: tuple[int, ...]
    extensions: tuple[str, ...]
    state: State
    known: bool
    reason: str
    since: datetime | None
    ends_at: datetime | None
    takes_calls: bool
    last_talk_at: datetime | None
    call: BoardCall | None = Field(description="in which he talks, which rings for him, or that he works on after it")
    rings: bool = Field(description="the call rings for him, or he dials it")
    goal: BoardGoal | None
    calls: int
    talk_seconds: float
    missed: int
    away: BoardAway | None


class BoardGroup(Outgoing):
    """A group that routes ring."""

    id: int
    name: str
    waiting: int
    longest_since: datetime | None
    free: int
    members: int


class BoardWaiting(BoardCall):
    """A client who waits, and nobody talks with him."""

    group: int | None = Field(description="whose people it rings; null: no group's")
    rings_for: tuple[int, ...]


class BoardLate(Outgoing):
    """A missed client who was not returned in time."""

    missed: int
    contact: int | None
    contact_name: str | None
    number: str | None
    did: str | None
    line: str
    due_at: datetime
    last_at: datetime
    calls: int
    new_client: bool
    owner: int | None
    owner_name: str | None
    rang_name: str | None = Field(description="whose phone rang last; null: nobody's")
    claimed_by: int | None
    claimed_name: str | None
    version: int


class BoardCallsIn(Outgoing):
    """Calls in."""

    calls: int
    answered: int
    answered_share: float | None
    median_wait_seconds: float | None
    returned: ReturnedView


class BoardToday(Outgoing):
    """Today's totals, beside the usual."""

    goal_done: float
    goal_target: int
    goal_expected: float
    talk_seconds: float
    now: BoardCallsIn
    usual: BoardCallsIn = Field(description="the same weekday of the four weeks before, up to this time of day")


class LiveBoardView(Outgoing):
    """Everything on the board at one moment."""

    at: datetime
    day: date
    zone: str
    teams: tuple[BoardTeam, ...] = Field(description="all teams, also where one is chosen")
    managers: tuple[BoardManager, ...] = Field(description="by name")
    groups: tuple[BoardGroup, ...]
    waiting: tuple[BoardWaiting, ...] = Field(description="the longest waiting first")
    late_total: int
    late: tuple[BoardLate, ...] = Field(description="the longest overdue first")
    help: tuple[HelpView, ...]
    today: BoardToday
