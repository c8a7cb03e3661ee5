"""An AMI server on a real socket for tests: it answers as Asterisk does and misbehaves when told to.

It takes actions apart the way Asterisk does (a line ends at LF, a NUL cuts it), so an injected line becomes an
action of its own here as it would there. It is ours, unlike what it stands for; the tests marked `asterisk`
keep it honest against the real one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Action = list[tuple[str, str]]
DATA = Path(__file__).parent / "data"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
CLASSES = {
    "BlindTransfer": {"call"},
    "CoreShowChannels": {"system", "reporting"},
    "CoreStatus": {"system", "reporting"},
    "Command": {"command"},
    "DeviceStateList": {"call", "reporting"},
    "Getvar": {"call", "reporting"},
    "Hangup": {"system", "call"},
    "ListCommands": set(),
    "MixMonitorMute": {"system", "call"},
    "ModuleLoad": {"system"},
    "Originate": {"originate"},
    "PJSIPShowEndpoints": {"system"},
    "Ping": set(),
    "PlayDTMF": {"call"},
    "QueuePause": {"agent"},
    "Redirect": {"call"},
    "Setvar": {"call"},
    "UpdateConfig": {"config"},
}


def recorded(name: str) -> bytes:
    """A recorded call as the bytes of the wire, without the greeting."""
    events = (json.loads(line) for line in (DATA / name).read_text().splitlines())
    return b"".join(wire({key: value for key, value in event.items() if key != "_received"}) for event in events)


def wire(fields: dict[str, str | list[str]]) -> bytes:
    """One message as Asterisk writes it; values go out raw, whatever is in them."""
    pairs = ((key, one) for key, value in fields.items() for one in ([value] if isinstance(value, str) else value))
    return b"".join(f"{key}: {value}\r\n".encode() for key, value in pairs) + b"\r\n"


def event(name: str, **fields: str) -> bytes:
    """One event as bytes."""
    return wire({"Event": name, "Privilege": "call,all", **fields})


@dataclass
class AmiServer:
    """What the server is, does and saw; change it while it runs.

    Attributes:
        secret: of the user `gateway`.
        write: the user's write classes.
        channels: rows of CoreShowChannels, as fields; raw values.
        banner: the greeting, empty for none.
        started: Asterisk's start, date and time.
        pieces: size of the pieces in which everything is written, None for whole.
        deaf: names of actions that are read and not answered.
        answers: own answers by action: gives the bytes for the action's ActionID.
        originate_end: fields of the OriginateResponse, None to send none.
        variables: values by channel (empty: global) and name; what is not there has none.
        actions: every action received, as lines in order.
    """

    secret: str = "right"
    write: set[str] = field(default_factory=lambda: {"call", "originate", "reporting"})
    channels: list[dict[str, str | list[str]]] = field(default_factory=list)
    banner: bytes = BANNER
    started: tuple[str, str] = ("2026-11-21", "22:00:00")
    pieces: int | None = None
    deaf: set[str] = field(default_factory=set)
    answers: dict[str, Callable[[str], bytes]] = field(default_factory=dict)
    originate_end: dict[str, str | list[str]] | None = field(
        default_factory=lambda: {"Response": "Success", "Channel": "PJSIP/101-1", "Reason": "4"}
    )
    variables: dict[tuple[str, str], str] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._empty.set()

    def received(self, name: str) -> list[dict[str, str]]:
        """The actions of one name, in order."""
        return [dict(action) for action in self.actions if ("Action", name) in action]

    @property
    def names(self) -> list[str]:
        """The names of all actions, in order, without pings."""
        names = [dict(action).get("Action", "") for action in self.actions]
        return [name for name in names if name != "Ping"]

    async def send(self, data: bytes) -> None:
        """Write to everybody who is connected."""
        for writer in list(self._writers):
            await self._write(writer, data)

    def drop(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def all_gone(self) -> None:
        """Wait until nobody is connected."""
        await self._empty.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from greeting to goodbye."""
        self.connections += 1
        self._writers.add(writer)
        self._empty.clear()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._write(writer, self.banner)
            async for action in _actions(reader):
                self.actions.append(action)
                answer = self._answer(dict(action))
                await self._write(writer, answer)
                if b"Goodbye" in answer or b"Authentication failed" in answer:
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._writers.discard(writer)
        if not self._writers:
            self._empty.set()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        step = self.pieces or len(data) or 1
        async with self._one_at_a_time:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
                await writer.drain()
                await asyncio.sleep(0)

    def _answer(self, action: dict[str, str]) -> bytes:
        name, action_id = action.get("Action", ""), action.get("ActionID", "")
        if name in self.deaf:
            return b""
        if name in self.answers:
            return self.answers[name](action_id)
        if name in CLASSES and CLASSES[name] and not CLASSES[name] & self.write:
            return response("Error", action_id, Message="Permission denied")
        method = getattr(self, f"_answer_{name.lower()}", None)
        if method is None:
            return response("Error", action_id, Message=f"Invalid/unknown command: {name}.")
        return bytes(method(action, action_id))

    def _answer_challenge(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Challenge="840415273")

    def _answer_login(self, action: dict[str, str], action_id: str) -> bytes:
        key = hashlib.md5(f"840415273{self.secret}".encode(), usedforsecurity=False).hexdigest()
        good = action.get("Key") == key or action.get("Secret") == self.secret
        if not good or action.get("Username") != "gateway":
            return response("Error", action_id, Message="Authentication failed")
        booted = wire({"Event": "FullyBooted", "Privilege": "system,all", "Status": "Fully Booted"})
        return response("Success", action_id, Message="Authentication accepted") + booted

    def _answer_logoff(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Goodbye", action_id, Message="Thanks for all the fish.")

    def _answer_ping(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Ping="Pong", Timestamp="1795301603.000000")

    def _answer_corestatus(self, action: dict[str, str], action_id: str) -> bytes:
        date, time = self.started
        counters = {"CoreCurrentCalls": str(len(self.channels)), "CoreProcessedCalls": "7"}
        return response("Success", action_id, CoreStartupDate=date, CoreStartupTime=time, **counters)

    def _answer_coreshowchannels(self, action: dict[str, str], action_id: str) -> bytes:
        rows = ({"Event": "CoreShowChannel", "ActionID": action_id} | row for row in self.channels)
        return event_list(action_id, rows, "CoreShowChannelsComplete")

    def _answer_pjsipshowendpoints(self, action: dict[str, str], action_id: str) -> bytes:
        row = {"Event": "EndpointList", "ActionID": action_id, "ObjectType": "endpoint", "ObjectName": "101"}
        return event_list(action_id, [row | {"DeviceState": "Not in use"}], "EndpointListComplete")

    def _answer_devicestatelist(self, action: dict[str, str], action_id: str) -> bytes:
        states = {"PJSIP/101": "NOT_INUSE", "Queue:sales": "NOT_INUSE"}
        row = {"Event": "DeviceStateChange", "ActionID": action_id}
        rows = (row | {"Device": device, "State": state} for device, state in states.items())
        return event_list(action_id, rows, "DeviceStateListComplete")

    def _answer_listcommands(self, action: dict[str, str], action_id: str) -> bytes:
        offered = {name: need for name, need in CLASSES.items() if not need or need & self.write}
        lines = {
            name: f"About {name}.  (Priv: {','.join(sorted(need)) or '<none>'},all)" for name, need in offered.items()
        }
        return response("Success", action_id, **lines)

    def _answer_originate(self, action: dict[str, str], action_id: str) -> bytes:
        queued = response("Success", action_id, Message="Originate successfully queued")
        if self.originate_end is None:
            return queued
        head = {"Event": "OriginateResponse", "Privilege": "call,all", "ActionID": action_id}
        return queued + wire(head | self.originate_end | {"Uniqueid": action.get("ChannelId", "")})

    def _answer_hangup(self, action: dict[str, str], action_id: str) -> bytes:
        if any(row["Channel"] == action["Channel"] for row in self.channels):
            return response("Success", action_id, Message="Channel Hungup")
        return response("Error", action_id, Message="No such channel")

    def _answer_getvar(self, action: dict[str, str], action_id: str) -> bytes:
        name = action["Variable"]
        value = "1" if name.startswith("DIALPLAN_EXISTS") else ""
        value = self.variables.get((action.get("Channel", ""), name), value)
        return response("Success", action_id, Variable=name, Value=value)

    def _answer_redirect(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Message="Redirect successful")

    def _answer_blindtransfer(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Message="Transfer succeeded")

    def _answer_playdtmf(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Message="DTMF successfully queued")

    def _answer_mixmonitormute(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id)

    def _answer_setvar(self, action: dict[str, str], action_id: str) -> bytes:
        return response("Success", action_id, Message="Variable Set")


def response(status: str, action_id: str, **fields: str) -> bytes:
    """One response as bytes."""
    return wire({"Response": status, "ActionID": action_id, **fields})


def event_list(action_id: str, rows: Iterable[dict[str, str | list[str]]], end: str) -> bytes:
    """A whole list: its announcement, its rows, its end with the count."""
    sent = [wire(row) for row in rows]
    head = response("Success", action_id, EventList="start", Message="A list will follow")
    tail = {"Event": end, "ActionID": action_id, "EventList": "Complete", "ListItems": str(len(sent))}
    return head + b"".join(sent) + wire(dict(tail))


async def _actions(reader: asyncio.StreamReader) -> AsyncIterator[Action]:
    lines: Action = []
    while raw := await reader.readuntil(b"\n"):
        line = raw.removesuffix(b"\n").removesuffix(b"\r").partition(b"\0")[0].decode()
        if line:
            key, _, value = line.partition(":")
            lines.append((key, value.strip()))
        elif lines:
            yield lines
            lines = []


@asynccontextmanager
async def running(server: AmiServer) -> AsyncIterator[AmiServer]:
    """Let it listen on a free port of the loopback (or on its own again, after a first time)."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", server.port)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.drop()
        await server.all_gone()
        await listener.wait_closed()
