"""A follower whose place was set back takes the whole feed once more: nothing is done a second time.

Each fact is taken exactly once as long as the database is one (docs/decisions/0005). One that is restored from a copy,
or a place that is set back by hand, brings facts that were taken already, hours later by the clock; what was made of
them has moved on since.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.aftercare.giving import Giver
from gateway.domain.access import Role
from gateway.store.database import Pool
from gateway.store.distribution import hold_cards, last_turn
from gateway.store.facts import save_facts
from tests.api.site import open_api
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import Office, office_over, open_office
from tests.gateway.site import ZONE
from tests.gateway.test_distribution import add_rule
from tests.gateway.test_office_day import furnish, play, put

DAY = datetime(2026, 11, 20, tzinfo=ZONE)
ANNA, BORIS = {"101": "101", "102": "102"}, {"101": "102", "102": "101"}


def call(scenario: str, clock: str, number: int, who: dict[str, str] = ANNA, talk: float = 0.0) -> Placed:
    """One call at a time of the day's clock, with a client by a short number."""
    hour, minute = map(int, clock.split(":"))
    at = DAY + timedelta(hours=hour, minutes=minute)
    return Placed(scenario=scenario, at=at, number=f"+7903555{number:04}", extensions=who, talk=talk)


PLAN = (
    call("out_answered", "09:01", 7, talk=130),  # his client, who is missed later
    call("out_busy", "09:05", 8, BORIS),
    call("in_noanswer", "09:20", 1),
    call("out_answered", "09:23", 1, talk=180),
    call("in_noanswer", "09:40", 2),
    call("out_busy", "09:50", 2, BORIS),
    call("out_answered", "10:10", 2, BORIS, talk=130),
    call("in_abandon", "10:30", 3),
    call("in_answered", "10:33", 3, talk=40),
    call("in_noanswer", "11:00", 4, BORIS),
    call("in_abandon", "11:02", 4, BORIS),
    call("blind_xfer_refer", "11:20", 5, talk=30),
    call("in_noanswer", "11:40", 6),
    call("in_noanswer", "11:45", 7),
    call("in_noanswer", "11:50", 8),
    call("out_busy", "11:55", 6, BORIS),
)
_BEGINNING = "0-0"
_MOVES_ANYWAY = {"follower": {"position", "updated_at"}}
"""What a replay is allowed to change."""


async def rows_of_all(pool: Pool) -> dict[str, list[str]]:
    """Everything that is kept, as text, by table."""
    tables = await pool.fetch("select tablename from pg_tables where schemaname = 'public' order by tablename")
    found = {}
    for table in (r["tablename"] for r in tables):
        left_out = sorted(_MOVES_ANYWAY.get(table, ()))
        rows = await pool.fetch(f'select (to_jsonb(t) - $1::text[])::text as row from "{table}" t', left_out)
        found[table] = sorted(r["row"] for r in rows)
    return found


def changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, Any]:
    """The rows that are new or gone, by table."""
    return {
        table: {"new": sorted(set(after[table]) - set(rows)), "gone": sorted(set(rows) - set(after[table]))}
        for table, rows in before.items()
        if rows != after[table]
    }


async def replay(office: Office) -> None:
    """Every follower takes the whole feed once more."""
    await office.pool.execute("update follower set position = $1", _BEGINNING)
    await office.settle()


async def test_a_feed_taken_twice_changes_nothing(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        office = await office_over(api.site, settings=api.parts.settings, moment=DAY + timedelta(hours=8))
        head, admin = await api.caller(Role.SUPERVISOR), await api.caller(Role.ADMIN)
        await furnish(api, head, admin)
        await put(
            head,
            "POST",
            "tasks/series",
            {
                "kind": "call",
                "title": "Weekly",
                "owner": api.site.users["anna"],
                "recurs": {"unit": "week", "begins": "2026-11-20", "at": "12:00"},
            },
            "series",
        )
        await play(office, PLAN, DAY + timedelta(hours=12))
        before = await rows_of_all(office.pool)
        assert len(before["missed"]) >= 7
        assert any('"open"' in row for row in before["missed"])

        await replay(office)
        assert changes(before, await rows_of_all(office.pool)) == {}

        await office.at(DAY + timedelta(hours=15))  # what moved on meanwhile does not go back
        before = await rows_of_all(office.pool)
        await replay(office)
        assert changes(before, await rows_of_all(office.pool)) == {}
        assert await office.pool.fetchval("select count(*) from follower_refused") == 0


async def test_what_ended_one_turn_of_a_lead_does_not_end_the_next_one_when_it_is_heard_again(database: str) -> None:
    """A lead that went to another voice after its first answer: only a new answer ends his turn."""
    async with open_office(database, moment=DAY + timedelta(hours=8)) as office:
        rule = await add_rule(office, "anna", "boris", answer_minutes=30)
        await play(
            office, [call("in_noanswer", "09:20", 1), call("out_answered", "09:30", 1)], DAY + timedelta(hours=10)
        )
        card = await office.pool.fetchval("select id from contact")
        async with office.pool.acquire() as connection, connection.transaction():
            giver = await Giver(connection, office.moment, ZONE).begin()
            last = await last_turn(connection, card)
            assert last is not None
            assert (last.state, last.rule_id) == ("answered", rule)
            await giver.next_voice((await hold_cards(connection, [card], office.moment))[card], last, "overdue")
            await save_facts(connection, giver.facts)
        await office.settle()
        before = await rows_of_all(office.pool)
        assert await office.pool.fetchval("select count(*) from assignment where state = 'given'") == 1

        await replay(office)
        assert changes(before, await rows_of_all(office.pool)) == {}


async def test_a_call_of_last_week_brings_no_new_lead_when_it_is_heard_again(database: str) -> None:
    """Rules that were entered later do not reach back."""
    async with open_office(database, moment=DAY + timedelta(hours=8)) as office:
        await play(office, [call("in_noanswer", "09:20", 1)], DAY + timedelta(hours=10))
        await add_rule(office, "anna", "boris", answer_minutes=30)
        office.moment = DAY + timedelta(days=7)

        await replay(office)
        assert await office.pool.fetchval("select count(*) from assignment") == 0
