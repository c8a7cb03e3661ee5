"""The journal read in place: `sip.journal` on real files, written as Asterisk writes them."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from gateway.domain.errors import GatewayError
from sip.journal import BadCursor, Cursor, JournalCondition, tail
from tests.sip.journal_reading import Reader, append, read, row, rows

NOBODY = 65534


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "trunkline.csv"


async def test_the_first_start_reads_the_file_from_its_beginning(journal: Path) -> None:
    append(journal, *rows(1, 2))

    assert (await read(journal, 2))[0] == rows(1, 2)


async def test_a_row_comes_at_once_by_an_event_of_its_folder(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal, look=60) as reader:
        await reader.take(1)
        append(journal, row(2))

        assert await reader.take(1) == rows(2)
        assert reader.status.inotify


async def test_a_row_written_through_a_folder_without_events_is_found_by_looking(journal: Path) -> None:
    append(journal, row(1))
    elsewhere = journal.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "same.csv").hardlink_to(journal)
    async with Reader(journal) as reader:
        await reader.take(1)
        append(elsewhere / "same.csv", row(2))

        assert await reader.take(1) == rows(2)


async def test_a_journal_behind_a_symbolic_link_wakes_its_reader(journal: Path) -> None:
    real = journal.parent / "disk" / "trunkline.csv"
    real.parent.mkdir()
    journal.symlink_to(real)
    append(real, row(1))
    async with Reader(journal, look=60) as reader:
        await reader.take(1)
        append(real, row(2))

        assert await reader.take(1) == rows(2)


async def test_a_batch_holds_what_is_there_up_to_its_limit_with_the_cursor_behind_it(journal: Path) -> None:
    append(journal, *rows(*range(10)))
    async with aclosing(tail(journal, None, batch_rows=6)) as batches:
        first, second = await anext(batches), await anext(batches)

    assert [len(batch.records) for batch in (first, second)] == [6, 4]
    assert (await read(journal, 4, first.cursor_after))[0] == rows(6, 7, 8, 9)


async def test_an_unfinished_last_line_waits_for_its_newline_also_across_a_restart(journal: Path) -> None:
    append(journal, row(1))
    with journal.open("ab") as file:
        file.write(row(2)[:50])
    async with Reader(journal) as reader:
        assert await reader.quiet() == rows(1)
        assert reader.status.lag_bytes == 50

    with journal.open("ab") as file:
        file.write(row(2)[50:] + b"\n")

    assert (await read(journal, 1, reader.cursor))[0] == rows(2)


async def test_a_quoted_line_break_stays_in_its_row_though_it_is_written_in_two_parts(journal: Path) -> None:
    hostile = row(1, 'x\n"HANGUP","1795301633.9"' + ',""' * 15 + "\n")
    middle = hostile.index(b"\n") + 1
    async with Reader(journal) as reader:
        journal.write_bytes(hostile[:middle])
        assert await reader.quiet() == []
        with journal.open("ab") as file:
            file.write(hostile[middle:] + b"\n")

        assert await reader.take(1) == [hostile]


async def test_torn_bytes_go_to_quarantine_and_the_row_behind_them_is_read(journal: Path) -> None:
    journal.write_bytes(row(1)[:40] + row(2) + b"\n")
    async with Reader(journal) as reader:
        assert await reader.take(1) == rows(2)
        assert reader.broken == [row(1)[:40]]
        assert (reader.status.records, reader.status.broken) == (1, 1)


async def test_a_file_not_there_yet_is_waited_for(journal: Path) -> None:
    async with Reader(journal) as reader:
        assert await reader.quiet(0.2) == []
        assert reader.status.condition is JournalCondition.WAITING_FOR_FILE
        append(journal, row(1))

        assert await reader.take(1) == rows(1)
        assert reader.status.condition is JournalCondition.READING


async def test_a_folder_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    journal = tmp_path / "cel" / "trunkline.csv"
    async with Reader(journal) as reader:
        assert await reader.quiet(0.2) == []
        journal.parent.mkdir()
        append(journal, row(1))

        assert await reader.take(1) == rows(1)
        await reader.until(lambda status: status.inotify)


async def test_a_file_that_vanishes_and_comes_back_anew_is_read_from_its_start(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        journal.unlink()
        await reader.until(lambda status: status.condition is JournalCondition.WAITING_FOR_FILE)
        append(journal, row(2))

        assert await reader.take(1) == rows(2)


async def test_a_file_moved_away_and_back_is_read_on_where_it_stood(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        moved = journal.rename(journal.parent / "aside")
        await reader.until(lambda status: status.condition is JournalCondition.WAITING_FOR_FILE)
        moved.rename(journal)
        append(journal, row(2))

        assert await reader.take(1) == rows(2)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder into which another user can look."""
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def forbidden(path: Path) -> Iterator[None]:
    """Within, the file may not be read by us, even if we are root."""
    user = os.geteuid()
    path.chmod(0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        path.chmod(0o644)


async def test_a_file_that_may_not_be_read_is_named_and_waited_for(open_folder: Path) -> None:
    journal = open_folder / "trunkline.csv"
    append(journal, row(1))
    async with Reader(journal) as reader:
        with forbidden(journal):
            assert await reader.quiet(0.2) == []
            assert (reader.status.condition, reader.status.path) == (JournalCondition.NO_PERMISSION, journal)

        assert await reader.take(1) == rows(1)


async def test_a_rotated_file_that_may_not_be_read_is_waited_for_rather_than_passed_over(
    open_folder: Path,
) -> None:
    journal = open_folder / "trunkline.csv"
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, row(2))
    rotated = journal.rename(open_folder / "trunkline.csv.1")
    append(journal, row(3))
    async with Reader(journal, cursor) as reader:
        with forbidden(rotated):
            assert await reader.quiet(0.2) == []
            assert (reader.status.condition, reader.status.path) == (JournalCondition.NO_PERMISSION, rotated)

        assert await reader.take(2) == rows(2, 3)


