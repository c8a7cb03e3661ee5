"""Dial permissions as they are kept: the rules, what was permitted and counted, and what was refused."""

from datetime import datetime

from gateway.domain.dialling import DialPurpose, DialVerdict
from gateway.domain.phone import NumberPlan
from gateway.store.database import Connection


async def may_dial(
    connection: Connection,
    *,
    user_id: int | None,
    key_id: str | None,
    number: str,
    purpose: DialPurpose,
    now: datetime,
    plan: NumberPlan | None = None,
) -> DialVerdict:
    """Ask whether something may be dialled now, and count it.

    It is called once for each order, in the transaction that writes the order down: what is permitted is counted with
    it, and what is refused is kept with its reason, so that transaction is committed in both cases. Others who ask wait
    until it ends, so that no two pass where one may.

    Args:
        connection: within a transaction.
        user_id: whose phone rings or whose call is transferred; None: nobody's.
        key_id: of the API key that orders it, without `key:`; None: a person in a browser, or the gateway itself.
        number: as it was written, or E.164; a transfer may go to an extension.
        purpose: what it is dialled for.
        now: the present moment, UTC.
        plan: how the trunk writes numbers; its region is the country that is allowed by default. None: only
            international writing is read, and only countries that were entered are allowed.

    Returns:
        The verdict; `number` is what is to be dialled.
    """
    raise AssertionError(connection, user_id, key_id, number, purpose, now, plan)
