"""What `trunkline doctor` says of a site's CEL table, each time with what to type. Point 8 of real sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.doctor.cel_table import check_cel_table
from gateway.doctor.findings import Finding, Level
from gateway.doctor.journal import Expected
from gateway.doctor.pbx import examine_pbx
from gateway.settings import Pbx, Settings
from lab.mariadb import MariaDb
from tests.sip.cel_tables import recorded_day, row
from tests.sip.test_cel_table_servers import insert

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NOTHING = Expected()


@pytest.fixture
def empty(mariadb: MariaDb) -> MariaDb:
    mariadb.run("truncate table cel")
    return mariadb


def found(server: MariaDb, expected: Expected = NOTHING, **journal: Any) -> list[Finding]:
    """What the doctor says of the table."""
    told = {"url": server.url, "timezone": "Europe/Moscow"} | journal
    return list(check_cel_table(Pbx(name="main", journal=told), expected, NOW))


def one(server: MariaDb, code: str, **more: Any) -> Finding:
    """The finding with a code."""
    findings = [f for f in found(server, **more) if f.code == code]
    assert len(findings) == 1
    assert findings[0].remedy
    return findings[0]


def test_a_table_in_use_can_be_read(empty: MariaDb) -> None:
    insert(empty, recorded_day())

    findings = found(empty)

    assert findings[0].level is Level.OK
    assert findings[0].text.startswith("The table cel can be read; its last row is ")
    assert [f.code for f in findings[1:]] == ["table_whole_seconds"]


def test_an_empty_table_is_well_until_asterisk_has_had_calls(empty: MariaDb) -> None:
    assert [f.level for f in found(empty)] == [Level.OK]

    told = one(empty, "table_silent", expected=Expected(asterisk_started_at=NOW, calls_since_start=7))

    assert told.level is Level.FAULT
    assert "module load cel_odbc.so" in " ".join(told.remedy)


def test_a_table_that_is_no_longer_written_is_told(empty: MariaDb) -> None:
    insert(empty, [row(1)])
    started = NOW - timedelta(minutes=10)

    told = one(empty, "table_silent", expected=Expected(asterisk_started_at=started, calls_since_start=1))

    assert "last row is 30 min old" in told.text


def test_a_wrong_password_gives_the_lines_that_grant_select(empty: MariaDb) -> None:
    told = one(empty, "table_no_right", url=empty.url.replace(empty.reader_secret, "wrong"))

    assert told.level is Level.FAULT
    assert "GRANT SELECT ON asteriskcdrdb.cel TO 'trunkline'@'(our address)';" in told.remedy
    assert "wrong" not in f"{told.text}{told.remedy}"


def test_a_server_that_does_not_answer_gives_the_lines_for_a_tunnel(mariadb: MariaDb) -> None:
    told = one(mariadb, "table_no_server", url="mysql://trunkline:x@127.0.0.1:9/asteriskcdrdb")

    assert "127.0.0.1:9" in told.text
    assert any(line.startswith("ssh -N -L") for line in told.remedy)


def test_a_missing_table_is_told(mariadb: MariaDb) -> None:
    writer = f"mysql://{mariadb.writer}:{mariadb.writer_secret}@127.0.0.1:{mariadb.port}/asteriskcdrdb"

    assert "There is no table cel2" in one(mariadb, "table_none", url=writer, table="cel2").text


def test_missing_columns_come_with_the_lines_that_add_them(mariadb: MariaDb) -> None:
    mariadb.run("create table short (id int primary key, eventtype int, eventtime int, uniqueid int, channame int)")
    mariadb.run(f"grant select on short to '{mariadb.reader}'@'127.0.0.1'")

    told = one(mariadb, "table_columns", table="short")

    assert told.text == "The table short lacks linkedid, eventextra: calls cannot be told from it."
    assert "ALTER TABLE short ADD extra varchar(512) not null default '';" in told.remedy


def test_a_wrong_zone_is_measured(empty: MariaDb) -> None:
    insert(empty, recorded_day())

    told = one(empty, "table_zone", timezone="UTC")

    assert told.level is Level.FAULT
    assert told.text == "The table's times are not of the zone UTC: by the ids of the channels they are off by +3 h."


def test_keys_of_clients_in_the_sites_table_are_told_to_its_owner(empty: MariaDb) -> None:
    insert(empty, [row(1), row(2, event="DTMF", extra='{"digit":"1"}')])

    assert one(empty, "table_keyed").level is Level.ADVICE


def test_bridges_that_are_not_named_are_a_fault(empty: MariaDb) -> None:
    insert(empty, [row(1), row(2, event="BRIDGE_ENTER")])

    assert one(empty, "table_extra").text.startswith("1 rows of bridges do not say which bridge")


def test_events_that_are_left_out_are_a_fault(empty: MariaDb) -> None:
    insert(empty, [row(n, event="ANSWER") for n in range(1, 60)])

    assert "CHAN_START, CHAN_END, HANGUP, LINKEDID_END, BRIDGE_ENTER" in one(empty, "table_events").text


def test_a_table_without_a_key_is_a_fault(mariadb: MariaDb) -> None:
    mariadb.run("create table heap as select * from cel limit 0")
    mariadb.run(f"grant select on heap to '{mariadb.reader}'@'127.0.0.1'")

    assert one(mariadb, "table_key", table="heap").remedy == ("ALTER TABLE heap ADD PRIMARY KEY (id);",)


def test_a_user_who_may_write_is_more_than_we_need(empty: MariaDb) -> None:
    writer = f"mysql://{empty.writer}:{empty.writer_secret}@127.0.0.1:{empty.port}/asteriskcdrdb"

    assert one(empty, "table_rights", url=writer).level is Level.ADVICE
    assert [f for f in found(empty) if f.code == "table_rights"] == []


async def test_a_pbx_whose_journal_is_a_table_is_looked_at_there(empty: MariaDb) -> None:
    insert(empty, [row(1)])
    journal = {"url": empty.url, "timezone": "Europe/Moscow"}
    settings = Settings(pbx={"main": {"journal": journal}})

    examined = await examine_pbx(settings, settings.pbx["main"], None)

    told = [f for f in examined.findings if f.area == "journal of main"]
    assert [f.level for f in told] == [Level.OK]
    assert "journal_none" not in [f.code for f in examined.findings]
