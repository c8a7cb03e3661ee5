"""What requests for the distribution and their answers are made of."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gateway.api.dispositions import Did, Label, Order, Version
from gateway.api.fields import CursorText, Incoming, Limit, Moment, Outgoing, RowId
from gateway.api.users import Zone
from gateway.domain.cards import Heat
from gateway.domain.distribution import AnswerBy, Rating, Way, Why
from gateway.store.distribution import Assignment
from gateway.store.distribution_rules import StoredRule

Word = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Code = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
HoursText = Annotated[str, Field(max_length=11)]
DayHours = Annotated[tuple[HoursText, ...], Field(max_length=8)]


class WeekHours(Incoming):
    """Hours of a week."""

    timezone: Zone
    week: Annotated[tuple[DayHours, ...], Field(min_length=7, max_length=7)] = Field(
        description="Monday first, each day like `09:00-13:00`"
    )


class ConditionFields(Incoming):
    """Which leads a rule takes; what is left out or empty holds for all."""

    dids: Annotated[tuple[Did, ...], Field(max_length=200)] = ()
    sources: Annotated[tuple[Word, ...], Field(max_length=200)] = Field(default=(), description="kinds or names")
    cities: Annotated[tuple[Word, ...], Field(max_length=500)] = ()
    countries: Annotated[tuple[Country, ...], Field(max_length=200)] = Field(
        default=(), description="of the number, ISO 3166"
    )
    languages: Annotated[tuple[Code, ...], Field(max_length=50)] = Field(
        default=(), description="spoken in the number's country"
    )
    heats: Annotated[tuple[Heat, ...], Field(max_length=3)] = ()
    hours: WeekHours | None = Field(default=None, description="when the lead comes")


class MemberFields(Incoming):
    """A manager who may get leads of a rule."""

    user: RowId
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    skills: Annotated[tuple[Word, ...], Field(max_length=50)] = Field(default=(), description="like `pl`, `roofing`")
    open_max: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(default=None, description="open leads at most")
    day_max: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(default=None, description="leads a day at most")


class LeadRuleFields(Incoming):
    """A rule."""

    name: Label
    place: Order = 0
    conditions: ConditionFields = ConditionFields()
    way: Way = Way.TURN
    skill: Word | None = Field(default=None, description="needed by the way `skill`; null: the lead's language")
    rating: Rating = Field(default=Rating.CONVERSION, description="by which the way `heat` compares managers")
    rating_days: Annotated[int, Field(ge=1, le=366)] = 30
    answer_minutes: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="working minutes until the first answer, else another manager; null: no deadline"
    )
    answer_by: AnswerBy = AnswerBy.ATTEMPT
    rounds: Annotated[int, Field(ge=1, le=10)] = Field(default=1, description="how often each may get the same lead")
    changes: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="changes at most, then the head"
    )
    overdue_minutes: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="a lead's task overdue for longer: another manager"
    )
    head: RowId | None = Field(default=None, description="who decides where nobody fits; null: as the policy says")
    members: Annotated[tuple[MemberFields, ...], Field(max_length=500)] = ()


class NewLeadRule(LeadRuleFields):
    """A rule to be added."""


class LeadRuleChange(LeadRuleFields):
    """What is to be changed of a rule; what is left out stays, a list is replaced as a whole."""

    version: Version
    name: Label | None = None  # type: ignore[assignment]
    archived: bool | None = None


class RulePath(Incoming):
    """Which rule."""

    rule_id: RowId


class PolicyChange(Incoming):
    """What is to be changed of the policy; what is left out stays."""

    version: Version
    head: RowId | None = None
    talker_keeps: bool = True
    on_dismissal: bool = True


class Trial(Incoming):
    """A lead as it might come; a card's own data stand in for what is left out."""

    contact: RowId | None = None
    did: Did | None = None
    source: Word | None = None
    city: Word | None = None
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    heat: Heat | None = None
    at: Moment | None = Field(default=None, description="when it comes; left out: now")


