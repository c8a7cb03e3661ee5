"""Saving and reading back: a real database with calls, over the command line as an administrator types it.

Complaint C3 of sites (what was lost stays lost) and features "Backup that includes them", "Settings survive upgrade".
"""

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import pytest
import pytest_asyncio
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway import backups
from gateway.domain.recordings import RecordingKey, RecordingPart
from gateway.store import migrate
from gateway.store.backup import ProgramFailed, load, sums_of
from gateway.store.embedded_server import Server
from recordings.storage import LocalStorage
from tests.database import open_folder
from tests.faults.plant import (
    HOME,
    all_right,
    configured,
    enter_people,
    looking_at,
    served,
    some_calls,
)

SECONDS = 6
BEHIND = """select count(*) from follower f where exists (select from fact where (tx, id) >
 (split_part(f.position, '-', 1)::xid8, split_part(f.position, '-', 2)::bigint))"""


def trunkline(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "gateway", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


async def run(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command line, which must end with this code and without a traceback."""
    done = await asyncio.to_thread(trunkline, *words)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


@pytest_asyncio.fixture
async def empty(postgres: Server) -> AsyncIterator[str]:
    """The address of a database in which there is nothing."""
    name = f"empty_{uuid4().hex[:12]}"
    session = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await session.execute(f"create database {name} owner trunkline")
    yield postgres.dsn_for(name)
    await session.execute(f"drop database {name} with (force)")
    await session.close()


def site(folder: Path, database: str) -> Path:
    """The settings of a site on this database, in a folder of its own."""
    folder.mkdir()
    return configured(folder, database=database)


def write(journal: Path, calls: Sequence[Sequence[bytes]]) -> None:
    """Calls as Asterisk writes them."""
    with journal.open("ab") as file:
        for call in calls:
            file.writelines(row + b"\n" for row in call)


async def add_recording(dsn: str, folder: Path, sound: bytes = b"sound") -> RecordingKey:
    """A recording in archive and database."""
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 11, 20))
    with LocalStorage(folder / HOME / "recordings") as storage, storage.stage(key) as staging:
        for part in RecordingPart:
            staging.create(part).write(sound + part.encode() + key.recording_id.bytes)
        staging.publish()
    digest = backups.digest_of(folder / HOME / "recordings" / f"{key.location}.flac")
    session = await asyncpg.connect(dsn)
    await session.execute(
        "insert into recording (id, pbx, name, state, archive, sha256, bytes, day)"
        " values ($1, 'pbx1', $2, 'stored', $3, $4, $5, current_date)",
        key.recording_id,
        str(key.recording_id),
        key.location,
        bytes.fromhex(digest.sha256),
        digest.bytes,
    )
    await session.close()
    return key


def only_backup(folder: Path) -> Path:
    """The one backup in a folder."""
    (found,) = backups.whole_backups(folder)
    return found


async def test_a_site_that_was_destroyed_comes_back_and_goes_on_where_its_journal_stands(
    database: str, empty: str, tmp_path: Path
) -> None:
    """Saved beside a running gateway; what came after the backup is read from the journal once more."""
    await enter_people(database)
    old = site(tmp_path / "old", database)
    calls = some_calls(SECONDS)
    half = len(calls) // 2
    write(tmp_path / "old" / "journal.csv", calls[:half])
    with served(old) as gateway:
        async with looking_at(database) as pool:
            await all_right(pool, calls[:half], seconds=60)
        key = await add_recording(database, tmp_path / "old")
        done = await run("backup", "--config", old, "--recordings", tmp_path / "saved")
        write(tmp_path / "old" / "journal.csv", calls[half:])
        async with looking_at(database) as pool:
            await all_right(pool, calls, seconds=60)
        assert await gateway.stop(20) == 0
    saved = only_backup(tmp_path / "saved")
    assert str(saved) in done.stdout
    before = backups.read_manifest(saved).tables
    shutil.copy(tmp_path / "old" / "journal.csv", tmp_path / "journal.kept")
    shutil.rmtree(tmp_path / "old")

    new = site(tmp_path / "old", empty)  # the same host: the archive and the journal stand where they stood
    done = await run("restore", "--config", new, saved)
    assert "All 1 recordings are in" in done.stdout
    assert await sums_of(empty, lambda _: None) == dict(before)
    assert (tmp_path / "old" / HOME / "recordings" / f"{key.location}.flac").exists()
    shutil.copy2(tmp_path / "journal.kept", tmp_path / "old" / "journal.csv")
    with served(new) as gateway:
        async with looking_at(empty) as pool:
            await all_right(pool, calls, seconds=60)
            async with asyncio.timeout(60):
                while await pool.fetchval(BEHIND):
                    await asyncio.sleep(0.1)
            assert await pool.fetchval("select count(*) from follower_refused") == 0
        assert await gateway.stop(20) == 0


async def test_a_backup_holds_nothing_that_others_may_read(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    await add_recording(database, tmp_path / "site")
    await run("backup", "--config", config, "--recordings", tmp_path / "saved")

    for folder, _, names in os.walk(tmp_path / "saved"):
        assert Path(folder).stat().st_mode & 0o077 == 0
        for name in names:
            assert (Path(folder) / name).stat().st_mode & 0o077 == 0, name
    assert (only_backup(tmp_path / "saved") / backups.SETTINGS).read_bytes() == config.read_bytes()


async def test_the_second_backup_links_what_the_first_one_has(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    key = await add_recording(database, tmp_path / "site")
    await run("backup", "--config", config, "--recordings", tmp_path / "saved")
    late = await add_recording(database, tmp_path / "site")
    await asyncio.sleep(1.1)  # each bears its second
    await run("backup", "--config", config, "--recordings", tmp_path / "saved")

    first, second = backups.whole_backups(tmp_path / "saved")
    place = Path(backups.SOUND) / f"{key.location}.flac"
    assert (first / place).stat().st_ino == (second / place).stat().st_ino
    assert (second / backups.SOUND / f"{late.location}.flac").exists()
    shutil.rmtree(first)
    await run("backup", "--check", second)  # each is whole without the others


async def test_only_as_many_as_wanted_are_kept(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    for day in (1, 2, 3):
        (tmp_path / "saved" / f"trunkline-2026010{day}T000000Z").mkdir(parents=True)
        (tmp_path / "saved" / f"trunkline-2026010{day}T000000Z" / backups.MANIFEST).touch()
    await run("backup", "--config", config, "--keep", "2", tmp_path / "saved")

    kept = backups.whole_backups(tmp_path / "saved")
    assert [path.name for path in kept[:-1]] == ["trunkline-20260103T000000Z"]
    await run("backup", "--check", kept[-1])


async def test_a_damaged_backup_is_told_and_never_restored(database: str, empty: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    key = await add_recording(database, tmp_path / "site")
    await run("backup", "--config", config, "--recordings", "--quiet", tmp_path / "saved")
    whole = only_backup(tmp_path / "saved")
    sound = f"{backups.SOUND}/{key.location}.mp3"
    for victim in (backups.DUMP, backups.LIST, backups.MANIFEST, backups.SETTINGS, sound):
        for how in ("bit", "cut", "gone"):
            shutil.rmtree(tmp_path / "copy", ignore_errors=True)
            damage(Path(shutil.copytree(whole, tmp_path / "copy")) / victim, how)
            with pytest.raises(backups.BackupBroken, match=str(tmp_path / "copy")):
                backups.check(tmp_path / "copy", lambda _: None)

    done = await run("restore", "--quiet", "--config", site(tmp_path / "other", empty), tmp_path / "copy", code=1)
    assert done.stderr.startswith("trunkline: ")
    session = await asyncpg.connect(empty)
    assert await session.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    await session.close()


def damage(path: Path, how: str) -> None:
    """What a bad disk or a careless hand does to a file."""
    data = bytearray(path.read_bytes())
    path.unlink()
    if how == "cut":
        path.write_bytes(data[:-3])
    elif how == "bit":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


async def test_a_backup_that_is_killed_is_never_taken_for_a_whole_one(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    for _ in range(20):
        await add_recording(database, tmp_path / "site", b"x" * 3_000_000)
    command = [sys.executable, "-m", "gateway", "backup", "--config", config, "--recordings", tmp_path / "saved"]
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=null, stderr=null)
    try:
        async with asyncio.timeout(60):
            while not list((tmp_path / "saved").glob(".*.part/recordings/*/*/*/*")):
                assert process.returncode is None
                await asyncio.sleep(0.005)
    finally:
        process.kill()
        await process.wait()

    assert backups.whole_backups(tmp_path / "saved") == []
    (left,) = (tmp_path / "saved").glob(".*.part")
    assert "cut off" in (await run("backup", "--check", left, code=1)).stderr
    await run("backup", "--config", config, tmp_path / "saved")
    assert len(backups.whole_backups(tmp_path / "saved")) == 1
    assert list((tmp_path / "saved").glob(".*.part")) == []


async def test_a_database_that_holds_anything_is_not_written_into(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    await run("backup", "--config", config, tmp_path / "saved")
    before = await sums_of(database, lambda _: None)

    done = await run("restore", "--config", config, only_backup(tmp_path / "saved"), code=1)

    assert "not empty" in done.stderr
    assert "make another database" in done.stderr
    assert await sums_of(database, lambda _: None) == before


async def test_a_backup_of_a_newer_schema_is_refused_in_words(database: str, empty: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    session = await asyncpg.connect(database)
    await session.execute("update alembic_version set version_num = '9999'")
    await session.close()
    await run("backup", "--config", config, tmp_path / "saved")

    done = await run("restore", "--config", site(tmp_path / "other", empty), only_backup(tmp_path / "saved"), code=1)

    assert "9999" in done.stderr
    assert "install that version" in done.stderr


async def test_a_backup_of_an_older_schema_is_brought_to_this_version(
    postgres: Server, empty: str, tmp_path: Path
) -> None:
    """Saved by this program from what an older one left, which it does not migrate."""
    old = await _at_migration(postgres, "0017")
    config = site(tmp_path / "site", old)
    await run("backup", "--config", config, tmp_path / "saved")
    assert backups.read_manifest(only_backup(tmp_path / "saved")).revision == "0017"
    session = await asyncpg.connect(old)
    assert await session.fetchval("select version_num from alembic_version") == "0017"
    await session.close()

    await run("restore", "--config", site(tmp_path / "other", empty), only_backup(tmp_path / "saved"))

    session = await asyncpg.connect(empty)
    assert await session.fetchval("select count(*) from manager_state_rule") == 1
    assert await session.fetchval("select name from users") == "Old"
    await session.close()


async def _at_migration(postgres: Server, revision: str) -> str:
    """A database as an older version left it."""
    name = f"older_{uuid4().hex[:12]}"
    session = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await session.execute(f"create database {name} owner trunkline")
    await session.close()
    dsn = postgres.dsn_for(name)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: migrate.open_session(dsn))

    def upgraded(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
        command.upgrade(config, revision)

    async with engine.connect() as connection:
        await connection.run_sync(upgraded)
        await connection.commit()
    await engine.dispose()
    session = await asyncpg.connect(dsn)
    await session.execute("insert into users (login, name, role) values ('old', 'Old', 'admin')")
    await session.close()
    return dsn


async def test_recordings_that_are_missing_are_told_one_by_one(database: str, empty: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    key = await add_recording(database, tmp_path / "site")
    await run("backup", "--config", config, tmp_path / "saved")

    done = await run("restore", "--config", site(tmp_path / "other", empty), only_backup(tmp_path / "saved"), code=3)

    assert "1 of 1 recordings are not in" in done.stdout
    assert key.location in done.stdout


async def test_a_backup_says_that_the_archive_lacks_a_recording(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    key = await add_recording(database, tmp_path / "site")
    (tmp_path / "site" / HOME / "recordings" / f"{key.location}.flac").unlink()

    done = await run("backup", "--config", config, "--recordings", tmp_path / "saved", code=3)

    assert "1 recordings are not in the archive" in done.stderr
    await run("backup", "--check", only_backup(tmp_path / "saved"))


async def test_two_backups_into_one_folder_at_once_are_one(database: str, tmp_path: Path) -> None:
    config = site(tmp_path / "site", database)
    with backups.writing(tmp_path / "saved", datetime(2026, 1, 1, tzinfo=UTC)):
        done = await run("backup", "--config", config, tmp_path / "saved", code=1)

    assert "wait for its end" in done.stderr


async def test_no_password_is_on_a_command_line_or_in_the_backup_beside_the_settings(
    database: str, tmp_path: Path
) -> None:
    config = site(tmp_path / "site", database)
    await run("backup", "--config", config, tmp_path / "saved")
    secret = database.partition("://")[2].partition("@")[0].partition(":")[2]

    manifest = (only_backup(tmp_path / "saved") / backups.MANIFEST).read_text()
    assert secret
    assert secret not in manifest
    assert json.loads(manifest)["manifest"]["settings_from"] == str(config)


async def test_our_own_server_is_saved_and_restored_too(tmp_path: Path) -> None:
    """A site without a database.url: the programs of the package, a fresh folder."""
    with open_folder() as folder:
        config = configured(folder)
        await run("user", "--config", config, "add", "anna", "--name", "Anna", "--role", "admin", "--no-password")
        await run("backup", "--config", config, tmp_path / "saved")
        refused = await run("restore", "--config", config, only_backup(tmp_path / "saved"), code=1)
        assert "pg18 aside" in refused.stderr
        (folder / HOME / "pg18").rename(folder / HOME / "pg18.old")
        (folder / HOME / "pg18.pgpass").unlink()
        await run("restore", "--config", config, only_backup(tmp_path / "saved"))
        done = await run("user", "--config", config, "list")

    assert "Anna" in done.stdout


async def test_an_older_server_is_given_the_same_as_a_script(database: str, empty: str, tmp_path: Path) -> None:
    """Before version 17 a server refuses a setting with which `pg_restore` begins."""
    await enter_people(database)
    await run("backup", "--config", site(tmp_path / "site", database), tmp_path / "saved")
    saved = only_backup(tmp_path / "saved")

    await load(empty, saved / backups.DUMP, lambda _: None, as_script=True)

    assert await sums_of(empty, lambda _: None) == dict(backups.read_manifest(saved).tables)
    with pytest.raises(ProgramFailed, match="already exists"):
        await load(empty, saved / backups.DUMP, lambda _: None, as_script=True)


async def test_a_long_script_that_fails_at_its_begin_ends_and_leaves_nothing_open(
    database: str, empty: str, tmp_path: Path
) -> None:
    """More is left of it than fits into pipes; whoever writes it must not wait for ever to be rid of it."""
    async with looking_at(database) as pool:
        await pool.execute("insert into contact (name) select md5(n::text) from generate_series(1, 40000) n")
    await run("backup", "--config", site(tmp_path / "site", database), tmp_path / "saved")
    saved = only_backup(tmp_path / "saved")
    await load(empty, saved / backups.DUMP, lambda _: None)

    with pytest.raises(ProgramFailed, match="already exists"):
        async with asyncio.timeout(60):
            await load(empty, saved / backups.DUMP, lambda _: None, as_script=True)

    assert not [child for child in psutil.Process().children() if child.name() in ("psql", "pg_restore")]
    gc.collect()  # a pipe that nobody closed would complain
