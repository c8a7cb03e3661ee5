"""Names are looked up by threads of their own.

The system's resolver cannot be interrupted: a name server that keeps silent holds a thread for half a minute. In the
loop's own few threads, which also read recordings and files, a few subscriptions to such names would hold up the
gateway.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS = 16
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class NameResolver(AbstractResolver):
    """Asks the system for addresses."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host, host=str(where[0]), port=int(where[1]), family=kind, proto=protocol, flags=_NUMERIC
            )
            for kind, _, protocol, _, where in found
            if kind is not socket.AF_INET6 or len(where) == 2 or not where[3]  # no link-local ones
        ]

    async def close(self) -> None:
        """Let go of the threads; one that still asks ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
