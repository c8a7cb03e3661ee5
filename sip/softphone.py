"""Phones in browsers at an Asterisk: their accounts without a file, and their calls over a page that is loaded anew.

How it fits: the port `gateway.domain.softphone.SoftphonePbx`; `gateway.softphones` says when.

How it works, measured on Asterisk 22.10.1:
- An account is three objects of PJSIP (aor, auth, endpoint) in Asterisk's own database, written by its REST interface
  (`PUT /asterisk/config/dynamic/res_pjsip/...`); sorcery.conf must name that database
  (deploy/asterisk/trunkline_sorcery.conf). Nothing is reloaded. Of the password only the digest of RFC 2617 is kept.
- A page that goes in mid call: one Redirect of both legs, the client into a holding bridge with music, the other leg to
  its end (context `trunkline-away`). Ids and linkedid stay, the recording goes on. The time limit is the dialplan's, so
  a gateway that dies meanwhile leaves nobody in the music.
- Back again: a channel to the page is made by the REST interface with the waiting client as `originator`, so it has his
  linkedid from its first row, and the call stays one. Answered, it fetches him by the application Bridge, which also
  takes the time limit off.
What was waited for stands in variables of the client's channel, so a restarted gateway brings him back as well.
"""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import md5
from urllib.parse import quote

import aiohttp

from gateway.domain.errors import GiveUp, Rejected
from gateway.domain.legs import LegEvent, is_local
from gateway.domain.softphone import Away, SoftphoneAccount, SoftphoneLeg
from sip.ami_actions import AmiActions
from sip.ami_answers import Channel
from sip.ami_errors import ActionFailed
from sip.ari import AriAway, AriConfig, AriRefused
from sip.asterisk_asking import Action, Channels, Orders
from sip.asterisk_orders import DialTemplate, check_phone
from sip.asterisk_questions import ask_value

AWAY = "trunkline-away"
"""Context of the supplied dialplan."""
REALM = "trunkline"
RETURN_HEADER = "X-Trunkline-Return"
"""In the INVITE of a leg that brings a page back into its call; such a call the page answers by itself."""
ANSWER_SECONDS = 10

_OBJECTS = "/asterisk/config/dynamic/res_pjsip"
_DEADLINE = aiohttp.ClientTimeout(total=5)
_PRINTABLE = re.compile(r"[^\w .,'-]")
_CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.@;:+*#-]{0,150}")


class NoDynamicObjects(GiveUp, LookupError):
    """Asterisk takes no endpoints into its database: include trunkline_sorcery.conf in [res_pjsip] of sorcery.conf and
    restart it."""


