"""Rights, the throttle of the sign-in and the rules of a password."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.access import (
    FAILURE_WINDOW,
    LONGEST_DELAY,
    WIDER,
    Principal,
    Right,
    Role,
    allowed,
    holds,
    password_faults,
    sign_in_delay,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA = Principal(id="user:1", role=Role.MANAGER, manager="anna")
CHIEF = Principal(id="user:2", role=Role.SUPERVISOR, manager="chief")
ADMIN = Principal(id="user:3", role=Role.ADMIN)


def failures(count: int, ago: timedelta = timedelta(0)) -> list[datetime]:
    return [NOW - ago] * count


@pytest.mark.parametrize("right", list(Right))
def test_nobody_may_do_nothing(right):
    assert not allowed(None, right, "anna")


@pytest.mark.parametrize("right", sorted(WIDER))
def test_a_manager_reaches_what_is_his_own_and_nothing_else(right):
    assert allowed(ANNA, right, "anna")
    assert allowed(ANNA, right, ["boris", "anna"])
    assert not allowed(ANNA, right, "boris")
    assert not allowed(ANNA, right, [])
    assert not allowed(ANNA, right)


@pytest.mark.parametrize("right", sorted(WIDER))
def test_a_supervisor_reaches_what_is_anybodys_or_nobodys(right):
    assert allowed(CHIEF, right, "anna")
    assert allowed(CHIEF, right)
    assert holds(CHIEF, WIDER[right])


def test_a_name_inside_another_name_is_not_its_owner():
    assert not allowed(ANNA, Right.CALLS_READ_OWN, "joanna")


def test_somebody_without_a_manager_owns_nothing_of_nobody():
    robot = Principal(id="key:1", role=Role.MANAGER)

    assert holds(robot, Right.CALLS_READ_OWN)
    assert not allowed(robot, Right.CALLS_READ_OWN)
    assert not allowed(robot, Right.CALLS_READ_OWN, "")


@pytest.mark.parametrize(
    "right",
    [
        Right.RECORDINGS_DELETE,
        Right.USERS_MANAGE,
        Right.EXTENSIONS_MANAGE,
        Right.EVENTS_READ,
        Right.METRICS_READ,
        Right.AUDIT_READ,
    ],
)
def test_what_can_do_harm_is_for_administrators(right):
    assert allowed(ADMIN, right)
    assert not allowed(CHIEF, right)
    assert not allowed(ANNA, right)


def test_a_narrowed_key_keeps_only_the_rights_it_was_given():
    key = Principal(id="key:2", role=Role.ADMIN, limited_to=frozenset({Right.METRICS_READ}))

    assert allowed(key, Right.METRICS_READ)
    assert not any(allowed(key, right, "anna") for right in set(Right) - {Right.METRICS_READ})


def test_a_key_narrowed_to_everybodys_calls_may_read_each_of_them():
    key = Principal(id="key:3", role=Role.ADMIN, limited_to=frozenset({Right.CALLS_READ_ALL}))

    assert holds(key, Right.CALLS_READ_OWN)
    assert allowed(key, Right.CALLS_READ_OWN, "anna")


def test_a_key_cannot_be_given_more_than_its_role_has():
    key = Principal(id="key:4", role=Role.MANAGER, manager="anna", limited_to=frozenset({Right.USERS_MANAGE}))

    assert not allowed(key, Right.USERS_MANAGE)


def test_the_first_failures_cost_nothing():
    assert sign_in_delay(account_failures=failures(4), address_failures=failures(19), now=NOW) == timedelta(0)


@pytest.mark.parametrize(("count", "seconds"), [(5, 2), (6, 4), (7, 8), (12, 256), (14, 900), (500, 900)])
def test_each_further_failure_of_an_account_doubles_the_delay_up_to_a_quarter_of_an_hour(count, seconds):
    delay = sign_in_delay(account_failures=failures(count), address_failures=[], now=NOW)

    assert delay == timedelta(seconds=seconds)


def test_one_address_that_tries_many_accounts_is_slowed_too():
    delay = sign_in_delay(account_failures=[], address_failures=failures(21), now=NOW)

    assert delay == timedelta(seconds=4)


def test_the_delay_runs_from_the_last_failure():
    delay = sign_in_delay(account_failures=failures(7, timedelta(seconds=5)), address_failures=[], now=NOW)

    assert delay == timedelta(seconds=3)


def test_old_failures_are_forgotten():
    delay = sign_in_delay(account_failures=failures(50, FAILURE_WINDOW), address_failures=[], now=NOW)

    assert delay == timedelta(0)


@given(st.lists(st.integers(-3600, 3600), max_size=60), st.lists(st.integers(-3600, 3600), max_size=60))
def test_a_delay_is_never_negative_and_never_longer_than_the_longest(account, address):
    delay = sign_in_delay(
        account_failures=[NOW + timedelta(seconds=s) for s in account],
        address_failures=[NOW + timedelta(seconds=s) for s in address],
        now=NOW,
    )

    assert timedelta(0) <= delay <= LONGEST_DELAY


@pytest.mark.parametrize("password", ["correct horse", "шесть зелёных котов", "Z9v!kkqpwe", "x" * 60 + "yzab9 ok" * 8])
def test_a_long_unusual_password_is_good_whatever_it_is_made_of(password):
    assert password_faults(password, login="anna") == ()


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "10 to 128 characters"),
        ("ab cd ef gh" * 12, "10 to 128 characters"),
        ("correct\0horse", "control characters"),
        ("correct\ud800horse", "control characters"),
        ("my-Anna-2026", "name of the account"),
        ("abababababab", "different characters"),
        ("Password2026!", "tries first"),
        ("1234567890", "tries first"),
        ("qwertyuiop", "tries first"),
        ("пароль123456", "tries first"),
        ("northwind-7", "tries first"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused_with_the_reason(password, told):
    faults = password_faults(password, login="anna", common={"northwind-7"})

    assert any(told in fault for fault in faults)
