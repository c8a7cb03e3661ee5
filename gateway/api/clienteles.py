"""How many clients each manager has, and what a handover of them would take along: counted, nothing is changed."""

from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.handover_views import WhichCards
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.store import clienteles as store
from gateway.store import people


class ClientelePath(Incoming):
    """Whose clients."""

    user_id: RowId


class ClienteleRow(Outgoing):
    """A manager with what he has."""

    user: int
    name: str
    active: bool = Field(description="false: he left, and somebody has to get his clients")
    cards: int
    tasks: int = Field(description="open ones about these clients")
    scheduled: int = Field(description="calls planned with them")
    missed: int = Field(description="of them called, were missed and are not called back yet")


class ClienteleList(Outgoing):
    """Everybody who works here, and who left and still has clients, by name."""

    items: tuple[ClienteleRow, ...]


class ClientelePart(Outgoing):
    """How many clients have this value."""

    value: str
    cards: int


class ClienteleView(ClienteleRow):
    """What a manager has with the clients that were asked for, and how all of his divide."""

    other_tasks: int = Field(description="open tasks of his that are about no client of his own: they stay")
    stages: tuple[ClientelePart, ...] = Field(description="of all his clients")
    heats: tuple[ClientelePart, ...] = Field(description="of all his clients; `none`: nobody has said it")
    lines_of_business: tuple[ClientelePart, ...] = Field(description="of all his clients, the most frequent first")


class Clienteles:
    """The handlers of `/distribution/clienteles`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        manage, tag = Right.DISTRIBUTION_MANAGE, "distribution"
        return (
            Route(
                method="GET",
                path="/distribution/clienteles",
                handler=self.listing,
                summary="How many clients each manager has, with open tasks and planned calls",
                right=manage,
                tag=tag,
            ),
            Route(
                method="GET",
                path="/distribution/clienteles/{user_id}",
                handler=self.one,
                summary="What a handover of a manager's clients would take along",
                right=manage,
                tag=tag,
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> ClienteleList:
        """Everybody's."""
        found = await store.clienteles(self._parts.pool)
        return ClienteleList(
            items=tuple(
                ClienteleRow(
                    user=one.user_id,
                    name=one.name,
                    active=one.active,
                    cards=one.held.cards,
                    tasks=one.held.tasks,
                    scheduled=one.held.scheduled,
                    missed=one.held.missed,
                )
                for one in found
            )
        )

    async def one(self, asked: Asked[ClientelePath, WhichCards, Nothing]) -> ClienteleView:
        """One manager's."""
        user = asked.path.user_id
        person = await people.read_user(self._parts.pool, user)
        if person is None:
            raise NotFoundError
        held = await store.held(self._parts.pool, asked.query.which(user))
        parts = await store.parts_of(self._parts.pool, user)
        divided = {"stages": parts.stages, "heats": parts.heats, "lines_of_business": parts.lines}
        return ClienteleView(
            user=user,
            name=person.name,
            active=person.active,
            cards=held.cards,
            tasks=held.tasks,
            scheduled=held.scheduled,
            missed=held.missed,
            other_tasks=parts.other_tasks,
            **{
                name: tuple(ClientelePart(value=value, cards=cards) for value, cards in some.items())
                for name, some in divided.items()
            },
        )