async def test_what_is_not_a_regular_file_is_reported_and_not_opened_for_ever(journal: Path) -> None:
    os.mkfifo(journal)
    async with Reader(journal) as reader:
        assert await reader.quiet(0.2) == []
        assert reader.status.condition is JournalCondition.UNREADABLE
        journal.unlink()
        append(journal, row(1))

        assert await reader.take(1) == rows(1)


async def test_from_the_end_old_rows_are_left_out_and_the_place_is_told_at_once(journal: Path) -> None:
    append(journal, *rows(1, 2))
    with journal.open("ab") as file:
        file.write(row(3)[:50])
    async with Reader(journal, from_end=True) as reader:
        assert await reader.quiet(0.2) == []
        assert reader.cursor is not None

    with journal.open("ab") as file:
        file.write(row(3)[50:] + b"\n")

    assert (await read(journal, 1, reader.cursor))[0] == rows(3)


async def test_from_the_end_of_an_empty_file_its_first_row_is_read(journal: Path) -> None:
    journal.touch()
    async with Reader(journal, from_end=True) as reader:
        await reader.quiet(0.2)
        append(journal, row(1))
        assert await reader.take(1) == rows(1)


async def test_the_place_at_the_end_of_an_empty_file_survives_its_first_row(journal: Path) -> None:
    journal.touch()
    async with Reader(journal, from_end=True) as reader:
        await reader.quiet(0.2)
    append(journal, row(1))

    assert (await read(journal, 1, reader.cursor))[0] == rows(1)


async def test_from_the_end_of_a_file_that_is_not_there_yet_every_row_is_new(journal: Path) -> None:
    async with Reader(journal, from_end=True) as reader:
        await reader.quiet(0.2)
        append(journal, *rows(1))

        assert await reader.take(1) == rows(1)


async def test_the_cursor_goes_through_json(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)

    assert cursor is not None
    assert Cursor.from_json(cursor.to_json()) == cursor


@pytest.mark.parametrize("saved", [{}, {"device": "1"}, {"device": True}, {"device": -1}, {"device": 1}])
def test_a_damaged_cursor_is_rejected_with_the_fields_name(saved: dict[str, object]) -> None:
    with pytest.raises(BadCursor, match=r"'(device|inode)'") as rejected:
        Cursor.from_json(saved)

    assert isinstance(rejected.value, GatewayError)


async def test_the_end_of_the_reader_gives_back_what_it_opened(journal: Path) -> None:
    append(journal, row(1))
    before = len(list(Path("/proc/self/fd").iterdir()))

    await read(journal, 1)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_catching_up_leaves_the_loop_to_the_other_tasks(journal: Path) -> None:
    journal.write_bytes(b"".join(row(n) + b"\n" for n in range(30_000)))
    turns = 0

    async def other_task() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        other = group.create_task(other_task())
        seen = 0
        async with aclosing(tail(journal, None)) as batches:
            async for batch in batches:
                seen += len(batch.records)
                if seen == 30_000:
                    break
        other.cancel()

    assert turns > 5
