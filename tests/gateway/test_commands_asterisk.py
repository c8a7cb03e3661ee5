"""Commands over HTTP to the whole gateway, on a real Asterisk with real phones.

Requirement 5.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.api.security import new_api_key
from gateway.app import Gateway
from gateway.domain.access import Role
from gateway.settings import Settings
from gateway.store.access import issue_key
from gateway.store.staff import add_user, give_extension
from lab.phones import Phone, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.gateway.test_real_calls import running, settings_for

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]

NUMBER = "+79161234567"
OURS = "+74950007777"
_names = count(1)


@dataclass(kw_only=True)
class Desk:
    """A manager at 101 and a supervisor at 100 with their keys, and the phones that a test opens."""

    gateway: Gateway
    anna: ClientSession
    head: ClientSession
    users: dict[str, int]

    async def order(self, path: str, who: ClientSession | None = None, **body: object) -> dict[str, Any]:
        """Order something; the command."""
        headers = {"Idempotency-Key": f"k{next(_names)}"}
        response = await (who or self.anna).post(path, headers=headers, **({"json": body} if body else {}))
        document: dict[str, Any] = await response.json()
        assert response.status == 202, document
        return document

    async def becomes(self, id: str, *states: str, seconds: float = 60.0) -> dict[str, Any]:
        """A command, once it is in one of these states."""
        present: dict[str, Any] = {}
        try:
            async with asyncio.timeout(seconds):
                while present.get("state") not in states:
                    present = await (await self.head.get(f"commands/{id}")).json()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no {states}: {present}") from None
        return present

    async def call(self, id: str) -> dict[str, Any]:
        """A call as it is shown."""
        found: dict[str, Any] = await (await self.head.get(f"calls/{id}")).json()
        return found

    async def ended(self, id: str, seconds: float = 60.0) -> dict[str, Any]:
        """A call, once it has ended."""
        async with asyncio.timeout(seconds):
            while (found := await self.call(id)).get("state") != "ended":
                await asyncio.sleep(0.05)
        return found


def with_own_number(settings: Settings) -> Settings:
    """The trunk with a number that managers may show."""
    lab = settings.pbx["lab"]
    trunk = lab.trunks[0].model_copy(update={"own_numbers": (OURS,)})
    return settings.model_copy(update={"pbx": {"lab": lab.model_copy(update={"trunks": (trunk,)})}})


@asynccontextmanager
async def desk(asterisk: AsteriskServer, database: str) -> AsyncIterator[Desk]:
    """The whole gateway, connected to the PBX."""
    settings = with_own_number(settings_for(asterisk, database))
    async with running(settings) as gateway:
        async with gateway.pool.acquire() as connection, connection.transaction():
            head = await add_user(connection, login="head", name="Head", role="admin")
            await give_extension(connection, pbx="lab", extension="100", user_id=head, patterns=["100"])
        await gateway.announce_tables()
        users = {r["login"]: r["id"] for r in await gateway.pool.fetch("select login, id from users")}
        async with (
            client(gateway, settings, users["anna"], Role.MANAGER) as anna,
            client(gateway, settings, head, Role.ADMIN) as boss,
        ):
            engine = gateway.lines["lab"].asterisk
            assert engine is not None
            async with asyncio.timeout(60):
                while not engine.state.connected:
                    await asyncio.sleep(0.02)
            yield Desk(gateway=gateway, anna=anna, head=boss, users=users)


@asynccontextmanager
async def client(gateway: Gateway, settings: Settings, user: int, role: Role) -> AsyncIterator[ClientSession]:
    """A client with this person's key."""
    key_id, key, digest = new_api_key()
    await issue_key(gateway.pool, key_id=key_id, secret_digest=digest, name=key_id, role=role, user_id=user)
    base = f"http://127.0.0.1:{settings.http.port}/api/v1/"
    async with ClientSession(base, headers={"Authorization": f"Bearer {key}"}) as session:
        yield session


