"""What a conversation came to: dispositions, their reasons, what is wanted next and what follows from a choice.

Which outcomes there are, which of them asks for a reason or for a next step and what it does to the card is the
company's data; here stands only what such data means. A choice is kept even where it is not whole (a manager who was
interrupted loses nothing): what is still wanted is told, and it stays on his list until it is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from gateway.domain.cards import Heat, Stage
from gateway.domain.recurrence import months_later

MORNING = time(10)
"""When something falls due that was put off by days or months, in the client's time."""


class Means(StrEnum):
    """What an outcome counts as, whatever the company calls it."""

    PURCHASE = "purchase"
    REFUSAL = "refusal"
    AGREED = "agreed"
    TALKED = "talked"
    NOT_REACHED = "not_reached"
    OTHER = "other"


class ReasonsOf(StrEnum):
    """Which list of reasons."""

    REFUSAL = "refusal"
    PURCHASE = "purchase"


class NextStepRule(StrEnum):
    """Whether an outcome asks what is done next."""

    NONE = "none"
    OFFERED = "offered"
    REQUIRED = "required"


class FollowUp(StrEnum):
    """What kind of task an outcome makes by itself."""

    CALL = "call"
    LETTER = "letter"
    MEETING = "meeting"
    RETURN = "return"  # a call to one who refused, months later


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoTask:
    """The task an outcome makes by itself; one of the times is given."""

    kind: FollowUp
    months: int | None = None
    days: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """An outcome that can be chosen."""

    id: int
    key: str
    means: Means
    reasons: ReasonsOf | None
    """The list a reason is chosen from; None: it has none."""
    reason_required: bool
    next_step: NextStepRule
    stage: Stage | None
    """What the card becomes; None: it stays."""
    heat: Heat | None
    closes_lead: bool
    """Whether the lead's way ends here: no deadline holds any longer, nobody else gets it."""
    task: AutoTask | None
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the client bought or refused."""

    id: int
    of: ReasonsOf
    key: str
    return_months: int | None
    """After how many months to ask again; None: as the outcome says."""
    archived: bool = False


class Want(StrEnum):
    """What a call or an outcome still lacks."""

    OUTCOME = "outcome"
    REASON = "reason"
    NEXT_STEP = "next_step"


def still_wanted(disposition: Disposition, reason: Reason | None, *, has_next_step: bool) -> tuple[Want, ...]:
    """What is wanted next of the manager; nothing: the choice is whole.

    Args:
        disposition: what was chosen.
        reason: why; None: not said yet.
        has_next_step: whether he said what is done next. A task that the outcome makes by itself is a next step.
    """
    wants = []
    if disposition.reasons is not None and disposition.reason_required and reason is None:
        wants.append(Want.REASON)
    required = disposition.next_step is NextStepRule.REQUIRED
    if required and not has_next_step and disposition.task is None:
        wants.append(Want.NEXT_STEP)
    return tuple(wants)


def reason_fits(disposition: Disposition, reason: Reason | None) -> bool:
    """Whether this reason may be given for this outcome."""
    return reason is None or reason.of is disposition.reasons


def next_stage(present: Stage, wanted: Stage | None) -> Stage:
    """The stage of a card after an outcome; a client who refuses one more offer is still a client.

    Args:
        present: the card's.
        wanted: what the outcome says; None: nothing.
    """
    match wanted:
        case None:
            return present
        case Stage.LEAD | Stage.REFUSED if present is Stage.CLIENT:
            return present
        case _:
            return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What outcomes change of a card."""

    stage: Stage
    heat: Heat | None


def after(card: Traits, disposition: Disposition) -> Traits:
    """The card after an outcome was chosen."""
    return Traits(stage=next_stage(card.stage, disposition.stage), heat=disposition.heat or card.heat)


def taken_back(card: Traits, before: Traits, made: Traits) -> Traits:
    """The card before an outcome that is being corrected; what somebody changed since stays as he wants it.

    Args:
        card: as it is now.
        before: as it was when the outcome was chosen.
        made: what the outcome made of it.
    """
    return Traits(
        stage=before.stage if card.stage is made.stage else card.stage,
        heat=before.heat if card.heat is made.heat else card.heat,
    )


def due_of(task: AutoTask, reason: Reason | None, now: datetime, zone: tzinfo) -> datetime:
    """When a task falls due that an outcome makes by itself.

    Args:
        task: as the outcome says; its reason may say other months.
        reason: why the client refused; None: not said.
        now: the present moment.
        zone: in which the day begins: the client's, else the manager's.

    Returns:
        A moment in UTC. After days and months it is ten in the morning there, on Monday instead of a week-end.
    """
    if task.minutes is not None:
        return now + timedelta(minutes=task.minutes)
    today = now.astimezone(zone).date()
    months = reason.return_months if reason and reason.return_months and task.kind is FollowUp.RETURN else task.months
    day = months_later(today, months) if months else today + timedelta(days=task.days or 1)
    day += timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
    return datetime.combine(day, MORNING, zone).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionRule:
    """Which calls need an outcome; every condition that is given must hold."""

    id: int
    direction: str | None
    """None: either."""
    dids: frozenset[str]
    """Our numbers; empty: any."""
    roles: frozenset[str]
    """Of the manager; empty: any."""
    talk_seconds: int | None
    """The talk was longer; None: calls without talk as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """What a rule asks of a call that has ended."""

    direction: str
    did: str | None
    talk: timedelta
    role: str
    """Of the manager whose call it is."""


def asking_rule(rules: Sequence[DispositionRule], call: EndedCall) -> DispositionRule | None:
    """The first rule that wants an outcome of this call; None: none does."""
    return next((rule for rule in rules if _holds(rule, call)), None)


def _holds(rule: DispositionRule, call: EndedCall) -> bool:
    return (
        rule.direction in (None, call.direction)
        and (not rule.dids or call.did in rule.dids)
        and (not rule.roles or call.role in rule.roles)
        and (rule.talk_seconds is None or call.talk > timedelta(seconds=rule.talk_seconds))
    )


class StepKind(StrEnum):
    """What is done next."""

    TASK = "task"
    TRANSFER = "transfer"  # a colleague goes on
    CLOSE = "close"  # nothing: the lead's way ends here


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What a manager says is done next."""

    kind: StepKind
    task: FollowUp | None = None
    due_at: datetime | None = None
    """Of the task; None: it has no time."""
    title: str = ""
    to: int | None = None
    """Of a transfer: the colleague."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a manager chose."""

    disposition: Disposition
    reason: Reason | None
    note: str
    next_step: NextStep | None
