"""The guard of addresses: what is connected to is checked, not what a name resolved to before.

A name can have a public address when it is looked at and 127.0.0.1 when it is connected to (DNS rebinding), and an
address can be written in many ways. So the check sits where the socket is made, behind every resolution: aiohttp asks
`socket_factory` for each address it is about to connect to, literal ones among them.
"""

import socket
from typing import Any

from gateway.domain.errors import Rejected
from gateway.domain.webhooks import is_public

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
"""What `getaddrinfo` says of an address: family, type, protocol, canonical name, socket address."""


class AddressRefusedError(Rejected, PermissionError):
    """The receiver's host has an address inside a private network; name the host in webhooks.allowed_hosts."""


def guarded_socket(address: AddressInfo) -> socket.socket:
    """A socket for a public address.

    Raises:
        AddressRefusedError: the address is private, loopback, link-local or otherwise none of the public internet.
    """
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise AddressRefusedError
    return socket.socket(family, kind, protocol)
