"""`PATCH /calls/{call_id}`: a person says who called, where several persons share the number or the card is wrong."""

from pydantic import Field

from gateway.api.calls import CallPath, CallView, call_model, visible_call
from gateway.api.contacts import held_contact
from gateway.api.fields import Incoming, Nothing, RowId
from gateway.api.once import tell
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.store import reading
from gateway.store.choices import choose_card, remember_choice
from gateway.store.facts import NewFact, save_facts


class CallChoice(Incoming):
    """Whose call it was."""

    contact: RowId | None = Field(description="the card; null: take back what was chosen")
    remember: bool = Field(default=False, description="true: from now on this number gets this card")


class CallChoices:
    """The handler that says whose call it was."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="PATCH",
                path="/calls/{call_id}",
                handler=self.choose,
                summary="Say whose call it was",
                right=Right.CONTACTS_WRITE,
                tag="calls",
            ),
        )

    async def choose(self, asked: Asked[CallPath, Nothing, CallChoice]) -> CallView:
        """Choose the card of a call in which the caller had a part, or of any, as far as he may see calls."""
        body, who = asked.body, asked.principal
        call = await visible_call(self._parts, who, asked.path.call_id, Right.CALLS_READ_OWN)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            card = None
            if body.contact is not None:
                try:
                    card = (await held_contact(connection, who, body.contact)).id
                except NotFoundError:
                    raise refused_value("contact", "There is no card with this id.") from None
            number = _number(call)
            if body.remember and (card is None or number is None):
                raise refused_value("remember", "Only a card can be remembered, and only for a client's number.")
            await choose_card(connection, call.id, card)
            if body.remember and card is not None and number is not None:
                await remember_choice(connection, number, card)
            fact = NewFact(
                kind="call.identified",
                body={"id": str(call.id), "contact_id": card, "remembered": body.remember, "by": who.id},
                contact_id=card,
                users=tuple(sorted(call.users)),
            )
            await save_facts(connection, [fact])
            chosen = await reading.read_call(connection, call.id)
        tell(self._parts, [fact])
        if chosen is None:
            raise NotFoundError
        return await call_model(self._parts, chosen, who)


def _number(call: reading.ReadCall) -> str | None:
    client = call.view["client"]
    assert isinstance(client, dict)
    return str(client["number"]) if client["kind"] == "client" and client["number"] else None
