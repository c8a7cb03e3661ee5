"""Leads in a real office: given once, given on, never lost, never owned by two, whatever is killed or repeated."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from gateway.aftercare.distribution import Distribution
from gateway.aftercare.giving import Giver
from gateway.aftercare.handovers import HandoverOrder, NobodyError, give_back, hand_over
from gateway.domain.distribution import Member
from gateway.store import distribution_rules as rules
from gateway.store import handovers
from gateway.store.card_owners import owner_changed
from gateway.store.database import Connection
from gateway.store.distribution import hold_cards
from gateway.store.facts import Fact, NewFact, facts_after, save_facts
from gateway.store.merges import merge_cards
from gateway.store.staff import add_user
from tests.gateway.office import Office, open_office
from tests.gateway.site import ZONE

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def office(database: str) -> AsyncIterator[Office]:
    async with open_office(database, moment=NOW) as office:
        yield office


async def add_rule(office: Office, *users: str, **values: object) -> int:
    """A rule with these members."""
    async with office.pool.acquire() as connection, connection.transaction():
        id_ = await rules.add_rule(
            connection, {"name": "all", "way": "turn", "conditions": {}} | values, by="test", now=NOW
        )
        assert id_ is not None
        await rules.set_members(connection, id_, [Member(user_id=office.site.users[u]) for u in users])
    return id_


async def add_card(office: Office, owner: str | None = None, stage: str = "unsorted") -> int:
    card: int = await office.pool.fetchval(
        "insert into contact (name, owner_id, stage) values ('K', $1, $2) returning id",
        office.site.users[owner] if owner else None,
        stage,
    )
    return card


async def touch(office: Office, *cards: int) -> None:
    """Something came in of these cards."""
    async with office.pool.acquire() as connection, connection.transaction():
        await save_facts(
            connection,
            [NewFact(kind="touch.added", body={"direction": "inbound"}, contact_id=card) for card in cards],
        )
    await office.settle()


async def owners(office: Office, cards: Sequence[int]) -> list[str | None]:
    names = {id_: name for name, id_ in office.site.users.items()}
    rows = await office.pool.fetch("select id, owner_id from contact where id = any($1::bigint[])", cards)
    by_id = {r["id"]: names.get(r["owner_id"]) for r in rows}
    return [by_id[card] for card in cards]


async def told(office: Office, kind: str) -> list[tuple[object, object, tuple[int, ...]]]:
    facts = await facts_after(office.pool, None, 10_000)
    return [(f.body.get("from"), f.body.get("to"), f.users) for f in facts if f.kind == kind]


async def check_whole(office: Office) -> None:
    """No card has two open turns, each open one is its owner's, and every change of an owner has its row."""
    assert not await office.pool.fetch(
        "select 1 from assignment where state in ('given', 'waiting') group by contact_id having count(*) > 1"
    )
    assert not await office.pool.fetch(
        "select a.id from assignment a join contact c on c.id = a.contact_id"
        " where a.state = 'given' and a.user_id is distinct from c.owner_id"
    )
    assert not await office.pool.fetch(
        "select c.id from contact c join lateral (select to_id from owner_change o where o.contact_id = c.id"
        " order by id desc limit 1) o on true where o.to_id is distinct from c.owner_id"
    )


async def test_new_leads_go_in_turn_and_each_has_a_deadline_a_task_and_is_told(office: Office) -> None:
    """Requirement 74."""
    await add_rule(office, "anna", "boris", answer_minutes=15)
    cards = [await add_card(office) for _ in range(4)]
    await touch(office, *cards)

    assert await owners(office, cards) == ["anna", "boris", "anna", "boris"]
    anna, boris = office.site.users["anna"], office.site.users["boris"]
    assert await told(office, "lead.given") == [(None, u, (u,)) for u in (anna, boris, anna, boris)]
    tasks = await office.pool.fetch("select owner_id, due_at from task where origin = 'distribution' order by id")
    assert [tuple(t) for t in tasks] == [(u, NOW + timedelta(minutes=15)) for u in (anna, boris, anna, boris)]
    await touch(office, *cards)
    assert len(await told(office, "lead.given")) == 4
    await check_whole(office)


