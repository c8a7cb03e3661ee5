"""What requests for handovers and their answers are made of."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Outgoing, RowId
from gateway.domain.cards import Stage
from gateway.store.clienteles import Which
from gateway.store.handovers import HandedCard, Handover, Share

AT_MOST = 1000
"""Cards of one order."""
AMONG_MAX = 100
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class WantedHeat(StrEnum):
    """How warm clients are; `none`: nobody has said it."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"
    NONE = "none"


class WhichCards(Incoming):
    """Which clients of a manager; what is left out or empty holds for all."""

    stages: Annotated[tuple[Stage, ...], Field(max_length=4)] = Field(default=(), description="empty: in any stage")
    heats: Annotated[tuple[WantedHeat, ...], Field(max_length=4)] = Field(default=(), description="empty: any")
    lines_of_business: Annotated[tuple[Line, ...], Field(max_length=50)] = Field(
        default=(), description="in any letters; an empty text: without one"
    )
    has_task: bool | None = Field(default=None, description="whether he has an open task with the client")
    has_scheduled: bool | None = Field(default=None, description="whether he has planned a call with the client")

    def which(self, owner: int) -> Which:
        """The same of one manager."""
        return Which(
            owner=owner,
            stages=tuple(map(str, self.stages)),
            heats=tuple(map(str, self.heats)),
            lines=self.lines_of_business,
            has_task=self.has_task,
            has_scheduled=self.has_scheduled,
        )


class NewHandover(WhichCards):
    """Which clients go to whom."""

    from_: RowId | None = Field(default=None, alias="from", description="only this manager's clients")
    to: RowId | None = Field(default=None, description="the colleague; left out: by the rules of distribution")
    among: Annotated[tuple[RowId, ...], Field(max_length=AMONG_MAX)] = Field(
        default=(), description="colleagues who share them evenly, instead of `to`"
    )
    contacts: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=AT_MOST)] | None = Field(
        default=None, description="left out: all of `from` that the other fields mean"
    )
    tasks: bool = Field(default=True, description="open tasks with these clients go along")
    scheduled: bool = Field(default=True, description="calls that were planned with these clients go along")
    until: Moment | None = Field(default=None, description="then what is still with those who got it comes back")
    reason: Reason = "by_hand"
    limit: Annotated[int, Field(ge=1, le=AT_MOST)] | None = Field(
        default=None,
        description="so many cards at most, where no `contacts` are named; left out: all, of which the gateway goes on"
        " with what is more than one step",
    )
    onto: RowId | None = Field(default=None, description="a handover of which this is a further step")
    dry_run: bool = Field(default=False, description="only tell what would happen")

    @model_validator(mode="after")
    def _whose(self) -> "NewHandover":
        if self.contacts is None and self.from_ is None:
            raise ValueError("Give `contacts`, `from` or both.")
        if self.from_ is not None and self.from_ in (self.to, *self.among):
            raise ValueError("`from` and `to` are the same.")
        if self.to is not None and self.among:
            raise ValueError("Give `to` or `among`, not both.")
        return self


class HandoverPath(Incoming):
    """Which handover."""

    handover_id: RowId


class HandoverState(StrEnum):
    """How a handover stands."""

    GOING = "going"
    STOPPED = "stopped"
    DONE = "done"


class PageQuery(Incoming):
    """Which page."""

    limit: Limit = 50
    cursor: CursorText | None = None


class HandoverQuery(PageQuery):
    """Which handovers."""

    state: HandoverState | None = None


class ShareView(Outgoing):
    """How many a colleague gets."""

    user: int
    cards: int
    tasks: int
    scheduled: int


class HandoverFacts(Outgoing):
    """What a handover in a list and a handover alone both tell."""

    kind: str
    from_: int | None = Field(serialization_alias="from")
    to: int | None
    among: tuple[int, ...] = Field(description="colleagues who share")
    reason: str
    by: str
    at: datetime
    until: datetime | None = Field(description="when it comes back by itself")
    which: dict[str, Any] = Field(description="the clients that were meant, in the words of the order")
    cards: int
    tasks: int
    scheduled: int = Field(description="planned calls that went along")
    state: str = Field(description="going: the gateway goes on with it; stopped, done")
    stopped_by: str | None = Field(description="`distribution`: who should get them does not work here any more")
    meant: int | None = Field(description="cards that were meant when it was ordered; null: they were named, or more")
    undone_by: str | None
    undone_at: datetime | None = Field(description="null with an `undone_by`: undone in part, the gateway goes on")
    returned: int = Field(description="cards that came back")


class HandoverRow(HandoverFacts):
    """A handover in a list."""

    id: int


class HandoverView(HandoverFacts):
    """Many cards, tasks and planned calls that changed hands at once."""

    id: int | None = Field(description="null: a preview")
    shares: tuple[ShareView, ...] = Field(description="who gets how many")
    left: int | None = Field(description="cards that the order means and that have not gone yet; null: none was asked")


class ItemView(Outgoing):
    """A card that changed hands."""

    contact: int
    name: str
    from_: int | None = Field(serialization_alias="from")
    to: int
    returned: bool


def handover_view(handover: Handover, shares: Iterable[Share], left: int | None = None) -> HandoverView:
    """A handover with who got how many."""
    rows = tuple(ShareView(user=s.user_id, cards=s.cards, tasks=s.tasks, scheduled=s.scheduled) for s in shares)
    names = set(HandoverView.model_fields) - {"shares", "left"}
    return HandoverView(shares=rows, left=left, **_values(handover, names))


def handover_row(handover: Handover) -> HandoverRow:
    """A handover in a list."""
    return HandoverRow(**_values(handover, HandoverRow.model_fields))


def item_view(card: HandedCard) -> ItemView:
    """A card that changed hands."""
    return ItemView(contact=card.id, name=card.name, from_=card.from_id, to=card.to_id, returned=card.returned)


def _values(handover: Handover, names: Iterable[str]) -> dict[str, Any]:
    """A handover's values by the names of a view."""
    columns = {"from_": "from_id", "to": "to_id"}
    return {name: getattr(handover, columns.get(name, name)) for name in names}
