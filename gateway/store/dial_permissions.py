"""Dial permissions as they are kept: the rules, what was permitted and counted, and what was refused.

One lock stands before the counting, held until the order's transaction ends: of two nodes that ask at the same moment
the second one counts the call of the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.dial_rules import (
    CostlyKind,
    DialException,
    DialLimits,
    DialPolicy,
    DialRules,
    PrefixRule,
    Scope,
    Span,
    rules_for,
)
from gateway.domain.dialling import RAW_MAX, DialPurpose, DialVerdict, compact, judge, nobody, over_limit
from gateway.domain.phone import NumberPlan
from gateway.store.database import Connection, Pool, Row

Source = Pool | Connection

_LOCK = 7464
_WORTH_A_LOOK = 500
"""A limit so high that it is worth a look whether it can be reached at all."""
_OUT_OF_ORDER = 100
"""Ids by which neighbours in time may lie apart: orders that were written at the same moment."""
_UNPLANNED = NumberPlan()


async def may_dial(
    connection: Connection,
    *,
    user_id: int | None,
    key_id: str | None,
    number: str,
    purpose: DialPurpose,
    now: datetime,
    plan: NumberPlan | None = None,
    pbx: str | None = None,
    ordered_by: int | None = None,
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
        pbx: which one dials: what is an extension of another one, it would send outside. None: any of ours.
        ordered_by: the person who has somebody else's phone ring; he gets no number by it that he may not dial himself.
            None: it is his own, or a program's.

    Returns:
        The verdict; `number` is what is to be dialled.
    """
    asked = _Asked(user_id=user_id, key_id=key_id, number=number, purpose=purpose, now=now, pbx=pbx)
    rules, verdict = await _judged_for_both(connection, asked, plan or _UNPLANNED, ordered_by)
    if verdict.allowed and not verdict.internal:
        await connection.execute("select pg_advisory_xact_lock($1, 0)", _LOCK)
        verdict = await _within_limits(connection, asked, rules, verdict)
        if verdict.allowed:
            await _count(connection, asked, verdict)
    if not verdict.allowed:
        await _keep_refusal(connection, asked, verdict)
    return verdict


async def would_dial(
    source: Source,
    *,
    user_id: int | None,
    key_id: str | None,
    number: str,
    purpose: DialPurpose,
    now: datetime,
    plan: NumberPlan | None = None,
    pbx: str | None = None,
    ordered_by: int | None = None,
) -> DialVerdict:
    """What `may_dial` would say; nothing is counted or kept."""
    asked = _Asked(user_id=user_id, key_id=key_id, number=number, purpose=purpose, now=now, pbx=pbx)
    rules, verdict = await _judged_for_both(source, asked, plan or _UNPLANNED, ordered_by)
    if not verdict.allowed or verdict.internal:
        return verdict
    return await _within_limits(source, asked, rules, verdict)


