"""Sessions as their own person sees them: where he is signed in, and ending one of them or all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection
AGENT_MAX = 300
"""Characters that are kept of what a browser calls itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A place where a person is signed in."""

    id: int
    digest: bytes
    agent: str
    """As the browser called itself; anybody can send anything."""
    address: str
    began_at: datetime
    seen_at: datetime
    """To the minute."""
    expires_at: datetime


async def sessions_of(source: Source, user_id: int) -> Sequence[OpenSession]:
    """A person's sessions, the one used last first."""
    rows = await source.fetch(
        "select id, token_hash as digest, agent, address, created_at as began_at, seen_at, expires_at from session"
        " where user_id = $1 and expires_at > now() order by seen_at desc, id desc limit 200",
        user_id,
    )
    return [OpenSession(**dict(row)) for row in rows]


async def end_one(source: Source, user_id: int, id: int) -> bytes | None:
    """End one of a person's sessions; gives its digest, None: he has none with this number."""
    ended: bytes | None = await source.fetchval(
        "delete from session where user_id = $1 and id = $2 returning token_hash", user_id, id
    )
    return ended


async def note_use(source: Source, digest: bytes, *, address: str, agent: str) -> None:
    """Write down that a session was used, and from where."""
    await source.execute(
        "update session set seen_at = now(), address = $2, agent = $3 where token_hash = $1",
        digest,
        address,
        agent[:AGENT_MAX],
    )
