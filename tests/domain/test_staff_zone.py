"""Whose day it is where the zone is unknown."""

from zoneinfo import ZoneInfo

import pytest

from gateway.domain.staff import zone_of

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        (None, MOSCOW),
        ("", MOSCOW),
        ("Asia/Omsk", ZoneInfo("Asia/Omsk")),
        ("Nowhere/Gone", MOSCOW),
        ("../../etc/passwd", MOSCOW),
        ("/etc/localtime", MOSCOW),
    ],
)
def test_a_zone_that_the_machine_does_not_know_is_the_companys(name: str | None, zone: ZoneInfo) -> None:
    assert zone_of(name, MOSCOW) == zone