class AsteriskSoftphones(Orders):
    """The port `SoftphonePbx` of one Asterisk; make it with `open_softphones`."""

    def __init__(
        self,
        session: AmiActions,
        web: aiohttp.ClientSession,
        base: str,
        *,
        template: DialTemplate,
        open_legs: Callable[[], Mapping[str, LegEvent]],
    ) -> None:
        super().__init__(session, template=template, open_legs=open_legs)
        self._web = web
        self._base = base
        self._moving: dict[str, asyncio.Lock] = {}

    # accounts

    async def put(self, account: SoftphoneAccount) -> None:
        """Make the account, or give it another password; see `SoftphonePbx.put`."""
        check_phone(account.endpoint, account.extension)
        for kind, fields in _objects(account).items():
            body = {"fields": [{"attribute": name, "value": value} for name, value in fields]}
            status, _ = await self._ask("PUT", f"{_OBJECTS}/{kind}/{quote(account.endpoint, safe='')}", body)
            if status != 200:
                raise NoDynamicObjects

    async def remove(self, endpoint: str) -> None:
        """Take the account away; what is not there counts as removed."""
        for kind in ("endpoint", "auth", "aor"):
            await self._ask("DELETE", f"{_OBJECTS}/{kind}/{quote(endpoint, safe='')}")

    async def can_keep_accounts(self) -> bool:
        """Whether accounts can be made, by making one that nobody can use and removing it; for `doctor`.

        Raises:
            AriAway, AriRefused: it cannot be asked.
        """
        where = f"{_OBJECTS}/aor/trunkline-doctor"
        body = {"fields": [{"attribute": "max_contacts", "value": "0"}]}
        status, _ = await self._ask("PUT", where, body)
        await self._ask("DELETE", where)
        return status == 200

    # calls

    async def part(self, endpoint: str, away: Away) -> int:
        """The page has gone in mid call; see `SoftphonePbx.part`."""
        async with self._turn(endpoint):
            channels = await self._channels()
            waiting = 0
            for mine in _legs_of(channels, endpoint):
                if mine.state == "Up":
                    waiting += await self._part(channels, mine, endpoint, away)
            return waiting

    async def _part(self, channels: Channels, mine: Channel, endpoint: str, away: Away) -> int:
        client, held = await self._client_of(channels, mine)
        if client is None:
            await self._do(("Hangup", {"Channel": mine.name}))
            return 0
        told = {
            "TRUNKLINE_AWAY": endpoint,
            "TRUNKLINE_AWAY_SECONDS": str(int(away.wait.total_seconds())),
            "TRUNKLINE_AWAY_TO": away.then,
            "TRUNKLINE_CONTEXT": self._template.context,
            "TRUNKLINE_HELD_BY": "",
        }
        actions = [_set(client, name, value) for name, value in told.items()]
        if held:
            actions += [_set(mine, "TRUNKLINE_ABANDONS", "1"), _set(mine, "TRUNKLINE_HOLDS", "")]
        fields = {"Channel": mine.name, "Context": AWAY, "Exten": "gone", "Priority": "1"}
        extra = {"ExtraChannel": client.name, "ExtraContext": AWAY, "ExtraExten": "music", "ExtraPriority": "1"}
        await self._do(*actions, ("Redirect", fields | extra))
        return 1

    async def _client_of(self, channels: Channels, mine: Channel) -> tuple[Channel | None, bool]:
        """Whom a leg talks with, or holds by our order; None: nobody, or several."""
        holds = await ask_value(self._asking, "TRUNKLINE_HOLDS", channel=mine.name)
        held = [row for row in channels.rows if holds and row.name == holds]
        others = held or [
            row
            for row in channels.rows
            if row.name != mine.name and not is_local(row.name) and channels.together(mine, row)
        ]
        usable = [row for row in others if _CHANNEL_NAME.fullmatch(row.name)]
        return (usable[0], bool(held)) if len(others) == 1 and usable else (None, False)

    async def bring_back(self, endpoint: str) -> int:
        """The page is registered again; see `SoftphonePbx.bring_back`."""
        check_phone(endpoint, endpoint)
        async with self._turn(endpoint):
            channels = await self._channels()
            rung = {row.linkedid for row in _legs_of(channels, endpoint) if row.state != "Up"}
            done = 0
            for client in channels.rows:
                if client.linkedid not in rung and await self._waits(channels, client, endpoint):
                    done += await self._ring_back(client, endpoint)
            return done

    async def _waits(self, channels: Channels, client: Channel, endpoint: str) -> bool:
        """Whether a channel hears our music until this page comes back: alone in its bridge."""
        there = client.context == AWAY and client.exten == "music" and client.state == "Up"
        if not there or not _CHANNEL_NAME.fullmatch(client.name):
            return False
        if any(row.name != client.name and row.bridge == client.bridge for row in channels.rows if client.bridge):
            return False
        return await ask_value(self._asking, "TRUNKLINE_AWAY", channel=client.name) == endpoint

    async def _ring_back(self, client: Channel, endpoint: str) -> int:
        order = {
            "endpoint": f"PJSIP/{endpoint}",
            "context": AWAY,
            "extension": "back",
            "priority": 1,
            "originator": client.uniqueid,
            "timeout": ANSWER_SECONDS,
            "variables": {"TRUNKLINE_CLIENT": client.name, f"PJSIP_HEADER(add,{RETURN_HEADER})": "1"},
        }
        status, _ = await self._ask("POST", "/channels", order)
        return int(status == 200)

    async def legs(self, endpoint: str) -> Sequence[SoftphoneLeg]:
        """Its legs at this moment, each with its SIP dialog."""
        rows = _legs_of(await self._channels(), endpoint)
        asked = [ask_value(self._asking, "CHANNEL(pjsip,call-id)", channel=row.name) for row in rows]
        dialogs = await asyncio.gather(*asked)
        return [
            SoftphoneLeg(leg=row.uniqueid, family=row.linkedid or row.uniqueid, dialog=dialog or "")
            for row, dialog in zip(rows, dialogs, strict=True)
            if row.uniqueid
        ]

    async def _do(self, *actions: Action) -> None:
        """Send actions at once, in this order; what has gone meanwhile is no fault."""
        for answer in await asyncio.gather(
            *(self._asking.action(name, fields) for name, fields in actions), return_exceptions=True
        ):
            if isinstance(answer, BaseException) and not isinstance(answer, ActionFailed):
                raise answer

    def _turn(self, endpoint: str) -> asyncio.Lock:
        return self._moving.setdefault(endpoint, asyncio.Lock())

    async def _ask(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        try:
            async with self._web.request(method, self._base + path, json=body, timeout=_DEADLINE) as answer:
                text = await answer.text(encoding="utf-8", errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise AriAway from fault
        if answer.status == 401:
            raise AriRefused
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, text


def _legs_of(channels: Channels, endpoint: str) -> list[Channel]:
    """The channels of an endpoint: its name, a dash, and Asterisk's own eight digits."""
    mine = re.compile(rf"PJSIP/{re.escape(endpoint)}-[0-9a-f]{{8}}")
    return [row for row in channels.rows if mine.fullmatch(row.name)]


def _set(channel: Channel, name: str, value: str) -> Action:
    return "Setvar", {"Channel": channel.name, "Variable": name, "Value": value}


def _objects(account: SoftphoneAccount) -> dict[str, list[tuple[str, str]]]:
    """The three objects, in the order in which they may name each other."""
    name = _PRINTABLE.sub("", account.name)[:40].strip()
    if any(not codec.isalnum() for codec in account.codecs):
        raise Rejected("A codec's name has letters and digits only.")
    told = f"{account.endpoint}:{REALM}:{account.password}".encode()
    aor = [("max_contacts", "1"), ("remove_existing", "yes"), ("qualify_frequency", "0")]
    aor += [("minimum_expiration", "30"), ("default_expiration", "60"), ("maximum_expiration", "120")]
    auth = [("auth_type", "md5"), ("username", account.endpoint), ("realm", REALM)]
    auth += [("md5_cred", md5(told, usedforsecurity=False).hexdigest())]
    endpoint = [
        ("context", account.context),
        ("aors", account.endpoint),
        ("auth", account.endpoint),
        ("disallow", "all"),
        ("allow", ",".join(account.codecs)),
        ("webrtc", "yes"),
        ("direct_media", "no"),
        ("rewrite_contact", "yes"),
        ("allow_transfer", "no"),
        ("allow_subscribe", "no"),
        ("callerid", f'"{name}" <{account.extension}>' if account.extension.isdigit() else f'"{name}"'),
        # A page that has gone unseen says nothing more; the gateway has acted long before this.
        ("rtp_timeout", "45"),
        ("rtp_timeout_hold", "3600"),
        ("timers", "no"),
        ("max_audio_streams", "1"),
        ("max_video_streams", "0"),
        ("device_state_busy_at", "1"),
    ]
    if account.media_address:
        endpoint += [("media_address", account.media_address), ("bind_rtp_to_media_address", "yes")]
    return {"aor": aor, "auth": auth, "endpoint": endpoint}


@asynccontextmanager
async def open_softphones(
    session: AmiActions,
    config: AriConfig,
    *,
    template: DialTemplate,
    open_legs: Callable[[], Mapping[str, LegEvent]],
) -> AsyncIterator[AsteriskSoftphones]:
    """Phones in browsers at one Asterisk; nothing is asked before it is needed.

    Args:
        session: to its manager interface.
        config: of its REST interface.
        template: how this PBX dials.
        open_legs: legs the journal knows as open, with their first event.
    """
    secret = b64encode(f"{config.user}:{config.password}".encode()).decode()
    async with aiohttp.ClientSession(headers={"Authorization": f"Basic {secret}"}) as web:
        yield AsteriskSoftphones(session, web, config.url.rstrip("/"), template=template, open_legs=open_legs)
