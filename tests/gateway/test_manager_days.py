"""Hours, absences, sign-ins and forgotten breaks move the states of an office, at their own moments.

Requirements 60 (working time), 79 (illness), 82 (reminders to the head of sales), 76 (leads to whoever is there).
"""

from datetime import timedelta

import pytest

from gateway.domain.manager_states import Chosen, State
from gateway.store.manager_states import present_states
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import Office, open_office
from tests.gateway.site import ZONE
from tests.gateway.test_distribution import add_rule
from tests.gateway.test_manager_states import CALL, SECOND, at, chosen, office_with_states, state, story

MINUTE = timedelta(minutes=1)


async def enter_hours(office: Office, login: str | None = None, hours: str = "09:00-18:00") -> None:
    """Working hours of the company or of somebody."""
    await office.pool.execute(
        "insert into working_time (user_id, timezone, week) values ($1, $2, $3)",
        office.site.users[login] if login else None,
        ZONE.key,
        [[hours]] * 5 + [[], []],
    )


async def told(office: Office, kind: str) -> list[tuple[int, ...]]:
    """Whom facts of a kind concern, in order."""
    rows = await office.pool.fetch("select users from fact where kind = $1 order by id", kind)
    return [tuple(r["users"]) for r in rows]


async def test_a_day_begins_and_ends_with_the_hours(database: str) -> None:
    async with open_office(database, moment=at("08:00")) as office:
        await enter_hours(office)
        for clock in ("08:00", "09:00", "17:59", "18:00"):
            await office.at(at(clock) + 5 * SECOND)

        assert await story(office, "anna") == [
            ("off", "08:00:05"),
            ("available", "09:00:00"),
            ("off", "18:00:00"),
        ]


async def test_a_gateway_that_was_away_ends_the_day_at_its_hour(database: str) -> None:
    async with open_office(database, moment=at("10:00")) as office:
        await enter_hours(office)
        await office.at(at("10:00"))
        office.moment = at("10:30")
        await chosen(office, "anna", Chosen.BREAK)
        await office.at(at("23:40"))

        assert await story(office, "anna") == [("available", "10:00:00"), ("break", "10:30:00"), ("off", "18:00:00")]
        assert await story(office, "boris") == [("available", "10:00:00"), ("off", "18:00:00")]


async def test_a_talk_over_the_end_of_the_hours_is_followed_by_off(database: str) -> None:
    async with office_with_states(database) as office:
        await enter_hours(office, hours="09:00-10:01")
        await office.at(at("09:30"))
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        await office.at(CALL.ended + MINUTE)

        assert [s for s, _ in await story(office, "anna")] == ["available", "talking", "off"]


async def test_who_is_away_is_off_from_the_hour_on(database: str) -> None:
    async with office_with_states(database) as office:
        await enter_hours(office)
        await office.at(at("09:30"))
        await office.pool.execute(
            "insert into absence (user_id, kind, since, until, hands_over, made_by, made_at)"
            " values ($1, 'sick', $2, $3, false, 'test', $2)",
            office.site.users["anna"],
            at("11:00"),
            at("13:00"),
        )
        await office.at(at("11:20"))
        assert (await present_states(office.pool, now=office.moment))[office.site.users["anna"]].reason == "sick"
        await office.at(at("13:00") + SECOND)

        assert await story(office, "anna") == [
            ("available", "09:00:00"),
            ("off", "11:00:00"),
            ("available", "13:00:00"),
        ]


async def test_signing_in_makes_available_where_the_rule_says_so(database: str) -> None:
    async with open_office(database, moment=at("08:00")) as office:
        await enter_hours(office)
        await office.pool.execute("update manager_state_rule set begins = 'sign_in'")
        await office.at(at("09:10"))
        assert await state(office, "anna") is State.OFF
        await office.pool.execute(
            "insert into session (token_hash, user_id, created_at, expires_at) values ('x', $1, $2, $2)",
            office.site.users["anna"],
            at("09:12"),
        )
        await office.at(at("09:13"))

        assert await story(office, "anna") == [("off", "09:10:00"), ("available", "09:12:00")]
        assert await state(office, "boris") is State.OFF


async def test_a_forgotten_break_is_told_to_the_head_once(database: str) -> None:
    async with office_with_states(database) as office:
        users = office.site.users
        await chosen(office, "anna", Chosen.BREAK)
        await chosen(office, "boris", Chosen.BREAK, reason="lunch")
        await office.at(at("09:29"))
        assert await told(office, "manager.break_forgotten") == []

        await office.at(at("09:30"))
        await office.at(at("09:45"))
        assert await told(office, "manager.break_forgotten") == [(users["anna"], users["head"])]

        await office.at(at("10:00"))  # lunch has an hour of its own
        assert await told(office, "manager.break_forgotten") == [
            (users["anna"], users["head"]),
            (users["boris"], users["head"]),
        ]


