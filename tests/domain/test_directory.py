"""Who is who: patterns, validity times, and what no row names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def manager(pattern: str, extension: str = "", since: datetime | None = None, until: datetime | None = None) -> Entry:
    return Entry(pattern=pattern, kind=PartyKind.MANAGER, extension=extension, since=since, until=until)


def trunk(pattern: str) -> Entry:
    return Entry(pattern=pattern, kind=PartyKind.TRUNK)


def directory(*entries: Entry) -> Directory:
    return Directory(entries=entries)


def extension(table: Directory, channel: str, at: datetime = NOON) -> str:
    party = table.party(channel, at)
    assert party.kind is PartyKind.MANAGER
    return party.extension


def test_an_endpoint_is_its_own_extension_where_the_row_names_none() -> None:
    assert extension(directory(manager("101")), "PJSIP/101-0000004a") == "101"


@pytest.mark.parametrize("channel", ["PJSIP/anna-desk-0000001b", "PJSIP/anna-desk-0000001b<ZOMBIE>"])
def test_a_name_with_dashes_ends_at_the_last_one(channel: str) -> None:
    assert extension(directory(manager("anna-desk", "101")), channel) == "101"


def test_a_pattern_without_a_technology_fits_any() -> None:
    table = directory(manager("101"))

    assert extension(table, "SIP/101-0000abcd") == extension(table, "PJSIP/101-00000001") == "101"


def test_a_pattern_with_a_technology_fits_that_one_alone() -> None:
    table = directory(manager("SIP/101"))

    assert extension(table, "SIP/101-0000abcd") == "101"
    assert table.party("PJSIP/101-00000001", NOON).kind is PartyKind.UNMAPPED


def test_an_exact_row_wins_over_a_wildcard_before_it() -> None:
    table = directory(trunk("*"), manager("10?"), manager("105", "999"))

    assert extension(table, "PJSIP/105-00000001") == "999"
    assert table.party("PJSIP/104-00000001", NOON).kind is PartyKind.TRUNK  # of wildcards the first


def test_a_row_counts_from_its_first_moment_to_before_its_last() -> None:
    hour = timedelta(hours=1)
    table = directory(manager("101", "anna", until=NOON), manager("101", "boris", since=NOON, until=NOON + hour))

    assert extension(table, "PJSIP/101-00000001", NOON - hour) == "anna"
    assert extension(table, "PJSIP/101-00000001", NOON) == "boris"
    assert table.party("PJSIP/101-00000001", NOON + hour).kind is PartyKind.UNMAPPED


def test_an_exact_row_that_is_over_gives_way_to_a_wildcard() -> None:
    table = directory(manager("101", "anna", until=NOON), manager("1*", "reception"))

    assert extension(table, "PJSIP/101-00000001", NOON) == "reception"


@pytest.mark.parametrize("channel", ["Local/101@from-internal-00000007;1", "Local/101@from-internal-00000007;2"])
def test_local_channels_are_nobody_even_where_a_pattern_fits(channel: str) -> None:
    assert directory(manager("*")).party(channel, NOON).kind is PartyKind.LOCAL


@pytest.mark.parametrize("channel", ["AudioSocket/127.0.0.1:9092-1", "Snoop/1.2-00000001", "CBAnn/600-1;1"])
def test_channels_that_asterisk_makes_for_itself_need_no_row(channel: str) -> None:
    assert directory(trunk("trunk")).party(channel, NOON).kind is PartyKind.IGNORED


def test_what_no_row_names_is_unmapped() -> None:
    assert directory(manager("101")).party("PJSIP/warehouse-00000001", NOON).kind is PartyKind.UNMAPPED


def test_an_outside_number_belongs_to_a_manager_while_its_row_holds() -> None:
    table = directory(manager("+79031112233", "101", until=NOON))
    mobile = NumberPlan(region="RU").parse("8 903 111-22-33")

    assert table.manager_outside(mobile, NOON - timedelta(seconds=1)) == "101"
    assert table.manager_outside(mobile, NOON) is None
    assert table.manager_outside(NumberPlan().parse("anonymous"), NOON) is None


def test_an_outside_number_is_no_endpoint() -> None:
    assert directory(manager("+79031112233", "101")).party("PJSIP/+79031112233-1", NOON).kind is PartyKind.UNMAPPED


def test_each_trunk_has_its_number_plan_and_its_did() -> None:
    table = Directory(
        entries=(trunk("*"),),
        plan=NumberPlan(region="RU"),
        plans=(("warsaw-*", NumberPlan(region="PL")),),
        default_dids=(("warsaw-*", "48221112233"),),
    )

    assert table.plan_of("PJSIP/warsaw-1-00000001").parse("221234567").e164 == "+48221234567"
    assert table.plan_of("PJSIP/moscow-00000001").parse("89161234567").e164 == "+79161234567"
    assert table.default_did("PJSIP/warsaw-1-00000001") == "48221112233"
    assert table.default_did("PJSIP/moscow-00000001") is None
