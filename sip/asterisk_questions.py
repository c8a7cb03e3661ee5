"""What Asterisk is asked about itself, beyond the single actions of `sip.ami_actions`.

How it fits: the engine asks over its session, `trunkline doctor` over a connection of its own. Every answer carries our
ActionID, so it may be believed. `Getvar` reads dialplan functions, and with them what would otherwise need rights that
a gateway must not have: the zone of Asterisk's clock, an endpoint's caller id, the settings of the call journal
(measured on 22.10.1 with the write classes call and reporting alone).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.domain.errors import Rejected, TryAgain
from gateway.domain.ports import SeenEndpoint
from sip.ami_actions import AmiActions
from sip.ami_answers import Channels
from sip.ami_errors import ActionDenied

_OFFLINE = frozenset({"unavailable", "invalid", "unknown"})
_EXTENSION = re.compile(r"[0-9]{2,6}")
_DEVICE = re.compile(r"[A-Za-z0-9]+/[^\s/]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,80}")
_MOST_LINES = 20  # of one key in one section of a configuration file


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What Asterisk says of itself now; asked for, so it may be believed."""

    at: datetime
    """Our clock (UTC), before the question."""
    legs: frozenset[str] | None
    """Ids of all channels; None: not told, or a row hides its id, so nothing may be taken for ended."""
    started_at: datetime | None
    """Asterisk's start, UTC by its own clock; None: not told."""
    clock_offset: timedelta | None
    """PBX minus gateway; None: not measured."""


async def ask_standing(asterisk: AmiActions) -> Standing | None:
    """The channels, the start and the clock; None: it cannot be asked at the moment."""
    asked_at = datetime.now(UTC)
    try:
        started_at = await ask_start(asterisk)
        channels = await asterisk.core_show_channels()
        clock = await asterisk.read_clock()
    except (TryAgain, ActionDenied, Rejected):
        return None
    return Standing(
        at=asked_at, legs=_ids(channels), started_at=started_at, clock_offset=clock.offset if clock else None
    )


def _ids(channels: Channels) -> frozenset[str] | None:
    return frozenset(row.uniqueid or "" for row in channels.rows) if channels.complete else None


async def ask_start(asterisk: AmiActions) -> datetime | None:
    """Asterisk's start. It is told in Asterisk's own zone; the zone is told by a dialplan function."""
    told = (await asterisk.core_status()).started
    try:
        local = datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        zone = await ask_value(asterisk, f"STRFTIME({int(local.timestamp())},,%z)")
        return datetime.strptime(f"{told} {zone}", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None


async def ask_endpoints(asterisk: AmiActions, pbx: str) -> list[SeenEndpoint]:
    """The endpoints Asterisk knows, with the extension it calls them by."""
    return [
        SeenEndpoint(
            pbx=pbx,
            name=seen.name,
            online=seen.state.casefold() not in _OFFLINE,
            proposed_extension=await _proposal(asterisk, seen.name),
        )
        for seen in await asterisk.endpoints()
        if _DEVICE.fullmatch(seen.name)
    ]


async def _proposal(asterisk: AmiActions, name: str) -> str | None:
    """The number of the endpoint's caller id, else of its AOR, else the digits its name begins with."""
    technology, _, plain = name.partition("/")
    if technology == "PJSIP" and _PLAIN_NAME.fullmatch(plain):
        shown = await ask_value(asterisk, f"PJSIP_ENDPOINT({plain},callerid)") or ""
        aors = await ask_value(asterisk, f"PJSIP_ENDPOINT({plain},aors)") or ""
        for told in (shown.rpartition("<")[2].rstrip(">"), aors):
            if _EXTENSION.fullmatch(told):
                return told
    begins = _EXTENSION.match(plain)
    return begins[0] if begins and not plain[begins.end() : begins.end() + 1].isalnum() else None


async def ask_value(asterisk: AmiActions, expression: str, *, channel: str | None = None) -> str | None:
    """The value of a variable or a dialplan function.

    Args:
        asterisk: whom to ask.
        expression: such as `STRFTIME(0,,%z)`; nothing of a caller's.
        channel: whose variable; None: a global one.

    Returns:
        Empty where it has none; None where Asterisk does not say.
    """
    try:
        whose = {} if channel is None else {"Channel": channel}
        return (await asterisk.action("Getvar", {"Variable": expression} | whose)).get("Value", "")
    except (Rejected, ActionDenied):
        return None


async def ask_setting(asterisk: AmiActions, file: str, section: str, key: str) -> tuple[str, ...] | None:
    """Every value of a key in one of Asterisk's configuration files, as they are on its disk.

    Returns:
        Empty where the key is not there; None where Asterisk does not say.
    """
    found: list[str] = []
    for place in range(_MOST_LINES):
        told = await ask_value(asterisk, f"AST_CONFIG({file},{section},{key},{place})")
        if told is None:
            return None
        if not told:
            break
        found.append(told)
    return tuple(found)
