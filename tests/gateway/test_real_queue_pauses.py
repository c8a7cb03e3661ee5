"""A real Asterisk's queue follows the states: by choice over HTTP, after a real talk, and after Asterisk was restarted.

Requirement 60; complaint C13 (a call given to somebody who is not there).
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientSession

from gateway.api.security import new_api_key
from gateway.app import Gateway
from gateway.domain.access import Role
from gateway.store.access import issue_key
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.gateway.test_real_calls import running, settings_for

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]


def paused(server: AsteriskServer) -> dict[str, str]:
    """The phones that the queue leaves alone, with the reason it shows."""
    shown = re.sub(r"\x1b\[[0-9;]*m", "", server.command("queue show sales"))
    return {m[1]: m[2] for m in re.finditer(r"PJSIP/(\d+).*?\(paused(?::([a-z_ ]+?))?(?: was|\))", shown)}


async def until(server: AsteriskServer, wanted: dict[str, str], seconds: float = 60.0) -> float:
    """Wait until the queue shows this; gives how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while await asyncio.to_thread(paused, server) != wanted:
            await asyncio.sleep(0.02)
    return time.monotonic() - began


@asynccontextmanager
async def anna_of(gateway: Gateway) -> AsyncIterator[ClientSession]:
    """Anna's program, which chooses her states."""
    anna = await gateway.pool.fetchval("select id from users where login = 'anna'")
    key_id, key, digest = new_api_key()
    await issue_key(
        gateway.pool, key_id=key_id, secret_digest=digest, name="t", role=Role.MANAGER, user_id=anna, rights=None
    )
    async with ClientSession(
        f"{gateway.settings.public_url}/api/v1/", headers={"Authorization": f"Bearer {key}"}
    ) as session:
        yield session


async def choose(session: ClientSession, key: str, **body: object) -> None:
    """Choose a state."""
    response = await session.put("states/me", json=body, headers={"Idempotency-Key": key})
    assert response.status == 200, await response.text()


async def test_the_queue_is_paused_with_the_states_and_told_anew_after_a_restart(
    asterisk: AsteriskServer, database: str, tmp_path: Path
) -> None:
    async with running(settings_for(asterisk, database)) as gateway, anna_of(gateway) as anna:
        async with asyncio.timeout(60):
            while not (line := gateway.lines["lab"]).asterisk or not line.asterisk.state.connected:
                await asyncio.sleep(0.05)
        await choose(anna, "1", state="break", reason="lunch")
        await until(asterisk, {"101": "break lunch"})
        await choose(anna, "2", state="available")
        await until(asterisk, {})

        await gateway.pool.execute("update manager_state_rule set after_call_seconds = 3")
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as client:
            await manager.script(answer_after=0.3)
            call = await client.dial("4950001")
            await call.connected()
            await asyncio.sleep(1.0)
            assert await asyncio.to_thread(paused, asterisk) == {}
            await call.hang_up()
            await until(asterisk, {"101": "after_call"})
            await until(asterisk, {})
        states = await gateway.pool.fetch("select state from manager_state order by since")
        assert [s["state"] for s in states] == ["break", "available", "talking", "after_call", "available"]

        await choose(anna, "3", state="off")
        await until(asterisk, {"101": "off"})
        await asyncio.to_thread(asterisk.restart)  # its queues know nothing of pauses any more
        await until(asterisk, {"101": "off"}, seconds=20)

        kept = await gateway.pool.fetchrow("select paused, outcome from queue_pause where endpoint = '101'")
        assert tuple(kept) == (True, "accepted")
        with pytest.raises(asyncpg.ExclusionViolationError):
            await gateway.pool.execute(
                "insert into manager_state (user_id, state, since, until) select user_id, 'off', since,"
                " since + interval '1 ms' from manager_state where state = 'talking'"
            )
        await choose(anna, "4", state="available")
        await until(asterisk, {})
