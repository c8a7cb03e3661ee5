"""Weeks of an office in seconds: leads, absences, dismissals, deadlines, orders in any order; nothing is lost."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from gateway.aftercare.giving import Giver
from gateway.aftercare.handovers import HandoverOrder, give_back, hand_over
from gateway.store import handovers
from gateway.store.clienteles import Which, cards_meant
from gateway.store.distribution_rules import known_users
from gateway.store.facts import save_facts
from gateway.store.staff import add_user
from tests.gateway.office import Office, open_office
from tests.gateway.site import ZONE
from tests.gateway.test_distribution import add_card, add_rule, check_whole, touch

NOW = datetime(2026, 12, 20, 9, 0, tzinfo=UTC)
NAMES = ("anna", "boris", "vera", "gleb")


async def absence(office: Office, chance: random.Random) -> None:
    """Somebody goes for some hours, with or without a deputy, if he is there."""
    who, deputy = chance.sample(NAMES, 2)
    values = {
        "user_id": office.site.users[who],
        "kind": "holiday",
        "since": office.moment,
        "until": office.moment + timedelta(hours=chance.randint(1, 48)),
        "deputy_id": chance.choice((None, office.site.users[deputy])),
        "hands_over": chance.random() < 0.7,
        "comes_back": chance.random() < 0.7,
    }
    async with office.pool.acquire() as connection, connection.transaction():
        await handovers.add_absence(connection, values, by="test", now=office.moment)


async def order(office: Office, chance: random.Random) -> None:
    """Somebody's cards are handed over by hand, and perhaps given back at once."""
    who, to = chance.sample(NAMES, 2)
    users = office.site.users
    async with office.pool.acquire() as connection, connection.transaction():
        if not await known_users(connection, [users[to]]):
            return
        giver = await Giver(connection, office.moment, ZONE, "user:1").begin()
        cards = await cards_meant(connection, Which(owner=users[who]), limit=5)
        wanted = HandoverOrder(from_id=users[who], to_id=users[to], contacts=cards, reason="order", by="user:1")
        id_ = await hand_over(connection, giver, wanted, office.moment)
        handover = await handovers.read_handover(connection, id_)
        if handover is not None and chance.random() < 0.5:
            await give_back(connection, giver, handover, by="user:1", reason="undone", now=office.moment)
        await save_facts(connection, giver.facts)


async def leave_or_return(office: Office, chance: random.Random) -> None:
    """One of the sellers is blocked, or all work here again."""
    back = chance.random() < 0.6
    await office.pool.execute(
        "update users set active = $1 where id = any($2::bigint[])",
        back,
        [office.site.users[name] for name in (NAMES if back else (chance.choice(NAMES),))],
    )


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_ever_lost_or_owned_by_two(database: str, seed: int) -> None:
    """Requirements 74, 75, 78 and 79."""
    chance = random.Random(seed)
    async with open_office(database, moment=NOW) as office:
        async with office.pool.acquire() as connection, connection.transaction():
            for name in ("vera", "gleb"):
                user = await add_user(connection, login=name, name=name.title(), role="manager")
                office.site.users[name] = user
        await add_rule(office, *NAMES, answer_minutes=30, overdue_minutes=120, rounds=2)
        cards: list[int] = []
        for _ in range(30):
            what = chance.random()
            if what < 0.5:
                fresh = [await add_card(office) for _ in range(chance.randint(1, 4))]
                cards += fresh
                await touch(office, *fresh)
            elif what < 0.65:
                await absence(office, chance)
            elif what < 0.8:
                await order(office, chance)
            else:
                await leave_or_return(office, chance)
            await office.at(office.moment + timedelta(minutes=chance.choice((1, 20, 45, 300))))
            await check_whole(office)

        await office.at(office.moment)
        await office.at(office.moment)
        lost = await office.pool.fetch(
            "select c.id, c.owner_id, u.active from contact c left join users u on u.id = c.owner_id"
            " where c.id = any($1::bigint[]) and (c.owner_id is null or not u.active)",
            cards,
        )
        assert [tuple(r) for r in lost] == []
        assert await office.pool.fetchval("select count(*) from follower_refused") == 0
        gone = await office.pool.fetchval(
            "select count(*) from task t join users u on u.id = t.owner_id where not u.active"
            " and t.state in ('new', 'in_progress')"
        )
        assert gone == 0
        assert len(cards) > 20
