"""How many AMI events a CPU second is worth: our session beside asterisk-ami and panoramisk.

    python -m bench.ami [--rounds 5] [--repeat 400]

A server process of its own plays the recorded call `tests/sip/data/queue_answered.ami.jsonl` many times over a
loopback socket, as fast as the client reads. Each client logs in, asks for the stream and counts its events up
to the last; only the client's CPU time counts (all of its threads). The clients take turns within a round, and a
ratio is the median of the rounds' ratios, so a busy machine slows both sides of it.

Required: with every event parsed to a dict not slower than asterisk-ami and 2.5 times panoramisk; with the name
filter 3 times asterisk-ami (which has a filter of its own, but parses before it looks).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from asterisk.ami import AMIClient, SimpleAction
from panoramisk import Manager

from sip.ami import AmiConfig, open_ami
from sip.ami_protocol import Message

RECORDED = Path(__file__).parent.parent / "tests" / "sip" / "data" / "queue_answered.ami.jsonl"
LAST = "BenchOver"
GO = "UserEvent"
WANTED = ("Newchannel", "CEL", "Hangup", "Hold", "Unhold", "OriginateResponse", LAST)
"""Events a gateway with a preview listens to; a fifth of the unfiltered stream."""

Client = Callable[[int], "tuple[int, float]"]


def recorded_stream() -> tuple[bytes, int, int]:
    """The recorded call as bytes of the wire, its number of events, and how many of them are wanted."""
    written, wanted = [], 0
    for line in RECORDED.read_text().splitlines():
        event = {key: value for key, value in json.loads(line).items() if key != "_received"}
        wanted += event["Event"] in WANTED
        pairs = ((key, one) for key, value in event.items() for one in ([value] if isinstance(value, str) else value))
        written.append("".join(f"{key}: {value}\r\n" for key, value in pairs) + "\r\n")
    return "".join(written).encode(), len(written), wanted


def serve(pipe: Connection, repeat: int) -> None:
    """The server process: answer the few actions the clients need; `GO` starts the stream."""
    stream, _, _ = recorded_stream()
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        with client:
            answer_client(client, stream * 20, repeat // 20)


def answer_client(client: socket.socket, stream: bytes, repeat: int) -> None:
    """Serve one client until it goes."""
    client.sendall(b"Asterisk Call Manager/11.0.0\r\n")
    lines: dict[str, str] = {}
    for raw in client.makefile("rb"):
        key, _, value = raw.decode().rstrip("\r\n").partition(": ")
        if key:
            lines[key] = value
            continue
        action, action_id = lines.get("Action", ""), lines.get("ActionID", "")
        lines = {}
        end = f"Event: {action}Complete\r\nActionID: {action_id}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
        start = "EventList: start\r\n" if action.startswith("CoreShow") else "Challenge: 1\r\n"
        client.sendall(f"Response: Success\r\nActionID: {action_id}\r\n{start}\r\n".encode())
        if action.startswith("CoreShow"):
            client.sendall(end.encode())
        elif action == GO:
            for _ in range(repeat):
                client.sendall(stream)
            client.sendall(f"Event: {LAST}\r\nPrivilege: user,all\r\n\r\n".encode())
        elif action == "Logoff":
            return


async def our_session(port: int, names: tuple[str, ...] | None) -> tuple[int, float]:
    """Ours: count the events handed to a handler, each taken apart to a dict."""
    counted = 0
    over = asyncio.Event()

    async def handler(event: Message) -> None:
        nonlocal counted
        counted += len(event.fields) > 0
        if event.name == LAST:
            over.set()

    async with open_ami(AmiConfig(port=port, username="b", secret="b")) as session, asyncio.TaskGroup() as group:
        session.on(names, handler)
        running = group.create_task(session.run())
        await session.wait_connected(10)
        begun = time.process_time()
        await session.action(GO)
        await over.wait()
        spent = time.process_time() - begun
        running.cancel()
    return counted, spent


def ours(port: int) -> tuple[int, float]:
    """Ours with every event parsed to a dict."""
    return asyncio.run(our_session(port, None))


def ours_filtered(port: int) -> tuple[int, float]:
    """Ours with the name filter; the events that pass are parsed."""
    return asyncio.run(our_session(port, WANTED))


def asterisk_ami(port: int) -> tuple[int, float]:
    """The client named asterisk-ami, in its own thread, with a plain function as listener."""
    counted = 0
    over = threading.Event()

    def listener(event: object, source: object) -> None:
        nonlocal counted
        counted += 1
        if event.name == LAST:  # type: ignore[attr-defined]
            over.set()

    client = AMIClient(address="127.0.0.1", port=port)
    client.add_event_listener(listener)
    client.login(username="b", secret="b").response  # noqa: B018 - reading it waits for the answer
    begun = time.process_time()
    client.send_action(SimpleAction(GO))
    over.wait()
    spent = time.process_time() - begun
    client.disconnect()
    return counted, spent


async def panoramisk_session(port: int) -> tuple[int, float]:
    """The client named panoramisk, with a plain function for every event."""
    counted = 0
    over = asyncio.Event()

    def listener(manager: Manager, event: dict[str, str]) -> None:
        nonlocal counted
        counted += 1
        if event["Event"] == LAST:
            over.set()

    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host="127.0.0.1", port=port, username="b", secret="b", ping_delay=999)
    manager.register_event("*", listener)
    await manager.connect()
    while manager.protocol is None or not manager.authenticated:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    begun = time.process_time()
    manager.send_action({"Action": GO})
    await over.wait()
    spent = time.process_time() - begun
    manager.close()
    return counted, spent


def panoramisk(port: int) -> tuple[int, float]:
    """The client named panoramisk."""
    return asyncio.run(panoramisk_session(port))


def measure(port: int, rounds: int, events: int) -> dict[str, list[float]]:
    """Events of the stream a CPU second, by client and round (what a filter drops counts as dealt with)."""
    clients: list[Client] = [ours, asterisk_ami, panoramisk, ours_filtered]
    rates: dict[str, list[float]] = {client.__name__: [] for client in clients}
    for turn in range(rounds):
        for client in clients[turn % len(clients) :] + clients[: turn % len(clients)]:
            counted, spent = client(port)
            expected = events if client is not ours_filtered else None
            assert expected is None or abs(counted - expected) <= 1, (client.__name__, counted, expected)
            rates[client.__name__].append(events / spent)
    return rates


def ratio(rates: dict[str, list[float]], ours_name: str, peer: str) -> float:
    """Median of the rounds' ratios."""
    pairs = zip(rates[ours_name], rates[peer], strict=True)
    return round(statistics.median(mine / theirs for mine, theirs in pairs), 2)


def main() -> None:
    """Measure and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--repeat", type=int, default=400, help="times the recorded call is played (twenties)")
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)
    _, events, wanted = recorded_stream()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, given.repeat), daemon=True)
    server.start()
    try:
        rates = measure(here.recv(), given.rounds, events * (given.repeat // 20 * 20))
    finally:
        server.terminate()
        server.join()
    ratios = {
        "parsed_to_asterisk_ami": (ratio(rates, "ours", "asterisk_ami"), 1.0),
        "parsed_to_panoramisk": (ratio(rates, "ours", "panoramisk"), 2.5),
        "filtered_to_asterisk_ami": (ratio(rates, "ours_filtered", "asterisk_ami"), 3.0),
    }
    report = {
        "bench": "ami",
        "events_per_cpu_second": {name: round(statistics.median(all_)) for name, all_ in rates.items()},
        "share_kept_by_the_filter": round(wanted / events, 2),
        "ratios": {name: {"is": value, "at_least": bound} for name, (value, bound) in ratios.items()},
        "met": all(value >= bound for value, bound in ratios.values()),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
