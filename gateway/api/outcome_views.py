"""What requests for outcomes and their answers are made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from gateway.api.dispositions import Did, Key, Version
from gateway.api.fields import CursorText, Day, Incoming, Limit, LongText, Moment, Outgoing, RowId
from gateway.domain.call import Direction
from gateway.domain.outcomes import FollowUp, StepKind, Want
from gateway.store.outcomes import Outcome

Title = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NextStepFields(Incoming):
    """What is done next: a task, a colleague who goes on, or nothing more."""

    kind: StepKind
    task: FollowUp | None = Field(default=None, description="of a task: which; left out: a call")
    due_at: Moment | None = Field(default=None, description="of a task: when")
    title: Title = ""
    to: RowId | None = Field(default=None, description="of a transfer: the colleague")

    @model_validator(mode="after")
    def _whole(self) -> "NextStepFields":
        if (self.kind is StepKind.TRANSFER) != (self.to is not None):
            raise ValueError("`to` belongs to a transfer, and a transfer has one.")
        if self.kind is not StepKind.TASK and (self.task or self.due_at or self.title):
            raise ValueError("`task`, `due_at` and `title` belong to a task.")
        return self


class Chosen(Incoming):
    """What is chosen."""

    outcome: Key = Field(description="key of the outcome")
    reason: Key | None = Field(default=None, description="key of the reason")
    note: LongText = ""
    next_step: NextStepFields | None = None


class NewOutcome(Chosen):
    """An outcome of a call, or of a card without a call."""

    call: UUID | None = None
    contact: RowId | None = None
    user: RowId | None = Field(default=None, description="of a card: for whom it counts; left out: myself")

    @model_validator(mode="after")
    def _one_of(self) -> "NewOutcome":
        if (self.call is None) == (self.contact is None):
            raise ValueError("Give either `call` or `contact`.")
        if self.user is not None and self.call is not None:
            raise ValueError("A call's outcome counts for the manager of the call; leave `user` out.")
        return self


class OutcomeChange(Chosen):
    """What an outcome is corrected to; left out stays."""

    version: Version
    outcome: Key | None = None  # type: ignore[assignment]
    note: LongText | None = None  # type: ignore[assignment]


class OutcomePath(Incoming):
    """Which outcome."""

    outcome_id: RowId


class OutcomeQuery(Incoming):
    """Which outcomes."""

    user: RowId | None = None
    no_user: bool = Field(default=False, description="only those that count for nobody")
    contact: RowId | None = None
    call: UUID | None = None
    did: Did | None = None
    no_did: bool = Field(default=False, description="only those without a DID")
    direction: Direction | None = None
    outcome: Key | None = None
    reason: Key | None = None
    no_reason: bool = Field(default=False, description="only those without a reason")
    since: Day | None = Field(default=None, description="the manager's local day")
    until: Day | None = Field(default=None, description="the last day, itself included")
    limit: Limit = 50
    cursor: CursorText | None = None


class MissingQuery(Incoming):
    """Whose, and of which time."""

    user: RowId | None = Field(default=None, description="left out: everybody's whom I may see")
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class OutcomePlace(Incoming):
    """Where a page of outcomes ends."""

    at: datetime
    id: int


class MissingPlace(Incoming):
    """Where a page of what is owed ends."""

    at: datetime
    key: Annotated[str, Field(max_length=40)]


class StepView(Outgoing):
    """What is done next."""

    kind: StepKind
    task: FollowUp | None = None
    made_task: int | None = Field(default=None, description="the task that was made of it")
    due_at: str | None = None
    to: int | None = None


class OutcomeView(Outgoing):
    """An outcome."""

    id: int
    call: UUID | None = Field(description="the call it belongs to now; null: it was chosen for the card")
    contact: int | None
    user: int | None = Field(description="the manager for whom it counts")
    outcome: str
    reason: str | None
    note: str
    next_step: StepView | None
    made_task: int | None = Field(description="the task that the outcome made by itself")
    wants: tuple[Want, ...] = Field(description="what is still wanted; nothing: it is whole")
    counts: bool = Field(description="false: the call was merged with one whose outcome is newer")
    at: datetime = Field(description="of the call, or when it was chosen")
    day: str = Field(description="the manager's local day, under which it is counted")
    did: str | None
    direction: str | None
    made_by: str
    made_at: datetime
    changed_at: datetime
    version: int


class Offer(Outgoing):
    """A next step that may be taken with one touch."""

    task: FollowUp
    due_at: datetime


class ChosenView(OutcomeView):
    """An outcome with what is asked next."""

    reasons: tuple[str, ...] = Field(description="keys to choose the wanted reason from")
    steps: tuple[Offer, ...] = Field(description="next steps to offer, where one is wanted or offered")


class OutcomeVersionView(Outgoing):
    """What was chosen once."""

    version: int
    outcome: str
    reason: str | None
    note: str
    next_step: StepView | None
    by: str
    at: datetime


class OutcomeWithHistory(OutcomeView):
    """An outcome with all its versions, the first one first."""

    history: tuple[OutcomeVersionView, ...]


class MissingView(Outgoing):
    """A call that lacks its outcome, or an outcome that lacks something."""

    id: int | None = Field(description="of the outcome; null: nothing was chosen yet")
    user: int | None
    call: UUID | None
    contact: int | None
    wants: tuple[Want, ...]
    rule: int | None = Field(description="the rule that wants an outcome")
    at: datetime


class OwedView(Outgoing):
    """How much a manager owes."""

    user: int
    outcomes: int = Field(description="calls without an outcome")
    incomplete: int = Field(description="outcomes without their reason or next step")
    oldest_at: datetime


class OwedList(Outgoing):
    """By manager, who owes most first."""

    items: tuple[OwedView, ...]


def step_view(step: Mapping[str, object] | None) -> StepView | None:
    """A next step as it is shown; null: none was chosen."""
    if step is None:
        return None
    return StepView.model_validate({"made_task" if name == "task_id" else name: value for name, value in step.items()})


def outcome_values(outcome: Outcome, wants: Sequence[Want]) -> dict[str, object]:
    """An outcome as it is shown."""
    names = (
        "id", "outcome", "reason", "note", "made_task", "at", "did", "direction", "made_by", "made_at", "changed_at",
        "version",
    )  # fmt: skip
    values = {name: getattr(outcome, name) for name in names}
    return {
        **values,
        "call": outcome.call_id,
        "contact": outcome.contact_id,
        "user": outcome.user_id,
        "day": outcome.day.isoformat(),
        "next_step": step_view(outcome.next_step),
        "wants": tuple(wants),
        "counts": outcome.is_current,
    }