class TurnQuery(Incoming):
    """Which turns."""

    user: RowId | None = None
    contact: RowId | None = None
    state: Literal["given", "waiting", "answered", "passed", "closed"] | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class IdPlace(Incoming):
    """Where a page ends."""

    id: int


class WeekHoursView(Outgoing):
    """Hours of a week."""

    timezone: str
    week: tuple[tuple[str, ...], ...]


class ConditionsView(Outgoing):
    """Which leads a rule takes."""

    dids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    heats: tuple[Heat, ...] = ()
    hours: WeekHoursView | None = None


class LeadMemberView(Outgoing):
    """A member of a rule."""

    user: int
    weight: int
    skills: tuple[str, ...]
    open_max: int | None
    day_max: int | None
    credit: float = Field(description="leads he is owed in turn")


class LeadRuleView(Outgoing):
    """A rule."""

    id: int
    name: str
    place: int
    conditions: ConditionsView
    way: Way
    skill: str | None
    rating: Rating
    rating_days: int
    answer_minutes: int | None
    answer_by: AnswerBy
    rounds: int
    changes: int | None
    overdue_minutes: int | None
    head: int | None
    members: tuple[LeadMemberView, ...]
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


class LeadRuleList(Outgoing):
    """The rules in their order, archived ones last."""

    items: tuple[LeadRuleView, ...]


class PolicyView(Outgoing):
    """What holds for all of the distribution."""

    head: int | None = Field(description="who decides where nobody fits; null: the first supervisor")
    talker_keeps: bool = Field(description="a new client belongs to whoever talked with him")
    on_dismissal: bool = Field(description="what one has who is blocked goes to others by rule")
    version: int


class SeenView(Outgoing):
    """A member and what came of him."""

    user: int
    why: Why
    credit: float
    open_leads: int
    open_tasks: int
    given_today: int
    rating: float


class TriedRule(Outgoing):
    """A rule and what came of it."""

    rule: int
    name: str
    why: Why | None = Field(description="the first condition that does not hold; null: it takes the lead")
    members: tuple[SeenView, ...]


class TrialView(Outgoing):
    """Who would get the lead."""

    user: int | None = Field(description="null: nobody; it would go to the head")
    head: int | None = Field(description="who decides then")
    rule: int | None
    country: str | None
    language: str | None
    rules: tuple[TriedRule, ...]


class TurnView(Outgoing):
    """One manager's turn with a lead."""

    id: int
    contact: int
    user: int | None
    rule: int | None
    state: str
    reason: str
    round: int
    changes: int
    given_at: datetime
    deadline_at: datetime | None
    settled_at: datetime | None
    settled_by: int | None


def rule_view(stored: StoredRule) -> LeadRuleView:
    """A rule as it is shown."""
    rule = stored.rule
    same = (
        "id",
        "name",
        "way",
        "skill",
        "answer_minutes",
        "answer_by",
        "rounds",
        "changes",
        "overdue_minutes",
    )
    own = ("place", "rating", "rating_days", "archived_at", "changed_by", "changed_at", "version")
    return LeadRuleView(
        conditions=ConditionsView.model_validate(stored.conditions),
        head=rule.head_id,
        members=tuple(
            LeadMemberView(
                user=m.user_id,
                weight=m.weight,
                skills=tuple(sorted(m.skills)),
                open_max=m.open_max,
                day_max=m.day_max,
                credit=round(m.credit, 6),
            )
            for m in stored.members
        ),
        **{name: getattr(rule, name) for name in same},
        **{name: getattr(stored, name) for name in own},
    )


def turn_view(turn: Assignment) -> TurnView:
    """A turn as it is shown."""
    names = set(TurnView.model_fields) - {"contact", "user", "rule"}
    return TurnView(
        contact=turn.contact_id,
        user=turn.user_id,
        rule=turn.rule_id,
        **{name: getattr(turn, name) for name in names},
    )
