"""Whom a call may be passed to: everybody who works here with teams, extensions and how he is now.

A manager does not see the list of users, but passes calls to colleagues; this is what he needs for it and no more.
"""

from datetime import UTC, datetime

from pydantic import Field

from gateway.api.fields import Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right, Role
from gateway.domain.manager_states import State
from gateway.store.colleagues import colleagues
from gateway.store.manager_states import present_states


class ColleagueView(Outgoing):
    """Somebody a call may be passed to."""

    id: int
    name: str
    role: Role
    teams: tuple[str, ...]
    extensions: tuple[str, ...] = Field(description="empty: he has no phone")
    state: State
    since: datetime | None
    ringing: bool = Field(description="whether one of his phones rings or dials")
    free: bool = Field(description="whether he is available and his phone is idle")


class ColleagueList(Outgoing):
    """Everybody, by name."""

    items: tuple[ColleagueView, ...]


class Colleagues:
    """The handler of `/colleagues`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/colleagues",
                handler=self.listing,
                summary="Whom a call may be passed to, and how each is now",
                right=Right.CALLS_CONTROL_OWN,
                tag="users",
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> ColleagueList:
        """Everybody."""
        async with self._parts.pool.acquire() as source:
            states = await present_states(source, now=datetime.now(UTC))
            found = await colleagues(source)
        return ColleagueList(
            items=tuple(
                ColleagueView(
                    id=c.id,
                    name=c.name,
                    role=Role(c.role),
                    teams=tuple(c.teams),
                    extensions=tuple(c.extensions),
                    state=states[c.id].state,
                    since=states[c.id].since,
                    ringing=bool(states[c.id].ringing),
                    free=states[c.id].takes_calls,
                )
                for c in found
                if c.id in states
            )
        )
