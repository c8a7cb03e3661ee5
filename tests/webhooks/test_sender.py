"""One attempt against receivers that are good, slow, lying, redirecting, and where nobody may be sent to.

Requirements 129, 139; complaint C26: every attempt comes back with what happened.
"""

import asyncio
import socket
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.domain.webhooks import ANSWER_KEPT, Fault, Message, Verdict, new_secret
from lab.ports import free_port
from tests.webhooks.receiver import raw_server, receiving
from webhooks.sender import open_sender, signed

SECRET, OLD = new_secret(), new_secret()
LOOPBACK = ["127.0.0.1"]


def message(url, *, secrets=(SECRET,), body='{"type":"call.ended","data":{"name":"Жанна"}}'):
    return Message(url=url, id="evt_1-1", at=datetime.now(UTC), secrets=secrets, body=body)


async def attempt(url, *, allowed=LOOPBACK, seconds=5.0, **more):
    async with open_sender(allowed=allowed, seconds=seconds) as sender:
        return await sender.send(message(url, **more))


async def test_a_message_is_signed_so_that_the_public_library_verifies_it():
    async with receiving() as receiver:
        receiver.secret = SECRET

        receipt = await attempt(receiver.url)

    assert (receipt.status, receipt.verdict) == (204, Verdict.TAKEN)
    assert receiver.got == [{"type": "call.ended", "data": {"name": "Жанна"}}]
    assert receiver.ids == ["evt_1-1"]


@pytest.mark.parametrize("known", [SECRET, OLD], ids=["new", "old"])
def test_while_a_secret_is_replaced_both_verify(known):
    sent = message("http://x", secrets=(SECRET, OLD))

    Webhook(known).verify(sent.body, signed(sent))


def test_another_secret_does_not_verify():
    sent = message("http://x")

    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(sent.body, signed(sent))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "taken"), (202, "taken"), (301, "failed"), (304, "failed"), (400, "failed"), (410, "gone"), (500, "failed")],
)
async def test_a_status_means_what_standard_webhooks_says(status, verdict):
    async with receiving() as receiver:
        receiver.answers(status, headers={"Location": "/elsewhere"})

        receipt = await attempt(receiver.url)

    assert (receipt.status, receipt.verdict) == (status, verdict)
    assert len(receiver.got) == 1


async def test_a_redirect_is_not_followed_even_to_a_good_address():
    async with receiving() as receiver, receiving() as elsewhere:
        receiver.answers(307, headers={"Location": elsewhere.url})

        receipt = await attempt(receiver.url)

    assert (receipt.status, elsewhere.got) == (307, [])


async def test_a_receiver_that_never_answers_costs_no_more_than_the_limit():
    async def silent(reader, writer):
        await asyncio.sleep(5)

    async with raw_server(silent) as url:
        receipt = await attempt(url, seconds=0.3)

    assert (receipt.status, receipt.fault) == (None, Fault.TIMEOUT)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
async def test_a_receiver_that_trickles_bytes_costs_no_more_than_the_limit(head):
    async def trickle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        for _ in range(100):
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(trickle) as url:
        receipt = await attempt(url, seconds=0.4)

    assert receipt.fault is Fault.TIMEOUT


async def test_of_an_endless_answer_only_the_first_bytes_are_read():
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with receiving() as receiver:
        receiver.answer = endless

        receipt = await attempt(receiver.url)

    assert (receipt.status, receipt.answer) == (200, "x" * ANSWER_KEPT)


