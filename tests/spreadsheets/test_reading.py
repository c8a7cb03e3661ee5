"""Files as they really come: encodings and mixtures of them, quotes nobody closes, bombs, a million columns (C30)."""

import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from gateway.domain.import_files import Found, Writing
from gateway.domain.import_rows import ReadRow, Recipe
from spreadsheets.errors import UnreadableFileError
from spreadsheets.looking import look, rows_of
from spreadsheets.process import Tables

RUSSIAN = "ФИО;Телефон\r\nИванов Иван;89161234567\r\nПетрова Ольга;89161234568\r\n"
POLISH = "Imię;Telefon\r\nŁukasz Żółć;501234567\r\nMałgorzata Wąsowska;501234568\r\n"


def looked(folder: Path, data: bytes, name: str = "file.csv", **said: object) -> tuple[Found, list[list[str]]]:
    """What a file turned out to be, and its rows."""
    path = folder / name
    path.write_bytes(data)
    found = look(path, Writing(**said), [])  # type: ignore[arg-type]
    return found, [row.cells for row in rows_of(path, found.writing)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "utf-8-sig"),
        (RUSSIAN, "utf-16"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN.upper(), "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (POLISH, "utf-8"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, text: str, encoding: str) -> None:
    found, rows = looked(tmp_path, text.encode(encoding))

    assert rows == [line.split(";") for line in text.splitlines()]
    assert (found.rows, found.writing.header, [p.target for p in found.proposals][1]) == (2, 1, "number")


def test_lines_of_another_encoding_are_read_by_theirs(tmp_path: Path) -> None:
    lines = [f"Клиент {n};+7916000{n:04d}" for n in range(3000)]
    data = "\n".join(["Имя;Телефон", *lines]).encode() + "\nЧужая строка;+79170000000\n".encode("cp1251")

    found, rows = looked(tmp_path, data)

    assert (found.writing.encoding, found.mixed) == ("utf-8", True)
    assert rows[-1] == ["Чужая строка", "+79170000000"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_quotes_hold_what_stands_in_them(tmp_path: Path, sign: str) -> None:
    text = f'name{sign}phone{sign}note\n"A{sign}B"{sign}89161234567{sign}"two\nlines ""quoted"""\nC{sign}1{sign}\n'

    found, rows = looked(tmp_path, text.encode())

    assert found.writing.delimiter == sign
    assert rows[1] == [f"A{sign}B", "89161234567", 'two\nlines "quoted"']
    assert len(rows) == 3


def test_a_quotation_mark_that_nobody_closes_breaks_one_row_only(tmp_path: Path) -> None:
    lines = ["name;phone", '"lost;1'] + [f'Firm "{n}";{n}' for n in range(2000)]
    path = tmp_path / "file.csv"
    path.write_bytes("\n".join(lines).encode())

    found = look(path, Writing(), [])
    rows = list(rows_of(path, found.writing))

    assert [row.line for row in rows if row.broken] == [2]
    assert len(rows) == 2002
    assert rows[-1].cells == ['Firm "1999"', "1999"]


def test_titles_above_the_header_and_excels_line_are_passed_over(tmp_path: Path) -> None:
    found, rows = looked(tmp_path, b"sep=;\nClients of 2026;;\n;;\nName;Phone;City\nA;89161234567;Omsk\n")

    assert (found.writing.header, found.rows) == (4, 1)
    assert [c.header for c in found.columns] == ["Name", "Phone", "City"]
    assert rows[-1] == ["A", "89161234567", "Omsk"]


def test_a_file_without_a_header_loses_no_row(tmp_path: Path) -> None:
    found, _ = looked(tmp_path, "Иванов Иван;89161234567\nПетров Пётр;89161234568\n".encode())

    assert (found.writing.header, found.rows) == (0, 2)
    assert [p.target for p in found.proposals] == ["name", "number"]


def test_what_a_person_says_goes_before_what_was_found(tmp_path: Path) -> None:
    found, rows = looked(tmp_path, RUSSIAN.encode("koi8_r"), encoding="koi8_r", header=0)

    assert (found.rows, rows[1][0]) == (3, "Иванов Иван")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n\n \n", "empty"),
        (b"name;phone\n", "empty"),
        (b"PK\x03\x04 not an archive", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unreadable"),
        (bytes(range(256)) * 50, "unreadable"),
        (";".join(f"c{n}" for n in range(2000)).encode() + b"\n1;2\n", "too_many_columns"),
        (";".join(f"c{n}" for n in range(1_000_000)).encode() + b"\n1;2\n", "too_long"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        looked(tmp_path, data)

    assert refused.value.code == code


def bomb(path: Path) -> None:
    """An archive that says it is a workbook and unpacks to a thousand times its size."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(64):
            part.write(bytes(1 << 20))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.xlsx")

    with pytest.raises(UnreadableFileError) as refused:
        look(tmp_path / "bomb.xlsx", Writing(), [])
    assert refused.value.code == "too_large"


async def test_a_sheet_with_one_cell_in_its_last_corner_hurts_nobody(tmp_path: Path) -> None:
    """The reader's process may die of it; the gateway gets an answer."""
    book = xlsxwriter.Workbook(str(tmp_path / "wide.xlsx"))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "name")
    sheet.write(1_048_575, 16_383, "far")
    book.close()

    with pytest.raises(UnreadableFileError) as refused:
        await Tables().look(tmp_path / "wide.xlsx", Writing(), [])
    assert refused.value.code in ("too_large", "too_many_columns")


async def test_reading_goes_on_behind_a_saved_place(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("name,phone\n" + "".join(f"A,+7916{n:07d}\n" for n in range(2500)))
    recipe = Recipe(targets=("name", "number"), headers=("name", "phone"), region="RU")
    tables = Tables()
    found = await tables.look(path, Writing(), [])

    rows: list[ReadRow] = []
    async with tables.reading(path, found.writing, recipe, skip=1500) as batches:
        async for batch in batches:
            rows += batch.rows
            place = batch.place

    assert (len(rows), rows[0]["line"], place) == (1000, 1502, 2500)
