"""Tables as files: nothing in them is ever a formula (requirements 125 to 128)."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from gateway.domain.import_files import Value
from spreadsheets.process import Tables
from spreadsheets.writing import Workbook, write_csv, write_xlsx

EVIL = ["=1+1", "+79161234567", "-2", "@SUM(A1)", "\tx", "\rx"]


def test_texts_that_look_like_formulas_are_marked_as_text_in_csv() -> None:
    written = write_csv([["head"], *[[text] for text in EVIL]]).decode("utf-8-sig")

    assert [line.strip('"') for line in written.split("\r\n")[1:-1]] == [f"'{text}" for text in EVIL]


def test_values_are_written_as_a_spreadsheet_reads_them() -> None:
    row: list[Value] = [1, -2.5, True, None, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, tzinfo=UTC), 'a"b,c']

    assert write_csv([row], begin=False).decode() == '1,-2.5,yes,,2026-01-02,2026-01-02 03:04:00+00:00,"a""b,c"\r\n'


def test_texts_stay_texts_in_a_workbook(tmp_path: Path) -> None:
    rows: list[list[Value]] = [["head", "number"], *[[text, 7] for text in EVIL], ["http://x.example", -1.5]]
    write_xlsx(rows, tmp_path / "a.xlsx")

    read = CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert [row[0] for row in read[1:5]] == EVIL[:4]
    assert read[-1] == ["http://x.example", -1.5]


async def test_a_workbook_is_written_by_a_process_of_its_own(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[Sequence[Value]]:
        yield ["day", "amount"]
        for n in range(2000):
            yield [date(2026, 1, 1), n]

    await Tables().xlsx(rows(), tmp_path / "a.xlsx")

    read = CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert (len(read), read[2000]) == (2001, [date(2026, 1, 1), 1999])


@pytest.mark.parametrize("text", ["", "plain", "7", "a=b"])
def test_other_texts_are_written_as_they_are(text: str) -> None:
    assert write_csv([[text, "x"]], begin=False).decode() == f"{text},x\r\n"


def test_what_a_sheet_cannot_hold_goes_on_in_the_next_with_the_header(tmp_path: Path) -> None:
    """Excel opens no sheet of more than 1,048,576 rows; a base of more cards is not cut off."""
    path = tmp_path / "x.xlsx"
    book = Workbook(path, rows_max=3)
    for row in (["Name"], *([f"n{place}"] for place in range(5))):
        book.write(row)
    book.close()

    found = CalamineWorkbook.from_path(path)

    assert [found.get_sheet_by_name(name).to_python() for name in found.sheet_names] == [
        [["Name"], ["n0"], ["n1"]],
        [["Name"], ["n2"], ["n3"]],
        [["Name"], ["n4"]],
    ]
