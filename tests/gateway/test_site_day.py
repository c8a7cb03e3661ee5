"""A day on a FreePBX that follows our pages: where the parts of the gateway meet each other.

The site is the lab's FreePBX with exactly what `deploy/asterisk/freepbx.md` writes into its `_custom.conf` files, an
outside line by 9, and the journal in its own MariaDB. Issue 4, points 2, 4, 5, 6 and 7 together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from gateway.app import Gateway
from gateway.domain.access import Role
from gateway.settings import Settings
from gateway.store.staff import add_user, give_extension
from lab.chroot import AsteriskHome, ensure_asterisk
from lab.errors import LabUnavailable
from lab.freepbx import Cel, FreePbxServer, open_stage
from lab.mariadb import open_mariadb, require_mariadb
from lab.office import Stage
from lab.server import free_ports
from tests.conftest import without
from tests.gateway.test_commands_asterisk import Desk, client
from tests.gateway.test_freepbx_asterisk import people
from tests.gateway.test_freepbx_asterisk import settings_for as freepbx_settings
from tests.gateway.test_real_calls import running

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "+79161234567"
CUSTOM = """
#include trunkline_recording.conf
#include trunkline_control.conf
#include trunkline_route.conf
[from-trunkline]
exten => _[+0-9].,1,Gosub(trunkline-record,s,1)
 same => n,Gosub(trunkline-route,s,1(${EXTEN}))
 same => n,Goto(from-trunk,${EXTEN},1)
[macro-dialout-trunk-predial-hook]
exten => s,1,Set(DIAL_TRUNK_OPTIONS=${DIAL_TRUNK_OPTIONS}U(trunkline-record^s^1))
 same => n,Return()
"""
"""What the page has an administrator write into `extensions_custom.conf`."""

Site = tuple[FreePbxServer, Stage]


@asynccontextmanager
async def open_prepared_site(server: FreePbxServer) -> AsyncIterator[Site]:
    """The FreePBX with our files included, as the page says."""
    server.prepare()
    folder = server.directory / "etc"
    dialplan, pjsip = folder / "extensions.conf", folder / "pjsip.conf"
    text = dialplan.read_text().replace("[globals]", f"[globals]\nTRUNKLINE_RECORDINGS = {server.recordings}")
    dialplan.write_text(text + CUSTOM)
    pjsip.write_text(pjsip.read_text().replace("context = from-trunk\n", "context = from-trunkline\n"))
    server.start()
    try:
        async with open_stage(server) as stage:
            yield server, stage
    finally:
        server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(asterisk_home: AsteriskHome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    try:
        require_mariadb()
    except LabUnavailable as error:
        without(error)
    with open_mariadb() as database:
        folder = tmp_path_factory.mktemp("site")
        server = FreePbxServer(folder, ensure_asterisk(), free_ports(), database, Cel.FREEPBX)
        async with open_prepared_site(server) as opened:
            yield opened


def settings_for(server: FreePbxServer, database: str, recordings: dict[str, object], **more: Any) -> Settings:
    """What the page says of the gateway's settings."""
    plain = freepbx_settings(server, database)
    pbx = plain.pbx["lab"].model_dump(mode="python", exclude={"name", "recordings", "originate", "journal", "ami"})
    return Settings(
        http=plain.http.model_dump(),
        database={"url": database},
        home=plain.home,
        pbx={
            "lab": pbx
            | {
                "journal": {"url": server.database.url, "timezone": "Europe/Moscow"},
                "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
                "originate": {
                    "channel": "Local/{ext}@originate-skipvm",
                    "context": "from-internal",
                    "prefix": "9",
                },
                "recordings": recordings,
            }
            | more
        },
    )


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """The gateway on the site, with Anna's and the head's programs."""
    url = settings.database.url
    assert url is not None
    await people(url.get_secret_value())
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(settings, people=False))
        async with gateway.pool.acquire() as connection, connection.transaction():
            head = await add_user(connection, login="head", name="Head", role="admin")
            vera = await connection.fetchval("select id from users where login = 'vera'")
            await connection.execute("delete from extension where user_id = $1", vera)
            await give_extension(connection, pbx="lab", extension="5003", user_id=head, patterns=["5003"])
            await connection.execute("update manager_state_rule set after_call_seconds = 5")
        await gateway.announce_tables()
        users = {r["login"]: r["id"] for r in await gateway.pool.fetch("select login, id from users")}
        anna = await stack.enter_async_context(client(gateway, settings, users["anna"], Role.MANAGER))
        boss = await stack.enter_async_context(client(gateway, settings, head, Role.ADMIN))
        line = gateway.lines["lab"]
        async with asyncio.timeout(60):
            while not all(state.ready for state in line.states()):
                await asyncio.sleep(0.02)
        yield Desk(gateway=gateway, anna=anna, head=boss, users=users)


async def until(there: Callable[[], Awaitable[object]], wanted: object = True, seconds: float = 60.0) -> None:
    """Wait for something to be as it should."""
    found: object = None
    try:
        async with asyncio.timeout(seconds):
            while (found := await there()) != wanted:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it is {found!r}, not {wanted!r}") from None


