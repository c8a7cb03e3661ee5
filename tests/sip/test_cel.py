"""CEL rows to leg events: columns, times, damaged rows, hostile callers."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.legs import LegEvent, LegEventKind
from sip.cel import COLUMNS, LONGEST_FIELD, BadRow, Clock, fields_of, header, leg_event, row_of, row_of_ami

WARSAW = Clock(timezone=ZoneInfo("Europe/Warsaw"))
ROW = {
    "eventtype": "CHAN_START",
    "eventtime": "1795301571.614880",
    "cid_name": "Client",
    "cid_num": "79161234567",
    "exten": "4950001",
    "context": "from-trunk",
    "channame": "PJSIP/trunk-00000058",
    "uniqueid": "pbx1-1795301571.254",
    "linkedid": "pbx1-1795301571.254",
}


def record(fields: list[str]) -> str:
    """Fields as Asterisk's CSV_QUOTE writes them."""
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields)


def event(**fields: str) -> LegEvent:
    found = leg_event(ROW | fields)
    assert found is not None
    return found


def test_a_row_of_the_supplied_journal_becomes_a_leg_event() -> None:
    start = event()

    assert (start.kind, start.leg, start.number) == (LegEventKind.STARTED, "pbx1-1795301571.254", "79161234567")
    assert start.at == datetime(2026, 11, 21, 22, 52, 51, 614880, tzinfo=UTC)
    assert (start.exten, start.context, start.channel) == ("4950001", "from-trunk", "PJSIP/trunk-00000058")
    assert (start.order, start.cause, start.bridge) == (0, None, "")


def test_the_last_column_tells_of_bridges_and_hang_ups() -> None:
    joined = event(eventtype="BRIDGE_ENTER", eventextra='{"bridge_id":"b","bridge_technology":"holding_bridge"}')
    ended = event(eventtype="HANGUP", eventextra='{"hangupcause":17,"hangupsource":"x","dialstatus":"BUSY"}')

    assert (joined.bridge, joined.holding) == ("b", True)
    assert (ended.cause, ended.source, ended.dial_status) == (17, "x", "BUSY")


@pytest.mark.parametrize("damaged", ["{", "[]", '{"hangupcause":', "null", "17", '{"hangupcause":"x"}'])
def test_a_damaged_last_column_is_as_good_as_none(damaged: str) -> None:
    assert event(eventtype="HANGUP", eventextra=damaged).cause is None


@pytest.mark.parametrize("name", ["USER_DEFINED", "DTMF", "STREAM_BEGIN", "BRIDGE_START"])
def test_rows_that_tell_nothing_of_a_leg_make_no_event(name: str) -> None:
    assert leg_event(ROW | {"eventtype": name}) is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"eventtype": "CHAN_STRAT"}, "CHAN_STRAT"),
        ({"eventtype": ""}, "unknown event"),
        ({"uniqueid": ""}, "uniqueid"),
        ({"uniqueid": "x" * 151}, "uniqueid"),
        ({"eventtime": "yesterday"}, "yesterday"),
        ({"eventtime": ""}, "eventtime"),
        ({"eventtime": "99999999999999999999"}, "eventtime"),
        ({"eventtime": "2026-02-30 12:00:00"}, "2026-02-30"),
        ({"cid_name": "x" * (LONGEST_FIELD + 1)}, "longer"),
        ({"eventtime": "1795301571", "id": "1e3"}, "1e3"),
    ],
)
def test_a_row_that_cannot_be_read_says_what_is_wrong(fields: dict[str, str], named: str) -> None:
    with pytest.raises(BadRow, match=named):
        leg_event(ROW | fields)


def test_whole_seconds_are_ordered_by_the_tables_id_or_the_number_of_the_row() -> None:
    whole = ROW | {"eventtime": "2026-11-21 22:52:51"}

    numbered, counted = leg_event(whole | {"id": "815"}, number=3), leg_event(whole, number=3)
    exact = leg_event(ROW | {"id": "815"}, number=3)

    assert [e and e.order for e in (numbered, counted, exact)] == [815, 3, 0]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1795301571.5", datetime(2026, 11, 21, 22, 52, 51, 500000, tzinfo=UTC)),
        ("1795301571", datetime(2026, 11, 21, 22, 52, 51, tzinfo=UTC)),
        ("2026-11-21 23:52:51.25", datetime(2026, 11, 21, 22, 52, 51, 250000, tzinfo=UTC)),
        ("2026-11-21T22:52:51+00:00", datetime(2026, 11, 21, 22, 52, 51, tzinfo=UTC)),
        ("2026-07-21 23:52:51", datetime(2026, 7, 21, 21, 52, 51, tzinfo=UTC)),
    ],
)
def test_times_are_epochs_or_local(text: str, moment: datetime) -> None:
    assert WARSAW.read(text)[0] == moment


