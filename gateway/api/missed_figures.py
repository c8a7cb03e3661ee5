"""The missed clients behind a figure of `/reports/returned`: `GET /reports/rows?figure=returned_later`.

They count for who talked with them, else for whose task they are; a team's are those of its members of today, as in
the report.
"""

from datetime import UTC, datetime

from gateway.aftercare.goal_progress import Office
from gateway.api.missed_views import MissedView, missed_values
from gateway.api.pages import Page, page
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, UnknownCursorError, refused_value
from gateway.api.report_views import MissedFate, ReportRowView, RowPlace, RowsQuery
from gateway.api.visibility import require_reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.cards import card_reach
from gateway.domain.errors import NotAllowed
from gateway.domain.periods import Period, day_of
from gateway.domain.spend import ChannelBy
from gateway.store.report_rows import Place
from gateway.store.returned import Fated, returned_rows


async def missed_rows(
    parts: ApiParts, who: Principal, office: Office, query: RowsQuery, period: Period, after: Place | None
) -> Page[ReportRowView]:
    """A page of missed clients.

    Args:
        parts: the API's.
        who: asks.
        office: from `read_office`.
        query: which figure of whom.
        period: days of the company.
        after: the last one seen; None: the first page.
    """
    now = datetime.now(UTC)
    if query.by is ChannelBy.SOURCE:
        raise refused_value("by", "Missed clients are told by our number: did.", place="query")
    if after is not None and not after.id.isdecimal():
        raise UnknownCursorError
    found = await returned_rows(
        parts.pool,
        *period.bounds(office.zone),
        now,
        figure=query.figure,
        users=_users(who, office, query, now),
        did=query.channel if query.by else None,
        card_reach=card_reach(who),
        after=None if after is None else (after.at, int(after.id)),
        limit=query.limit + 1,
    )
    rows = [(_view(one, now), RowPlace(at=one.missed.last_at, id=str(one.missed.id), extension="")) for one in found]
    return page("rows", rows, query.limit)


def _users(who: Principal, office: Office, query: RowsQuery, now: datetime) -> tuple[int, ...] | None:
    """To whom they count; None: to anybody."""
    if query.user is not None:
        require_reach(who, Right.STATISTICS_READ_OWN, query.user)
        if query.user not in office.people:
            raise NotFoundError("Nobody has this id.")
        return (query.user,)
    if not allowed(who, Right.STATISTICS_READ_ALL):
        raise NotAllowed("You may see your own figures only; name yourself as the user.")
    if query.team is None:
        return None
    if query.team not in office.teams:
        raise NotFoundError("There is no team with this id.")
    return office.teams[query.team].members_on(day_of(now, office.zone))


def _view(one: Fated, now: datetime) -> ReportRowView:
    return ReportRowView(
        at=one.missed.last_at,
        call=None,
        day=None,
        extension=None,
        talk_seconds=None,
        wait_seconds=None,
        task=None,
        touch=None,
        missed=MissedView.model_validate(missed_values(one.missed, now)),
        fate=MissedFate(one.fate),
    )
