"""The journal under rotation, as logrotate and administrators do it: `sip.rotation` behind `sip.journal`."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from sip.journal import JournalCondition
from tests.sip.journal_reading import Reader, append, read, row, rows


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "trunkline.csv"


def rotate(journal: Path, suffix: str = ".1") -> Path:
    return journal.rename(journal.with_name(journal.name + suffix))


def pack(path: Path) -> Path:
    """As `compress` of logrotate: another file with the same time, the plain one removed."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    times = path.stat()
    os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
    path.unlink()
    return packed


async def test_a_renamed_file_is_read_to_its_end_then_the_new_one(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        append(journal, row(2))
        rotate(journal)
        append(journal, row(3))

        assert await reader.take(2) == rows(2, 3)
        assert reader.status.finished_files == 1


async def test_a_row_that_asterisk_was_just_writing_to_the_renamed_file_is_read(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal, grace=1.5) as reader:
        await reader.take(1)
        old = rotate(journal)
        append(journal, row(3))
        assert await reader.quiet(0.2) == []
        append(old, row(2))

        assert await reader.take(2) == rows(2, 3)


async def test_a_row_unfinished_in_the_renamed_file_is_broken_and_the_new_file_read(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        with rotate(journal).open("ab") as file:
            file.write(row(2)[:40])
        append(journal, row(3))

        assert await reader.take(1) == rows(3)
        assert reader.broken == [row(2)[:40]]


async def test_until_the_new_file_is_there_the_old_one_is_read_on(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        old = rotate(journal)
        await reader.until(lambda status: status.condition is JournalCondition.WAITING_FOR_FILE)
        append(old, row(2))
        assert await reader.take(1) == rows(2)
        append(journal, row(3))

        assert await reader.take(1) == rows(3)


async def test_a_renamed_file_that_was_packed_and_deleted_meanwhile_is_read_to_its_end(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        append(journal, row(2))
        pack(rotate(journal))
        append(journal, row(3))

        assert await reader.take(2) == rows(2, 3)
        assert await reader.quiet() == []


async def test_two_rotations_between_two_looks_lose_nothing(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        for number in (2, 3):
            append(journal, row(number))
            rotate(journal, f"-2026112{number}")
        append(journal, row(4))

        assert await reader.take(3) == rows(2, 3, 4)


@pytest.mark.parametrize("suffixes", [(".3", ".2", ".1"), ("-20261120", "-20261121", "-20261122")])
@pytest.mark.parametrize("packed", [0, 1, 3])
async def test_files_rotated_while_nobody_read_are_read_in_order_from_the_cursor_on(
    journal: Path, suffixes: tuple[str, ...], packed: int
) -> None:
    append(journal, row(0))
    old = [rotate(journal, "-20261119.old")]
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    for number, suffix in enumerate(suffixes, start=1):
        append(journal, row(2 * number), row(2 * number + 1))
        old.append(rotate(journal, suffix))
    for path in old[1 : packed + 1]:
        pack(path)
    append(journal, row(8))

    assert (await read(journal, 7, cursor))[0] == rows(2, 3, 4, 5, 6, 7, 8)


async def test_the_extension_form_of_logrotate_is_known(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, row(2))
    pack(journal.rename(journal.with_name("trunkline-20261122.csv")))
    append(journal, row(3))

    assert (await read(journal, 2, cursor))[0] == rows(2, 3)


async def test_a_run_that_ends_inside_a_packed_file_goes_on_there(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, *rows(*range(2, 20)))
    pack(rotate(journal))
    append(journal, row(20))
    first, cursor = await read(journal, 1, cursor)

    second, _ = await read(journal, 19 - len(first), cursor)

    assert first + second == rows(*range(2, 21))


async def test_other_files_beside_the_journal_are_not_taken_for_it(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, row(2))
    rotate(journal)
    journal.with_name("trunkline.csv.offset").write_text("1234\n")
    append(journal.with_name("Master.csv"), row(9))
    journal.with_name("trunkline.csv.d").mkdir()
    append(journal, row(3))

    async with Reader(journal, cursor) as reader:
        assert await reader.take(2) == rows(2, 3)
        assert reader.broken == []


async def test_copytruncate_is_reported_and_the_rest_of_the_copy_is_read_first(journal: Path) -> None:
    append(journal, row(1))
    async with Reader(journal) as reader:
        await reader.take(1)
        with journal.open("ab") as file:  # what the reader has not seen when the file is cut
            file.write(row(2) + b"\n")
            file.flush()
            shutil.copy(journal, journal.with_name("trunkline.csv.1"))
            file.truncate(0)
        append(journal, row(3))

        assert await reader.take(2) == rows(2, 3)
        assert (reader.status.rewritten, reader.status.lost_places) == (1, 0)


async def test_copytruncate_while_nobody_read_loses_nothing(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, row(2))
    shutil.copy(journal, journal.with_name("trunkline.csv.1"))
    os.truncate(journal, 0)
    append(journal, *rows(3, 4, 5))

    assert (await read(journal, 4, cursor))[0] == rows(2, 3, 4, 5)


@pytest.mark.parametrize("after", [[row(7)], rows(*range(7, 12))], ids=["shorter", "grown past the place"])
async def test_a_file_cut_without_a_copy_is_read_from_its_start_and_reported(journal: Path, after: list[bytes]) -> None:
    append(journal, *rows(1, 2))
    async with Reader(journal) as reader:
        await reader.take(2)
        journal.write_bytes(b"".join(data + b"\n" for data in after))

        assert await reader.take(len(after)) == after
        assert (reader.status.rewritten, reader.status.lost_places) == (1, 1)


async def test_a_file_cut_to_less_than_was_read_is_read_again_from_its_start(journal: Path) -> None:
    append(journal, *rows(*range(80)))  # its first bytes, by which a file is known, stay as they are
    async with Reader(journal) as reader:
        await reader.take(80)
        os.truncate(journal, 75 * (len(row(0)) + 1))
        append(journal, row(90))

        assert await reader.take(76) == rows(*range(75), 90)
        assert (reader.status.rewritten, reader.status.lost_places) == (1, 0)


async def test_a_tail_lost_in_a_power_cut_and_written_over_is_noticed_by_the_last_row(journal: Path) -> None:
    append(journal, *rows(*range(80)))  # longer than the first bytes by which a file is known
    _, cursor = await read(journal, 80)
    os.truncate(journal, 75 * (len(row(0)) + 1))
    append(journal, *rows(*range(90, 99)))

    async with Reader(journal, cursor) as reader:
        assert await reader.take(84) == rows(*range(75), *range(90, 99))
        assert reader.status.rewritten == 1


async def test_a_new_file_with_the_inode_of_the_old_one_is_not_taken_for_it(journal: Path) -> None:
    append(journal, *rows(1, 2))
    _, cursor = await read(journal, 2)
    rotate(journal)
    append(journal, *rows(3, 4, 5))
    assert cursor is not None
    figures = journal.stat()
    same_inode = {**cursor.to_json(), "device": figures.st_dev, "inode": figures.st_ino}

    assert (await read(journal, 3, type(cursor).from_json(same_inode)))[0] == rows(3, 4, 5)


async def test_a_copy_on_another_disk_is_known_by_what_it_holds(journal: Path, tmp_path: Path) -> None:
    append(journal, *rows(1, 2))
    _, cursor = await read(journal, 2)
    moved = tmp_path / "new" / "trunkline.csv"
    moved.parent.mkdir()
    shutil.copy(journal, moved)
    append(moved, row(3))

    assert (await read(moved, 1, cursor))[0] == rows(3)


async def test_when_the_cursors_file_is_gone_everything_younger_is_read_and_it_is_reported(
    journal: Path,
) -> None:
    append(journal, row(0))
    rotate(journal, ".9")
    append(journal, *rows(1))
    _, cursor = await read(journal, 1)
    journal.unlink()
    os.utime(journal.with_name("trunkline.csv.9"), ns=(0, 0))
    for number in (2, 3):
        append(journal, row(number))
        rotate(journal, f"-2026112{number}")
    append(journal, row(4))

    async with Reader(journal, cursor) as reader:
        assert await reader.take(3) == rows(2, 3, 4)
        assert reader.status.lost_places == 1


async def test_a_packed_file_damaged_in_the_middle_gives_its_rows_up_to_there(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, *[row(n, os.urandom(40).hex()) for n in range(2, 2000)])
    packed = pack(rotate(journal))
    os.truncate(packed, packed.stat().st_size // 2)
    append(journal, row(2000))

    async with Reader(journal, cursor) as reader:
        taken = await reader.take(1)
        while row(2000) not in taken:
            taken += await reader.take(1)
        assert len(taken) > 500
        assert reader.status.damaged_files == 1


async def test_lag_counts_the_journal_while_an_older_file_is_read(journal: Path) -> None:
    append(journal, row(1))
    _, cursor = await read(journal, 1)
    append(journal, *rows(*range(2, 10)))
    rotate(journal)
    append(journal, *rows(10, 11))

    async with Reader(journal, cursor) as reader:
        await reader.take(1)
        assert reader.status.lag_bytes == 2 * (len(row(1)) + 1)
        await reader.take(3)
        await reader.until(lambda status: status.lag_bytes == 0)