async def paused(stage: Stage) -> dict[str, bool]:
    """Members of the site's queue by extension, and whether the queue leaves them alone."""
    shown = await stage.command("queue show 4001")
    lines = [line for line in shown.splitlines() if "@from-queue" in line]
    return {line.partition("Local/")[2][:4]: "paused" in line for line in lines}


async def state_of(at: Desk, login: str) -> str:
    """How a manager is at this moment, as the board shows it."""
    told = await (await at.head.get("states")).json()
    return next(str(one["state"]) for one in told["items"] if one["user"] == at.users[login])


async def states_of(gateway: Gateway, user: int) -> list[str]:
    """Every state of a manager, in order."""
    rows = await gateway.pool.fetch("select state from manager_state where user_id = $1 order by since", user)
    return [str(r["state"]) for r in rows]


async def recorded(gateway: Gateway, call: str) -> list[dict[str, Any]]:
    """The recordings of a call."""
    found = await gateway.pool.fetch("select * from recording where call_id = $1::uuid", call)
    return [dict(r) for r in found]


WAYS = ("dialplan", "ari")


def way_settings(server: FreePbxServer, way: str) -> dict[str, Any]:
    """The settings of one way of recording."""
    if way == "dialplan":
        return {"recordings": {"folder": str(server.recordings)}}
    account = {
        "url": f"http://127.0.0.1:{server.ports.http}/ari",
        "user": server.gateway.user,
        "password": server.gateway.secret,
    }
    return {"recordings": {"way": "ari"}, "ari": account}


@pytest.mark.parametrize("way", WAYS)
async def test_a_click_is_one_call_held_heard_transferred_recorded_and_its_managers_states_follow(
    site: Site, database: str, way: str
) -> None:
    """Requirement 5; issue 4, points 2, 5 and 7."""
    server, stage = site
    await stage.clear()
    settings = settings_for(server, database, **way_settings(server, way))
    async with open_desk(settings) as at:
        await asyncio.sleep(1.1)  # a second of its own: the table's times are whole
        began = datetime.now(UTC).replace(microsecond=0)
        await stage.head.script(answer_after=0.05)
        chosen = await at.anna.put("states/me", json={"state": "available"}, headers={"Idempotency-Key": "here"})
        assert chosen.status == 200, await chosen.text()
        await asyncio.sleep(1.1)  # the table's times are whole seconds
        command = await at.order("calls", number=NUMBER)
        hers = await stage.answer(stage.desk, 0.3)
        his = await stage.answer(stage.outside, 0.3)
        await at.becomes(command["id"], "talking")
        call = command["call_id"]
        await until(lambda: state_of(at, "anna"), "talking")
        await asyncio.sleep(1.2)
        held = await at.order(f"calls/{call}/hold")
        await asyncio.sleep(2.0)
        resumed = await at.order(f"calls/{call}/resume")
        assert (held["state"], resumed["state"]) == ("done", "done"), (held, resumed)
        figures = await at.gateway.pool.fetch("select * from manager_day order by user_id, day")
        heard = await at.order(f"calls/{call}/listen", at.head)
        await at.becomes(heard["id"], "talking")
        assert await state_of(at, "head") == "available"
        assert await at.gateway.pool.fetch("select * from manager_day order by user_id, day") == figures
        moved = await at.order(f"calls/{call}/transfer", user=at.users["boris"])
        assert moved["state"] == "done", moved
        boris = await stage.answer(stage.boris, 0.5)
        await hers.ended()
        await until(lambda: paused(stage), {"5001": True, "5002": False})
        await at.becomes(heard["id"], "ended")  # with the manager's leg
        await asyncio.sleep(1.5)
        await his.hang_up()
        await boris.ended()
        found = await at.ended(call)
        await until(lambda: paused(stage), {"5001": False, "5002": False})

        calls = "select count(*) from call where merged_into is null and started_at >= $1"
        assert await at.gateway.pool.fetchval(f"{calls} and kind <> 'service'", began) == 1
        assert (found["result"], found["answered_by"], found["client"]["number"]) == (
            "answered",
            ["5001", "5002"],
            NUMBER,
        )
        assert [(t["kind"], t["by"], t["to"], t["outcome"]) for t in found["transfers"]] == [
            ("blind", "5001", "5002", "taken")
        ]
        assert 1 <= found["hold_seconds"] <= 3
        assert found["command_id"] == command["id"]
        in_order = ["available", "talking", "after_call", "available"]
        await until(lambda: states_of(at.gateway, at.users["anna"]), in_order)
        assert await states_of(at.gateway, at.users["boris"]) == ["talking", "after_call"]  # he uses no states
        assert await states_of(at.gateway, at.users["head"]) == []

        async def stored() -> list[str]:
            return [r["state"] for r in await recorded(at.gateway, call)]

        await until(stored, ["stored"], 15)
        (recording,) = await recorded(at.gateway, call)
        assert recording["has_speakers"]
        spoken = found["talk_seconds"]
        assert abs(recording["duration_us"] / 1e6 - spoken) < 4, (recording["duration_us"], found)
        over = await (await at.head.get(f"commands/{command['id']}")).json()
        assert (over["state"], over["reason"]) == ("ended", "answered")
