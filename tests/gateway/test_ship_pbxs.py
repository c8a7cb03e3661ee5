"""Two real Asterisks on two hosts, without system names and with one uniqueid: two calls, and each order to its PBX."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.domain.identity import command_id
from gateway.domain.ports import OrderState
from gateway.settings import Settings
from gateway.store.commands import store_command
from gateway.store.database import Pool
from gateway.store.staff import add_user, give_extension
from lab.chroot import AsteriskHome
from lab.phones import open_client_phone, open_manager_phone
from lab.ports import free_port
from lab.server import AsteriskServer, open_asterisk
from tests.faults.plant import looking_at, until
from tests.gateway.ships import Host, a_host, host_key

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]
TWIN = "twin-1"


@dataclass(frozen=True, slots=True)
class Site:
    """Two PBXs, a gateway, and a ship on each host."""

    gateway: Gateway
    pool: Pool
    servers: dict[str, AsteriskServer]


def settings_for(servers: dict[str, AsteriskServer], database: str, home: Path) -> Settings:
    """Both PBXs are on other hosts; only their manager interfaces are reached from here."""
    pbx = {
        name: {
            "journal": {"shipped": True},
            "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
            "originate": {"context": "from-managers"},
            "trunks": [{"endpoint": "trunk", "area_code": "495"}],
        }
        for name, server in servers.items()
    }
    return Settings(
        http={"port": free_port()},
        database={"url": database},
        pbx=pbx,
        home=str(home / "session"),
        transcription={"enabled": False},
        recordings={"free_space_limit": 0},
    )


@asynccontextmanager
async def two_pbxs(home: AsteriskHome, database: str, folder: Path) -> AsyncIterator[Site]:
    with (
        open_asterisk(folder / "one", home=home, systemname="") as one,
        open_asterisk(folder / "two", home=home, systemname="") as two,
    ):
        servers = {"one": one, "two": two}
        settings = settings_for(servers, database, folder)
        async with looking_at(database) as pool:
            async with pool.acquire() as connection, connection.transaction():
                anna = await add_user(connection, login="anna", name="Anna", role="manager")
                for name in servers:
                    await give_extension(connection, pbx=name, extension="101", user_id=anna, patterns=["101"])
            started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

            async def ready(gateway: Gateway) -> None:
                started.set_result(gateway)

            task = asyncio.create_task(run_gateway(settings, ready=ready))
            await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            try:
                with (
                    a_host(folder / "h1", port=settings.http.port, key=await host_key(pool, "one"), pbx="one") as first,
                    a_host(
                        folder / "h2", port=settings.http.port, key=await host_key(pool, "two"), pbx="two"
                    ) as second,
                ):
                    for host, server in ((first, one), (second, two)):
                        _points_at(host, server)
                        host.start()
                    yield Site(started.result(), pool, servers)
            finally:
                started.result().stop()
                await task


def _points_at(host: Host, server: AsteriskServer) -> None:
    text = host.config.read_text().replace('"trunkline.csv"', f'"{server.journal}"')
    host.config.write_text(text.replace('"monitor"', f'"{server.recordings}"'))


async def test_one_uniqueid_on_two_pbxs_is_two_legs_and_an_order_rings_the_right_phone(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    async with two_pbxs(asterisk_home, database, tmp_path) as site:
        for server in site.servers.values():
            async with open_client_phone(server) as client:
                await client.script(answer_after=0.2, hang_up_after=1.0)
                await asyncio.to_thread(_dial_the_client, server)
                await asyncio.sleep(2.0)

        async def both() -> bool:
            found = "select count(*) from leg where id = $1 and ended_at is not null"
            return bool(await site.pool.fetchval(found, TWIN) == 2)

        await until(both)
        pbxs = await site.pool.fetch(
            "select pbx, count(distinct call_id) from leg where id = $1 group by 1 order by 1", TWIN
        )
        assert [tuple(r) for r in pbxs] == [("one", 1), ("two", 1)]
        assert await site.pool.fetchval("select count(distinct call_id) from leg where id = $1", TWIN) == 2

        order, anna = command_id(), await site.pool.fetchval("select id from users where login = 'anna'")
        line = site.gateway.lines["two"]
        async with (
            open_manager_phone(site.servers["two"], "101") as manager,
            open_client_phone(site.servers["two"]) as client,
        ):
            await manager.script(answer_after=0.3)
            await client.script(answer_after=0.3, hang_up_after=1.5)
            await store_command(site.pool, id=order, pbx="two", user_id=anna, extension="101", number="+79161234567")
            engine = line.asterisk
            assert engine is not None
            await until(lambda: engine.state.connected)
            outcome = await engine.originate(
                order_id=order, endpoint="101", extension="101", number="79161234567", caller_id="79161234567"
            )
            assert outcome.state is OrderState.ACCEPTED

            async def ended() -> bool:
                found = "select state = 'ended' from call where command_id = $1 and merged_into is null"
                return bool(await site.pool.fetchval(found, order))

            await until(ended)
        row = await site.pool.fetchrow("select * from call where command_id = $1 and merged_into is null", order)
        assert (row["pbx"], row["result"], row["answered_by"]) == ("two", "answered", ["101"])
        assert await site.pool.fetchval("select count(*) from call where pbx = 'one' and command_id is not null") == 0


def _dial_the_client(server: AsteriskServer) -> None:
    """A leg on the trunk whose uniqueid we choose: the same on both."""
    with server.console() as console:
        console.action(
            "Originate",
            Channel="PJSIP/79161234567@trunk",
            ChannelId=TWIN,
            Application="Wait",
            Data="2",
            Async="true",
        )
