"""kill -9 of the gateway while it sends: every message arrives, repetitions bear the same id, nothing is lost.

Requirements 133, 143; complaints C3 and C26.
"""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.webhooks import new_secret
from gateway.store.facts import NewFact, save_facts
from gateway.store.webhooks import make_webhook
from tests.faults.plant import configured, looking_at, served, until
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.asyncio
FACTS = 400
KILLS = 3


async def test_a_gateway_killed_while_it_sends_loses_no_message(database: str, tmp_path: Path) -> None:
    config = configured(tmp_path, database=database, more='webhooks.allowed_hosts = ["127.0.0.1"]')
    (tmp_path / "journal.csv").touch()
    async with receiving() as receiver, looking_at(database) as pool:
        receiver.secret = new_secret()
        async with pool.acquire() as connection:
            await make_webhook(
                connection,
                url=receiver.url,
                kinds=("test.*",),
                description="",
                api_version="1",
                secret=receiver.secret,
                active=True,
                made_by="test",
            )
        for life in range(KILLS + 1):
            with served(config) as gateway:
                await gateway.says("serving")
                if life == 0:
                    async with pool.acquire() as connection, connection.transaction():
                        await save_facts(
                            connection, [NewFact(kind="test.happened", body={"n": n}) for n in range(FACTS)]
                        )
                before = len(receiver.got)
                if life < KILLS:
                    await until(lambda before=before: len(receiver.got) > before + FACTS // 8)
                    gateway.kill()
                    # Another start finds the leases of the killed one run out, without waiting for it here.
                    await pool.execute("update webhook_delivery set lease_until = now() where state = 'sending'")
                    continue
                await until(lambda: len(set(receiver.ids)) == FACTS, 60)
                await asyncio.sleep(0.3)
                assert await gateway.stop(20) == 0

    assert {m["data"]["n"] for m in receiver.got} == set(range(FACTS))
    by_id = {id_: m["data"]["n"] for id_, m in zip(receiver.ids, receiver.got, strict=True)}
    assert sorted(by_id.values()) == list(range(FACTS))
