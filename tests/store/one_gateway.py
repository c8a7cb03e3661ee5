"""A process that does what the gateway does to its database: opens it, says so, and waits to be killed.

Arguments: the folder, and a system user to become first (only root may name one).
"""

import asyncio
import concurrent.futures.thread  # noqa: F401 - the interpreter may be closed to the user that we become
import os
import pwd
import sys
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.store.embedded import open_embedded


async def hold(directory: Path) -> None:
    """Open the database, print the server's process id, and end when the parent closes our input."""
    try:
        async with open_embedded(directory) as server:
            print("ready", server.pid, flush=True)
            await asyncio.to_thread(sys.stdin.read)
    except GatewayError as reason:
        print(type(reason).__name__, reason, flush=True)


def become(user: str) -> None:
    """Give up root's rights for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if len(sys.argv) > 2:
    become(sys.argv[2])
asyncio.run(hold(Path(sys.argv[1])))
