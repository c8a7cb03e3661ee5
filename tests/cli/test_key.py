"""`trunkline key`: keys of programs, shown once."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from gateway.api.security import digest
from gateway.domain.access import IssuedKey, Right, Role
from gateway.store.access import AccessStore
from gateway.store.database import open_pool
from tests.cli.command_site import CommandSite, open_command_site


@pytest.fixture
def site(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandSite:
    return open_command_site(tmp_path, database, capsys, monkeypatch)


def issued(database: str, key: str) -> IssuedKey | None:
    """The key as the doorkeeper finds it."""

    async def ask() -> IssuedKey | None:
        async with open_pool(database, size=1) as pool:
            return await AccessStore(pool).key(key.split("_")[1])

    return asyncio.run(ask())


def test_a_key_is_shown_once_and_opens_with_its_role(site: CommandSite, database: str) -> None:
    done = site.run("key", "add", "CRM", "--role", "supervisor")
    key = done.out.splitlines()[0]
    found = issued(database, key)

    assert found is not None
    assert found.secret_digest == digest(key.split("_", 2)[2])
    assert (found.principal.role, found.principal.manager, found.principal.limited_to) == (Role.SUPERVISOR, None, None)
    assert key.split("_", 2)[2] not in site.run("key", "list").out + site.run("key", "list", "--json").out


def test_a_key_can_be_one_persons_and_narrowed(site: CommandSite, database: str) -> None:
    site.run("user", "add", "anna", "--no-password")

    key = site.run(
        "key", "add", "board", "--role", "manager", "--user", "anna", "--right", "calls.read_own"
    ).out.split()[0]

    found = issued(database, key)
    assert found is not None
    assert found.principal.limited_to == {Right.CALLS_READ_OWN}
    assert found.principal.manager is not None


def test_a_revoked_key_opens_nothing_and_stays_listed(site: CommandSite, database: str) -> None:
    key = site.run("key", "add", "CRM", "--role", "manager").out.split()[0]
    id = key.split("_")[1]

    done = site.run("key", "revoke", id)

    assert (done.code, issued(database, key)) == (0, None)
    (listed,) = json.loads(site.run("key", "list", "--json").out)
    assert (listed["id"], listed["revoked_at"] is None) == (id, False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("revoke", "0123456789ab"), "No key has the id"),
        (("add", "CRM", "--role", "manager", "--right", "users.manage"), "does not have the rights users.manage"),
        (("add", "CRM", "--role", "manager", "--user", "nobody"), "No active person has the login 'nobody'"),
        (("add", "two\nlines", "--role", "manager"), "name is not allowed"),
    ],
)
def test_a_wrong_argument_is_named(site: CommandSite, words: tuple[str, ...], told: str) -> None:
    done = site.run("key", *words)

    assert done.code == 1
    assert told in done.err


def test_issuing_and_revoking_are_in_the_audit(site: CommandSite, database: str) -> None:
    id = site.run("key", "add", "CRM", "--role", "manager").out.split("_")[1]
    site.run("key", "revoke", id)

    async def actions() -> list[str]:
        connection = await asyncpg.connect(database)
        try:
            return [r["action"] for r in await connection.fetch("select action from audit order by id")]
        finally:
            await connection.close()

    assert asyncio.run(actions()) == ["key.issued", "key.revoked"]
