"""Accounts of phones in browsers: whose they are, for which session they were made, until when they are registered.

The password is not here: the page and the PBX have it, and a session that asks again gets another one.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSoftphone:
    """One browser's phone."""

    pbx: str
    endpoint: str
    extension: str
    user_id: int


_COLUMNS = "s.pbx, s.endpoint, s.extension, s.user_id"


async def keep_softphone(connection: Connection, phone: StoredSoftphone, *, session: bytes) -> None:
    """Write down that a session has the account; another one that had it has it no more.

    Args:
        connection: within a transaction.
        phone: the account.
        session: digest of the session's token.
    """
    await connection.execute(
        "insert into softphone (pbx, endpoint, extension, user_id, session) values ($1, $2, $3, $4, $5)"
        " on conflict (pbx, endpoint) do update set extension = excluded.extension, user_id = excluded.user_id,"
        " session = excluded.session, made_at = now(), registered_until = null",
        phone.pbx,
        phone.endpoint,
        phone.extension,
        phone.user_id,
        session,
    )
    await _give_endpoint(connection, phone)


async def _give_endpoint(connection: Connection, phone: StoredSoftphone) -> None:
    """Let the endpoint be one of its extension, from ever where nobody else had it, so that its calls are counted."""
    await connection.execute("lock table endpoint in share row exclusive mode")
    rows = await connection.fetch(
        "select extension, until > now() as holds from endpoint where pbx = $1"
        " and pattern in ($2, 'PJSIP/' || $2) and since <= now()",
        phone.pbx,
        phone.endpoint,
    )
    if any(row["holds"] and row["extension"] == phone.extension for row in rows):
        return
    await connection.execute(
        "update endpoint set until = now() where pbx = $1 and pattern = $2 and until > now()", phone.pbx, phone.endpoint
    )
    since = "now()" if rows else "'-infinity'"
    await connection.execute(
        f"insert into endpoint (pbx, pattern, kind, extension, since) values ($1, $2, 'manager', $3, {since})",
        phone.pbx,
        phone.endpoint,
        phone.extension,
    )


async def softphone_of(source: Source, pbx: str, session: bytes) -> StoredSoftphone | None:
    """The account that a live session has on a PBX; None: it has none, or another session has taken it."""
    row = await source.fetchrow(
        f"select {_COLUMNS} from softphone s join session on token_hash = s.session and expires_at > now()"
        " join users u on u.id = s.user_id and u.active where s.pbx = $1 and s.session = $2",
        pbx,
        session,
    )
    return StoredSoftphone(**dict(row)) if row else None


async def held_elsewhere(source: Source, pbx: str, user_id: int, session: bytes) -> bool:
    """Whether another session of a person has his phone now, and it is registered."""
    return bool(
        await source.fetchval(
            "select exists (select from softphone where pbx = $1 and user_id = $2 and session <> $3"
            " and registered_until > now())",
            pbx,
            user_id,
            session,
        )
    )


async def registered_for(source: Source, phone: StoredSoftphone, lasting: timedelta) -> None:
    """Write down for how long the phone is registered; zero: not any more."""
    await source.execute(
        "update softphone set registered_until = case when $3::interval > interval '0' then now() + $3::interval end"
        " where pbx = $1 and endpoint = $2",
        phone.pbx,
        phone.endpoint,
        lasting,
    )


async def ringing_softphone(source: Source, pbx: str, user_id: int, extension: str) -> str | None:
    """The endpoint of a person's phone in a browser that is registered now; None: there is none."""
    endpoint: str | None = await source.fetchval(
        "select endpoint from softphone where pbx = $1 and user_id = $2 and extension = $3"
        " and registered_until > now()",
        pbx,
        user_id,
        extension,
    )
    return endpoint


async def softphones_over(source: Source) -> list[StoredSoftphone]:
    """Accounts whose session has ended, or whose person has no such extension any more."""
    rows = await source.fetch(
        f"select {_COLUMNS} from softphone s where not exists (select from session x join users u on u.id = x.user_id"
        " where x.token_hash = s.session and x.expires_at > now() and u.active)"
        " or not exists (select from extension e where e.pbx = s.pbx and e.extension = s.extension"
        " and e.user_id = s.user_id and e.since <= now() and e.until > now())"
    )
    return [StoredSoftphone(**dict(row)) for row in rows]


async def forget_softphone(source: Source, phone: StoredSoftphone) -> None:
    """Forget an account that the PBX has no more; one that was made anew meanwhile stays."""
    await source.execute(
        "delete from softphone s where pbx = $1 and endpoint = $2 and not exists"
        " (select from session x where x.token_hash = s.session and x.expires_at > now() and x.user_id = s.user_id"
        " and exists (select from extension e where e.pbx = s.pbx and e.extension = s.extension"
        " and e.user_id = s.user_id and e.since <= now() and e.until > now()))",
        phone.pbx,
        phone.endpoint,
    )
