"""A real Asterisk asks a running gateway whom its calls ring, and what comes of it is folded right.

Shown for point 4 of the issue: the client's own manager first and then the group, in turn, the longest idle, nobody
twice for one call, closed hours, the notice of the recording, a gateway that is started again in mid-route, and a
recorded call that is transferred afterwards.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest

from gateway.api.security import new_api_key
from gateway.app import Gateway, run
from gateway.domain.access import Right, Role
from gateway.domain.routing import Strategy
from gateway.settings import Settings
from gateway.store import routing as store
from gateway.store.access import issue_key
from gateway.store.staff import add_user, give_extension
from lab.phones import CLIENT, Phone, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.gateway.routing_site import DAY, be_patient, group, keep_key, owner
from tests.gateway.test_real_calls import ended_call, running, settings_for

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]
CLOSED = {"timezone": "UTC", "week": [["00:00-00:01"], [], [], [], [], [], []], "exceptions": []}


@dataclass(slots=True, kw_only=True)
class Routed:
    """A running gateway that the lab's Asterisk asks, with everybody's phones."""

    asterisk: AsteriskServer
    gateway: Gateway
    users: dict[str, int]
    began: datetime
    client: Phone
    anna: Phone
    boris: Phone
    head: Phone

    async def route(self, did: str, steps: list[dict[str, object]], **further: object) -> None:
        """Enter a route."""
        body = {"name": did, "did": did, "record": False, "notice": False, "hours": None, "closed_steps": []}
        async with self.gateway.pool.acquire() as connection, connection.transaction():
            await store.add_route(connection, {**body, "steps": steps, **further}, by="test", now=DAY)

    async def group(self, *logins: str, strategy: Strategy) -> int:
        """Make a group."""
        members = [self.users[login] for login in logins]
        async with self.gateway.pool.acquire() as connection, connection.transaction():
            body = {"name": f"{strategy} {logins}", "strategy": strategy, "members": members}
            return await store.add_group(connection, body, by="test", now=DAY)

    async def ended(self) -> asyncpg.Record:
        """The call since the last one, once it has ended."""
        call = await ended_call(self.gateway, self.began)
        self.began = call["started_at"]
        return call

    async def facts(self, kind: str) -> list[dict[str, object]]:
        """Bodies of the facts of a kind, in order."""
        rows = await self.gateway.pool.fetch("select body from fact where kind = $1 order by id", kind)
        return [r["body"] for r in rows]


async def tell_asterisk(asterisk: AsteriskServer, gateway: Gateway) -> None:
    """Let the dialplan ask this gateway, with a key that can do nothing else."""
    key_id, key, digest = new_api_key()
    await issue_key(
        gateway.pool,
        key_id=key_id,
        secret_digest=digest,
        name="PBX",
        role=Role.ADMIN,
        rights=[Right.ROUTE_ASK],
    )
    keep_key(asterisk, key)
    values = {
        "TRUNKLINE_ROUTE_URL": f"http://127.0.0.1:{gateway.settings.http.port}/api/v1/route",
        "TRUNKLINE_ROUTE_PBX": "lab",
    }
    for name, value in values.items():
        await asyncio.to_thread(asterisk.command, f"dialplan set global {name} {value}")


@pytest.fixture(scope="module", autouse=True)
def _patient(asterisk: AsteriskServer) -> None:
    """Whom a call rings is asked here, not how fast."""
    be_patient(asterisk)


@asynccontextmanager
async def open_routed(asterisk: AsteriskServer, database: str) -> AsyncIterator[Routed]:
    """The gateway, Asterisk told of it, and the phones of Anna, Boris and the head."""
    asterisk.journal.unlink(missing_ok=True)
    settings = settings_for(asterisk, database)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(settings))
        async with gateway.pool.acquire() as connection, connection.transaction():
            head = await add_user(connection, login="head", name="Head", role="supervisor")
            await give_extension(connection, pbx="lab", extension="100", user_id=head, patterns=["PJSIP/100"])
        await gateway.announce_tables()
        await tell_asterisk(asterisk, gateway)
        phones = [await stack.enter_async_context(open_manager_phone(asterisk, e)) for e in ("101", "102", "100")]
        rows = await gateway.pool.fetch("select login, id from users")
        yield Routed(
            asterisk=asterisk,
            gateway=gateway,
            users={r["login"]: r["id"] for r in rows},
            began=datetime.now(UTC),
            client=await stack.enter_async_context(open_client_phone(asterisk)),
            anna=phones[0],
            boris=phones[1],
            head=phones[2],
        )


async def until(there: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not await there():
            await asyncio.sleep(0.05)


async def test_the_own_manager_rings_first_then_the_group_recorded_with_a_notice_and_transferred(
    asterisk: AsteriskServer, database: str
) -> None:
    async with open_routed(asterisk, database) as office:
        team = await office.group("anna", "boris", "head", strategy=Strategy.ALL)
        await office.gateway.pool.execute("update routing_policy set notice = 'pls-hold-while-try'")
        await office.route("4950020", [owner(5), group(team, 15)], record=True, notice=True)
        card = await office.gateway.pool.fetchval(
            "with made as (insert into contact (name, owner_id) values ('Client', $1) returning id)"
            " insert into contact_number (number, contact_id) select $2, id from made returning contact_id",
            office.users["anna"],
            f"+{CLIENT}",
        )

        call = await office.client.dial("4950020")
        rung = await office.anna.next_call()
        assert office.boris.calls == {}, "the group waits for the client's own manager"
        taken = await office.boris.next_call()
        await rung.ended()
        assert len(office.anna.calls) == 1, "who let it ring is not rung again by the group"
        other = await office.head.next_call()
        await taken.answer()
        await call.connected()
        await other.ended()
        await asyncio.sleep(0.7)
        await taken.blind_transfer("100")
        last = await office.head.next_call()
        await last.answer()
        await last.connected()
        await asyncio.sleep(0.7)
        await call.hang_up()

        row = await office.ended()
        assert (row["result"], row["answered_by"], row["contact_id"]) == ("answered", ["102", "100"], card)
        assert row["did"] == "4950020"
        assert 5e6 < row["ring_us"] < 9e6
        routed = [(f["action"], f["users"]) for f in await office.facts("call.routed")]
        assert routed == [
            ("play", []),
            ("dial", [office.users["anna"]]),
            ("dial", [office.users["boris"], office.users["head"]]),
        ]
        assert {f["id"] for f in await office.facts("call.routed")} == {str(row["id"])}
        (notice,) = await office.facts("recording.notice_played")
        assert notice["id"] == str(row["id"])

        async def stored() -> bool:
            found = await office.gateway.pool.fetchval(
                "select count(*) from recording where call_id = $1 and state = 'stored'", row["id"]
            )
            return bool(found)

        await until(stored, 20)


async def test_whoever_refuses_is_not_rung_again_and_the_longest_idle_comes_first(
    asterisk: AsteriskServer, database: str
) -> None:
    async with open_routed(asterisk, database) as office:
        first = await office.group("boris", "anna", strategy=Strategy.LONGEST_IDLE)
        everybody = await office.group("anna", "boris", "head", strategy=Strategy.ALL)
        await office.route("4950021", [group(first, 5), group(everybody, 10)])
        call = await office.client.dial("4950021")
        await (await office.boris.next_call()).answer()
        await call.connected()
        await asyncio.sleep(0.5)
        await call.hang_up()
        await office.ended()
        talked = "select exists (select from manager_talk where user_id = $1 and until is not null)"
        await until(lambda: office.gateway.pool.fetchval(talked, office.users["boris"]))
        await office.gateway.pool.execute("update manager_state set state = 'available', ends_at = null")
        await office.gateway.pool.execute("delete from route_decision")

        call = await office.client.dial("4950021")
        rung = await office.anna.next_call()  # she never talked
        await rung.refuse(603)
        rung = await office.boris.next_call()
        await rung.refuse(486)
        last = await office.head.next_call()
        await last.answer()
        await call.connected()
        await asyncio.sleep(0.3)
        await call.hang_up()

        row = await office.ended()
        assert (len(office.anna.calls), len(office.boris.calls), len(office.head.calls)) == (1, 2, 1)
        assert (row["result"], row["answered_by"]) == ("answered", ["100"])
        befores = [f["before"] for f in await office.facts("call.routed")][-3:]
        assert befores == ["NEW", "CHANUNAVAIL", "BUSY"]  # what Asterisk 22 calls a phone's 603 and 486


async def test_in_turn_and_a_call_that_nobody_takes_is_missed(asterisk: AsteriskServer, database: str) -> None:
    async with open_routed(asterisk, database) as office:
        team = await office.group("anna", "boris", strategy=Strategy.TURN)
        await office.route("4950022", [group(team, 5)])
        for phone in (office.anna, office.boris):
            await phone.script(refuse_with=486)

        call = await office.client.dial("4950022")
        await call.ended()
        first = await office.ended()
        await office.gateway.pool.execute("update route_decision set at = at - interval '1 minute'")
        call = await office.client.dial("4950022")
        await call.ended()
        second = await office.ended()

        assert [(c["result"], c["reason"]) for c in (first, second)] == [("missed", "busy")] * 2
        rung = [f["users"] for f in await office.facts("call.routed") if f["action"] == "dial"]
        anna, boris = [office.users["anna"]], [office.users["boris"]]
        assert rung == [anna, boris, anna, boris]
        assert (len(office.anna.calls), len(office.boris.calls)) == (2, 2)


async def test_in_closed_hours_the_client_hears_why_and_is_missed(asterisk: AsteriskServer, database: str) -> None:
    async with open_routed(asterisk, database) as office:
        closed = [{"kind": "announcement", "sound": "vm-nobodyavail"}, {"kind": "hang_up"}]
        await office.route("4950023", [owner()], closed_steps=closed, hours=CLOSED)

        call = await office.client.dial("4950023")
        await call.connected()
        await call.ended()

        row = await office.ended()
        assert (row["result"], row["reason"], row["ring_us"]) == ("missed", "ivr", 0)
        facts = await office.facts("call.routed")
        assert [(f["action"], f["open"], f["before"]) for f in facts] == [
            ("play", False, "NEW"),
            ("hangup", False, "SUCCESS"),
        ]


async def test_a_gateway_that_is_started_again_in_mid_route_goes_on(asterisk: AsteriskServer, database: str) -> None:
    async with open_routed(asterisk, database) as office:
        await office.route(
            "4950024",
            [
                {"kind": "manager", "user": office.users["anna"], "seconds": 8},
                {"kind": "manager", "user": office.users["boris"], "seconds": 8},
            ],
        )
        call = await office.client.dial("4950024")
        await office.anna.next_call()
        office.gateway.stop()
        await asyncio.sleep(1.5)
        assert call.state != "ended"
        settings = office.gateway.settings

        async with restarted(settings):
            taken = await office.boris.next_call(12)
            await taken.answer()
            await call.connected()
            await asyncio.sleep(0.3)
            await call.hang_up()
            await call.ended()


@asynccontextmanager
async def restarted(settings: Settings) -> AsyncIterator[None]:
    """The gateway again, on the same database and port."""
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

    async def ready(gateway: Gateway) -> None:
        started.set_result(gateway)

    task = asyncio.create_task(run(settings, ready=ready))
    gateway = await started
    try:
        yield
    finally:
        gateway.stop()
        await task
