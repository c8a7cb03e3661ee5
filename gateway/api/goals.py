"""Goals: made and changed as versions, and how far everybody is, with the pace of the day.

What a goal counts stands in docs/metrics.md; how it is used in docs/goals.md. A manager sees his own goals and those of
his teams; who may read everybody's figures sees all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from aiohttp import web

from gateway.aftercare.goal_history import past
from gateway.aftercare.goal_progress import Office, read_office, standings
from gateway.aftercare.report_tables import goals_of
from gateway.api.fields import Nothing
from gateway.api.goal_views import (
    GoalChange,
    GoalList,
    GoalPath,
    GoalView,
    HistoryQuery,
    HistoryView,
    NewGoal,
    ProgressList,
    ProgressQuery,
    ReachedList,
    ReachedQuery,
    goal_view,
    past_view,
    progress_view,
    reached_view,
)
from gateway.api.once import do_once, tell
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach, require_reach
from gateway.domain.access import Principal, Right
from gateway.domain.goals import Goal, GoalVersion, Rule, Whose, faults_of
from gateway.domain.periods import Period, Step, day_of
from gateway.store import goals as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts

HISTORY_MAX = 400


class Goals:
    """The handlers of `/goals`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/goals",
                handler=self.listing,
                summary="List the goals that concern me, or all",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
            ),
            Route(
                method="POST",
                path="/goals",
                handler=self.make,
                summary="Make a goal",
                right=Right.GOALS_MANAGE,
                tag="goals",
                status=201,
                idempotent=True,
            ),
            Route(
                method="GET",
                path="/goals/progress",
                handler=self.progress,
                summary="How far everybody is, and whether the pace will do",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/goals/reached",
                handler=self.reached,
                summary="The periods in which somebody reached a goal",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/goals/{goal_id}",
                handler=self.one,
                summary="One goal with every version it had",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
            ),
            Route(
                method="PATCH",
                path="/goals/{goal_id}",
                handler=self.change,
                summary="Change a goal from a day on, or end it",
                right=Right.GOALS_MANAGE,
                tag="goals",
                errors=(StaleVersionError,),
            ),
            Route(
                method="GET",
                path="/goals/{goal_id}/history",
                handler=self.history,
                summary="A goal period by period, each judged by what was wanted then",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> GoalList:
        """The goals that the caller may see, ended ones among them."""
        office = await self._office()
        who = reach(asked.principal, Right.STATISTICS_READ_OWN)
        seen = [goal for goal in office.goals if _concerns(office, goal, who)]
        return GoalList(items=tuple(goal_view(goal, self._today(office)) for goal in seen))

    async def one(self, asked: Asked[GoalPath, Nothing, Nothing]) -> GoalView:
        """One goal."""
        office = await self._office()
        return goal_view(_goal(office, asked.path.goal_id, asked.principal), self._today(office))

    async def make(self, asked: Asked[Nothing, Nothing, NewGoal]) -> GoalView | web.Response:
        """Make a goal."""
        body = asked.body
        now = datetime.now(UTC)

        async def work(connection: Connection) -> tuple[GoalView, list[NewFact]]:
            office = await read_office(connection, self._parts.settings)
            goal = _new_goal(office, body, asked.principal, day_of(now, office.zone))
            made = await store.make_goal(connection, goal, now=now)
            return await self._written(connection, asked.principal, made, "goal.created")

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[GoalPath, Nothing, GoalChange]) -> GoalView:
        """Add a version."""
        id_, body, now = asked.path.goal_id, asked.body, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            office = await read_office(connection, self._parts.settings)
            goal = _goal(office, id_, asked.principal)
            version = _changed(goal, body, asked.principal, day_of(now, office.zone))
            if goal.versions[-1].version != body.version or not await store.change_goal(
                connection, id_, version, now=now
            ):
                raise StaleVersionError
            view, facts = await self._written(connection, asked.principal, id_, "goal.changed")
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return view

    async def progress(self, asked: Asked[Nothing, ProgressQuery, Nothing]) -> ProgressList:
        """Standings in the running periods, or in those of a day."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        users: Sequence[int] | None = None
        if query.user is not None:
            require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
            users = [query.user]
        elif (own := reach(asked.principal, Right.STATISTICS_READ_OWN)) is not None:
            users = [own]
        if query.team is not None:
            users = self._of_team(office, query, users)

        def wanted(goal: Goal) -> bool:
            if query.team is not None and goal.together and goal.team_id != query.team:
                return False
            return query.goal is None or goal.id == query.goal

        found = await standings(self._parts.pool, office, now=now, at=query.day, users=users, only=wanted)
        return ProgressList(at=now, items=tuple(map(progress_view, found)))

    async def reached(self, asked: Asked[Nothing, ReachedQuery, Nothing]) -> ReachedList:
        """What stands behind the figure `goals_reached` of a person."""
        query, office = asked.query, await self._office()
        require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
        if query.user not in office.people:
            raise NotFoundError("Nobody has this id.")
        _check_span(query.since, query.until)
        span = Period(first=query.since, last=query.until)
        found = await goals_of(self._parts.pool, office, span, [query.user], self._today(office))
        own = [entry for entry in found if entry.reached and entry.user_id == query.user]
        return ReachedList(items=tuple(map(reached_view, own)))

    def _of_team(self, office: Office, query: ProgressQuery, users: Sequence[int] | None) -> Sequence[int]:
        team = office.teams.get(query.team or 0)
        if team is None:
            raise NotFoundError("There is no team with this id.")
        members = team.members_on(query.day or self._today(office))
        return [user for user in members if users is None or user in users]

    async def history(self, asked: Asked[GoalPath, HistoryQuery, Nothing]) -> HistoryView:
        """A goal over time."""
        query = asked.query
        office = await self._office()
        goal = _goal(office, asked.path.goal_id, asked.principal)
        today = self._today(office)
        until = query.until or today
        since = query.since or date.fromordinal(until.toordinal() - 30)
        _check_span(since, until)
        own = reach(asked.principal, Right.STATISTICS_READ_OWN)
        if query.user is not None:
            require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
            own = query.user
        span = Period(first=since, last=until)
        found = await past(self._parts.pool, office, goal, span, today=today, users=None if own is None else [own])
        return HistoryView(goal=goal.id, since=since, until=until, items=tuple(map(past_view, found)))

    async def _office(self) -> Office:
        return await read_office(self._parts.pool, self._parts.settings)

    def _today(self, office: Office) -> date:
        return day_of(datetime.now(UTC), office.zone)

    async def _written(
        self, connection: Connection, who: Principal, id: int, kind: str
    ) -> tuple[GoalView, list[NewFact]]:
        goal = await store.read_goal(connection, id)
        if goal is None:
            raise NotFoundError
        office = await read_office(connection, self._parts.settings)
        version = goal.versions[-1].version
        await write_audit(connection, actor=who.id, action=kind, object=f"goal:{id}", detail={"version": version})
        users = tuple(sorted(user for user in office.people if _concerns(office, goal, user)))
        fact = NewFact(kind=kind, body={"id": id, "version": version}, users=users)
        return goal_view(goal, self._today(office)), [fact]


def _check_span(since: date, until: date) -> None:
    if not 0 <= (until - since).days < HISTORY_MAX:
        detail = f"A goal's history has 1 to {HISTORY_MAX} days; ask for it in parts."
        raise refused_value("until", detail, place="query", code="span")


def _concerns(office: Office, goal: Goal, user: int | None) -> bool:
    """Whether somebody may see a goal; None: he sees all."""
    if user is None or goal.whose is Whose.EVERYBODY or goal.user_id == user:
        return True
    team = office.teams.get(goal.team_id or 0)
    return team is not None and (team.head_id == user or any(m.user_id == user for m in team.members))


def _goal(office: Office, id: int, who: Principal) -> Goal:
    """A goal that the caller may see."""
    user = reach(who, Right.STATISTICS_READ_OWN)
    found = next((goal for goal in office.goals if goal.id == id and _concerns(office, goal, user)), None)
    if found is None:
        raise NotFoundError("There is no goal with this id.")
    return found


def _checked(rule: Rule, since: date, until: date | None) -> None:
    """Refuse a rule that makes no sense.

    Raises:
        InvalidRequestError: with each reason.
    """
    faults = list(faults_of(rule))
    if faults:
        raise InvalidRequestError(
            FieldFault(place="body", pointer=f"#/{fault.field}", code="value", detail=fault.detail) for fault in faults
        )
    if until is not None and until < since:
        raise refused_value("until", "The last day lies before the first; exchange them.")


def _new_goal(office: Office, body: NewGoal, who: Principal, today: date) -> Goal:
    if body.period not in (Step.DAY, Step.WEEK, Step.MONTH):
        raise refused_value("period", "A goal is for a day, a week or a month.")
    if (body.whose is Whose.USER) != (body.user is not None) or (body.user or 0) not in {0, *office.people}:
        raise refused_value("user", "A goal of a user names one who is there; other goals name none.")
    if (body.whose is Whose.TEAM) != (body.team is not None) or (body.team or 0) not in {0, *office.teams}:
        raise refused_value("team", "A goal of a team names one that is there; other goals name none.")
    if body.together and body.whose is not Whose.TEAM:
        raise refused_value("together", "Only a team can work on a goal together.")
    rule = Rule(measure=body.measure, way=body.direction, seconds=body.seconds, kind=body.kind, target=body.target)
    since = body.since or today
    _checked(rule, since, body.until)
    version = GoalVersion(
        version=1, since=since, until=body.until, name=body.name.strip(), rule=rule, by=who.id, at=None
    )
    return Goal(
        id=0,
        whose=body.whose,
        user_id=body.user,
        team_id=body.team,
        together=body.together,
        period=body.period,
        versions=(version,),
        made_by=who.id,
    )


def _changed(goal: Goal, body: GoalChange, who: Principal, today: date) -> GoalVersion:
    """The next version: the last one with what is new."""
    last, given = goal.versions[-1], body.model_fields_set
    rule = replace(
        last.rule,
        way=body.direction or last.rule.way,
        seconds=body.seconds if "seconds" in given else last.rule.seconds,
        kind=body.kind if "kind" in given else last.rule.kind,
        target=body.target or last.rule.target,
    )
    since = body.since or max(today, goal.versions[0].since)
    until = body.until if "until" in given else last.until
    if body.since is None and until is not None and goal.versions[0].since <= until < since:
        since = until  # it is ended at a day that is over: the days before keep their values
    _checked(rule, since, until)
    return GoalVersion(
        version=last.version + 1,
        since=since,
        until=until,
        name=last.name if body.name is None else body.name.strip(),
        rule=rule,
        by=who.id,
        at=None,
    )