async def test_the_head_of_his_team_is_told_and_a_team_has_rules_of_its_own(database: str) -> None:
    async with office_with_states(database) as office:
        users = office.site.users
        team = await office.pool.fetchval(
            "insert into team (name, head_id, made_by) values ('A', $1, 't') returning id", users["boris"]
        )
        await office.pool.execute("insert into team_member (team_id, user_id) values ($1, $2)", team, users["anna"])
        await office.pool.execute(
            "insert into manager_state_rule (team_id, after_call_seconds, break_minutes) values ($1, 60, 5)", team
        )
        await chosen(office, "anna", Chosen.BREAK)
        await office.at(at("09:05"))
        assert await told(office, "manager.break_forgotten") == [(users["anna"], users["boris"])]

        await chosen(office, "anna", Chosen.AVAILABLE)
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        present = (await present_states(office.pool, now=office.moment))[users["anna"]]
        assert present.ends_at is not None
        assert present.ends_at - (present.since or present.ends_at) == MINUTE


async def test_a_rule_that_is_changed_does_not_reach_back(database: str) -> None:
    async with office_with_states(database) as office:
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        await office.at(CALL.ended + MINUTE)
        before = await story(office, "anna")
        await office.pool.execute("update manager_state_rule set after_call_seconds = 40")
        await office.pool.execute("update follower set position = '0-0' where name = 'manager states'")
        await office.settle()

        assert await story(office, "anna") == before


async def test_who_is_dismissed_is_off(database: str) -> None:
    async with office_with_states(database) as office:
        await office.pool.execute("update users set active = false where id = $1", office.site.users["anna"])
        await office.at(at("12:00"))

        assert (await story(office, "anna"))[-1] == ("off", "12:00:00")


async def lead_goes_to(office: Office, clock: str) -> int | None:
    """Whose an unknown caller becomes who rang in vain at a time."""
    number = f"+7903777{clock.replace(':', '')}"
    call = Placed(scenario="in_abandon", at=at(clock), number=number, extensions={"101": "101"})
    await office.take_rows(call.rows())
    await office.at(call.ended + SECOND)
    found: int | None = await office.pool.fetchval(
        "select c.owner_id from contact c join contact_number n on n.contact_id = c.id where n.number = $1", number
    )
    return found


@pytest.mark.parametrize("how", [Chosen.OFF, Chosen.BREAK])
async def test_leads_pass_by_whoever_is_not_there(database: str, how: Chosen) -> None:
    async with office_with_states(database) as office:
        await add_rule(office, "anna", "boris")
        await chosen(office, "anna", how)

        assert {await lead_goes_to(office, c) for c in ("09:10", "09:20", "09:30")} == {office.site.users["boris"]}


async def test_on_a_break_leads_come_where_the_rule_says_so(database: str) -> None:
    async with office_with_states(database) as office:
        await add_rule(office, "anna", "boris")
        await office.pool.execute("update manager_state_rule set leads_on_break = true")
        await chosen(office, "anna", Chosen.BREAK)

        assert {await lead_goes_to(office, c) for c in ("09:10", "09:20")} == {
            office.site.users["anna"],
            office.site.users["boris"],
        }


async def test_a_lead_of_the_night_waits_for_whoever_is_back_in_the_morning_and_not_for_who_left(
    database: str,
) -> None:
    async with office_with_states(database) as office:
        await enter_hours(office)
        await add_rule(office, "anna", "boris")
        await office.at(at("09:10"))
        await office.at(at("20:00"))
        assert await state(office, "anna") is State.OFF

        assert {await lead_goes_to(office, c) for c in ("20:10", "20:20")} == {
            office.site.users["anna"],
            office.site.users["boris"],
        }
        office.moment = at("21:00")
        await chosen(office, "anna", Chosen.AVAILABLE)
        assert await lead_goes_to(office, "21:10") == office.site.users["anna"]
        assert await lead_goes_to(office, "21:20") == office.site.users["anna"]


async def test_where_everybody_went_off_himself_the_head_decides(database: str) -> None:
    async with office_with_states(database) as office:
        await add_rule(office, "anna", "boris")
        for login in ("anna", "boris"):
            await chosen(office, login, Chosen.OFF)

        assert await lead_goes_to(office, "09:10") == office.site.users["head"]