async def test_a_click_rings_the_manager_then_the_client_who_sees_his_own_number(
    asterisk: AsteriskServer, database: str
) -> None:
    async with desk(asterisk, database) as at:
        place = f"users/{at.users['anna']}/extensions/lab/101/caller-id"
        assert (await at.head.put(place, json={"number": OURS})).status == 200
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as phone:
            with at.gateway.live.listening() as screen:
                command = await at.order("calls", number=NUMBER)
                hers = await manager.next_call()
                again = await at.anna.post("calls", json={"number": NUMBER}, headers={"Idempotency-Key": "other"})
                await hers.answer()
                his = await phone.next_call()
                await at.becomes(command["id"], "dialled")
                await his.answer()
                await at.becomes(command["id"], "talking")
                assert (await at.anna.delete(f"commands/{command['id']}")).status == 409
                await his.hang_up()
                over = await at.becomes(command["id"], "ended")
                kinds = [screen.queue.get_nowait().kind for _ in range(screen.queue.qsize())]

            assert command["state"] == "sent"
            assert again.status == 409
            assert "74950007777" in his.peer
            assert (over["reason"], over["caller_id"], over["call_id"]) == ("answered", OURS, command["call_id"])
            call = await at.ended(command["call_id"])
            assert (call["command_id"], call["result"], call["contact_id"]) == (
                command["id"],
                "answered",
                command["contact_id"],
            )
            told = [k for k in kinds if k.startswith(("command.", "card."))]
            assert told[:3] == ["card.created", "card.opened", "command.stored"]
            assert told[3:] == [f"command.{s}" for s in ("accepted", "dialled", "talking", "ended")]
            assert kinds.index("card.opened") < kinds.index("call.ringing")


CLIENT = {
    486: "client_busy",
    603: "client_refused",
    404: "no_such_number",
    408: "client_no_response",
    503: "line_overloaded",
}
MANAGER = {486: "busy", 603: "refused"}


async def test_every_way_not_to_reach_somebody_has_its_own_word(asterisk: AsteriskServer, database: str) -> None:
    async with desk(asterisk, database) as at:
        async with open_manager_phone(asterisk, "101") as manager:
            await manager.script(answer_after=0.05)
            async with open_client_phone(asterisk) as phone:
                for status, reason in CLIENT.items():
                    await phone.script(refuse_with=status)
                    command = await at.order("calls", number=NUMBER)
                    assert (await at.becomes(command["id"], "ended"))["reason"] == reason, status
                await phone.script()
                command = await at.order("calls", number=NUMBER)
                await at.becomes(command["id"], "dialled")
                await manager.calls[max(manager.calls)].hang_up()
                assert (await at.becomes(command["id"], "ended"))["reason"] == "manager_hung_up"
            for status, reason in MANAGER.items():
                await manager.script(refuse_with=status)
                command = await at.order("calls", number=NUMBER)
                assert (await at.becomes(command["id"], "refused"))["reason"] == reason
        command = await at.order("calls", number=NUMBER)
        assert (await at.becomes(command["id"], "refused"))["reason"] == "no_phone"


async def test_a_call_is_cancelled_while_the_managers_and_while_the_clients_phone_rings(
    asterisk: AsteriskServer, database: str
) -> None:
    async with desk(asterisk, database) as at:
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as phone:
            first = await at.order("calls", number=NUMBER)
            hers = await manager.next_call()
            assert (await at.anna.delete(f"commands/{first['id']}")).status == 204
            await hers.ended()
            over = [await at.becomes(first["id"], "cancelled", "refused", "ended")]
            second = await at.order("calls", number=NUMBER)
            await (await manager.next_call()).answer()
            his = await phone.next_call()
            assert (await at.anna.delete(f"commands/{second['id']}")).status == 204
            await his.ended()
            over.append(await at.becomes(second["id"], "cancelled", "refused", "ended"))

        assert [(c["state"], c["reason"]) for c in over] == [("cancelled", "cancelled")] * 2


@asynccontextmanager
async def talk(at: Desk, manager: Phone, phone: Phone) -> AsyncIterator[str]:
    """A recorded call between 101 and a client, ordered by a click; gives the call's id."""
    await manager.script(answer_after=0.05)
    await phone.script(answer_after=0.05)
    command = await at.order("calls", number=NUMBER)
    await at.becomes(command["id"], "talking")
    yield command["call_id"]


