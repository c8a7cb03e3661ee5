"""What is a row of the journal, and what is not: `sip.records`."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.records import LONGEST_ROW, Broken, Fault, Piece, Record, RecordSplitter

EVENTS = ("CHAN_START", "ANSWER", "BRIDGE_ENTER", "HANGUP", "LINKEDID_END")
COLUMN = st.text(st.sampled_from('ab",\n\r0"""é'), max_size=12) | st.sampled_from(['ANSWER","', '"ANSWER"', "ANSWER"])
ROW = st.tuples(st.sampled_from(EVENTS), *[COLUMN] * 16)


def row(event: str = "ANSWER", name: str = "Client", columns: int = 17) -> bytes:
    """A row as CSV_QUOTE writes it, without its newline."""
    values = [event, "1795301633.470881", name, *[""] * (columns - 3)]
    return ",".join('"' + value.replace('"', '""') + '"' for value in values).encode()


def split(data: bytes, *, chunk: int = 1 << 20, ended: bool = False, longest: int = LONGEST_ROW) -> list[Piece]:
    """Everything that comes out of the bytes, fed in chunks."""
    splitter = RecordSplitter(longest=longest)
    pieces = [p for at in range(0, len(data), chunk) for p in splitter.feed(data[at : at + chunk])]
    return pieces + splitter.finish() if ended else pieces


def rows(pieces: list[Piece]) -> list[bytes]:
    return [piece.data for piece in pieces if isinstance(piece, Record)]


def faults(pieces: list[Piece]) -> list[tuple[bytes, Fault]]:
    return [(piece.data, piece.reason) for piece in pieces if isinstance(piece, Broken)]


def test_a_row_ends_at_its_newline_and_tells_where_it_stood() -> None:
    first, second = row("CHAN_START"), row("ANSWER")

    assert split(first + b"\n" + second + b"\r\n") == [
        Record(offset_start=0, offset_end=len(first) + 1, data=first),
        Record(offset_start=len(first) + 1, offset_end=len(first) + len(second) + 3, data=second),
    ]


def test_a_last_line_without_newline_stays_pending() -> None:
    splitter = RecordSplitter(100)
    half = row()[:40]

    assert splitter.feed(row() + b"\n" + half) == [Record(offset_start=100, offset_end=101 + len(row()), data=row())]
    assert (splitter.offset, splitter.pending) == (101 + len(row()), 40)
    assert rows(splitter.feed(row()[40:] + b"\n")) == [row()]


def test_a_row_whole_but_for_its_newline_is_not_yet_a_row() -> None:
    assert split(row()) == []


def test_a_quoted_line_break_is_data() -> None:
    broken_name = row(name="Anna\r\nfrom\nsales")

    assert rows(split(broken_name + b"\n" + row() + b"\n")) == [broken_name, row()]


def test_a_callers_forged_row_behind_a_line_break_is_part_of_his_name() -> None:
    forged = row(name='x"\n' + row("HANGUP").decode() + "\n")

    assert split(forged + b"\n") == [Record(offset_start=0, offset_end=len(forged) + 1, data=forged)]


def test_a_forged_row_is_no_row_even_where_reading_begins_inside_a_callers_name() -> None:
    hostile = row(name='x\n"HANGUP","1795301633.470881"' + ',""' * 15 + "\n") + b"\n"

    for start in range(1, len(hostile)):
        assert rows(split(hostile[start:] + row() + b"\n")) == [row()], start


@pytest.mark.parametrize("name", ['ANSWER","1795.1","', "ANSWER", '"ANSWER"', '""ANSWER","",""', '\n"ANSWER","'])
def test_a_row_torn_anywhere_costs_only_itself(name: str) -> None:
    torn, whole = row("CHAN_START", "ANSWER"), row("HANGUP", name)

    for at in range(1, len(torn)):
        pieces = split(torn[:at] + whole + b"\n" + row() + b"\n")
        assert (rows(pieces), [data for data, _ in faults(pieces)]) == ([whole, row()], [torn[:at]]), at


@given(torn=ROW, rest=st.lists(ROW, min_size=1, max_size=3), data=st.data())
def test_no_tear_invents_or_swallows_a_row(
    torn: tuple[str, ...], rest: list[tuple[str, ...]], data: st.DataObject
) -> None:
    front = written([torn])[:-1]
    front = front[: data.draw(st.integers(0, len(front)))]
    expected = split(written(rest))

    assert rows(split(front + written(rest), ended=True)) == rows(expected)


