"""Who may come in: sign-in attempts, sessions of people, keys of programs.

Only SHA-256 digests of tokens are kept. A failed attempt is written down before the password is compared, so a
thousand attempts at once are counted like a thousand one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.access import FAILURE_WINDOW, Identity, IssuedKey, Principal, Right, Role, sign_in_delay
from gateway.store.database import Connection, Pool, Row
from gateway.store.sessions import note_use


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a sign-in needs to know of a person."""

    user_id: int
    login: str
    password_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """An API key as it may be shown: everything but the key."""

    id: str
    name: str
    role: Role
    user_id: int | None
    rights: tuple[Right, ...] | None
    pbx: str | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def user_principal(user_id: int, role: str) -> Principal:
    """A person as the rules of access know him."""
    return Principal(id=f"user:{user_id}", role=Role(role), manager=str(user_id))


class AccessStore:
    """Sessions and keys as the doorkeeper asks for them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def session(self, digest: bytes) -> Identity | None:
        """The live session with this digest; None: there is none, it ended, or its person is blocked."""
        row = await self._pool.fetchrow(
            "select s.user_id, s.expires_at, u.role from session s join users u on u.id = s.user_id"
            " where s.token_hash = $1 and s.expires_at > now() and u.active",
            digest,
        )
        if row is None:
            return None
        principal = user_principal(row["user_id"], row["role"])
        return Identity(principal=principal, session=digest, expires_at=row["expires_at"])

    async def seen(self, digest: bytes, *, address: str, agent: str) -> None:
        """Write down that a session was used, and from where."""
        await note_use(self._pool, digest, address=address, agent=agent)

    async def key(self, key_id: str) -> IssuedKey | None:
        """The key that was issued under this id, is not revoked, and whose person, if it has one, is active."""
        row = await self._pool.fetchrow(
            "select k.token_hash, k.role, k.user_id, k.rights, k.pbx from api_key k"
            " left join users u on u.id = k.user_id"
            " where k.key_id = $1 and k.revoked_at is null and (k.user_id is null or u.active)",
            key_id,
        )
        if row is None:
            return None
        principal = Principal(
            id=f"key:{key_id}",
            role=Role(row["role"]),
            manager=None if row["user_id"] is None else str(row["user_id"]),
            limited_to=_rights(row["rights"]),
            pbx=row["pbx"],
        )
        return IssuedKey(secret_digest=row["token_hash"], principal=principal)

    async def used(self, key_id: str) -> None:
        """Write down that the key was used, to the minute."""
        await self._pool.execute(
            "update api_key set last_used_at = now() where key_id = $1"
            " and (last_used_at is null or last_used_at < now() - interval '1 minute')",
            key_id,
        )


def _rights(stored: Sequence[str] | None) -> frozenset[Right] | None:
    """A key's rights; a right that this version does not know grants nothing."""
    if stored is None:
        return None
    return frozenset(Right(text) for text in stored if text in set(Right))


async def begin_attempt(pool: Pool, *, account: str, address: str, now: datetime) -> timedelta:
    """Ask whether a sign-in may be tried now, and count it as failed until it succeeds.

    Args:
        pool: the database.
        account: the login as typed, in small letters.
        address: the caller's address or network.
        now: the moment of the attempt.

    Returns:
        Zero: go on. Else the time to wait; then nothing was counted.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 1))", account)
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 2))", address)
        await connection.execute(
            "delete from sign_in_failure where at < $1::timestamptz - $2::interval", now, FAILURE_WINDOW
        )
        rows = await connection.fetch(
            "select at, account = $1 as of_account, address = $2 as of_address from sign_in_failure"
            " where account = $1 or address = $2",
            account,
            address,
        )
        delay = sign_in_delay(
            account_failures=[r["at"] for r in rows if r["of_account"]],
            address_failures=[r["at"] for r in rows if r["of_address"]],
            now=now,
        )
        if not delay:
            await connection.execute(
                "insert into sign_in_failure (account, address, at) values ($1, $2, $3)", account, address, now
            )
        return delay


async def forgive_attempts(source: Pool | Connection, account: str) -> None:
    """Forget an account's failures after a success."""
    await source.execute("delete from sign_in_failure where account = $1", account)