async def test_a_running_call_is_held_resumed_paused_heard_and_transferred_and_stays_one_call(
    asterisk: AsteriskServer, database: str
) -> None:
    async with desk(asterisk, database) as at:
        async with (
            open_manager_phone(asterisk, "101") as manager,
            open_manager_phone(asterisk, "102") as colleague,
            open_manager_phone(asterisk, "100") as boss,
            open_client_phone(asterisk) as phone,
        ):
            await boss.script(answer_after=0.05)
            async with talk(at, manager, phone) as call:
                done = {}
                for order in ("hold", "resume", "recording/pause", "digits"):
                    body = {"digits": "12#"} if order == "digits" else {}
                    done[order] = await at.order(f"calls/{call}/{order}", **body)
                    await asyncio.sleep(0.5)
                assert {o: c["state"] for o, c in done.items()} == dict.fromkeys(done, "done"), done
                heard = await at.order(f"calls/{call}/listen", at.head)
                await at.becomes(heard["id"], "talking")
                assert (await at.head.delete(f"commands/{heard['id']}")).status == 204
                over = await at.becomes(heard["id"], "ended")
                moved = await at.order(f"calls/{call}/transfer", user=at.users["boris"])
                assert moved["state"] == "done", moved
                assert "still paused" in moved["detail"]
                await (await colleague.next_call()).answer()
                await asyncio.sleep(0.5)
                late = await at.anna.post(f"calls/{call}/hold", headers={"Idempotency-Key": "late"})
                assert (await at.head.delete(f"calls/{call}")).status == 204
            found = await at.ended(call)
            gone = await at.anna.post(f"calls/{call}/hold", headers={"Idempotency-Key": "gone"})

        assert over["began_at"] < over["ended_at"]
        assert (found["result"], found["answered_by"]) == ("answered", ["101", "102"])
        assert [(t["kind"], t["by"], t["to"], t["outcome"]) for t in found["transfers"]] == [
            ("blind", "101", "102", "taken")
        ]
        assert 0.3 < found["hold_seconds"] < 3
        assert (late.status, gone.status) == (409, 409)
        calls = "select count(*) from call where kind <> 'service' and started_at >= $1::timestamptz"
        assert await at.gateway.pool.fetchval(calls, datetime.fromisoformat(found["started_at"])) == 1
        fact = await at.gateway.pool.fetchval("select body from fact where kind = 'call.listened'")
        assert (fact["user_id"], fact["manager_id"]) == (at.users["head"], at.users["anna"])


async def test_a_manager_asks_a_colleague_first_and_then_joins_him_and_the_client(
    asterisk: AsteriskServer, database: str
) -> None:
    async with desk(asterisk, database) as at:
        async with (
            open_manager_phone(asterisk, "101") as manager,
            open_manager_phone(asterisk, "102") as colleague,
            open_client_phone(asterisk) as phone,
            talk(at, manager, phone) as call,
        ):
            asked = [await at.order(f"calls/{call}/consult", number="102")]
            first = await colleague.next_call()
            await first.answer()
            await asyncio.sleep(0.7)
            asked.append(await at.order(f"calls/{call}/consult/abandon"))
            await first.ended()
            await asyncio.sleep(0.7)
            asked.append(await at.order(f"calls/{call}/consult", at.head, user=at.users["boris"]))
            await (await colleague.next_call()).answer()
            await asyncio.sleep(0.7)
            asked.append(await at.order(f"calls/{call}/consult/complete", at.head))
            await asyncio.sleep(0.7)
            await phone.calls[max(phone.calls)].hang_up()
            found = await at.ended(call)

        assert [c["state"] for c in asked] == ["done"] * 4, [c["detail"] for c in asked]
        assert found["answered_by"] == ["101", "102"]
        assert [(t["kind"], t["by"], t["to"], t["outcome"]) for t in found["transfers"]] == [
            ("attended", "101", "102", "taken")
        ]
        over = await (await at.head.get(f"commands/{found['command_id']}")).json()
        assert (over["state"], over["reason"]) == ("ended", "answered")


async def test_a_line_that_cannot_be_reached_is_told_from_a_client_who_cannot(
    asterisk: AsteriskServer, database: str
) -> None:
    """The trunk is watched, as a site's is, and its other end is switched off."""
    configuration = asterisk.directory / "etc" / "pjsip.conf"
    text = configuration.read_text()
    at_trunk = text.index("[trunk]\ntype = aor")
    watched = text[at_trunk:].replace("qualify_frequency = 0", "qualify_frequency = 1\nqualify_timeout = 0.3", 1)
    configuration.write_text(text[:at_trunk] + watched)
    asterisk.restart()
    try:
        async with desk(asterisk, database) as at, open_manager_phone(asterisk, "101") as manager:
            await manager.script(answer_after=0.05)
            await asyncio.sleep(2)
            command = await at.order("calls", number=NUMBER)
            over = await at.becomes(command["id"], "ended", "refused")
    finally:
        configuration.write_text(text)
        asterisk.restart()

    assert (over["state"], over["reason"]) == ("ended", "trunk_unreachable")