async def test_a_compressed_answer_is_not_unpacked():
    async with receiving() as receiver:
        receiver.answers(500, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8bbomb")

        receipt = await attempt(receiver.url)

    assert (receipt.status, receipt.fault) == (500, None)
    assert receipt.answer.endswith("bomb")


@pytest.mark.parametrize("noise", [b"\x16\x03\x01garbage\r\n\r\n", b"", b"HTTP/9.9 banana\r\n\r\n"])
async def test_what_is_no_http_is_a_failure_with_a_reason(noise):
    async def babble(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(noise)
        await writer.drain()

    async with raw_server(babble) as url:
        receipt = await attempt(url)

    assert receipt.fault in (Fault.ANSWER, Fault.CONNECTION)


async def test_control_characters_of_an_answer_do_not_reach_the_log():
    async with receiving() as receiver:
        receiver.answers(500, body=b"no\r\n\x1b[31m\x00forged: line")

        receipt = await attempt(receiver.url)

    assert receipt.answer == "no   [31m forged: line"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "2130706433",
        "0x7f000001",
        "127.1",
    ],
)
async def test_the_machine_itself_is_never_sent_to_unless_allowed_by_name(host):
    async with receiving() as receiver:
        receipt = await attempt(receiver.url.replace("127.0.0.1", host), allowed=[])

    assert receipt.fault is Fault.ADDRESS_REFUSED
    assert receiver.got == []


class Rebinding(AbstractResolver):
    """Gives a public address to those who only look, and the machine's own to whoever connects."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        address = "127.0.0.1" if self.asked % 2 == 0 else "93.184.216.34"
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [{"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": flags}]

    async def close(self):
        pass


async def test_a_name_is_judged_by_the_address_that_is_connected_to():
    resolver = Rebinding()
    resolver.asked = 1
    async with receiving() as receiver, open_sender(resolver=resolver) as sender:
        receipt = await sender.send(message(receiver.url.replace("127.0.0.1", "crm.example.com")))

    assert (receipt.fault, receiver.got, resolver.asked) == (Fault.ADDRESS_REFUSED, [], 2)


async def test_an_allowed_name_may_lie_inside():
    async with receiving() as receiver:
        receipt = await attempt(receiver.url.replace("127.0.0.1", "localhost"), allowed=["localhost"])

    assert receipt.verdict is Verdict.TAKEN


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with receiving() as receiver:
        receipt = await attempt(receiver.url)

    assert receipt.verdict is Verdict.TAKEN


async def test_nobody_listening_and_no_such_name_are_told_apart():
    assert (await attempt(f"http://127.0.0.1:{free_port()}/")).fault is Fault.CONNECTION
    assert (await attempt("http://no-such-name.invalid/")).fault is Fault.NAME


async def test_a_server_without_tls_is_told_so():
    async with receiving() as receiver:
        receipt = await attempt(receiver.url.replace("http:", "https:"))

    assert receipt.fault is Fault.TLS


async def test_a_connection_that_the_receiver_closed_meanwhile_is_no_failure():
    async def once(reader, writer):
        await reader.readuntil(b"}}")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with raw_server(once) as url, open_sender(allowed=LOOPBACK) as sender:
        receipts = [await sender.send(message(url)) for _ in range(3)]

    assert [r.verdict for r in receipts] == [Verdict.TAKEN] * 3


async def test_a_receiver_that_never_ends_its_handshake_costs_no_more_than_the_limit():
    async def silent(reader, writer):
        await reader.read()

    async with raw_server(silent) as url:
        receipt = await attempt(url.replace("http:", "https:"), seconds=0.3)

    assert (receipt.status, receipt.fault) == (None, Fault.TIMEOUT)
    assert receipt.ms < 2000


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Header: endless\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"endless" * 1000),
        (b"HTTP/1.1 200 ", b"endless" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n", b"X-Trailer: endless\r\n" * 1000),
    ],
)
async def test_an_endless_head_is_a_failure_and_is_not_kept(begin, more):
    sent = 0

    async def flood(reader, writer):
        nonlocal sent
        writer.write(begin)
        while True:
            writer.write(more)
            sent += len(more)
            await writer.drain()

    async with raw_server(flood) as url:
        receipt = await attempt(url)

    assert (receipt.verdict, receipt.fault) == (Verdict.FAILED, Fault.ANSWER)
    assert sent < 64 * 1024 * 1024


async def test_names_that_nobody_answers_for_hold_up_no_other_work():
    """The loop's own threads stay free: recordings and files are read by them."""
    async with open_sender(seconds=1) as sender:
        asked = [asyncio.create_task(sender.send(message(f"http://no-such-{n}.invalid/"))) for n in range(40)]
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 5) == "done"
        receipts = await asyncio.gather(*asked)

    assert {r.fault for r in receipts} <= {Fault.NAME, Fault.TIMEOUT}
