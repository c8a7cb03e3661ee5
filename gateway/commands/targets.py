"""Where a call may be transferred: to a colleague, an extension of ours, or an outside number that is permitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.commands.errors import BadTarget, NumberForbidden
from gateway.commands.phones import phone_of
from gateway.domain.dialled_form import DialledForm
from gateway.domain.dialling import DialPurpose, DialVerdict, is_outside
from gateway.domain.directory import Directory
from gateway.store.call_legs import OpenLeg, RunningCall
from gateway.store.database import Connection, Pool
from gateway.store.dial_permissions import may_dial


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was asked for; one of the two."""

    user_id: int | None = None
    """A colleague."""
    number: str | None = None
    """An extension, or an outside number in any way of writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What the PBX is told."""

    target: str
    """As the PBX dials it."""
    shown: str
    """As a person reads it."""
    number: str | None
    """The outside number, E.164; None: one of us."""


class Ordering(Protocol):
    """Who orders a transfer."""

    @property
    def ordered_by(self) -> int | None:
        """The person."""

    @property
    def key_id(self) -> str | None:
        """The key."""


class TransferTargets:
    """Reads and permits targets."""

    def __init__(self, pool: Pool, directories: Mapping[str, Directory]) -> None:
        self._pool = pool
        self._directories = directories

    async def dialled(
        self,
        connection: Connection,
        target: Target,
        call: RunningCall,
        order: Ordering,
        manager: OpenLeg | None,
        *,
        now: datetime,
    ) -> Dialled:
        """What the PBX is told to dial.

        Args:
            connection: within the order's transaction.
            target: what was asked for.
            call: that is transferred.
            order: who orders it; his limits count.
            manager: who transfers.
            now: the present moment, UTC.

        Raises:
            BadTarget: it is he who transfers, or nothing that can be dialled.
            NoPhone: the colleague has no phone on this PBX.
            NumberForbidden: it may not be dialled.
        """
        number, directory = target.number or "", self._directories.get(call.pbx)
        if target.user_id is not None:
            phone = await phone_of(connection, target.user_id, call.pbx, self._directories)
            if manager is not None and target.user_id == manager.user_id:
                raise BadTarget("own_phone", "A call cannot be transferred to whoever has it; choose somebody else.")
            if directory is None or not is_outside(phone.extension, directory.plan):
                return Dialled(target=phone.extension, shown=phone.extension, number=None)
            number = phone.extension
        verdict = await self._verdict(connection, number, call.pbx, order, now)
        if not verdict.allowed or not verdict.number:
            raise NumberForbidden(str(verdict.reason), verdict.sentence)
        if verdict.internal and manager is not None and verdict.number == manager.extension:
            raise BadTarget("own_phone", "A call cannot be transferred to whoever has it; choose somebody else.")
        shown = verdict.number
        if verdict.internal:
            return Dialled(target=shown, shown=shown, number=None)
        form = directory.dialled if directory else DialledForm()
        return Dialled(target=form.write(shown), shown=shown, number=shown)

    async def keep_forbidden(self, target: Target, pbx: str, order: Ordering, *, now: datetime) -> None:
        """Keep that a target was forbidden, after the order's transaction was given up."""
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            verdict = await self._verdict(connection, target.number or "", pbx, order, now)
            await (transaction.rollback() if verdict.allowed else transaction.commit())

    async def _verdict(
        self, connection: Connection, number: str, pbx: str, order: Ordering, now: datetime
    ) -> DialVerdict:
        directory = self._directories.get(pbx)
        return await may_dial(
            connection,
            user_id=order.ordered_by,
            key_id=order.key_id,
            number=number,
            purpose=DialPurpose.TRANSFER,
            now=now,
            plan=directory.plan if directory else None,
            pbx=pbx,
        )