async def test_a_missed_call_of_a_new_client_becomes_a_lead_with_its_call_back(office: Office) -> None:
    await add_rule(office, "boris", answer_minutes=10)
    await office.take("in_noanswer")

    card = await office.pool.fetchrow("select id, owner_id from contact")
    boris = office.site.users["boris"]
    assert card["owner_id"] == boris
    assert [r["owner_id"] for r in await office.pool.fetch("select owner_id from task")] == [boris]


async def test_who_talked_with_a_new_client_keeps_him(office: Office) -> None:
    """Requirement 23."""
    await add_rule(office, "head")
    await office.take("in_answered")

    call = await office.pool.fetchrow("select responsible_id, contact_id from call where kind = 'client'")
    owner = await office.pool.fetchval("select owner_id from contact where id = $1", call["contact_id"])
    assert owner == call["responsible_id"]
    assert await told(office, "lead.given") == []


async def test_without_rules_nothing_is_given(office: Office) -> None:
    card = await add_card(office)
    await touch(office, card)
    await office.take("in_answered")

    assert await owners(office, [card]) == [None]
    assert await office.pool.fetchval("select count(*) from owner_change") == 0


async def test_the_voice_is_changed_when_nobody_answers_and_in_the_end_the_head_decides(office: Office) -> None:
    """Requirement 75."""
    await add_rule(office, "anna", "boris", answer_minutes=10)
    card = await add_card(office)
    await touch(office, card)
    anna, boris, head = (office.site.users[n] for n in ("anna", "boris", "head"))
    await office.at(NOW + timedelta(minutes=9))
    assert await owners(office, [card]) == ["anna"]
    await office.at(NOW + timedelta(minutes=10))
    assert await owners(office, [card]) == ["boris"]
    assert await office.pool.fetchval("select owner_id from task where contact_id = $1", card) == boris
    await office.at(NOW + timedelta(minutes=20))

    assert await owners(office, [card]) == ["head"]
    assert await told(office, "contact.owner_changed") == [
        (None, anna, (anna,)), (anna, boris, (anna, boris)), (boris, head, (boris, head)),
    ]  # fmt: skip
    states = await office.pool.fetch("select user_id, state, reason from assignment order by id")
    assert [tuple(s) for s in states] == [
        (anna, "passed", "touch"), (boris, "passed", "deadline"), (head, "waiting", "rounds_over"),
    ]  # fmt: skip
    await office.at(NOW + timedelta(days=3))
    assert await owners(office, [card]) == ["head"]
    await check_whole(office)


async def test_an_answer_ends_the_turn_and_its_task(office: Office) -> None:
    await add_rule(office, "anna", "boris", answer_minutes=10)
    card = await add_card(office)
    await touch(office, card)
    async with office.pool.acquire() as connection, connection.transaction():
        body = {
            "kind": "client", "state": "ended", "direction": "outbound", "result": "no_answer", "did": None,
            "managers": [{"user_id": office.site.users["anna"], "talk_seconds": 0.0}],
        }  # fmt: skip
        fact = NewFact(kind="call.ended", body=body, contact_id=card, users=(office.site.users["anna"],))
        distribution = Distribution(ZONE)
        await save_facts(connection, [fact])
        happened = Fact(
            position="0-0", at=NOW, kind=fact.kind, body=body, call_id=None, contact_id=card, users=fact.users
        )
        facts = await distribution.follow(connection, [happened], NOW)
        await save_facts(connection, facts)
    await office.at(NOW + timedelta(hours=2))

    assert await owners(office, [card]) == ["anna"]
    assert await office.pool.fetchval("select state from assignment") == "answered"
    assert await office.pool.fetchval("select state from task where contact_id = $1", card) == "done"


