"""Bodies that unpack to a thousand times their size: refused unread, whoever sends them, and nobody waits meanwhile."""

import zlib

import pytest

from gateway.domain.access import Right, Role
from tests.api.site import Api, problem

pytestmark = pytest.mark.asyncio
JSON = {"Content-Encoding": "gzip", "Content-Type": "application/json", "Idempotency-Key": "a"}


def bomb(megabytes: int) -> bytes:
    """Zeros, packed a thousand to one."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packing.compress(bytes(1 << 20)) for _ in range(megabytes)]) + packing.flush()


async def test_a_packed_body_is_refused_without_being_unpacked(api: Api) -> None:
    packed = bomb(20)
    admin = await api.caller(Role.ADMIN, "root")
    host = await api.caller(Role.ADMIN, rights=[Right.JOURNAL_SHIP])

    for client, path in ((admin, "contacts"), (admin, "calls"), (host, "pbx/pbx1/journal")):
        await problem(await client.post(path, data=packed, headers=JSON), 415, "media-type")
    fine = await admin.post("contacts", json={"name": "Olga"}, headers={**JSON, "Content-Encoding": "identity"})
    assert fine.status == 201, await fine.text()


async def test_nothing_is_unpacked_for_those_whom_nobody_knows(api: Api) -> None:
    """What is read of the body is what came over the line."""
    packed = bomb(200)
    stranger = await api.browser()

    async with stranger.post("nowhere", data=packed, headers=JSON) as response:
        assert response.status == 404
    async with stranger.post("session", data=packed, headers=JSON) as response:
        assert response.status == 415


async def test_the_host_of_a_pbx_may_pack_its_rows_and_gets_no_further_than_the_bound(api: Api) -> None:
    headers = {**JSON, "Content-Encoding": "deflate"}
    host = await api.caller(Role.ADMIN, rights=[Right.JOURNAL_SHIP])
    admin = await api.caller(Role.ADMIN, "root")
    rows, huge = zlib.compress(b"{}"), zlib.compress(bytes(20 << 20))

    await problem(await host.post("pbx/pbx1/journal", data=rows, headers=headers), 422, "invalid-request")
    await problem(await host.post("pbx/pbx1/journal", data=huge, headers=headers), 413, "too-large")
    for broken in (rows[:-3], rows + b"more", b"{}"):
        await problem(await host.post("pbx/pbx1/journal", data=broken, headers=headers), 400, "malformed-body")
    await problem(await admin.post("contacts", data=rows, headers=headers), 415, "media-type")
