"""`GET /tasks/people`: how many tasks everybody and each team has, by state; each figure is a list of `GET /tasks`."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pydantic import Field

from gateway.api.fields import Incoming, Moment, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.periods import day_of
from gateway.store.task_people import TaskSums, tasks_by_person
from gateway.store.teams import list_teams

_ENDED = timedelta(days=7)
_SOON = timedelta(days=1)


class TaskPeopleQuery(Incoming):
    """Which moments divide the figures."""

    until: Moment | None = Field(default=None, description="open tasks due before it are `due`; left out: in a day")
    ended_since: Moment | None = Field(
        default=None, description="tasks ended then or later are `done` or `failed`; left out: seven days ago"
    )


class TaskFigures(Outgoing):
    """Tasks by state."""

    new: int
    in_progress: int
    overdue: int = Field(description="open ones whose time has passed")
    due: int = Field(description="open ones whose time comes before `until`, overdue ones among them")
    done: int
    failed: int


class PersonTasks(TaskFigures):
    """One person's tasks."""

    user: int | None = Field(description="null: tasks that are nobody's yet")
    name: str | None


class TeamTasks(TaskFigures):
    """The tasks of everybody who is in a team today."""

    team: int
    name: str
    members: tuple[int, ...]


class TaskPeople(Outgoing):
    """Everybody's tasks."""

    people: tuple[PersonTasks, ...] = Field(description="by name; what is nobody's stands last")
    teams: tuple[TeamTasks, ...]


class TasksOfPeople:
    """The handler of `/tasks/people`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/tasks/people",
                handler=self.people,
                summary="How many tasks everybody has, by state, and each team",
                right=Right.TASKS_READ_ALL,
                tag="tasks",
            ),
        )

    async def people(self, asked: Asked[Nothing, TaskPeopleQuery, Nothing]) -> TaskPeople:
        """Everybody's tasks."""
        now, query = datetime.now(UTC), asked.query
        async with self._parts.pool.acquire() as source:
            sums = await tasks_by_person(
                source, now=now, until=query.until or now + _SOON, ended_since=query.ended_since or now - _ENDED
            )
            teams = await list_teams(source, archived=False)
        today = day_of(now, self._parts.settings.company.timezone)
        by_user = {s.user_id: s for s in sums if s.user_id is not None}
        people = [PersonTasks(user=s.user_id, name=s.name, **_figures([s])) for s in sums]
        groups = []
        for team in teams:
            members = tuple(user for user in team.members_on(today) if user in by_user)
            figures = _figures(by_user[user] for user in members)
            groups.append(TeamTasks(team=team.id, name=team.name, members=members, **figures))
        return TaskPeople(people=tuple(people), teams=tuple(groups))


def _figures(sums: Iterable[TaskSums]) -> dict[str, int]:
    """Several people's tasks together."""
    found = list(sums)
    return {name: sum(getattr(s, name) for s in found) for name in TaskFigures.model_fields}
