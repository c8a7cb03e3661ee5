"""`trunkline user`: people and their extensions from the terminal, also beside a running gateway."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from gateway.api.security import Passwords
from tests.cli.command_site import CommandSite, open_command_site

GOOD = "three blue lanterns"


@pytest.fixture
def site(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandSite:
    return open_command_site(tmp_path, database, capsys, monkeypatch)


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(database)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_person_is_entered_with_an_extension_and_a_password(site: CommandSite, database: str) -> None:
    done = site.run(
        "user", "add", "Anna", "--name", "Anna Petrova", "--pbx", "office", "--extension", "101", typed=f"{GOOD}\n"
    )

    assert (done.code, done.err) == (0, "")
    assert GOOD not in done.out
    ((login, name, role, stored),) = rows(database, "select login, name, role, password_hash from users")
    assert (login, name, role) == ("anna", "Anna Petrova", "manager")
    assert asyncio.run(Passwords().verify(str(stored), GOOD))
    assert rows(database, "select pbx, extension from extension") == [("office", "101")]
    assert rows(database, "select pattern, kind, extension from endpoint") == [("101", "manager", "101")]


def test_everybody_is_listed(site: CommandSite) -> None:
    site.run("user", "add", "anna", "--extension", "101", "--pbx", "office", "--endpoint", "101", "--no-password")
    site.run("user", "add", "boris", "--role", "admin", typed=f"{GOOD}\n")

    table, listed = site.run("user", "list").out, json.loads(site.run("user", "list", "--json").out)

    assert table.splitlines()[0].split() == ["LOGIN", "NAME", "ROLE", "EXTENSIONS", "STATE"]
    assert "101 at office (101)" in table
    assert [(p["login"], p["role"], p["has_password"]) for p in listed] == [
        ("anna", "manager", False),
        ("boris", "admin", True),
    ]


@pytest.mark.parametrize(
    ("password", "told"),
    [("short", "10 to 128"), ("anna and her dog", "name of the account"), ("", "10 to 128"), ("password12", "first")],
)
def test_a_weak_password_enters_nobody(site: CommandSite, database: str, password: str, told: str) -> None:
    done = site.run("user", "add", "anna", typed=f"{password}\n")

    assert done.code == 1
    assert told in done.err
    assert rows(database, "select count(*) from users") == [(0,)]


def test_a_login_is_given_once(site: CommandSite) -> None:
    site.run("user", "add", "anna", "--no-password")

    done = site.run("user", "add", "ANNA", "--no-password")

    assert (done.code, "taken" in done.err) == (1, True)


def test_a_new_password_ends_the_sessions(site: CommandSite, database: str) -> None:
    site.run("user", "add", "anna", typed=f"{GOOD}\n")
    rows(database, "insert into session (token_hash, user_id, expires_at) select 'x', id, 'infinity' from users")

    done = site.run("user", "password", "anna", typed="four green lanterns\n")

    ((stored,),) = rows(database, "select password_hash from users")
    assert done.code == 0
    assert asyncio.run(Passwords().verify(str(stored), "four green lanterns"))
    assert rows(database, "select count(*) from session") == [(0,)]


def test_an_extension_goes_to_another_person_and_can_be_taken(site: CommandSite, database: str) -> None:
    site.run("user", "add", "anna", "--pbx", "office", "--extension", "101", "--no-password")
    site.run("user", "add", "boris", "--no-password")

    given = site.run("user", "extension", "boris", "101", "--pbx", "office", "--endpoint", "PJSIP/101-WS")
    now = "select login from extension e join users u on u.id = user_id where until = 'infinity'"
    holder = rows(database, now)
    taken = site.run("user", "extension", "boris", "101", "--pbx", "office", "--take")
    again = site.run("user", "extension", "boris", "101", "--pbx", "office", "--take")

    assert (given.code, holder) == (0, [("boris",)])
    assert (taken.code, again.code, rows(database, now)) == (0, 1, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("extension", "anna", "101"), "--pbx; known: office, plant"),
        (("extension", "anna", "101", "--pbx", "home"), "'home' is no PBX"),
        (("extension", "anna", "1 0", "--pbx", "office"), "The extension '1 0' is not allowed"),
        (("extension", "anna", "101", "--pbx", "office", "--endpoint", "a b"), "The endpoint 'a b' is not allowed"),
        (("extension", "nobody", "101", "--pbx", "office"), "Nobody has the login 'nobody'"),
        (("deactivate", "nobody"), "Nobody has the login"),
        (("add", "anna", "--timezone", "Moon/Base", "--no-password"), "'Moon/Base' is no zone"),
        (("add", "an na", "--no-password"), "The login 'an na' is not allowed"),
    ],
)
def test_a_wrong_argument_is_named(site: CommandSite, words: tuple[str, ...], told: str) -> None:
    site.run("user", "add", "anna", "--no-password")

    done = site.run("user", *words)

    assert done.code == 1
    assert told in done.err


def test_the_last_administrator_stays(site: CommandSite, database: str) -> None:
    site.run("user", "add", "anna", "--role", "admin", "--no-password")
    refused = site.run("user", "deactivate", "anna")
    site.run("user", "add", "boris", "--role", "admin", "--no-password")
    done = site.run("user", "deactivate", "anna")

    assert (refused.code, done.code) == (1, 0)
    assert "last active administrator" in refused.err
    assert rows(database, "select login, active from users order by 1") == [("anna", False), ("boris", True)]


def test_what_was_done_is_in_the_audit_without_secrets(site: CommandSite, database: str) -> None:
    site.run("user", "add", "anna", "--pbx", "office", "--extension", "101", typed=f"{GOOD}\n")

    written = rows(database, "select actor, action, detail::text from audit order by id")

    assert [action for _, action, _ in written] == ["user.entered", "extension.given"]
    assert all(str(actor).startswith("cli:") for actor, _, _ in written)
    assert GOOD not in str(written)


async def test_a_running_gateway_is_told_of_changed_tables(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(tmp_path, database, capsys, monkeypatch)
    told = asyncio.Event()
    gateway = await asyncpg.connect(database)
    await gateway.add_listener("trunkline_tables", lambda *_: told.set())

    await asyncio.to_thread(site.run, "user", "add", "anna", "--no-password")

    async with asyncio.timeout(60):
        await told.wait()
    await gateway.close()
