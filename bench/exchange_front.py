"""The SIP front of the embedded engine: what it adds to an INVITE, and what a CPU second carries.

The front runs in a process of its own. Hosts on loopback addresses stand for providers and phones, one socket for a
worker, all driven by hand here, one message after the other, so that a time is that of one message: from the socket
of one side through the front to the socket of the other. `direct` is the same datagram without a front between.
A call is INVITE, 180, 200, ACK, BYE, 200: six messages through the front; a registration, two requests, two answers.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

import psutil

from exchange.digest import answer_challenge, hash_password, read_challenge
from exchange.front import Front, FrontConfig, open_front
from exchange.parties import PhoneAccount, Place, Trunk
from exchange.sip_text import Request, Response, make_response, read_message, write_message

ROOT = Path(__file__).parent.parent
HOSTS = 50
SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 9 101\r\n"
    + "".join(f"a=rtpmap:{number} codec{number}/8000\r\n" for number in range(12))
)
EXTRA = ["Contact: <sip:79161234567@10.0.0.1:5060>", "Supported: replaces, timer", "User-Agent: bench"]
WAIT = 5.0
Message = Request | Response


def hosts(network: int) -> list[str]:
    """Addresses of the loopback network."""
    return [f"127.0.{network}.{number}" for number in range(1, HOSTS + 1)]


class Host:
    """One socket that speaks SIP by hand."""

    def __init__(self, address: str, to: Place) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(WAIT)
        self.to = to
        self.place: Place = self.socket.getsockname()

    def send(self, data: bytes) -> float:
        """Send to the front; gives the moment."""
        moment = time.perf_counter()
        self.socket.sendto(data, self.to)
        return moment

    def receive(self) -> tuple[Message, float]:
        """The next message with the moment it came."""
        data = self.socket.recv(65_536)
        moment = time.perf_counter()
        return read_message(data), moment

    def text(
        self, method: str, uri: str, *, number: int, cseq: int = 1, to: str = "", headers: Sequence[str] = ()
    ) -> bytes:
        """A request."""
        host, port = self.place
        body = SDP if method == "INVITE" else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{method}{number}x{cseq}",
            "Max-Forwards: 70",
            f"From: <sip:101@{host}>;tag=f{number}",
            f"To: {to or f'<{uri}>'}",
            f"Call-ID: {number}@{host}",
            f"CSeq: {cseq} {method}",
            *EXTRA,
            *headers,
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def call(far: Host, worker: Host, number: int, taken: dict[str, list[float]]) -> None:
    """One whole call from a provider, and the time of each message."""

    def passes(name: str, sender: Host, data: bytes, receiver: Host) -> Message:
        sent = sender.send(data)
        message, came = receiver.receive()
        taken.setdefault(name, []).append(came - sent)
        return message

    invite = passes("invite", far, far.text("INVITE", "sip:500@127.0.0.1", number=number), worker)
    assert isinstance(invite, Request)
    routes = tuple(("Record-Route", value) for value in invite.every("Record-Route"))
    for code, name in ((180, "ringing"), (200, "answer")):
        said = make_response(invite, code, "Said", tag="w", headers=routes)
        passes(name, worker, write_message(said), far)
    end = "<sip:500@127.0.0.1>;tag=w"
    back = [f"Route: {value}" for _, value in reversed(routes)]
    target = f"sip:exchange@127.0.0.1:{worker.place[1]}"
    passes("ack", far, far.text("ACK", target, number=number, to=end, headers=back), worker)
    bye = passes("bye", far, far.text("BYE", target, number=number, cseq=2, to=end, headers=back), worker)
    assert isinstance(bye, Request)
    passes("bye_answer", worker, write_message(make_response(bye, 200, "OK", tag="w")), far)


def register(phone: Host, number: int) -> None:
    """One registration with its challenge."""
    uri = f"sip:127.0.0.1:{phone.to[1]}"
    headers = [f"Contact: <sip:101@{phone.place[0]}:{phone.place[1]}>"]
    phone.send(phone.text("REGISTER", uri, number=number, to="<sip:101@x>", headers=headers))
    asked, _ = phone.receive()
    challenge = read_challenge(asked.every("WWW-Authenticate"))
    proof = answer_challenge(challenge, user="101", password="secret", method="REGISTER", uri=uri)
    headers.append(f"Authorization: {proof}")
    phone.send(phone.text("REGISTER", uri, number=number, cseq=2, to="<sip:101@x>", headers=headers))
    done, _ = phone.receive()
    assert isinstance(done, Response)
    assert done.code == 200, done


def direct(worker: Host, number: int) -> float:
    """The same INVITE from socket to socket."""
    sender = Host("127.0.0.1", worker.place)
    sent = sender.send(sender.text("INVITE", "sip:500@127.0.0.1", number=number))
    _, came = worker.receive()
    sender.socket.close()
    return came - sent


def milliseconds(values: list[float]) -> dict[str, float]:
    """Median, p95 and the worst."""
    ordered = sorted(values)
    picks = {"p50": len(ordered) // 2, "p95": int(len(ordered) * 0.95), "max": len(ordered) - 1}
    return {name: round(ordered[place] * 1000, 3) for name, place in picks.items()}


def measure(calls: int, front: psutil.Process, outside: Place, worker: Host) -> dict[str, object]:
    """Run calls, registrations and garbage, and give the figures."""

    def cpu() -> float:
        times = front.cpu_times()
        return float(times.user + times.system)

    providers = [Host(address, outside) for address in hosts(1)]
    phones = [Host(address, outside) for address in hosts(2)]
    taken: dict[str, list[float]] = {}
    for number in range(20):
        call(providers[number], worker, number, {})
    before = cpu()
    for number in range(calls):
        call(providers[number % HOSTS], worker, 1000 + number, taken)
    for_calls = cpu() - before
    before = cpu()
    for number in range(calls):
        register(phones[number % HOSTS], number)
    for_registrations = cpu() - before
    bare = [direct(worker, number) for number in range(calls)]
    added = milliseconds(taken["invite"])["p95"] - milliseconds(bare)["p95"]
    return {
        "calls": calls,
        "milliseconds": {name: milliseconds(values) for name, values in taken.items()},
        "direct_milliseconds": milliseconds(bare),
        "invite_added_p95_milliseconds": round(added, 3),
        "messages_per_cpu_second": round(6 * calls / for_calls),
        "cpu_milliseconds_per_call": round(1000 * for_calls / calls, 3),
        "registrations_per_cpu_second": round(calls / for_registrations),
        "rss_megabytes": round(front.memory_info().rss / 1e6, 1),
    }


async def serve() -> None:
    """Be the front: ports out as a line, the worker's port in as a line, until stdin closes."""
    chosen: list[int] = []
    with open_front(FrontConfig(port=0), lambda _: chosen[0]) as front:
        ha1 = hash_password("101", "trunkline", "secret")
        trunks = [Trunk(name=f"t{number}", host=host) for number, host in enumerate(hosts(1))]
        front.configure(
            phones=[PhoneAccount(endpoint="101", ha1=ha1)], trunks=trunks, allowed=[IPv4Network("127.0.2.0/24")]
        )
        sys.stdout.write(json.dumps([front.outside[1], front.inside_port]) + "\n")
        sys.stdout.flush()
        chosen.append(int(await asyncio.to_thread(sys.stdin.readline)))
        front.admit_worker(chosen[0])
        await _until_closed(front)


async def _until_closed(front: Front) -> None:
    clock = asyncio.create_task(front.run())
    await asyncio.to_thread(sys.stdin.read)
    clock.cancel()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    command = [sys.executable, "-m", "bench.exchange_front", "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        outside, inside = json.loads(child.stdout.readline())
        worker = Host("127.0.0.1", ("127.0.0.1", inside))
        child.stdin.write(f"{worker.place[1]}\n")
        child.stdin.flush()
        time.sleep(0.3)
        figures = measure(options.calls, psutil.Process(child.pid), ("127.0.0.1", outside), worker)
        child.stdin.close()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
