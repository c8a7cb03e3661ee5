"""Sessions for the tests of the AMI client: quick to reconnect, and what they hear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sip.ami import AmiConfig, AmiSession, open_ami
from sip.ami_connection import AmiConnection
from sip.ami_protocol import Message
from tests.sip.ami_server import AmiServer

ROW: dict[str, str | list[str]] = {
    "Channel": "PJSIP/trunk-00000065",
    "ChannelStateDesc": "Up",
    "CallerIDNum": "79161234567",
    "Uniqueid": "1.1",
    "Linkedid": "1.1",
    "BridgeId": "",
}


def config_for(server: AmiServer, **settings: Any) -> AmiConfig:
    quick = {"first_pause_seconds": 0.01, "longest_pause_seconds": 0.05, "ping_seconds": 0.05, "pong_seconds": 0.2}
    return AmiConfig(port=server.port, username="gateway", **{"secret": "right", **quick, **settings})


@asynccontextmanager
async def session_with(
    server: AmiServer, prepare: Callable[[AmiSession], None] = lambda session: None, **settings: Any
) -> AsyncIterator[AmiSession]:
    async with open_ami(config_for(server, **settings)) as session, asyncio.TaskGroup() as group:
        prepare(session)
        running_session = group.create_task(session.run())
        await session.wait_connected(5)
        yield session
        running_session.cancel()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.002)


def remembers(heard: list[Message]) -> Callable[[Message], Awaitable[None]]:
    async def handler(event: Message) -> None:
        heard.append(event)

    return handler


async def listen(connection: AmiConnection, heard: list[Message]) -> None:
    async for batch in connection.events():
        heard.extend(batch)


# logging in
