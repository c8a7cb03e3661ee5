"""What the doctor says of the work after calls: each fault in plain words, with what to type."""

import asyncio
import re

import pytest
from aiosmtpd.smtp import SMTP

from gateway.aftercare.duties import Duty
from gateway.doctor.aftercare import check_aftercare
from gateway.doctor.findings import Finding, Level
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.aftercare_health import aftercare_health
from gateway.store.database import Pool, open_pool

pytestmark = pytest.mark.asyncio


async def found(pool: Pool, level: Level, settings: Settings | None = None) -> list[Finding]:
    """Findings of a level."""
    return [f async for f in check_aftercare(settings or Settings(), pool) if f.level is level]


async def add_webhook(pool: Pool, state: str, reason: str | None = None) -> int:
    made: int = await pool.fetchval(
        "insert into webhook (url, kinds, secret, state, reason, made_by)"
        " values ('https://crm.example.com/hidden-word', '{*}', 'whsec_x', $1, $2, 'test') returning id",
        state,
        reason,
    )
    return made


async def test_a_site_at_which_all_is_well_has_no_fault_and_no_advice(database: str) -> None:
    async with open_pool(database) as pool:
        await pool.execute("insert into follower (name, position) values ('goals', '999999999-0')")
        assert await found(pool, Level.FAULT) == await found(pool, Level.ADVICE) == []
        assert [f.area for f in await found(pool, Level.OK)] == ["work after calls", "webhooks"]


async def test_a_follower_that_is_behind_and_facts_that_were_left_out_are_faults(database: str) -> None:
    async with open_pool(database) as pool:
        await pool.execute("insert into follower (name, position) values ('goals', '0-0')")
        await pool.execute(
            "insert into fact (kind, body, at) select 'said', '{}', now() - interval '20 minutes'"
            " from generate_series(1, 3)"
        )
        await pool.execute(
            "insert into follower_refused (follower, position, kind, fault)"
            " values ('outcomes', '1-1', 'call.ended', 'KeyError'), ('outcomes', '1-2', 'call.ended', 'KeyError')"
        )
        behind, left_out = await found(pool, Level.FAULT)

    assert "'goals' is 3 facts behind, the oldest for 20 min" in behind.text
    assert "'outcomes' left out 2 facts of the last 7 days (call.ended) after a fault (KeyError)" in left_out.text


async def test_a_fact_that_an_open_transaction_still_hides_is_nobodys_fault(database: str) -> None:
    async with open_pool(database) as pool, pool.acquire() as older, older.transaction():
        await older.execute("select pg_current_xact_id()")
        await pool.execute("insert into follower (name, position) values ('goals', '0-0')")
        await pool.execute("insert into fact (kind, body, at) values ('said', '{}', now() - interval '20 minutes')")
        (follower,) = (await aftercare_health(pool)).followers

    assert follower.behind == 0


async def test_a_duty_that_fails_is_told_until_it_is_done(database: str) -> None:
    bad = True

    async def work(*_: object) -> tuple[()]:
        if bad:
            raise LookupError("no")
        return ()

    async with open_pool(database) as pool:
        for expected in (1, 0):
            duty = Duty(pool, "reminders", work, Live(), every=60)
            running = asyncio.create_task(duty.run())
            while len((await aftercare_health(pool)).duties) != expected:
                await asyncio.sleep(0.01)
            faults = [f.text for f in await found(pool, Level.FAULT)]
            running.cancel()
            told = [re.sub(r"in [0-9]+ s", "in 0 s", fault) for fault in faults]
            assert told == ["The duty 'reminders' has failed 1 times in 0 s (LookupError)."] * expected
            bad = False


async def test_webhooks_are_told_by_id_and_never_by_address(database: str) -> None:
    async with open_pool(database) as pool:
        failing, gone = await add_webhook(pool, "failing", "failing"), await add_webhook(pool, "off", "gone")
        given_up = await add_webhook(pool, "off", "failing")
        await add_webhook(pool, "off", "by_a_person")
        await pool.execute(
            "insert into webhook_delivery (webhook_id, message_id, kind, due_at, queued_at, state, settled_at)"
            " values ($1, 'x', 'y', now(), now() - interval '2 days', 'failed', now())",
            failing,
        )
        faults, advice = await found(pool, Level.FAULT), await found(pool, Level.ADVICE)

    assert [f.text.partition(",")[0] for f in faults] == [
        f"The receiver of webhook {given_up} failed for days",
        f"The receiver of webhook {failing} fails; after five days without one success it is switched off.",
    ]
    assert advice[0].text.startswith(f"The receiver of webhook {gone} said that nobody is there (410)")
    assert advice[1].text == "1 messages of the last 7 days were given up."
    assert "hidden-word" not in str([faults, advice])


async def test_reports_that_failed_and_imports_that_stand_are_faults_with_a_remedy(database: str) -> None:
    async with open_pool(database) as pool:
        user = await pool.fetchval("insert into users (login, name, role) values ('h', 'H', 'supervisor') returning id")
        own = await pool.fetchval(
            "insert into report_subscription (user_id, report, covers, hour, by, made_by, made_at, since)"
            " values ($1, 'daily', 'today', 18, 'mail', 'test', now(), now()) returning id",
            user,
        )
        await pool.execute(
            "insert into report_delivery (subscription_id, day, state, next_try_at, due_at, made_at)"
            " values ($1, current_date, 'failed', now(), now(), now()),"
            " ($1, current_date - 1, 'unknown', now(), now(), now())",
            own,
        )
        await pool.execute(
            "insert into import (name, sha256, size, made_by, state, found, options, targets, rows_total, begun_at)"
            " values ('x', '', 1, 'test', 'running', '{}', '{}', '[]', 1, now() - interval '1 hour')"
        )
        faults = await found(pool, Level.FAULT)
        (advice,) = await found(pool, Level.ADVICE)

    assert [f.text.partition(",")[0] for f in faults] == [
        "1 daily reports of the last 7 days were not delivered.",
        "import 1 has not moved for 15 minutes.",
        "1 daily reports are to go by mail",
    ]
    assert advice.text.startswith("Of 1 daily reports of the last 7 days nobody knows whether they arrived")
    assert all(f.remedy for f in [*faults, advice])


async def test_the_mail_server_is_greeted_and_gets_no_letter(database: str) -> None:
    class Nothing:
        async def handle_MAIL(self, *_: object) -> str:  # noqa: N802
            raise AssertionError("a letter was begun")

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Nothing()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = Settings(mail={"host": "127.0.0.1", "port": port, "security": "none"})  # type: ignore[arg-type]
    async with open_pool(database) as pool:
        ok = [f for f in await found(pool, Level.OK, there) if f.area == "mail"]
        server.close()
        await server.wait_closed()
        (fault,) = await found(pool, Level.FAULT, there)

    assert ok[0].text == f"The mail server 127.0.0.1:{port} answers (none); nothing was sent."
    assert fault.text == f"The mail server 127.0.0.1:{port} takes no letters: connection."
