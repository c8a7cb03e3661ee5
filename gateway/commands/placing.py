"""Click-to-call as a service: the API, the live socket and scheduled calls order their calls here.

One transaction asks and writes: who has the client (`held`), the dial permissions, the command's row with its own id,
the card (made before any phone rings, so that it can open at once) and the facts. What it refuses leaves nothing behind
but the refusal of a forbidden number. After the commit the command goes to the engine, once (`sending`), and follows
its call (`following`). Two that want the same client at one moment wait for each other in the database, on whichever
node they are; and one manager can never have two calls to one number in flight (index `command_in_flight`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.commands.errors import ClientHeld, EngineLacks, MayNotOrder, NoPhone, NumberForbidden, PbxAway
from gateway.commands.following import follow
from gateway.commands.held import refusal_of
from gateway.commands.orders import CallOrder, OrderSource, PlacedCall
from gateway.commands.phones import phone_of
from gateway.commands.sending import Sender
from gateway.commands.steps import command_fact, tell
from gateway.commands.words import CommandKind, CommandState, in_words
from gateway.domain.dialled_form import DialledForm
from gateway.domain.dialling import DialPurpose, DialVerdict
from gateway.domain.directory import Directory
from gateway.domain.errors import GatewayError
from gateway.domain.ports import Ability, Engine, OrderOutcome
from gateway.live import Live
from gateway.store.clients_held import DialledClient, Holding, hold_client, who_holds
from gateway.store.commands import StoredCommand, seen_commands, store_command
from gateway.store.database import Connection, Pool
from gateway.store.dial_permissions import may_dial
from gateway.store.facts import NewFact, save_facts

__all__ = ["CallOrder", "OrderSource", "PlacedCall", "Placing", "WrittenCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A click-to-call that is written down; once that is committed, `Placing.send` sends it."""

    command: StoredCommand
    endpoint: str
    facts: tuple[NewFact, ...]


