"""docs/connect-your-crm.md, run: every command of the page, in one shell, against a real gateway's API and sender.

Requirements 129, 132, 133, 139, 140: whoever follows the page gets what it says.
"""

import asyncio
import contextlib
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.aftercare.follow import Follower
from gateway.aftercare.webhooks import Sending, queue_webhooks
from gateway.domain.access import Role
from tests.api.site import Api, open_api, store_sound
from tests.gateway.site import rows_of
from tests.webhooks.receiver import Receiver, receiving
from webhooks.sender import open_sender

PAGE = (Path(__file__).parents[2] / "docs" / "connect-your-crm.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SECONDS = 60


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest_asyncio.fixture
async def api(database: str, tmp_path: Path) -> AsyncIterator[Api]:
    """A site with two calls and a recording, whose webhooks are queued and sent."""
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            open_api(database, tmp_path / "site", webhooks={"allowed_hosts": ["127.0.0.1"]})
        )
        await api.site.take_all(rows_of("in_answered"))
        await store_sound(api, await api.site.pool.fetchval("select id from call"))
        api.board.outcome = None
        api.board.answered.set()
        follower = Follower(api.site.pool, "webhooks", queue_webhooks, api.site.live)
        await follower.begin()
        sender = await stack.enter_async_context(open_sender(allowed=["127.0.0.1"]))
        tasks = [
            asyncio.create_task(follower.run()),
            asyncio.create_task(Sending(api.site.pool, sender, api.site.live).run()),
        ]
        yield api
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def the_page(api: Api, receiver: Receiver) -> str:
    """The page's commands as one script, with this site's addresses in place of the example's."""
    client = await api.caller(Role.ADMIN)
    key = client.headers["Authorization"].partition(" ")[2]
    script = "\n".join(_wait_for_the_message(block) + block for block in BLOCKS)
    script, addresses = re.subn(r"^export API=.*$", f"export API={api.origin}/api/v1", script, flags=re.MULTILINE)
    script, keys = re.subn(r"^export KEY=.*$", f"export KEY={key}", script, flags=re.MULTILINE)
    assert (addresses, keys, script.count("https://crm.example.com/hooks/trunkline")) == (1, 1, 1)
    return "set -eu\n" + script.replace("https://crm.example.com/hooks/trunkline", receiver.url)


def _wait_for_the_message(block: str) -> str:
    """Before the block that checks a message: wait until the receiver has kept it."""
    return "until [ -e headers ]; do sleep 0.1; done\n. ./headers\n" if "$WEBHOOK_ID" in block else ""


async def keep_messages(receiver: Receiver, folder: Path) -> None:
    """What the page tells your server to do: keep the raw body and the three headers."""
    while not receiver.raw:
        await asyncio.sleep(0.02)
    (folder / "body.json").write_bytes(receiver.raw[0])
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    lines = [f"{n.upper().replace('-', '_')}={shlex.quote(receiver.headers[0][n])}\n" for n in names]
    (folder / "headers.new").write_text("".join(lines))
    (folder / "headers.new").rename(folder / "headers")


@pytest.mark.asyncio
async def test_every_command_of_the_page_does_what_the_page_says(api: Api, receiver: Receiver, tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    script = await the_page(api, receiver)

    keeping = asyncio.create_task(keep_messages(receiver, folder))
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            told, faults = (part.decode() for part in await shell.communicate())
            await keeping
    finally:
        keeping.cancel()
        if shell.returncode is None:
            shell.kill()
            await shell.wait()

    assert shell.returncode == 0, f"{told}\n{faults}"
    assert "genuine\nforged\n" in told
    assert '"kind":"call.ended"' in told
    assert (
        '"kind":"webhook.test","state":"delivered"' in told
        or '"state":"waiting"' in told
        or '"state":"sending"' in told
    )
    assert (folder / "call.mp3").stat().st_size > 1000
    assert re.fullmatch(r"\d+-\d+", (folder / "position").read_text())
    pool = api.site.pool
    assert await pool.fetchval("select note from contact where name = 'Ivan Petrov'") == "wants a blue roof"
    assert await pool.fetchval("select count(*) from contact where name = 'Ivan Petrov'") == 1
    assert await pool.fetchval("select count(*) from touch t join contact c on c.id = t.contact_id") == 1
    assert [order["number"] for order in api.board.orders] == ["79165550011"]
    assert receiver.kinds[0] == "webhook.test"


def test_every_program_the_page_uses_is_named_by_it() -> None:
    words = set(re.findall(r"\b(curl|openssl|jq|python3?|node|php)\b", "\n".join(BLOCKS)))

    assert words == {"curl", "openssl"}
