"""What hostile callers show over the trunk, end to end: their names and headers move nothing and forge no row."""

import asyncio
from pathlib import Path

import pytest

from exchange.sip_text import Request, make_response, write_message
from lab.server import free_ports
from tests.exchange.front_site import UdpHost, udp_host
from tests.gateway.embedded_site import (
    DID,
    enter_people,
    exchange_ends,
    manager_phone,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio

QUOTED = (
    'Anna\\" <sip:101@evil>;tag=x',
    'a\\",\\"LOST\\",\\"x1\\",\\"x1\\"',
    "\u202e\u2028\x85",
    "${SYSTEM(reboot)};DROP TABLE call;--",
    "<script>alert(1)</script>" * 20,
    "\U0001f4de Иван Ёлкин",
)
BARE = (
    "Anna\r\n Folded",
    "Anna\0B",
    'one "two',
    "=?UTF-8?B?eA==?=",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin1"),
)
NUMBERS = ("'; drop table call; --", "x" * 200, "sip%3A102", "%00%0d%0a", "+" * 30, "101;phone-context=evil", "")
"""Names and numbers that a caller shows."""


async def calls(host: UdpHost, call_id: str, text: str, patience: float) -> int:
    """A caller by hand: rings, acknowledges, and waits to be hung up on; gives the final answer, 0 for none."""
    host.send(text)
    code = 0
    while True:
        try:
            message, _ = await host.receive(patience)
        except TimeoutError:
            return code
        if message.call_id != call_id:
            continue
        if isinstance(message, Request):
            host.send(write_message(make_response(message, 200, "OK", tag="x")))
            if message.method == "BYE":
                return code
        elif message.code >= 200 and message.cseq_method == "INVITE":
            code = message.code
            routes = [f"Route: {route}" for route in message.every("Record-Route")[::-1]]
            branch = None if code == 200 else f"z9hG4bKINVITE{call_id}1"
            ack = host.text(
                "ACK", f"sip:{DID}@h", to=str(message.receiver), call_id=call_id, branch=branch, headers=routes
            )
            host.send(ack)
            if code != 200:
                return code


async def test_hostile_names_and_headers_of_callers_reach_nobody(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    shown = [(f'"{quoted}"', f"7916555000{n}") for n, quoted in enumerate(QUOTED)]
    shown += [(bare, f"7916555010{n}") for n, bare in enumerate(BARE)]
    shown += [("", number) for number in NUMBERS]
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna:
            await anna.script(answer_after=0.0, hang_up_after=0.1)
            with udp_host(("127.0.0.1", ports.sip), port=ports.trunk) as client:
                codes = [
                    await calls(client, f"h{n}", forged(client, f"h{n}", *one), 15.0 if n < len(QUOTED) else 2.0)
                    for n, one in enumerate(shown)
                ]
        taken = codes.count(200)
        async with asyncio.timeout(20):
            while await gateway.pool.fetchval("select count(*) from call where state = 'ended'") < taken:
                await asyncio.sleep(0.1)
        rows = await gateway.pool.fetch("select * from call order by started_at")
        junk = await gateway.pool.fetchval("select count(*) from quarantine")
        names = [call.peer for call in anna.calls.values()]

    assert set(codes) <= {200, 400, 0}
    assert codes[: len(QUOTED)] == [200] * len(QUOTED)
    assert {(row["direction"], row["result"], row["complete"]) for row in rows} == {("inbound", "answered", True)}
    assert {tuple(row["answered_by"]) for row in rows} == {("101",)}
    assert [row["client_number"] for row in rows[: len(QUOTED)]] == [f"+7916555000{n}" for n in range(len(QUOTED))]
    assert (len(rows), junk, len(names)) == (taken, 0, taken)
    assert {name.rpartition("@")[2] for name in names} == {"trunkline.invalid>"}
    assert not [name for name in names if "evil" in name.rpartition("<")[2]]


def forged(host: UdpHost, call_id: str, display: str, number: str) -> str:
    """An INVITE with everything that could be believed and must not be."""
    host_port = f"{host.place[0]}:{host.place[1]}"
    headers = [
        f"Contact: <sip:x@{host_port}>",
        'P-Asserted-Identity: "x\\"y" <sip:102@evil>, <tel:+7>',
        "Remote-Party-ID: <sip:101@evil>;party=calling;privacy=full",
        "Diversion: " + "<sip:a@b>," * 50 + "<sip:c@d>",
        "X-Trunkline-From: phone:102",
        "X-Trunkline-Call: nobody",
        "Alert-Info: <http://evil>;info=x",
        "Content-Type: application/sdp",
    ]
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=${x}\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40404 RTP/AVP 8\r\n"
    text = host.text("INVITE", f"sip:{DID}@h", user=number, call_id=call_id, headers=headers, body=sdp)
    return text.replace("From: <", f"From: {display} <", 1)