async def note_refusal(
    connection: Connection,
    verdict: DialVerdict,
    *,
    user_id: int | None,
    key_id: str | None,
    number: str,
    purpose: DialPurpose,
    now: datetime,
) -> None:
    """Keep a refusal that `would_dial` gave, where something was refused because of it."""
    asked = _Asked(user_id=user_id, key_id=key_id, number=number, purpose=purpose, now=now)
    await _keep_refusal(connection, asked, verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    user_id: int | None
    key_id: str | None
    number: str
    purpose: DialPurpose
    now: datetime
    pbx: str | None = None


_RULES = """select to_json(p) as policy, u.role, u.active, (select coalesce(json_agg(to_json(e)
    order by case when e.user_id is not null then 3 when e.team_id is not null then 2 else 1 end, e.id), '[]')
  from dial_exception e where e.role = u.role or e.user_id = u.id or exists (
    select from team_member m join team t on t.id = m.team_id where m.user_id = u.id and m.team_id = e.team_id
     and t.archived_at is null and $3::timestamptz::date between m.since and m.until)) as exceptions,
 (select to_json(e) from dial_exception e where e.key_id = $2 and not exists (select from api_key k
   where k.key_id = $2 and k.revoked_at is not null)) as of_key,
 (select array_agg(x.extension) from extension x where x.extension = $4 and $3 >= x.since
   and $3 < x.until and x.pbx = coalesce($5, x.pbx)) as extensions
 from dial_policy p left join users u on u.id = $1"""


async def _judged_for_both(
    source: Source, asked: _Asked, plan: NumberPlan, ordered_by: int | None
) -> tuple[DialRules, DialVerdict]:
    """By the rules of him whose phone rings, and by those of another one who orders it; the limits are the former's."""
    rules, verdict = await _judged(source, asked, plan)
    if verdict.allowed and ordered_by not in (None, asked.user_id):
        _, verdict = await _judged(source, replace(asked, user_id=ordered_by), plan)
    return rules, verdict


async def _judged(source: Source, asked: _Asked, plan: NumberPlan) -> tuple[DialRules, DialVerdict]:
    row = await source.fetchrow(_RULES, asked.user_id, asked.key_id, asked.now, compact(asked.number), asked.pbx)
    policy = _policy(row["policy"])
    rules = _rules(row, policy, plan)
    if asked.user_id is not None and not row["active"]:
        return rules, nobody()
    verdict = judge(
        asked.number,
        purpose=asked.purpose,
        rules=rules,
        plan=plan,
        extensions=frozenset(row["extensions"] or ()),
        internal_targets=policy.internal_targets,
    )
    return rules, verdict


def _rules(row: Row, policy: DialPolicy, plan: NumberPlan) -> DialRules:
    exceptions: Sequence[Row] = row["exceptions"]  # type: ignore[assignment]
    key: Row | None = row["of_key"]  # type: ignore[assignment]
    return rules_for(policy, plan.region, [_exception(e) for e in exceptions], _exception(key) if key else None)


async def rules_of(
    source: Source, *, user_id: int | None, key_id: str | None, plan: NumberPlan, now: datetime
) -> DialRules:
    """What holds for a person and a key at a moment."""
    row = await source.fetchrow(_RULES, user_id, key_id, now, "", None)
    return _rules(row, _policy(row["policy"]), plan)


async def _within_limits(source: Source, asked: _Asked, rules: DialRules, verdict: DialVerdict) -> DialVerdict:
    """The verdict, or the refusal by the first limit that is reached."""
    whose = {Scope.USER: asked.user_id, Scope.KEY: asked.key_id, Scope.COMPANY: ""}
    limits = [
        (scope, span, limit)
        for scope in Scope
        for span in Span
        if whose[scope] is not None
        and (verdict.foreign or not span.foreign_only)
        and (limit := rules.limits(scope).of(span)) is not None
    ]
    if not limits:
        return verdict
    wanted = ", ".join(_nth(*limit) for limit in limits)
    row = await source.fetchrow(
        f"select {wanted} from (select $1::bigint as user_id, $2::text as key_id, $3::timestamptz as now) w",
        asked.user_id,
        asked.key_id,
        asked.now,
    )
    for (scope, span, limit), oldest in zip(limits, row.values(), strict=True):
        if (refusal := over_limit(scope, span, limit, oldest, asked.now)) is not None:
            return DialVerdict(
                allowed=False,
                reason=refusal.reason,
                sentence=refusal.sentence,
                again_at=refusal.again_at,
                number=verdict.number,
                region=verdict.region,
                foreign=verdict.foreign,
            )
    return verdict


def _nth(scope: Scope, span: Span, limit: int) -> str:
    """The moment of the call that lies so many calls back, as an expression.

    Going back over all calls of a large company takes milliseconds. Ids rise with time, so where the newest and the
    oldest id of the span lie nearer together than the limit, it cannot be reached, and nothing is gone through.
    """
    whose = {Scope.USER: "d.user_id = w.user_id", Scope.KEY: "d.key_id = w.key_id", Scope.COMPANY: "true"}[scope]
    abroad = " and d.is_foreign" if span.foreign_only else ""
    back = max(int(limit) - 1, 0)
    exact = f"(select d.at from dial_taken d where {whose}{abroad} order by d.at desc offset {back} limit 1)"
    if scope is not Scope.COMPANY or limit < _WORTH_A_LOOK:
        return exact
    since = f"w.now - interval '{int(span.length.total_seconds())} seconds'"
    oldest = f"(select d.id from dial_taken d where d.at > {since} order by d.at limit 1)"
    most = f"(select max(id) from dial_taken) - {oldest} + {_OUT_OF_ORDER}"
    return f"case when {most} >= {int(limit)} then {exact} end"


async def _count(connection: Connection, asked: _Asked, verdict: DialVerdict) -> None:
    await connection.execute(
        "insert into dial_taken (at, user_id, key_id, is_foreign, purpose) values ($1, $2, $3, $4, $5)",
        asked.now,
        asked.user_id,
        asked.key_id,
        verdict.foreign,
        asked.purpose,
    )
    if verdict.foreign and asked.user_id is not None:
        await connection.execute(
            "insert into dial_foreign (user_id, at, region, number) values ($1, $2, $3, $4) on conflict do nothing",
            asked.user_id,
            asked.now,
            verdict.region,
            verdict.number,
        )


async def _keep_refusal(connection: Connection, asked: _Asked, verdict: DialVerdict) -> None:
    shown = "".join(sign if sign.isprintable() else "?" for sign in asked.number[:RAW_MAX])
    await connection.execute(
        "insert into dial_refusal (at, user_id, key_id, number, region, purpose, reason, sentence)"
        " values ($1, (select id from users where id = $2), $3, $4, $5, $6, $7, $8)",
        asked.now,
        asked.user_id,
        asked.key_id,
        shown,
        verdict.region,
        asked.purpose,
        verdict.reason,
        verdict.sentence,
    )


def _limits(values: object) -> DialLimits:
    assert isinstance(values, Mapping)
    return DialLimits(**{span.value: values.get(span.value) for span in Span})


def _prefixes(values: object) -> tuple[PrefixRule, ...]:
    assert isinstance(values, Sequence)
    return tuple(PrefixRule(prefix=v["prefix"], allowed=v["allowed"], costly=v["costly"]) for v in values)


def _kinds(values: object) -> frozenset[CostlyKind]:
    assert isinstance(values, Sequence)
    return frozenset(CostlyKind(v) for v in values)


def _policy(row: Mapping[str, object]) -> DialPolicy:
    return DialPolicy(
        countries=frozenset(row["countries"]),  # type: ignore[call-overload]
        kinds=_kinds(row["kinds"]),
        prefixes=_prefixes(row["prefixes"]),
        internal_targets=tuple(row["internal_targets"]),  # type: ignore[arg-type]
        user=_limits(row["user_limits"]),
        key=_limits(row["key_limits"]),
        company=_limits(row["company_limits"]),
        burst=int(str(row["burst"])),
        burst_minutes=int(str(row["burst_minutes"])),
        version=int(str(row["version"])),
    )


def _exception(row: Mapping[str, object]) -> DialException:
    return DialException(
        countries=frozenset(row["countries"]),  # type: ignore[call-overload]
        kinds=_kinds(row["kinds"]),
        prefixes=_prefixes(row["prefixes"]),
        limits=_limits(row["limits"]),
    )


def _prefix_rows(prefixes: Iterable[PrefixRule]) -> list[dict[str, object]]:
    return [{"prefix": p.prefix, "allowed": p.allowed, "costly": p.costly} for p in prefixes]


def _limit_row(limits: DialLimits) -> dict[str, int | None]:
    return {span.value: limits.of(span) for span in Span}


async def read_policy(source: Source, *, lock: bool = False) -> DialPolicy:
    """What holds for the whole site; locked, nobody else changes it until the transaction ends."""
    return _policy(dict(await source.fetchrow(f"select * from dial_policy{' for update' if lock else ''}")))


async def save_policy(connection: Connection, policy: DialPolicy, *, by: str, now: datetime) -> bool:
    """Set what holds for the whole site; False: it has been changed since its version was read."""
    found = await connection.fetchval(
        "update dial_policy set countries = $1, kinds = $2, prefixes = $3, internal_targets = $4, user_limits = $5,"
        " key_limits = $6, company_limits = $7, burst = $8, burst_minutes = $9, changed_by = $10, changed_at = $11,"
        " version = version + 1 where version = $12 returning true",
        sorted(policy.countries),
        sorted(policy.kinds),
        _prefix_rows(policy.prefixes),
        list(policy.internal_targets),
        _limit_row(policy.user),
        _limit_row(policy.key),
        _limit_row(policy.company),
        policy.burst,
        policy.burst_minutes,
        by,
        now,
        policy.version,
    )
    return bool(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptException:
    """What holds otherwise for one role, team, person or key."""

    id: int
    role: str | None
    team_id: int | None
    user_id: int | None
    key_id: str | None
    exception: DialException
    note: str
    changed_by: str
    changed_at: datetime
    version: int


_PLAIN = ("id", "role", "team_id", "user_id", "key_id", "note", "changed_by", "changed_at", "version")


def _kept(row: Row) -> KeptException:
    return KeptException(exception=_exception(row), **{name: row[name] for name in _PLAIN})  # type: ignore[arg-type]


async def list_exceptions(source: Source) -> list[KeptException]:
    """Every exception: roles first, then teams, people and keys."""
    rows = await source.fetch(
        "select * from dial_exception order by role nulls last, team_id nulls last, user_id nulls last, id"
    )
    return [_kept(dict(r)) for r in rows]


async def read_exception(source: Source, id: int) -> KeptException | None:
    """One exception; None: there is none with this id."""
    row = await source.fetchrow("select * from dial_exception where id = $1", id)
    return _kept(dict(row)) if row else None


async def save_exception(
    connection: Connection,
    exception: DialException,
    *,
    role: str | None,
    team_id: int | None,
    user_id: int | None,
    key_id: str | None,
    note: str,
    version: int,
    by: str,
    now: datetime,
) -> int | None:
    """Enter an exception (version 0), or change the one that has its version.

    Returns:
        Its id; None: it is not as the caller read it.
    """
    whose = (role, team_id, user_id, key_id)
    values = (
        sorted(exception.countries),
        sorted(exception.kinds),
        _prefix_rows(exception.prefixes),
        _limit_row(exception.limits),
        note,
        by,
        now,
    )
    if version == 0:
        found: int | None = await connection.fetchval(
            "insert into dial_exception (role, team_id, user_id, key_id, countries, kinds, prefixes, limits, note,"
            " changed_by, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing"
            " returning id",
            *whose,
            *values,
        )
        return found
    found = await connection.fetchval(
        "update dial_exception set countries = $5, kinds = $6, prefixes = $7, limits = $8, note = $9, changed_by = $10,"
        " changed_at = $11, version = version + 1 where role is not distinct from $1 and team_id is not distinct from"
        " $2 and user_id is not distinct from $3 and key_id is not distinct from $4 and version = $12 returning id",
        *whose,
        *values,
        version,
    )
    return found


async def drop_exception(connection: Connection, id: int) -> bool:
    """Take an exception away; False: there is none with this id."""
    return bool(await connection.fetchval("delete from dial_exception where id = $1 returning true", id))