async def test_leads_with_tasks_overdue_too_long_go_to_another(office: Office) -> None:
    """Requirement 78."""
    await add_rule(office, "anna", "boris", overdue_minutes=60)
    card = await add_card(office)
    await touch(office, card)
    anna = office.site.users["anna"]
    await office.pool.execute(
        "insert into task (kind, owner_id, contact_id, due_at, made_by, created_at, changed_at)"
        " values ('call', $1, $2, $3, 'test', $3, $3)", anna, card, NOW,
    )  # fmt: skip
    await office.at(NOW + timedelta(minutes=59))
    assert await owners(office, [card]) == ["anna"]
    await office.at(NOW + timedelta(minutes=60))
    assert await owners(office, [card]) == ["boris"]
    assert await office.pool.fetchval("select owner_id from task") == office.site.users["boris"]
    await office.at(NOW + timedelta(minutes=119))
    assert await owners(office, [card]) == ["boris"]
    await office.at(NOW + timedelta(minutes=120))
    assert await owners(office, [card]) == ["head"]
    await check_whole(office)


async def test_nobody_fits_the_supervisor_is_told(office: Office) -> None:
    await add_rule(office, "anna")
    anna, head = office.site.users["anna"], office.site.users["head"]
    async with office.pool.acquire() as connection, connection.transaction():
        values = {
            "user_id": anna, "kind": "break", "since": NOW, "until": None, "deputy_id": None, "hands_over": False,
            "comes_back": False,
        }  # fmt: skip
        assert await handovers.add_absence(connection, values, by="test", now=NOW)
    card = await add_card(office)
    await touch(office, card)

    assert await owners(office, [card]) == ["head"]
    assert await told(office, "lead.waiting") == [(None, head, (head,))]


async def test_a_holiday_gives_leads_and_tasks_of_that_time_to_the_deputy_and_back(office: Office) -> None:
    """Requirement 79."""
    await add_rule(office, "anna", "boris", "head")
    leads = [await add_card(office, "anna", "lead") for _ in range(2)]
    client = await add_card(office, "anna", "client")
    anna, boris = office.site.users["anna"], office.site.users["boris"]
    for due in (NOW + timedelta(days=2), NOW + timedelta(days=30)):
        await office.pool.execute(
            "insert into task (kind, owner_id, contact_id, due_at, made_by, created_at, changed_at)"
            " values ('call', $1, $2, $3, 'test', $4, $4)", anna, client, due, NOW,
        )  # fmt: skip
    async with office.pool.acquire() as connection, connection.transaction():
        values = {
            "user_id": anna, "kind": "holiday", "since": NOW + timedelta(days=1), "until": NOW + timedelta(days=15),
            "deputy_id": boris, "hands_over": True, "comes_back": True,
        }  # fmt: skip
        assert await handovers.add_absence(connection, values, by="test", now=NOW)
        assert await handovers.add_absence(connection, values, by="test", now=NOW) is None
    await office.at(NOW + timedelta(hours=23))
    assert await owners(office, [*leads, client]) == ["anna"] * 3
    await office.at(NOW + timedelta(days=1))

    assert await owners(office, [*leads, client]) == ["boris", "boris", "anna"]
    tasks = await office.pool.fetch("select owner_id from task order by due_at")
    assert [t["owner_id"] for t in tasks] == [boris, anna]
    await office.pool.execute("update contact set stage = 'client' where id = $1", leads[0])
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "test").begin()
        (card,) = (await hold_cards(connection, [leads[1]], NOW)).values()
        await giver.own(card, office.site.users["head"], "by_hand")
    await office.at(NOW + timedelta(days=15))
    assert await owners(office, [*leads, client]) == ["anna", "head", "anna"]
    tasks = await office.pool.fetch("select owner_id from task order by due_at")
    assert [t["owner_id"] for t in tasks] == [anna, anna]
    await office.at(NOW + timedelta(days=16))
    assert await owners(office, [*leads, client]) == ["anna", "head", "anna"]
    await check_whole(office)