async def find_account(source: Pool | Connection, login: str) -> Account | None:
    """The active account of a login; None: there is none that may sign in."""
    row = await source.fetchrow(
        "select id, login, password_hash from users where login = $1 and active and password_hash is not null", login
    )
    return Account(user_id=row["id"], login=row["login"], password_hash=row["password_hash"]) if row else None


async def open_session(
    pool: Pool, *, digest: bytes, user_id: int, lifetime: timedelta, address: str, agent: str = ""
) -> datetime:
    """Begin a session, and clear away those that are over.

    Returns:
        When it ends.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("delete from session where expires_at < now()")
        ends: datetime = await connection.fetchval(
            "insert into session (token_hash, user_id, expires_at, address, agent)"
            " values ($1, $2, now() + $3, $4, $5) returning expires_at",
            digest,
            user_id,
            lifetime,
            address,
            agent,
        )
        return ends


async def end_session(source: Pool | Connection, digest: bytes) -> None:
    """End one session."""
    await source.execute("delete from session where token_hash = $1", digest)


async def end_sessions(source: Pool | Connection, user_id: int, *, keep: bytes | None = None) -> None:
    """End a person's sessions, all or all but one."""
    await source.execute("delete from session where user_id = $1 and token_hash is distinct from $2", user_id, keep)


async def save_password(source: Pool | Connection, user_id: int, password_hash: str) -> None:
    """Keep a new hash."""
    await source.execute(
        "update users set password_hash = $2, version = version + 1 where id = $1", user_id, password_hash
    )


async def issue_key(
    source: Pool | Connection,
    *,
    key_id: str,
    secret_digest: bytes,
    name: str,
    role: Role,
    user_id: int | None = None,
    rights: Sequence[Right] | None = None,
    pbx: str | None = None,
) -> ListedKey:
    """Enter a key.

    Args:
        source: the database.
        key_id: its public id.
        secret_digest: SHA-256 of its secret part.
        name: what it is for.
        role: whose rights it has.
        user_id: whose things are its own; None: nobody's.
        rights: to which of the role's rights it is narrowed; None: all.
        pbx: the PBX it is bound to; None: none.
    """
    row = await source.fetchrow(
        "insert into api_key (key_id, token_hash, name, role, user_id, rights, pbx) values ($1, $2, $3, $4, $5, $6, $7)"
        f" returning {_KEY}",
        key_id,
        secret_digest,
        name,
        role,
        user_id,
        None if rights is None else list(rights),
        pbx,
    )
    return _listed(row)


_KEY = "key_id, name, role, user_id, rights, pbx, created_at, last_used_at, revoked_at"


def _listed(row: Row) -> ListedKey:
    values = dict(row)
    rights = _rights(values.pop("rights"))  # type: ignore[arg-type]
    return ListedKey(
        id=values.pop("key_id"),  # type: ignore[arg-type]
        role=Role(str(values.pop("role"))),
        rights=None if rights is None else tuple(sorted(rights)),
        **values,  # type: ignore[arg-type]
    )


async def list_keys(source: Pool | Connection) -> list[ListedKey]:
    """All keys, the newest first; revoked ones stay listed."""
    return [_listed(r) for r in await source.fetch(f"select {_KEY} from api_key order by id desc limit 1000")]


async def revoke_key(source: Pool | Connection, key_id: str) -> bool:
    """End a key; False: there is none under this id."""
    found = await source.fetchval(
        "update api_key set revoked_at = coalesce(revoked_at, now()) where key_id = $1 returning true", key_id
    )
    return bool(found)


async def write_audit(
    source: Pool | Connection, *, actor: str, action: str, object: str, detail: Row | None = None
) -> None:
    """Write down who did what; numbers, names and secrets stay out."""
    await source.execute(
        "insert into audit (actor, action, object, detail) values ($1, $2, $3, $4)", actor, action, object, detail or {}
    )
