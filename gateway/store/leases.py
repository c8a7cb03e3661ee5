"""Leases: which node does the work of which only one may be done at a time, such as reading one PBX's journal.

A lease is a row with an epoch. The holder renews it on the database's clock, so the nodes' own clocks do not matter;
whoever takes it over raises the epoch, and `enter_book` refuses what the former holder still writes (migration
0007). Advisory locks would do without renewing, but PostgreSQL keeps them for a holder that is stopped, not dead.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.errors import TryAgain
from gateway.store.database import Connection, Pool


class LeaseLost(TryAgain):
    """Another node has taken over; wait for the lease and read everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease as it was given to us."""

    name: str
    epoch: int
    """Raised with each new holder."""


async def holder_of(source: Pool | Connection, name: str) -> str | None:
    """Who holds the lease, also where its time is over; None: nobody ever did."""
    found: str | None = await source.fetchval("select holder from lease where name = $1", name)
    return found


async def take_lease(
    source: Pool | Connection, name: str, holder: str, *, lasting: timedelta, ended: str | None = None
) -> Lease | None:
    """Take a lease that nobody holds any more.

    Args:
        source: the database.
        name: what is leased.
        holder: who takes it.
        lasting: how long it is ours without being renewed.
        ended: a holder known to be dead, whose time need not be waited for.

    Returns:
        The lease, or None where somebody holds it.
    """
    epoch: int | None = await source.fetchval(
        "insert into lease (name, holder, epoch, until) values ($1, $2, 1, clock_timestamp() + $3)"
        " on conflict (name) do update set holder = excluded.holder, epoch = lease.epoch + 1, until = excluded.until"
        " where lease.until < clock_timestamp() or lease.holder = $4 returning epoch",
        name,
        holder,
        lasting,
        ended,
    )
    return None if epoch is None else Lease(name=name, epoch=epoch)


async def renew_lease(source: Pool | Connection, lease: Lease, *, lasting: timedelta) -> None:
    """Keep a lease for longer.

    Raises:
        LeaseLost: it has another holder.
    """
    renewed = await source.fetchval(
        "update lease set until = clock_timestamp() + $3 where name = $1 and epoch = $2 returning epoch",
        lease.name,
        lease.epoch,
        lasting,
    )
    if renewed is None:
        raise LeaseLost


async def give_back_lease(source: Pool | Connection, lease: Lease) -> None:
    """Let the next node have it at once; nothing happens where it was lost."""
    await source.execute("update lease set until = '-infinity' where name = $1 and epoch = $2", lease.name, lease.epoch)