async def test_all_that_one_has_who_is_dismissed_is_shared_out_and_its_history_stays(office: Office) -> None:
    """Requirement 79."""
    await add_rule(office, "anna", "boris", "head")
    cards = [await add_card(office, "anna", stage) for stage in ("lead", "client", "refused", "unsorted") * 100]
    anna = office.site.users["anna"]
    await office.pool.execute(
        "insert into task (kind, owner_id, contact_id, due_at, made_by, created_at, changed_at)"
        " select 'call', $1, id, $2, 'test', $2, $2 from contact where id <= $3", anna, NOW, cards[9],
    )  # fmt: skip
    await office.pool.execute(
        "insert into task (kind, owner_id, made_by, created_at, changed_at) values ('own', $1, 'test', $2, $2)",
        anna, NOW,
    )  # fmt: skip
    await office.pool.execute("update users set active = false where id = $1", anna)
    for minute in range(3):
        await office.at(NOW + timedelta(minutes=minute))

    found = await owners(office, cards)
    assert (found.count("boris"), found.count("head")) == (200, 200)
    assert await office.pool.fetchval("select count(*) from owner_change") == 400
    assert await office.pool.fetchval("select count(*) from task where owner_id = $1", anna) == 0
    rows = await office.pool.fetch(
        "select t.id from task t join contact c on c.id = t.contact_id where t.owner_id <> c.owner_id"
    )
    assert rows == []
    handover = await office.pool.fetchrow("select kind, cards, tasks from handover")
    assert tuple(handover) == ("dismissal", 400, 11)
    await office.at(NOW + timedelta(hours=1))
    assert await office.pool.fetchval("select count(*) from owner_change") == 400

    await office.pool.execute("update task set owner_id = $1 where kind = 'own'", anna)  # what comes to him later
    await office.at(NOW + timedelta(hours=2))
    assert await office.pool.fetchval("select owner_id from task where kind = 'own'") == office.site.users["head"]


async def test_clients_handed_over_by_hand_come_back_unless_they_went_on(office: Office) -> None:
    """Requirement 80."""
    cards = [await add_card(office, "anna", "client") for _ in range(3)]
    boris = office.site.users["boris"]
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "user:9").begin()
        order = HandoverOrder(
            from_id=office.site.users["anna"], to_id=boris, contacts=cards, reason="new colleague", by="user:9"
        )
        id_ = await hand_over(connection, giver, order, NOW)
    assert await owners(office, cards) == ["boris"] * 3
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "user:9").begin()
        (card,) = (await hold_cards(connection, [cards[0]], NOW)).values()
        await giver.own(card, office.site.users["head"], "by_hand")
        handover = await handovers.read_handover(connection, id_)
        assert handover is not None
        await give_back(connection, giver, handover, by="user:9", reason="undone", now=NOW)

    assert await owners(office, cards) == ["head", "anna", "anna"]
    assert await office.pool.fetchval("select returned from handover") == 2


