"""Recording a leg through Asterisk's REST interface (ARI), for sites whose dialplan is not ours to change.

Of the client's leg two copies are taken by `snoop`, what it says and what it hears, and each is recorded into a file of
Asterisk's own; nothing of the call itself is touched. Names are made of the leg's id, so an order that was given twice,
or by a gateway that was killed meanwhile, finds what is there already and records nothing twice.

Where the rules come from: Asterisk 22, res_stasis_snoop and res_stasis_recording; docs.asterisk.org, "Channels REST
API" and "Recordings REST API". A snooping channel lives in a Stasis application, which exists while somebody holds its
WebSocket (`run`); measured on 22.10.1: recordings go on while nobody does, and end with the leg.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO
from urllib.parse import quote

import aiohttp
import structlog

from gateway.domain.errors import GiveUp, Rejected, TryAgain
from gateway.domain.recordings import is_spool_name

log = structlog.get_logger()

APPLICATION = "trunkline"
PREFIX = "trunkline-"
"""Of our recordings' names; whatever else is stored there is left alone."""
_SIDES = {"rx": "in", "tx": "out"}
"""Side of the recording to the direction that is snooped: what the client says, and what he hears."""
_MODULES = ("res_stasis_snoop.so", "res_stasis_recording.so", "res_ari_recordings.so")
_DEADLINE = aiohttp.ClientTimeout(total=5)
_FILE_DEADLINE = aiohttp.ClientTimeout(total=None, sock_read=30)
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_BLOCK = 1 << 16
_ENTERING_SECONDS = 0.02
_ENTERING_TRIES = 25
_MOST_NAMES = 100_000


class AriRefused(GiveUp, PermissionError):
    """Asterisk's web server refuses the account; correct user and password of [pbx.NAME.ari] or ari.conf."""


class AriAway(TryAgain, ConnectionError):
    """Asterisk's web server does not answer; see http.conf and [pbx.NAME.ari]."""


class BadLeg(Rejected, ValueError):
    """A leg's id has letters, digits, dot, dash and underscore only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AriConfig:
    """Where Asterisk's web server is, and who we are there."""

    url: str
    """Like `http://127.0.0.1:8088/ari`."""
    user: str
    password: str


@dataclass(slots=True, kw_only=True)
class AriState:
    """How the session is doing, for doctor and metrics."""

    connected: bool = False
    fault: str | None = None
    """Why there is no session; None: there is one, or none was tried yet."""


