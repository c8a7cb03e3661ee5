"""The reader of a CEL table: nothing lost, nothing twice, whatever happens to the table. Point 8 of real sites."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.legs import LegEvent, LegEventKind
from sip.cel import BadRow
from sip.cel_table import BadTableCursor, BadTableUrl, Meeting, TableCursor, checked_url, read_table_row
from sip.cel_table_rows import MissingColumns, journal_row, local_moment, shape_of
from sip.journal import JournalCondition
from tests.sip.cel_tables import FREEPBX, MOSCOW, Reading, SqliteTable, recorded_day, row


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    return SqliteTable(tmp_path / "cel.sqlite")


async def test_a_day_is_read_once_and_in_the_order_of_its_numbers(table: SqliteTable) -> None:
    day = recorded_day()
    table.add(day)
    reading = Reading(table.source, batch_rows=100)

    await reading.have(len(day))

    assert reading.numbers == [r["id"] for r in day]
    assert reading.status.condition is JournalCondition.READING
    assert reading.status.records == len(day)


async def test_rows_that_come_while_it_reads_are_handed_out(table: SqliteTable) -> None:
    table.add([row(1), row(2)])
    reading = Reading(table.source)
    await reading.have(2)

    table.add([row(3)])
    await reading.have(3)

    assert reading.numbers == [1, 2, 3]


async def test_a_row_that_becomes_visible_behind_a_later_one_is_not_lost(table: SqliteTable) -> None:
    table.add([row(1), row(2), row(5)])
    reading = Reading(table.source)
    await reading.have(3)

    table.add([row(4)])
    await reading.have(4)
    table.add([row(3), row(6)])
    await reading.have(6)

    assert reading.numbers[:3] == [1, 2, 5]
    assert sorted(reading.numbers) == [1, 2, 3, 4, 5, 6]
    assert reading.cursor is not None
    assert reading.cursor.gaps == ()


async def test_what_was_left_out_is_still_waited_for_after_a_restart(table: SqliteTable) -> None:
    table.add([row(1), row(4)])
    before = Reading(table.source)
    await before.have(2)

    after = Reading(table.source, cursor=before.cursor)
    table.add([row(2)])
    await after.have(1)

    assert after.numbers == [2]


async def test_a_restart_hands_out_nothing_twice(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 20))
    before = Reading(table.source)
    await before.have(19)
    table.add([row(20)])

    after = Reading(table.source, cursor=before.cursor)
    await after.have(1)

    assert after.numbers == [20]


async def test_a_table_begun_anew_with_its_first_number_is_read_from_there(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 30))
    reading = Reading(table.source)
    await reading.have(29)

    table.make()
    table.add([row(1, channame="PJSIP/new-1"), row(2, channame="PJSIP/new-2")])
    await reading.have(31)
    table.add([row(3, channame="PJSIP/new-3")])
    await reading.have(32)

    assert reading.numbers[29:] == [1, 2, 3]


async def test_a_table_begun_anew_and_grown_beyond_our_place_while_we_were_away_is_noticed(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 11))
    before = Reading(table.source)
    await before.have(10)

    table.make()
    table.add(row(n, channame=f"PJSIP/new-{n}") for n in range(1, 16))
    after = Reading(table.source, cursor=before.cursor)
    await after.have(15)

    assert after.numbers == list(range(1, 16))
    assert after.status.restarts == 1


async def test_a_table_restored_from_last_night_is_read_on_where_it_parted(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 11))
    before = Reading(table.source)
    await before.have(10)

    table.do("delete from cel where id > 6")
    table.add(row(n, channame=f"PJSIP/new-{n}") for n in range(7, 13))
    after = Reading(table.source, cursor=before.cursor)
    await after.have(6)

    assert after.numbers == [7, 8, 9, 10, 11, 12]
    assert set(after.rows).isdisjoint(before.rows)


async def test_rows_of_a_restored_table_that_were_read_before_are_the_same_to_the_byte(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 31))
    before = Reading(table.source)
    await before.have(30)

    table.do("delete from cel where id > 6")
    table.add([row(7, channame="PJSIP/new-7")])
    after = Reading(table.source, cursor=before.cursor)
    await after.have(7)

    assert after.rows[:6] == before.rows[:6]
    assert after.numbers == [1, 2, 3, 4, 5, 6, 7]


async def test_old_rows_deleted_by_the_site_change_nothing(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 21))
    reading = Reading(table.source)
    await reading.have(20)

    table.do("delete from cel where id < 15")
    table.add([row(21)])
    await reading.have(21)

    assert reading.numbers[20:] == [21]
    assert reading.status.restarts == 0


async def test_an_emptied_table_whose_numbers_go_on_is_read_on(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 11))
    before = Reading(table.source)
    await before.have(10)
    table.do("delete from cel")

    after = Reading(table.source, cursor=before.cursor)
    await after.until(lambda r: r.status.condition is JournalCondition.READING)
    table.add([row(11), row(12)])
    await after.have(2)

    assert after.numbers == [11, 12]
    assert after.status.restarts == 0


async def test_the_newest_row_deleted_by_hand_changes_nothing(table: SqliteTable) -> None:
    table.add(row(n) for n in range(1, 11))
    before = Reading(table.source)
    await before.have(10)
    table.do("delete from cel where id = 10")

    after = Reading(table.source, cursor=before.cursor)
    table.add([row(11)])
    await after.have(1)

    assert after.numbers == [11]
    assert after.status.restarts == 0


def aged(number: int, days: float) -> dict[str, object]:
    """A row so many days old."""
    at = datetime(2026, 11, 22, 12, tzinfo=MOSCOW) - timedelta(days=days)
    return row(number, at=at.strftime("%Y-%m-%d %H:%M:%S"), uniqueid=f"{int(at.timestamp())}.{number}")


async def test_at_the_first_meeting_what_is_new_comes_at_once_and_the_history_beside_it_oldest_first(
    table: SqliteTable,
) -> None:
    table.add(aged(n, (100 - n) / 10) for n in range(1, 101))
    reading = Reading(table.source, batch_rows=30)
    await reading.have(100)

    assert (reading.batches[0].rows, reading.batches[0].newest_at) == ((), datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert reading.numbers[0] == 100
    assert reading.numbers[1:] == list(range(1, 100))
    assert [b.history for b in reading.batches[2:]] == [True] * 4
    assert [b.history_left for b in reading.batches][-1] == 0
    assert reading.cursor is not None
    assert reading.cursor.older is None


async def test_a_stop_in_the_middle_of_the_history_goes_on_where_it_was(table: SqliteTable) -> None:
    table.add(aged(n, (100 - n) / 10) for n in range(1, 101))
    before = Reading(table.source, batch_rows=10)
    await before.have(40)

    after = Reading(table.source, cursor=before.cursor, batch_rows=10)
    table.add([row(101)])
    await after.have(101 - len(before.rows))

    assert sorted(before.numbers + after.numbers) == list(range(1, 102))


async def test_only_so_many_days_of_history_are_read(table: SqliteTable) -> None:
    table.add(aged(n, 100 - n) for n in range(1, 101))
    reading = Reading(table.source, meeting=Meeting(history_since=datetime(2026, 11, 12, 9, tzinfo=UTC)))

    await reading.have(11)

    assert sorted(reading.numbers) == list(range(90, 101))


async def test_after_a_cut_over_reading_begins_a_little_before_the_moment(table: SqliteTable) -> None:
    table.add(aged(n, (100 - n) / 1440) for n in range(1, 101))  # one a minute
    moment = datetime(2026, 11, 22, 8, 50, tzinfo=UTC)
    reading = Reading(table.source, meeting=Meeting(cut_over_at=moment))

    await reading.have(13)

    assert reading.numbers == list(range(88, 101))


async def test_nothing_is_read_while_the_zone_that_is_set_is_not_the_tables(table: SqliteTable) -> None:
    table.add(aged(n, 0) for n in range(1, 10))
    reading = Reading(replace(table.source, timezone=ZoneInfo("Europe/Warsaw")))

    await reading.until(lambda r: r.status.condition is JournalCondition.WRONG_ZONE)

    assert reading.rows == []
    assert reading.status.zone_offset == timedelta(hours=2)


async def test_keys_that_a_client_pressed_are_never_handed_out(table: SqliteTable) -> None:
    table.add([row(1), row(2, event="DTMF", extra='{"digit":"7","duration_ms":"100"}'), row(3)])
    reading = Reading(table.source)

    await reading.have(2)

    assert reading.numbers == [1, 3]
    assert not any(b"digit" in r for r in reading.rows)


async def test_a_missing_table_and_a_missing_column_are_told_and_waited_out(table: SqliteTable) -> None:
    table.do("drop table cel")
    reading = Reading(table.source)
    await reading.until(lambda r: r.status.condition is JournalCondition.NO_TABLE)

    table.do("create table cel (id integer primary key, eventtype, eventtime, uniqueid)")
    await reading.until(lambda r: r.status.condition is JournalCondition.NO_COLUMN)
    assert reading.status.trouble == "linkedid, channame, eventextra"

    table.make()
    table.add([row(1)])
    await reading.have(1)
    assert reading.status.condition is JournalCondition.READING


async def test_the_loop_goes_on_while_a_server_does_not_answer(table: SqliteTable) -> None:
    held = asyncio.get_running_loop().time()
    reading = Reading(replace(table.source, url=checked_url("mysql+pymysql://x:y@192.0.2.1:9/asteriskcdrdb")))
    with pytest.raises(TimeoutError):
        await reading.have(1, seconds=0.5)

    assert reading.status.condition is JournalCondition.NO_SERVER
    assert asyncio.get_running_loop().time() - held < 3


# Columns and rows


def read(values: dict[str, object], zone: ZoneInfo = MOSCOW, after: datetime | None = None) -> LegEvent | None:
    """A row of the table as its leg event."""
    shape = shape_of(list(values))
    return read_table_row(journal_row(shape, list(values.values()), zone, after=after).data)


def test_a_row_of_freepbx_is_a_leg_event_in_utc_ordered_by_its_number() -> None:
    event = read(row(4711, cid_num="79161234567", exten="4950101", context="from-trunk"))

    assert event == LegEvent(
        at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        kind=LegEventKind.STARTED,
        leg="1795342711.4711",
        family="1795342711.4711",
        channel="PJSIP/operator-00000001",
        order=4711,
        number="79161234567",
        exten="4950101",
        context="from-trunk",
    )


def test_names_of_other_schemas_are_known() -> None:
    told = {
        "ID": 1,
        "Event": "ANSWER",
        "EventTime": datetime.fromisoformat("2026-11-22 12:00:00.250000"),
        "CallerIDnum": "101",
        "Channel": "PJSIP/101-1",
        "Exten": "s",
        "UniqueID": "5.1",
        "LinkedID": "5.1",
        "EventExtra": None,
    }

    event = read(told)

    assert event is not None
    assert (event.kind, event.number, event.channel, event.exten) == (LegEventKind.ANSWERED, "101", "PJSIP/101-1", "s")
    assert (event.at, event.order) == (datetime(2026, 11, 22, 9, 0, 0, 250000, UTC), 0)


def test_missing_columns_are_named() -> None:
    with pytest.raises(MissingColumns) as fault:
        shape_of(["eventtype", "eventtime", "uniqueid", "linkedid", "channame"])

    assert fault.value.missing == ("eventextra", "id")


def test_nulls_are_empty() -> None:
    event = read(row(1) | {"cid_name": None, "cid_num": None, "extra": None, "peer": None})

    assert event is not None
    assert (event.name, event.number, event.bridge) == ("", "", "")


def test_an_events_own_name_from_the_dialplan_is_no_damage() -> None:
    assert read(row(1, event="MY_EVENT", userdeftype="MY_EVENT")) is None


def test_an_unknown_event_is_damage() -> None:
    with pytest.raises(BadRow):
        read(row(1, event="SOMETHING"))


@pytest.mark.parametrize("time", ["0000-00-00 00:00:00", "", None, "yesterday"])
def test_a_row_without_a_time_is_damage(time: str | None) -> None:
    with pytest.raises(BadRow):
        read(row(1, at="x") | {"eventtime": time})


EXTRA = (
    '{"bridge1_id":"b1","channel2_name":"PJSIP/101-0000002a","channel2_uniqueid":"5.2","bridge2_id":"b2",'
    '"transferee_channel_name":"PJSIP/operator-00000029","transferee_channel_uniqueid":"5.0"}'
)


def test_a_json_cut_by_the_width_of_its_column_keeps_its_whole_pairs() -> None:
    event = read(row(1, event="ATTENDEDTRANSFER", extra=EXTRA[:150]))

    assert event is not None
    assert (event.bridge, event.second, event.second_bridge, event.transferee) == ("b1", "5.2", "b2", "")


@pytest.mark.parametrize("text", ['a"b,c;d', "line\r\nbreak", "\0nul", "${SHELL(id)}", "\\back\\", "\ud800", "🙂'"])
def test_a_hostile_name_stays_in_its_column(text: str) -> None:
    event = read(row(1, cid_name=text, cid_num="79161234567"))

    assert event is not None
    assert event.number == "79161234567"
    assert event.name == text.replace("\0", "\ufffd").replace("\ud800", "?")


def test_two_rows_that_say_the_same_are_two() -> None:
    shape = shape_of(FREEPBX)
    one, two = (journal_row(shape, list(row(n, uniqueid="5.1").values()), MOSCOW, after=None) for n in (1, 2))

    assert one.data != two.data


# The hour that comes twice: in Warsaw 2026-10-25 02:00-03:00, first at UTC+2.
WARSAW = ZoneInfo("Europe/Warsaw")
TWICE = datetime.fromisoformat("2026-10-25 02:30")
FIRST, SECOND = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("born", "starts", "after", "expected"),
    [
        (FIRST, True, None, FIRST),
        (SECOND, True, None, SECOND),
        (SECOND, False, None, SECOND),  # no row is before its channel's beginning
        (FIRST, False, FIRST + timedelta(minutes=55), SECOND),  # the rows before it are of the second hour
        (FIRST, False, FIRST, FIRST),
        (None, False, None, FIRST),
        (None, False, FIRST + timedelta(minutes=40), SECOND),
        (None, True, FIRST + timedelta(seconds=5), FIRST),
    ],
)
def test_the_hour_that_comes_twice_is_settled_by_ids_and_order(
    born: datetime | None, starts: bool, after: datetime | None, expected: datetime
) -> None:
    assert local_moment(TWICE, WARSAW, born, starts=starts, after=after) == expected


def test_a_row_keeps_the_hour_that_was_found_when_it_was_read() -> None:
    shape = shape_of(FREEPBX)
    values = row(1, at="2026-10-25 02:30:00", uniqueid=f"{int(SECOND.timestamp())}.1").values()

    again = read_table_row(journal_row(shape, list(values), WARSAW, after=None).data)

    assert again is not None
    assert again.at == SECOND


# Places and addresses


def test_a_saved_place_reads_back() -> None:
    cursor = TableCursor(table="cel", last=7, anchors={6: "a", 7: "b"}, after=FIRST, older=(1, 5), older_after=SECOND)

    assert TableCursor.from_json(json.loads(json.dumps(cursor.to_json()))) == cursor


@pytest.mark.parametrize("saved", [{}, {"offset": 5}, {"table": "cel", "last": "x", "anchors": {}, "gaps": []}])
def test_another_journals_place_is_refused(saved: dict[str, object]) -> None:
    with pytest.raises(BadTableCursor):
        TableCursor.from_json(saved)


@pytest.mark.parametrize("address", ["nonsense", "http://x/y", "oracle://u:secret@h/x", "mysql://u:secret@h"])
def test_an_address_that_cannot_be_used_is_refused_without_its_secret(address: str) -> None:
    with pytest.raises(BadTableUrl) as fault:
        checked_url(address)

    assert "secret" not in str(fault.value)


def test_the_installed_driver_is_chosen() -> None:
    assert checked_url("mysql://u:p@h/d").drivername == "mysql+pymysql"
    assert checked_url("postgresql://u:p@h/d").drivername == "postgresql+asyncpg"