async def test_what_goes_on_between_being_read_and_being_locked_is_not_pulled_back(office: Office) -> None:
    cards = [await add_card(office, "anna", "client") for _ in range(3)]
    users = office.site.users
    tasks = [
        await office.pool.fetchval(
            "insert into task (kind, owner_id, contact_id, made_by, created_at, changed_at)"
            " values ('call', $1, $2, 'test', $3, $3) returning id",
            users["anna"], card, NOW,
        )
        for card in cards
    ]  # fmt: skip
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "user:9").begin()
        order = HandoverOrder(
            from_id=users["anna"], to_id=users["boris"], contacts=cards, reason="new colleague", by="user:9"
        )
        id_ = await hand_over(connection, giver, order, NOW)

    async def back(connection: Connection) -> None:
        async with connection.transaction():
            giver = await Giver(connection, NOW, ZONE, "user:9").begin()
            handover = await handovers.read_handover(connection, id_, lock=True)
            assert handover is not None
            assert await give_back(connection, giver, handover, by="user:9", reason="undone", now=NOW)

    async with office.pool.acquire() as moving, office.pool.acquire() as returning:
        pid = await returning.fetchval("select pg_backend_pid()")
        async with asyncio.TaskGroup() as group, moving.transaction():
            await owner_changed(moving, cards[0], users["head"], reason="by_hand", by="user:8", now=NOW)
            await moving.execute("update task set owner_id = $2 where id = $1", tasks[0], users["head"])
            going = group.create_task(back(returning))
            async with asyncio.timeout(10):
                while not await office.pool.fetchval("select cardinality(pg_blocking_pids($1)) > 0", pid):
                    assert not going.done()

    assert await owners(office, cards) == ["head", "anna", "anna"]
    owned = await office.pool.fetch("select owner_id from task order by id")
    assert [r["owner_id"] for r in owned] == [users["head"], users["anna"], users["anna"]]
    assert await office.pool.fetchval("select returned from handover") == 2
    back_now = await office.pool.fetchval("select count(*) from handover_task where returned_at is not null")
    assert back_now == 2


async def test_by_rule_nobody_gets_clients_where_no_rule_takes_them_and_there_is_no_head(office: Office) -> None:
    cards = [await add_card(office, "anna", "client") for _ in range(2)]
    await office.pool.execute("update users set active = false where id = $1", office.site.users["head"])
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "user:9").begin()
        order = HandoverOrder(
            from_id=office.site.users["anna"], to_id=None, contacts=cards, reason="shared out", by="user:9"
        )
        with pytest.raises(NobodyError):
            await hand_over(connection, giver, order, NOW)

    assert await office.pool.fetchval("select count(*) from handover") == 0


async def test_clients_lent_for_a_time_come_back_by_themselves_some_hundred_at_a_time(office: Office) -> None:
    cards = [await add_card(office, "anna", "client") for _ in range(320)]
    anna, boris = office.site.users["anna"], office.site.users["boris"]
    async with office.pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE, "user:9").begin()
        order = HandoverOrder(
            from_id=anna, to_id=boris, contacts=cards, reason="holiday", by="user:9", until=NOW + timedelta(days=2)
        )
        await hand_over(connection, giver, order, NOW)
        (card,) = (await hold_cards(connection, [cards[5]], NOW)).values()
        await giver.own(card, office.site.users["head"], "by_hand")

    await office.at(NOW + timedelta(days=1))
    assert (await owners(office, cards)).count("boris") == 319
    await office.at(NOW + timedelta(days=2))
    assert await office.pool.fetchval("select undone_at from handover") is None, "the rest comes at the next look"
    await office.at(NOW + timedelta(days=2, minutes=1))

    found = await owners(office, cards)
    assert (found.count("anna"), found[5]) == (319, "head")
    handover = await office.pool.fetchrow("select returned, undone_by, undone_at from handover")
    assert tuple(handover) == (319, "distribution", NOW + timedelta(days=2, minutes=1))
    await office.at(NOW + timedelta(days=3))
    assert await office.pool.fetchval("select count(*) from owner_change where reason = 'handover:over'") == 319
    await check_whole(office)


async def test_two_leads_at_the_same_moment_never_go_to_one_by_a_race(office: Office) -> None:
    await add_rule(office, "anna", "boris")
    await office.pool.execute("update distribution_member set day_max = 1")
    cards = [await add_card(office) for _ in range(6)]

    async def give(card: int) -> None:
        async with office.pool.acquire() as connection, connection.transaction():
            giver = await Giver(connection, NOW, ZONE).begin()
            (held,) = (await hold_cards(connection, [card], NOW)).values()
            await giver.give(held, held.lead, "touch")

    await asyncio.gather(*(give(card) for card in cards))
    found = await owners(office, cards)
    assert sorted(str(name) for name in found) == ["anna", "boris", "head", "head", "head", "head"]
    await check_whole(office)


