"""Teams: who belongs together from which day to which, and who heads them."""

from datetime import UTC, date, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Day, Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.periods import day_of
from gateway.store import teams as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.teams import Membership, Team

TeamName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read; another one is a conflict")]
MEMBERS_MAX = 1000


class TeamPath(Incoming):
    """Which team."""

    team_id: RowId


class TeamsQuery(Incoming):
    """Which teams."""

    archived: bool = Field(default=False, description="whether archived ones are listed too")


class MemberBody(Incoming):
    """A person's time in the team."""

    user: RowId
    since: Day | None = Field(default=None, description="the first day; null: from ever")
    until: Day | None = Field(default=None, description="the last day, itself included; null: still")


Members = Annotated[tuple[MemberBody, ...], Field(max_length=MEMBERS_MAX)]


class NewTeam(Incoming):
    """A team to be made."""

    name: TeamName
    head: RowId | None = Field(default=None, description="who is told of its goals")
    members: Members = ()


class TeamChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    name: TeamName | None = None
    head: RowId | None = Field(default=None, description="null: it has none")
    members: Members | None = Field(default=None, description="the whole list of memberships, past ones among them")
    archived: bool | None = None


class TeamMemberView(Outgoing):
    """A person's time in the team."""

    user: int
    since: date | None
    until: date | None


class TeamView(Outgoing):
    """A team."""

    id: int
    name: str
    head: int | None
    members: tuple[TeamMemberView, ...]
    archived: bool
    version: int


class TeamList(Outgoing):
    """The teams."""

    items: tuple[TeamView, ...]


class TeamNameTakenError(ConflictError):
    """Another team has this name; choose another one."""


def team_view(team: Team) -> TeamView:
    """A team as it is shown."""
    return TeamView(
        id=team.id,
        name=team.name,
        head=team.head_id,
        members=tuple(TeamMemberView(user=m.user_id, since=m.since, until=m.until) for m in team.members),
        archived=team.archived_at is not None,
        version=team.version,
    )


class Teams:
    """The handlers of `/teams`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/teams",
                handler=self.listing,
                summary="List the teams",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
            ),
            Route(
                method="POST",
                path="/teams",
                handler=self.make,
                summary="Make a team",
                right=Right.GOALS_MANAGE,
                tag="goals",
                status=201,
                idempotent=True,
                errors=(TeamNameTakenError,),
            ),
            Route(
                method="GET",
                path="/teams/{team_id}",
                handler=self.one,
                summary="One team",
                right=Right.STATISTICS_READ_OWN,
                tag="goals",
            ),
            Route(
                method="PATCH",
                path="/teams/{team_id}",
                handler=self.change,
                summary="Change a team or archive it",
                right=Right.GOALS_MANAGE,
                tag="goals",
                errors=(StaleVersionError, TeamNameTakenError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, TeamsQuery, Nothing]) -> TeamList:
        """The teams by name."""
        found = await store.list_teams(self._parts.pool, archived=asked.query.archived)
        return TeamList(items=tuple(map(team_view, found)))

    async def one(self, asked: Asked[TeamPath, Nothing, Nothing]) -> TeamView:
        """One team."""
        return team_view(await self._team(asked.path.team_id))

    async def make(self, asked: Asked[Nothing, Nothing, NewTeam]) -> TeamView | web.Response:
        """Make a team."""
        body = asked.body

        async def work(connection: Connection) -> tuple[TeamView, list[NewFact]]:
            members = await self._checked(connection, body.head, body.members)
            if await store.team_name_taken(connection, body.name.strip()):
                raise TeamNameTakenError
            made = await store.make_team(
                connection, name=body.name.strip(), head_id=body.head, made_by=asked.principal.id
            )
            await store.set_members(connection, made, members)
            return await self._written(connection, asked.principal, made, "team.created")

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[TeamPath, Nothing, TeamChange]) -> TeamView:
        """Change a team."""
        id_, body = asked.path.team_id, asked.body
        team = await self._team(id_)
        name = team.name if body.name is None else body.name.strip()
        archived_at = team.archived_at
        if body.archived is not None:
            archived_at = (team.archived_at or datetime.now(UTC)) if body.archived else None
        async with self._parts.pool.acquire() as connection, connection.transaction():
            head = body.head if "head" in body.model_fields_set else team.head_id
            members = await self._checked(connection, head, body.members or ())
            if archived_at is None and await store.team_name_taken(connection, name, but=id_):
                raise TeamNameTakenError
            if not await store.change_team(
                connection, id_, version=body.version, name=name, head_id=head, archived_at=archived_at
            ):
                raise StaleVersionError
            if body.members is not None:
                await store.set_members(connection, id_, members)
            view, facts = await self._written(connection, asked.principal, id_, "team.changed")
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return view

    async def _written(
        self, connection: Connection, who: Principal, id: int, kind: str
    ) -> tuple[TeamView, list[NewFact]]:
        """The team as it is now, with its audit row and its fact."""
        team = await store.read_team(connection, id)
        if team is None:
            raise NotFoundError
        view = team_view(team)
        await write_audit(connection, actor=who.id, action=kind, object=f"team:{id}", detail={"version": team.version})
        users = tuple(sorted({m.user_id for m in team.members} | ({team.head_id} if team.head_id else set())))
        return view, [NewFact(kind=kind, body={"id": id, "name": team.name}, users=users)]

    async def _team(self, id: int) -> Team:
        team = await store.read_team(self._parts.pool, id)
        if team is None:
            raise NotFoundError("There is no team with this id.")
        return team

    async def _checked(
        self, connection: Connection, head: int | None, members: tuple[MemberBody, ...]
    ) -> list[Membership]:
        """The memberships, of people who are there and at most once a day."""
        people = await store.workers(connection)
        if head is not None and head not in people:
            raise refused_value("head", "Nobody has this id.")
        for place, member in enumerate(members):
            if member.user not in people:
                raise refused_value(f"members/{place}/user", "Nobody has this id.")
            if member.since and member.until and member.until < member.since:
                raise refused_value(f"members/{place}/until", "The last day lies before the first; exchange them.")
        found = [Membership(user_id=m.user, since=m.since, until=m.until) for m in members]
        if (twice := store.overlapping(found)) is not None:
            place = max(place for place, m in enumerate(members) if m.user == twice)
            raise refused_value(f"members/{place}", "This person belongs to the team twice on one day.")
        return found


async def members_today(parts: ApiParts, team: int) -> tuple[int, ...]:
    """Who is in a team on the company's present day.

    Raises:
        NotFoundError: there is no team with this id.
    """
    found = await store.read_team(parts.pool, team)
    if found is None:
        raise NotFoundError("There is no team with this id.")
    return found.members_on(day_of(datetime.now(UTC), parts.settings.company.timezone))
