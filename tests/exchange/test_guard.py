"""Who is heard: hosts, pace and lock-outs, with time as an argument."""

from ipaddress import IPv4Network

import pytest

from exchange.guard import (
    LOCK_LONGEST,
    WRONG_PASSWORDS,
    Guard,
    LockOut,
    Pace,
    PublicAddress,
    Rate,
    Standing,
    check_bind_address,
)

OFFICE = (IPv4Network("10.1.0.0/16"),)


def guard() -> Guard:
    made = Guard()
    hosts = {"far": [("203.0.113.5", 5060)], "beside": [("10.1.0.9", 5060)]}
    made.use(OFFICE, hosts, {"far": ("203.0.113.64/28",)})
    return made


@pytest.mark.parametrize(
    ("source", "standing", "trunks"),
    [
        (("10.1.2.3", 40000), Standing.PHONE, ()),
        (("10.2.2.3", 5060), Standing.STRANGER, ()),
        (("8.8.8.8", 5060), Standing.STRANGER, ()),
        (("203.0.113.5", 1024), Standing.TRUNK, ("far",)),
        (("203.0.113.70", 5060), Standing.TRUNK, ("far",)),
        (("203.0.113.6", 5060), Standing.STRANGER, ()),
        (("10.1.0.9", 5060), Standing.TRUNK, ("beside",)),
        (("10.1.0.9", 5062), Standing.PHONE, ()),
    ],
)
def test_a_host_is_a_trunk_a_phone_or_a_stranger(
    source: tuple[str, int], standing: Standing, trunks: tuple[str, ...]
) -> None:
    assert guard().standing(source) == (standing, trunks)


def test_a_trunk_that_is_no_more_is_a_stranger() -> None:
    made = guard()
    assert made.standing(("203.0.113.5", 5060))[0] is Standing.TRUNK
    made.use(OFFICE, {}, {})
    assert made.standing(("203.0.113.5", 5060))[0] is Standing.STRANGER


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.1.1"])
def test_an_address_of_the_office_may_be_bound_to(address: str) -> None:
    assert str(check_bind_address(address)) == address


def test_a_public_address_may_not() -> None:
    with pytest.raises(PublicAddress, match=r"203\.0\.113\.1"):
        check_bind_address("203.0.113.1")


def test_each_further_wrong_password_doubles_the_lock_up_to_an_hour() -> None:
    lock_out, now, waits = LockOut(), 0.0, []
    for _ in range(WRONG_PASSWORDS - 1):
        lock_out.wrong("h", "101", now)
    assert lock_out.locked("h", "101", now) == 0
    for _ in range(9):
        lock_out.wrong("h", "101", now)
        waits.append(lock_out.locked("h", "101", now))
        now += waits[-1]
        assert lock_out.locked("h", "101", now) == 0

    assert waits[:4] == [60, 120, 240, 480]
    assert max(waits) == LOCK_LONGEST


def test_the_right_password_forgets_the_wrong_ones() -> None:
    lock_out = LockOut()
    for _ in range(WRONG_PASSWORDS - 1):
        lock_out.wrong("h", "101", 0.0)
    lock_out.right("h", "101")
    lock_out.wrong("h", "101", 1.0)

    assert lock_out.locked("h", "101", 1.0) == 0


def test_a_new_password_unlocks_the_account() -> None:
    guard = LockOut()
    for _ in range(WRONG_PASSWORDS):
        guard.wrong("10.0.0.1", "101", 0.0)
        guard.wrong("10.0.0.1", "102", 0.0)

    guard.forget({"101"})

    assert guard.locked("10.0.0.1", "101", 1.0) == 0
    assert guard.locked("10.0.0.1", "102", 1.0) > 0


def test_wrong_passwords_of_days_ago_are_not_counted() -> None:
    lock_out = LockOut()
    for day in range(20):
        lock_out.wrong("h", "101", day * 86_400.0)

    assert lock_out.locked("h", "101", 19 * 86_400.0) == 0


def test_a_host_locked_for_many_accounts_is_dropped_for_an_hour() -> None:
    lock_out = LockOut()
    for account in range(8):
        for _ in range(WRONG_PASSWORDS):
            lock_out.wrong("h", str(account), 10.0)

    assert lock_out.dropped("h", 20.0)
    assert not lock_out.dropped("other", 20.0)
    assert not lock_out.dropped("h", 10.0 + LOCK_LONGEST)
    lock_out.sweep(3 * LOCK_LONGEST)
    assert lock_out.locked("h", "1", 3 * LOCK_LONGEST) == 0


def test_a_million_hosts_take_no_more_than_so_much_memory() -> None:
    lock_out = LockOut()
    for number in range(25_000):
        lock_out.wrong(f"h{number}", "101", 0.0)

    assert len(lock_out._pairs) <= 10_000


def test_a_burst_is_let_through_and_then_the_pace() -> None:
    rate, pace = Rate(), Pace(each_second=10, burst=20)

    assert [rate.take("h", pace, 0.0) for _ in range(21)].count(True) == 20
    assert [rate.take("h", pace, 1.0) for _ in range(21)].count(True) == 10
    assert rate.take("other", pace, 1.0)