async def test_killed_and_repeated_changes_nothing(office: Office) -> None:
    await add_rule(office, "anna", "boris", answer_minutes=10)
    cards = [await add_card(office) for _ in range(5)]
    await touch(office, *cards)
    before = await owners(office, cards)
    distribution = Distribution(ZONE)
    facts = await facts_after(office.pool, None, 1000)
    async with office.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await distribution.follow(connection, facts, NOW) == []
        await distribution.deadlines(connection, NOW + timedelta(minutes=30))
        await transaction.rollback()

    assert await owners(office, cards) == before
    assert await office.pool.fetchval("select count(*) from assignment") == 5
    await office.at(NOW + timedelta(minutes=10))
    await office.at(NOW + timedelta(minutes=10))
    assert await owners(office, cards) == [{"anna": "boris", "boris": "anna"}[str(name)] for name in before]
    assert await office.pool.fetchval("select sum(credit) from distribution_member") == 0
    await check_whole(office)


async def test_the_best_rated_get_the_hot_leads(office: Office) -> None:
    """Requirements 76 and 77."""
    async with office.pool.acquire() as connection, connection.transaction():
        office.site.users["vera"] = await add_user(connection, login="vera", name="Vera", role="manager")
    await add_rule(office, "anna", "boris", "vera", way="heat", rating="conversion")
    client = await add_card(office, "boris", "client")
    for user, disposition, n in (("boris", "purchase", 9), ("anna", "refusal", 9), ("vera", "refusal", 2)):
        await office.pool.execute(
            "insert into outcome (contact_id, user_id, disposition_id, is_complete, at, day, made_by, made_at,"
            " changed_at) select $1, $2, d.id, true, $3, ($3::timestamptz)::date, 'test', $3, $3"
            " from disposition d, generate_series(1, $4)"
            " where d.key = $5", client, office.site.users[user], NOW, n, disposition,
        )  # fmt: skip
    cards = [await add_card(office) for _ in range(3)]
    await office.pool.execute("update contact set heat = 'hot' where id = any($1::bigint[])", cards)
    await touch(office, *cards)

    assert await owners(office, cards) == ["boris"] * 3


async def test_two_leads_that_are_one_client_have_one_turn(office: Office) -> None:
    await add_rule(office, "anna", "boris", answer_minutes=10)
    cards = [await add_card(office) for _ in range(2)]
    await touch(office, *cards)
    async with office.pool.acquire() as connection, connection.transaction():
        merged = await merge_cards(connection, cards[0], cards[1], by="test", now=NOW)
        assert merged is not None
        await save_facts(connection, merged[1])
    await office.settle()

    states = await office.pool.fetch("select state from assignment order by id")
    assert [s["state"] for s in states] == ["given", "closed"]
    await office.at(NOW + timedelta(minutes=10))
    assert await owners(office, [cards[0]]) == ["boris"]
    await check_whole(office)


async def test_a_form_of_a_site_is_a_lead_and_an_answer_in_writing_ends_its_turn(office: Office) -> None:
    await add_rule(office, "anna", "boris", answer_minutes=10)
    card = await add_card(office)
    await touch(office, card)
    async with office.pool.acquire() as connection, connection.transaction():
        body: dict[str, object] = {"direction": "outbound", "kind": "letter"}
        await save_facts(connection, [NewFact(kind="touch.made", body=body, contact_id=card)])
    await office.at(NOW + timedelta(minutes=30))

    assert await owners(office, [card]) == ["anna"]
    assert await office.pool.fetchval("select state from assignment") == "answered"