class Placing:
    """Places calls on any of the PBXs."""

    def __init__(self, pool: Pool, live: Live, sender: Sender, directories: Mapping[str, Directory]) -> None:
        """Args:
        pool: the database.
        live: told of what is written, after the commit.
        sender: knows the engines.
        directories: the tables of each PBX; its plan says which country is its own.
        """
        self._pool = pool
        self._live = live
        self._sender = sender
        self._directories = directories

    async def place(self, order: CallOrder, *, now: datetime) -> PlacedCall:
        """Write a call down and send it, unless something forbids it.

        Asked first: whether this number is in flight already, whether the client is in a call with us by any of his
        numbers, and the dial permissions (`may_dial`). Two that want the same at one moment are told apart in the
        database. Hold no connection of the pool while you wait for it.

        Args:
            order: with an id that is used once.
            now: the present moment, UTC.

        Returns:
            At once: `sent`, or `refused` with the reason and a sentence; that is no error.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing was sent.
        """
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                written = await self.write(connection, order, now=now)
        except (ClientHeld, NumberForbidden, NoPhone, EngineLacks, PbxAway, MayNotOrder) as fault:
            if isinstance(fault, NumberForbidden):
                await self.keep_forbidden(order, now=now)
            return _refused(fault)
        self.send(written)
        command = written.command
        return PlacedCall(
            state=CommandState.SENT,
            reason="",
            detail=in_words(CommandKind.CALL, CommandState.SENT, None),
            call_id=command.call_id,
            contact_id=command.contact_id,
        )

    async def write(self, connection: Connection, order: CallOrder, *, now: datetime) -> WrittenCall:
        """Write a call down within a transaction; commit it, then `send`.

        Args:
            connection: within a transaction that ends soon: others who want the same client wait for it.
            order: with an id that is used once.
            now: the present moment, UTC.

        Raises:
            NoPhone, PbxAway, EngineLacks, ClientHeld, NumberForbidden: it is not to be sent; give the transaction up.
        """
        phone = await phone_of(connection, order.user_id, order.pbx, self._directories)
        self._check_engine(phone.pbx)
        client = await hold_client(connection, order.number)
        facts = await _free(connection, client, order, now)
        await self._permit(connection, order, phone.pbx, now)
        command = await store_command(
            connection,
            id=order.id,
            pbx=phone.pbx,
            user_id=order.user_id,
            extension=phone.extension,
            number=order.number,
            source=order.source,
            actor=order.actor or f"user:{order.user_id}",
            ordered_by=order.ordered_by,
        )
        new = [*_card_facts(command, client), command_fact(command)]
        await save_facts(connection, new)
        return WrittenCall(command=command, endpoint=phone.endpoint, facts=(*facts, *new))

    def send(self, written: WrittenCall) -> None:
        """Send a call that was written down and committed; what comes of it is told by facts `command.*`."""
        tell(self._live, written.facts)
        command, number = written.command, written.command.number or ""

        async def originate(engine: Engine) -> OrderOutcome:
            return await engine.originate(
                order_id=command.id,
                endpoint=written.endpoint,
                extension=command.extension,
                number=self._dialled_form(command.pbx).write(number),
                caller_id=number,
                client_caller_id=(command.caller_id or "").removeprefix("+"),
            )

        self._sender.send(command.id, command.kind, command.pbx, originate)

    def _dialled_form(self, pbx: str) -> DialledForm:
        directory = self._directories.get(pbx)
        return directory.dialled if directory else DialledForm()

    async def keep_forbidden(self, order: CallOrder, *, now: datetime) -> None:
        """Keep that a number was forbidden, after the order's transaction was given up."""
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            verdict = await self._verdict(connection, order, order.pbx, now)
            await (transaction.rollback() if verdict.allowed else transaction.commit())

    def _check_engine(self, pbx: str) -> None:
        engine = self._sender.engines.get(pbx)
        if engine is None or not self._sender.ready:
            raise PbxAway
        if (why := engine.lacks(Ability.ORIGINATE)) is not None:
            raise EngineLacks(why)

    async def _permit(self, connection: Connection, order: CallOrder, pbx: str, now: datetime) -> None:
        verdict = await self._verdict(connection, order, pbx, now)
        if not verdict.allowed:
            raise NumberForbidden(str(verdict.reason), verdict.sentence)

    async def _verdict(self, connection: Connection, order: CallOrder, pbx: str | None, now: datetime) -> DialVerdict:
        directory = self._directories.get(pbx or "") or next(iter(self._directories.values()), None)
        return await may_dial(
            connection,
            user_id=order.user_id,
            key_id=order.key_id,
            number=order.number,
            purpose=DialPurpose.SCHEDULED if order.source is OrderSource.SCHEDULED else DialPurpose.CALL,
            now=now,
            plan=directory.plan if directory else None,
            ordered_by=order.ordered_by,
        )


async def _free(connection: Connection, client: DialledClient, order: CallOrder, now: datetime) -> list[NewFact]:
    """Make sure that nobody who counts has the client; gives what was found out of orders to him on the way.

    Raises:
        ClientHeld: somebody has.
    """
    facts: list[NewFact] = []
    holders = await who_holds(connection, numbers=client.numbers, card=client.card, now=now)
    if any(held.how is Holding.ORDERED for held in holders):  # its call may have ended a moment ago
        facts = await follow(connection, await seen_commands(connection, numbers=client.numbers))
        holders = await who_holds(connection, numbers=client.numbers, card=client.card, now=now)
    if (refused := refusal_of(holders, order.user_id, anyway=order.anyway)) is not None:
        raise refused
    return facts


def _card_facts(command: StoredCommand, client: DialledClient) -> list[NewFact]:
    """That a card was made, and that it is to open on this manager's screen."""
    card, number, user = client.card, command.number, command.user_id
    if card is None or user is None:
        return []
    opened = NewFact(
        kind="card.opened",
        body={
            "id": card,
            "contact_id": card,
            "number": number,
            "user_id": user,
            "command_id": command.id,
            "call_id": str(command.call_id),
        },
        call_id=command.call_id,
        contact_id=card,
        users=(user,),
    )
    created = NewFact(kind="card.created", body={"id": card, "number": number}, contact_id=card)
    return [created, opened] if client.made else [opened]


def _refused(fault: GatewayError) -> PlacedCall:
    reason: str = getattr(fault, "reason", "refused")
    return PlacedCall(state=CommandState.REFUSED, reason=reason, detail=str(fault), call_id=None, contact_id=None)