@pytest.mark.parametrize("columns", [3, 16, 18])
def test_another_number_of_columns_is_broken_up_to_the_rows_true_end(columns: int) -> None:
    odd = row(name="two\nlines", columns=columns) + b"\n"

    pieces = split(odd + row() + b"\n")

    assert (faults(pieces), rows(pieces)) == ([(odd, Fault.COLUMNS)], [row()])


def test_a_row_that_is_not_quoted_is_broken() -> None:
    plain = b"ANSWER,1795301633.470881,Client" + b"," * 14 + b"\n"

    pieces = split(plain + row() + b"\n")

    assert (faults(pieces), rows(pieces)) == ([(plain, Fault.QUOTES)], [row()])


def test_zero_blocks_of_a_power_cut_cost_only_the_row_they_hit() -> None:
    torn = row()[:30] + bytes(512)

    pieces = split(bytes(64) + row() + b"\n" + torn + row("HANGUP") + b"\n")

    assert rows(pieces) == [row(), row("HANGUP")]
    assert b"".join(data for data, _ in faults(pieces)) == bytes(64) + torn


def test_a_row_with_zero_bytes_inside_is_broken() -> None:
    assert faults(split(row(name="An\0na") + b"\n")) == [(row(name="An\0na") + b"\n", Fault.NUL)]


def test_blank_lines_are_passed_over() -> None:
    assert split(b"\n\r\n" + row() + b"\n\n" + row() + b"\n", chunk=1, ended=True) == [
        Record(offset_start=3, offset_end=4 + len(row()), data=row()),
        Record(offset_start=5 + len(row()), offset_end=6 + 2 * len(row()), data=row()),
    ]


def test_a_quote_that_never_closes_holds_up_no_more_than_the_longest_row() -> None:
    endless = b'"ANSWER","' + b"x" * 5000

    pieces = split(endless + b"\n" + row() + b"\n", longest=2000)

    assert rows(pieces) == [row()]
    assert b"".join(data for data, _ in faults(pieces)) == endless + b"\n"
    assert all(len(data) <= 2000 for data, _ in faults(pieces))


def test_a_row_longer_than_the_longest_is_broken_and_the_next_one_read() -> None:
    pieces = split(row(name="x" * 3000) + b"\n" + row() + b"\n", longest=2000)

    assert rows(pieces) == [row()]


def test_the_end_of_a_finished_file_gives_up_its_unfinished_row() -> None:
    assert faults(split(row()[:40], ended=True)) == [(row()[:40], Fault.CUT_SHORT)]


def written(values: list[tuple[str, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(values)
    return out.getvalue().encode()


@given(values=st.lists(ROW, max_size=6))
def test_rows_come_back_as_the_csv_module_wrote_them(values: list[tuple[str, ...]]) -> None:
    pieces = split(written(values))

    assert [tuple(next(csv.reader(io.StringIO(data.decode(), newline="")))) for data in rows(pieces)] == values
    assert faults(pieces) == []


JOURNAL = st.lists(
    st.lists(ROW, min_size=1, max_size=2).map(written)
    | st.sampled_from([b"\n", b"\r\n", b"\r", b'"', b'""', b"\0", b"x", b'","', row()[:30], row(), row(columns=18)]),
    max_size=12,
).map(b"".join)


@given(data=JOURNAL, chunk=st.integers(1, 300), longest=st.sampled_from([64, 300, LONGEST_ROW]))
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes, chunk: int, longest: int) -> None:
    assert split(data, chunk=chunk, ended=True, longest=longest) == split(data, ended=True, longest=longest)


@given(data=JOURNAL, longest=st.sampled_from([64, LONGEST_ROW]))
def test_every_byte_is_a_rows_or_in_quarantine_or_a_blank_line(data: bytes, longest: int) -> None:
    pieces = split(data, ended=True, longest=longest)

    edges = [0, *[edge for piece in pieces for edge in (piece.offset_start, piece.offset_end)], len(data)]
    between = [data[a:b] for a, b in list(pairwise(edges))[::2]]
    assert edges == sorted(edges)
    assert b"".join(between).strip(b"\r\n") == b""