class Ari:
    """One Asterisk's REST interface; fits the port `LegRecorder`. Make it with `open_ari`, then run `run`."""

    def __init__(self, config: AriConfig, session: aiohttp.ClientSession) -> None:
        self._base = config.url.rstrip("/")
        self._session = session
        self.state = AriState()
        self._ready = asyncio.Event()

    async def run(self) -> None:
        """Keep the application's WebSocket open until cancelled; what it says is not needed."""
        failures = 0
        while True:
            try:
                address = f"{self._base}/events?app={APPLICATION}&subscribeAll=false"
                async with self._session.ws_connect(address, heartbeat=20, max_msg_size=1 << 20) as socket:
                    failures = 0
                    self._tell(None)
                    async for _ in socket:
                        pass
                self._tell("Asterisk closed the session")
            except aiohttp.WSServerHandshakeError as fault:
                self._tell(f"Asterisk answered {fault.status}")
            except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                self._tell(type(fault).__name__)
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    async def can_record(self) -> bool:
        """Whether Asterisk has what recording takes; for `doctor`.

        Raises:
            AriAway, AriRefused: it cannot be asked.
        """
        states = [await self._ask("GET", f"/asterisk/modules/{module}") for module in _MODULES]
        return all(isinstance(body, dict) and body.get("status") == "Running" for _, body in states)

    async def begin(self, leg: str) -> bool:
        """Record a leg from now on, unless that is done already.

        Returns:
            False: the leg is gone.

        Raises:
            AriAway, AriRefused: it cannot be ordered.
            BadLeg: the id is none.
        """
        _checked(leg)
        self._insist_on_session()
        snoops = await asyncio.gather(*(self._snoop(leg, side) for side in _SIDES))
        if not all(snoops):
            return False
        return all(await asyncio.gather(*(self._record(leg, side) for side in _SIDES)))

    async def pause(self, leg: str, *, paused: bool) -> bool:
        """Write silence from now on, or sound again; False: nothing of the leg is being recorded."""
        _checked(leg)
        method = "POST" if paused else "DELETE"
        done = [(await self._ask(method, f"/recordings/live/{_name(leg, side)}/mute"))[0] for side in _SIDES]
        return all(status in (204, 409) for status in done)

    async def finished(self) -> list[str]:
        """The legs whose both recordings are over and lie at Asterisk, in no order."""
        status, body = await self._ask("GET", "/recordings/stored")
        names = {row.get("name") for row in body[:_MOST_NAMES]} if status == 200 and isinstance(body, list) else set()
        legs = {
            name.removeprefix(PREFIX)[:-3]
            for name in names
            if isinstance(name, str) and name.startswith(PREFIX) and name.endswith("-rx")
        }
        pairs = [leg for leg in legs if is_spool_name(leg) and _name(leg, "tx") in names]
        return [leg for leg in pairs if not await self._is_live(leg)]

    async def fetch(self, leg: str, side: str, target: BinaryIO) -> None:
        """Write a stored recording's WAV file into a file.

        Raises:
            AriAway: it broke off; what was written is not whole.
        """
        address = f"{self._base}/recordings/stored/{_name(_checked(leg), side)}/file"
        try:
            async with self._session.get(address, timeout=_FILE_DEADLINE) as answer:
                if answer.status != 200:
                    raise AriAway(f"Asterisk answers {answer.status} for a stored recording; it is tried again.")
                async for block in answer.content.iter_chunked(_BLOCK):
                    target.write(block)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            if isinstance(fault, AriAway):
                raise
            raise AriAway from fault

    async def forget(self, leg: str) -> None:
        """Remove a leg's recordings at Asterisk; can be repeated."""
        for side in _SIDES:
            await self._ask("DELETE", f"/recordings/stored/{_name(_checked(leg), side)}")

    async def _is_live(self, leg: str) -> bool:
        states = [(await self._ask("GET", f"/recordings/live/{_name(leg, side)}"))[0] for side in _SIDES]
        return any(status == 200 for status in states)

    async def _snoop(self, leg: str, side: str) -> bool:
        """Take a copy of one direction; true also where it is taken already (which Asterisk answers with 500)."""
        copy = _channel(leg, side)
        where = f"/channels/{quote(leg, safe='')}/snoop/{copy}"
        status, _ = await self._ask("POST", where, spy=_SIDES[side], app=APPLICATION)
        return status == 200 or (await self._ask("GET", f"/channels/{copy}"))[0] == 200

    async def _record(self, leg: str, side: str) -> bool:
        """Record a copy; one that has just been made needs a moment to enter the application."""
        options = {"name": _name(leg, side), "format": "wav", "ifExists": "fail", "terminateOn": "none"}
        for _ in range(_ENTERING_TRIES):
            status, body = await self._ask("POST", f"/channels/{_channel(leg, side)}/record", **options)
            if status == 201 or (status == 409 and await self._is_recorded(leg, side)):
                return True
            if status not in (404, 409, 412):
                log.warning("a leg is not recorded", status=status, answer=str(body)[:200])
                return False
            await asyncio.sleep(_ENTERING_SECONDS)
        return False

    async def _is_recorded(self, leg: str, side: str) -> bool:
        status, _ = await self._ask("GET", f"/recordings/live/{_name(leg, side)}")
        return status == 200

    async def _ask(self, method: str, path: str, **query: str) -> tuple[int, object]:
        try:
            async with self._session.request(method, self._base + path, params=query, timeout=_DEADLINE) as answer:
                text = await answer.text(encoding="utf-8", errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise AriAway from fault
        if answer.status in (401, 403):
            raise AriRefused
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, text

    def _insist_on_session(self) -> None:
        if not self.state.connected:
            raise AriAway(f"There is no session with Asterisk's web server: {self.state.fault or 'not yet'}.")

    def _tell(self, fault: str | None) -> None:
        if fault is not None and fault != self.state.fault:
            log.warning("no session with Asterisk's web server", fault=fault)
        self.state.connected, self.state.fault = fault is None, fault


def _checked(leg: str) -> str:
    if not is_spool_name(leg):
        raise BadLeg
    return leg


def _name(leg: str, side: str) -> str:
    return f"{PREFIX}{leg}-{side}"


def _channel(leg: str, side: str) -> str:
    """Id of the copying channel, the same for the same leg; short, for tables that hold 32 characters."""
    return f"tls-{side}-{sha256(leg.encode()).hexdigest()[:16]}"


@asynccontextmanager
async def open_ari(config: AriConfig) -> AsyncIterator[Ari]:
    """A client of one Asterisk's REST interface; nothing is asked before `run` or an order."""
    secret = b64encode(f"{config.user}:{config.password}".encode()).decode()
    headers, patience = {"Authorization": f"Basic {secret}"}, aiohttp.ClientTimeout(total=None, connect=5)
    async with aiohttp.ClientSession(headers=headers, timeout=patience) as session:
        yield Ari(config, session)
