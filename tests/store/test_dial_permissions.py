"""Dial permissions over a real database: counted once, also by two nodes at the same moment; refusals are kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from gateway.domain.access import Role
from gateway.domain.dial_rules import DialException, DialLimits, PrefixRule
from gateway.domain.dialling import DialPurpose, DialReason, DialVerdict
from gateway.domain.phone import NumberPlan
from gateway.store.access import issue_key
from gateway.store.database import Pool, open_pool
from gateway.store.dial_permissions import may_dial, read_policy, save_exception, save_policy, would_dial
from gateway.store.dial_refusals import clear_dialling, count_refusals
from tests.gateway.site import Site, open_site

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
PLAN = NumberPlan(region="RU")
HERE, ABROAD = "+79161234567", "+48221234567"


@pytest_asyncio.fixture
async def site(database: str) -> AsyncIterator[Site]:
    """Two managers and a head."""
    async with open_site(database) as site:
        yield site


async def ask(
    pool: Pool,
    user: int | None,
    number: str = HERE,
    *,
    now: datetime = NOW,
    key: str | None = None,
    purpose: DialPurpose = DialPurpose.CALL,
) -> DialVerdict:
    async with pool.acquire() as connection, connection.transaction():
        return await may_dial(connection, user_id=user, key_id=key, number=number, purpose=purpose, now=now, plan=PLAN)


async def set_policy(pool: Pool, **changes: object) -> None:
    async with pool.acquire() as connection, connection.transaction():
        policy = replace(await read_policy(connection), **changes)  # type: ignore[arg-type]
        assert await save_policy(connection, policy, by="test", now=NOW)


async def except_for(
    pool: Pool,
    exception: DialException,
    *,
    role: str | None = None,
    team: int | None = None,
    user: int | None = None,
    key: str | None = None,
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        assert await save_exception(
            connection, exception, role=role, team_id=team, user_id=user, key_id=key, note="", version=0,
            by="test", now=NOW,
        )  # fmt: skip


async def test_a_limit_counts_orders_that_two_nodes_take_at_the_same_moment(database: str, site: Site) -> None:
    await set_policy(site.pool, user=DialLimits(minute=5))
    anna = site.users["anna"]
    async with open_pool(database) as other:
        found = await asyncio.gather(*(ask(pool, anna) for pool in [site.pool, other] * 15))

    assert sum(v.allowed for v in found) == 5
    assert {v.reason for v in found if not v.allowed} == {DialReason.USER_MINUTE}
    assert await site.pool.fetchval("select count(*) from dial_taken") == 5
    assert await count_refusals(site.pool, NOW) == {"user_minute": 25}


async def test_an_extension_of_another_pbx_is_outside_of_this_one(site: Site) -> None:
    """103 is a colleague on the first PBX; the second one would send it to the trunk, and fetch an ambulance."""
    await site.pool.execute(
        "insert into extension (pbx, extension, user_id, since) values ('pbx1', '103', $1, $2)", site.users["anna"], NOW
    )

    async def target(pbx: str) -> DialVerdict:
        async with site.pool.acquire() as connection, connection.transaction():
            return await may_dial(
                connection, user_id=site.users["boris"], key_id=None, number="103", purpose=DialPurpose.TRANSFER,
                now=NOW, plan=PLAN, pbx=pbx,
            )  # fmt: skip

    assert (await target("pbx1")).internal
    assert (await target("pbx2")).reason is DialReason.EMERGENCY


async def test_a_revoked_key_opens_nothing_for_calls_that_it_planned(site: Site) -> None:
    await issue_key(
        site.pool, key_id="stolen", secret_digest=bytes(32), name="CRM", role=Role.SUPERVISOR, user_id=None, rights=None
    )
    await except_for(site.pool, DialException(countries=frozenset({"PL"})), key="stolen")
    anna = site.users["anna"]

    before = await ask(site.pool, anna, ABROAD, key="stolen", purpose=DialPurpose.SCHEDULED)
    await site.pool.execute("update api_key set revoked_at = now()")
    after = await ask(site.pool, anna, ABROAD, key="stolen", purpose=DialPurpose.SCHEDULED)

    assert (before.allowed, after.reason) == (True, DialReason.COUNTRY)


async def test_the_company_and_a_key_have_limits_of_their_own(site: Site) -> None:
    await set_policy(site.pool, company=DialLimits(minute=4), key=DialLimits(hour=2))
    anna, boris = site.users["anna"], site.users["boris"]
    reasons = [(await ask(site.pool, anna, key="k1")).reason for _ in range(3)]
    assert reasons == [None, None, DialReason.KEY_HOUR]

    assert [(await ask(site.pool, boris)).reason for _ in range(3)] == [None, None, DialReason.COMPANY_MINUTE]
    assert (await ask(site.pool, boris, now=NOW + timedelta(seconds=61))).allowed


@pytest.mark.parametrize(("taken", "passes"), [(599, True), (600, False)])
async def test_a_high_limit_of_the_company_is_counted_exactly(site: Site, taken: int, passes: bool) -> None:
    await set_policy(site.pool, company=DialLimits(day=600))
    for many, since in ((300, NOW - timedelta(days=2)), (taken, NOW - timedelta(hours=23))):
        await site.pool.execute(
            "insert into dial_taken (at, is_foreign, purpose)"
            " select $1::timestamptz + n * interval '1 minute', false, 'call' from generate_series(1, $2::int) n",
            since,
            many,
        )

    assert (await ask(site.pool, None)).allowed is passes


async def test_a_limit_lets_one_more_pass_when_the_oldest_call_is_out_of_its_span(site: Site) -> None:
    await set_policy(site.pool, user=DialLimits(hour=2))
    anna = site.users["anna"]
    await ask(site.pool, anna, now=NOW - timedelta(minutes=59))
    await ask(site.pool, anna, now=NOW - timedelta(minutes=1))

    refused = await ask(site.pool, anna)
    assert (refused.reason, refused.again_at) == (DialReason.USER_HOUR, NOW + timedelta(minutes=1))
    assert (await ask(site.pool, anna, now=NOW + timedelta(minutes=1))).allowed


async def test_calls_abroad_are_counted_apart_and_the_first_one_is_kept(site: Site) -> None:
    await set_policy(site.pool, countries=frozenset({"RU", "PL"}), user=DialLimits(foreign_day=2))
    anna = site.users["anna"]
    assert [(await ask(site.pool, anna, ABROAD)).allowed for _ in range(3)] == [True, True, False]

    assert (await ask(site.pool, anna, HERE)).allowed
    rows = await site.pool.fetch("select user_id, region, number from dial_foreign")
    assert [tuple(r) for r in rows] == [(anna, "PL", ABROAD)]


async def test_a_refusal_is_kept_with_reason_and_sentence_and_no_control_character(site: Site) -> None:
    anna = site.users["anna"]
    hostile = "+79161234567\r\nAction: Originate\x00${SHELL(id)}" + "9" * 100
    refused = await ask(site.pool, anna, hostile.replace("\x00", ""))
    await ask(site.pool, anna, ABROAD, purpose=DialPurpose.TRANSFER)

    rows = await site.pool.fetch("select * from dial_refusal order by id")
    assert refused.reason is DialReason.TOO_LONG
    assert [(r["reason"], r["purpose"]) for r in rows] == [("too_long", "call"), ("country", "transfer")]
    assert rows[0]["number"].startswith("+79161234567??Action")
    assert len(rows[0]["number"]) == 64
    assert "administrator" in rows[1]["sentence"]
    assert await site.pool.fetchval("select count(*) from dial_taken") == 0


async def test_asking_beforehand_counts_and_keeps_nothing(site: Site) -> None:
    anna = site.users["anna"]
    for number in (HERE, ABROAD):
        await would_dial(
            site.pool, user_id=anna, key_id=None, number=number, purpose=DialPurpose.CALL, now=NOW, plan=PLAN
        )

    assert await site.pool.fetchval("select count(*) from dial_taken") == 0
    assert await count_refusals(site.pool, NOW) == {}


async def test_exceptions_of_role_team_and_person_hold_in_this_order(site: Site) -> None:
    pool, anna, boris = site.pool, site.users["anna"], site.users["boris"]
    team = await pool.fetchval("insert into team (name, head_id, made_by) values ('N', $1, 't') returning id", boris)
    await pool.execute("insert into team_member (team_id, user_id) values ($1, $2)", team, anna)
    await except_for(pool, DialException(limits=DialLimits(foreign_day=0)), role="manager")
    await except_for(pool, DialException(countries=frozenset({"PL"}), limits=DialLimits(foreign_day=1)), team=team)
    assert [(await ask(pool, anna, ABROAD)).reason for _ in range(2)] == [None, DialReason.USER_FOREIGN_DAY]
    assert (await ask(pool, boris, ABROAD)).reason is DialReason.COUNTRY

    await except_for(pool, DialException(limits=DialLimits(foreign_day=3)), user=anna)
    assert [(await ask(pool, anna, ABROAD)).allowed for _ in range(3)] == [True, True, False]


async def test_a_key_has_exceptions_too(site: Site) -> None:
    key = "0123456789abcdef"
    await site.pool.execute(
        "insert into api_key (key_id, token_hash, name, role) values ($1, '\\x00', 'test', 'manager')", key
    )
    rule = PrefixRule(prefix="+4822", allowed=True)
    await except_for(site.pool, DialException(prefixes=(rule,)), key=key)

    assert (await ask(site.pool, None, ABROAD, key=key)).allowed
    assert not (await ask(site.pool, None, ABROAD, key="another")).allowed


async def test_an_extension_is_known_from_the_table_and_costs_nothing(site: Site) -> None:
    anna = site.users["anna"]
    found = await ask(site.pool, anna, "102", purpose=DialPurpose.TRANSFER)

    assert (found.allowed, found.internal, found.number) == (True, True, "102")
    assert (await ask(site.pool, anna, "102")).reason is DialReason.EXTENSION
    assert await site.pool.fetchval("select count(*) from dial_taken") == 0


async def test_nothing_is_dialled_for_who_has_left_or_never_was(site: Site) -> None:
    await site.pool.execute("update users set active = false where id = $1", site.users["anna"])

    assert (await ask(site.pool, site.users["anna"])).reason is DialReason.NOBODY
    assert (await ask(site.pool, 10**12)).reason is DialReason.NOBODY


async def test_without_a_plan_only_what_was_entered_is_allowed(site: Site) -> None:
    async with site.pool.acquire() as connection, connection.transaction():
        found = await may_dial(
            connection, user_id=None, key_id=None, number=HERE, purpose=DialPurpose.SCHEDULED, now=NOW
        )

    assert found.reason is DialReason.COUNTRY


async def test_what_is_counted_no_more_is_forgotten(site: Site) -> None:
    await ask(site.pool, None)
    await ask(site.pool, None, ABROAD)
    async with site.pool.acquire() as connection:
        await clear_dialling(connection, NOW + timedelta(days=1))
        assert await connection.fetchval("select count(*) from dial_taken") == 1
        await clear_dialling(connection, NOW + timedelta(days=200))

    assert await site.pool.fetchval("select count(*) from dial_taken") == 0
    assert await site.pool.fetchval("select count(*) from dial_refusal") == 0
