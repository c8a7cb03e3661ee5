"""A gateway that is killed in the middle of a command sends nothing again, whoever repeats what he asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession

from gateway.api.security import new_api_key
from gateway.domain.access import Role
from gateway.store.access import issue_key
from gateway.store.database import Pool, open_pool
from gateway.store.staff import add_user, give_extension
from sip.cel import read_row
from tests.faults.plant import configured, served, until
from tests.gateway.site import rows_of
from tests.sip.ami_server import AmiServer, running

pytestmark = pytest.mark.asyncio
NUMBER = "+79161234567"
ORIGINATED = "PJSIP/101-1"


async def enter_anna(pool: Pool) -> str:
    """A manager at 101; gives her key."""
    key_id, key, digest = new_api_key()
    async with pool.acquire() as connection, connection.transaction():
        anna = await add_user(connection, login="anna", name="Anna", role="manager")
        await give_extension(connection, pbx="pbx1", extension="101", user_id=anna, patterns=["101"])
    await issue_key(pool, key_id=key_id, secret_digest=digest, name="anna", role=Role.MANAGER, user_id=anna)
    return key


@asynccontextmanager
async def asking(config: Path, key: str) -> AsyncIterator[ClientSession]:
    base = f"http://127.0.0.1:{config.stem}/api/v1/"
    async with ClientSession(base, headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "k"}) as client:
        yield client


async def ordered(client: ClientSession, path: str, **body: object) -> tuple[int, dict[str, Any]]:
    """Order, as soon as the gateway answers and its PBX is there."""
    async with asyncio.timeout(60):
        while True:
            try:
                response = await client.post(path, **({"json": body} if body else {}))
                if response.status != 503:
                    return response.status, await response.json()
            except ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("deaf", [True, False], ids=["before the PBX has answered", "after it has"])
async def test_a_gateway_killed_in_the_middle_of_a_click_dials_nothing_again(
    database: str, tmp_path: Path, deaf: bool
) -> None:
    (tmp_path / "journal.csv").touch()
    async with running(AmiServer(originate_end=None)) as asterisk, open_pool(database) as pool:
        asterisk.deaf = {"Originate"} if deaf else set()
        key = await enter_anna(pool)
        config = configured(
            tmp_path, database=database, pbx=f'ami = {{ port = {asterisk.port}, user = "gateway", secret = "right" }}'
        )
        async with asking(config, key) as client:
            with served(config) as gateway:
                await gateway.says("AMI connected")
                status, command = await ordered(client, "calls", number=NUMBER)
                await until(lambda: len(asterisk.received("Originate")) == 1)
                if not deaf:
                    await until(lambda: state_is(pool, "accepted"))
                gateway.kill()
            await pool.execute("update command set ordered_at = now() - interval '3 minutes'")
            with served(config) as gateway:
                again = await ordered(client, "calls", number=NUMBER)
                await until(lambda: state_is(pool, "unknown"))
                present = await (await client.get(f"commands/{command['id']}")).json()
                assert await gateway.stop() == 0

    assert (status, again) == (202, (202, command))
    assert (present["state"], present["reason"]) == ("unknown", "interrupted" if deaf else "not_seen")
    assert len(asterisk.received("Originate")) == 1


async def state_is(pool: Pool, state: str) -> bool:
    return bool(await pool.fetchval("select state from command") == state)


async def test_a_gateway_killed_in_the_middle_of_an_order_to_a_call_sends_nothing_again(
    database: str, tmp_path: Path
) -> None:
    rows = rows_of("in_answered")
    journal = tmp_path / "journal.csv"
    journal.write_bytes(b"".join(row + b"\n" for row in rows[:7]))
    legs = {e.leg: e.channel for row in rows[:7] if (e := read_row(row))}
    channels: list[dict[str, str | list[str]]] = [{"Uniqueid": leg, "Channel": name} for leg, name in legs.items()]
    async with running(AmiServer(deaf={"Hangup"}, channels=channels)) as asterisk, open_pool(database) as pool:
        key = await enter_anna(pool)
        config = configured(
            tmp_path, database=database, pbx=f'ami = {{ port = {asterisk.port}, user = "gateway", secret = "right" }}'
        )
        async with asking(config, key) as client:
            with served(config) as gateway:
                await until(lambda: talks(pool))
                await gateway.says("AMI connected")
                call = await pool.fetchval("select id from call where state = 'talking'")
                hanging_up = asyncio.ensure_future(client.delete(f"calls/{call}"))
                await until(lambda: len(asterisk.received("Hangup")) == 1)
                gateway.kill()
                with pytest.raises(ClientConnectionError):
                    await hanging_up
            await pool.execute("update command set ordered_at = now() - interval '3 minutes'")
            with served(config) as gateway:
                await until(lambda: state_is(pool, "unknown"))
                assert await gateway.stop() == 0

    assert len(asterisk.received("Hangup")) == 1


async def talks(pool: Pool) -> bool:
    return bool(await pool.fetchval("select count(*) from call where state = 'talking'"))
