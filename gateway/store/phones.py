"""Phones that register at the embedded exchange: one for each extension, known by the hash of its password."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.store.database import Connection, Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPhone:
    """A phone that may register."""

    endpoint: str
    extension: str
    ha1: str = field(repr=False)
    ha1_sha256: str = field(repr=False)


async def phones_of(source: Pool | Connection, pbx: str) -> Sequence[StoredPhone]:
    """The phones whose extensions somebody active has now."""
    rows = await source.fetch(
        "select p.endpoint, p.extension, p.ha1, p.ha1_sha256 from phone p"
        " join extension e on e.pbx = p.pbx and e.extension = p.extension and e.until > now() and e.since <= now()"
        " join users u on u.id = e.user_id and u.active where p.pbx = $1 order by p.endpoint",
        pbx,
    )
    return [StoredPhone(**dict(row)) for row in rows]


async def keep_phone(connection: Connection, *, pbx: str, phone: StoredPhone) -> None:
    """Give an extension's phone a new password; the one before holds no more."""
    await connection.execute(
        "insert into phone (pbx, endpoint, extension, ha1, ha1_sha256) values ($1, $2, $3, $4, $5)"
        " on conflict (pbx, endpoint) do update set extension = excluded.extension, ha1 = excluded.ha1,"
        " ha1_sha256 = excluded.ha1_sha256, changed_at = now()",
        pbx,
        phone.endpoint,
        phone.extension,
        phone.ha1,
        phone.ha1_sha256,
    )


async def owner_of(source: Pool | Connection, pbx: str, extension: str) -> int | None:
    """Who has an extension now; None: nobody."""
    found: int | None = await source.fetchval(
        "select user_id from extension where pbx = $1 and extension = $2 and until > now() and since <= now()",
        pbx,
        extension,
    )
    return found


async def shown_number_of(source: Pool | Connection, *, user_id: int, pbx: str, extension: str) -> str:
    """What clients see when somebody calls from an extension; empty: what the line shows."""
    found: str | None = await source.fetchval(
        "select number from shown_number where user_id = $1 and pbx = $2 and extension = $3", user_id, pbx, extension
    )
    return found or ""
