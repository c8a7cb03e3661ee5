"""Figures of outcomes and their reasons, by manager or DID, with shares; each opens into the outcomes it counts."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from pydantic import Field

from gateway.api.dispositions import Did
from gateway.api.fields import Day, Incoming, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError
from gateway.api.routing import API_PREFIX, Asked, Route
from gateway.api.visibility import reach, require_reach
from gateway.domain.access import Right
from gateway.domain.call import Direction
from gateway.store import outcome_reports
from gateway.store.outcome_reports import Count, OutcomeFilter

DAYS_MAX = 800


class OutcomesBy(StrEnum):
    """One group for each of these."""

    TOTAL = "total"
    MANAGER = "manager"
    DID = "did"


class FiguresQuery(Incoming):
    """Which outcomes are counted."""

    since: Day | None = Field(default=None, description="the first day; left out: today")
    until: Day | None = Field(default=None, description="the last day, itself included; left out: today")
    by: OutcomesBy = OutcomesBy.TOTAL
    user: RowId | None = Field(default=None, description="left out: everybody's whom I may see")
    did: Did | None = None
    direction: Direction | None = None


class ReasonFigure(Outgoing):
    """How often a reason was given."""

    reason: str | None = Field(description="null: none was given")
    n: int
    share: float = Field(description="of the outcomes of this kind")
    rows: str = Field(description="address of the outcomes that count")


class OutcomeFigure(Outgoing):
    """How often an outcome was chosen."""

    outcome: str
    means: str
    n: int
    share: float = Field(description="of all outcomes of the group")
    rows: str = Field(description="address of the outcomes that count")
    reasons: tuple[ReasonFigure, ...] = Field(description="empty: this outcome has no reasons")


class FigureGroup(Outgoing):
    """The outcomes of one manager, of one DID, or all."""

    user: int | None
    did: str | None
    n: int
    conversion: float | None = Field(description="purchases among purchases and refusals; null: there was neither")
    rows: str
    outcomes: tuple[OutcomeFigure, ...]


class OutcomeFigures(Outgoing):
    """Figures of outcomes."""

    since: date
    until: date
    by: OutcomesBy
    items: tuple[FigureGroup, ...]


class OutcomeStatistics:
    """The handler of `/statistics/outcomes`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/statistics/outcomes",
                handler=self.figures,
                summary="Outcomes and their reasons by manager or DID, with shares",
                right=Right.STATISTICS_READ_OWN,
                tag="statistics",
            ),
        )

    async def figures(self, asked: Asked[Nothing, FiguresQuery, Nothing]) -> OutcomeFigures:
        """Outcomes counted."""
        query = asked.query
        if query.user is not None:
            require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
        user = query.user if query.user is not None else reach(asked.principal, Right.STATISTICS_READ_OWN)
        since, until = self._days(query)
        wanted = OutcomeFilter(user=user, did=query.did, direction=query.direction, since=since, until=until)
        column = {OutcomesBy.MANAGER: "user", OutcomesBy.DID: "did", OutcomesBy.TOTAL: None}[query.by]
        counts = await outcome_reports.count_outcomes(self._parts.pool, wanted, by=column)
        span: dict[str, object] = {"since": since, "until": until}
        narrowed = {"user": user, "did": query.did, "direction": query.direction}
        span |= {name: value for name, value in narrowed.items() if value is not None}
        groups: dict[object, list[Count]] = {}
        for count in counts:
            groups.setdefault(count.group, []).append(count)
        items = tuple(_group(query.by, key, found, span) for key, found in groups.items())
        return OutcomeFigures(since=since, until=until, by=query.by, items=items)

    def _days(self, query: FiguresQuery) -> tuple[date, date]:
        today = datetime.now(self._parts.settings.company.timezone).date()
        since = query.since or min(today, query.until or today)
        until = query.until or max(today, since)
        if until < since or until - since >= timedelta(days=DAYS_MAX):
            detail = f"The last day lies behind the first, and a span has {DAYS_MAX} days at most."
            raise InvalidRequestError([FieldFault(place="query", pointer="#/until", code="span", detail=detail)])
        return since, until


def _group(by: OutcomesBy, key: object, counts: list[Count], span: dict[str, object]) -> FigureGroup:
    span = span | _narrowed(by, key)
    total = sum(c.n for c in counts)
    kinds: dict[str, list[Count]] = {}
    for count in counts:
        kinds.setdefault(count.outcome, []).append(count)
    bought = sum(c.n for c in counts if c.means == "purchase")
    decided = bought + sum(c.n for c in counts if c.means == "refusal")
    return FigureGroup(
        user=int(str(key)) if by is OutcomesBy.MANAGER and key is not None else None,
        did=str(key) if by is OutcomesBy.DID and key is not None else None,
        n=total,
        conversion=_share(bought, decided) if decided else None,
        rows=_address(span),
        outcomes=tuple(_figure(outcome, found, total, span) for outcome, found in kinds.items()),
    )


def _narrowed(by: OutcomesBy, key: object) -> dict[str, object]:
    if by is OutcomesBy.MANAGER:
        return {"user": key} if key is not None else {"no_user": "true"}
    if by is OutcomesBy.DID:
        return {"did": key} if key is not None else {"no_did": "true"}
    return {}


def _figure(outcome: str, counts: list[Count], total: int, span: dict[str, object]) -> OutcomeFigure:
    n = sum(c.n for c in counts)
    span = span | {"outcome": outcome}
    return OutcomeFigure(
        outcome=outcome,
        means=counts[0].means,
        n=n,
        share=_share(n, total),
        rows=_address(span),
        reasons=tuple(_reasons(counts, n, span)) if counts[0].reasons else (),
    )


def _reasons(counts: list[Count], total: int, span: dict[str, object]) -> Iterable[ReasonFigure]:
    for count in counts:
        narrowed = {"reason": count.reason} if count.reason else {"no_reason": "true"}
        yield ReasonFigure(reason=count.reason, n=count.n, share=_share(count.n, total), rows=_address(span | narrowed))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6)


def _address(query: dict[str, object]) -> str:
    return f"{API_PREFIX}/outcomes?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