def test_the_hour_that_comes_twice_is_told_by_the_row_before() -> None:
    before, _ = WARSAW.read("2026-10-25 02:59:50")

    again, _ = WARSAW.read("2026-10-25 02:00:10", after=before)

    assert again - before == timedelta(seconds=20)


def test_a_row_slightly_out_of_order_stays_in_its_hour() -> None:
    before, _ = WARSAW.read("2026-10-25 02:30:10")

    assert before - WARSAW.read("2026-10-25 02:30:09", after=before)[0] == timedelta(seconds=1)


def test_a_header_names_the_columns_in_any_order_and_under_other_names() -> None:
    freepbx = header(["id", "eventtype", "eventtime", "Uniqueid", "LinkedID", "ChannelName", "extra", "src"])

    assert freepbx == ("id", "eventtype", "eventtime", "uniqueid", "linkedid", "channame", "eventextra", "src")


def test_a_header_without_a_column_every_row_needs_says_which() -> None:
    with pytest.raises(BadRow, match="eventtime"):
        header(["id", "eventtype", "uniqueid"])


@pytest.mark.parametrize("name", ["uniqueid", "eventtype", "time"])
def test_a_caller_named_like_a_column_makes_his_row_no_header(name: str) -> None:
    assert header(list((ROW | {"cid_name": name, "cid_num": "uniqueid"}).values())) is None


hostile = st.text(alphabet='",\r\n\\{}:ab', max_size=12)


@given(st.lists(hostile, min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_every_column_is_read_as_it_was_written(fields: list[str]) -> None:
    assert list(row_of(record(fields)).values()) == fields


@given(st.text(alphabet='",x\n', max_size=80))
def test_a_row_is_read_as_a_csv_reader_reads_it_or_not_at_all(text: str) -> None:
    text = record([""] * 14)[:-1] + text
    try:
        mine = list(row_of(text).values())
    except BadRow:
        return
    assert [mine] == list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("damaged", ["", '"a', '"a"b"', "a,b", record(["a"] * 16), record(["a"] * 18)])
def test_a_record_without_the_columns_is_refused(damaged: str) -> None:
    with pytest.raises(BadRow):
        row_of(damaged)


def test_a_whole_forged_row_in_a_callers_name_stays_a_name() -> None:
    forged = 'x"\n' + record(["CHAN_END", "1.0", *[""] * 15])
    fields = [ROW.get(column, "") for column in COLUMNS]
    fields[COLUMNS.index("cid_name")] = forged

    start = leg_event(row_of(record(fields)))

    assert start is not None
    assert (start.kind, start.name) == (LegEventKind.STARTED, forged)


def test_two_records_are_not_one() -> None:
    with pytest.raises(BadRow, match="2 records"):
        fields_of('"a","b"\n"c","d"')


def test_an_ami_event_carries_the_same_row_at_the_moment_of_sending() -> None:
    ami = {
        "Event": "CEL",
        "EventName": "BRIDGE_ENTER",
        "EventTime": "1795301573",
        "Timestamp": "1795301573.122001",
        "UniqueID": "u",
        "LinkedID": "l",
        "Channel": "PJSIP/101-1",
        "CallerIDnum": "101",
        "Exten": "s",
        "Application": "AppDial",
        "Extra": json.dumps({"bridge_id": "b"}),
    }

    joined = leg_event(row_of_ami(ami))

    assert joined is not None
    assert (joined.kind, joined.leg, joined.family, joined.bridge) == (LegEventKind.JOINED, "u", "l", "b")
    assert (joined.at.microsecond, joined.order, joined.number, joined.app) == (122001, 0, "101", "AppDial")
