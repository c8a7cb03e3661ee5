"""The manager account: what it may do and must not, from where, and which events Asterisk sends it.

`ListCommands` names what is allowed; each right that is missing is told with what then cannot be done. The lines of
manager.conf themselves are read by `AST_CONFIG`, and from the file where this machine is the PBX and lets us.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from gateway.doctor.conf_files import section_of
from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from gateway.domain.errors import GatewayError
from gateway.domain.recordings import RecordingWay
from gateway.settings import PbxKind
from sip.ami_connection import AmiConnection
from sip.asterisk_questions import ask_setting
from sip.asterisk_rights import ACTIONS

WRITE = "call,agent,originate,reporting"
READ = "system,call,agent,user,cdr,reporting"
_WHAT: Mapping[str, str] = {
    "Originate": "click-to-call, scheduled calls and listening in",
    "Hangup": "hanging up",
    "Redirect": "hold",
    "BlindTransfer": "blind transfer",
    "Setvar": "hold and transfers",
    "Getvar": "hold, transfers and this check itself",
    "PlayDTMF": "keys in a call",
    "MixMonitorMute": "pausing a recording",
    "QueuePause": "a manager's break in the queues of the PBX",
    "CoreShowChannels": "any order to a call that goes on",
    "CoreStatus": "seeing that Asterisk was restarted",
    "DeviceStateList": "proposing whose endpoint is whose",
}
"""What is not possible without an action."""
_NEEDED: Mapping[str, tuple[str, str]] = {"CoreStatus": ("reporting", ""), "DeviceStateList": ("reporting", "")} | dict(
    ACTIONS
)
"""The class each action needs and the module that brings it: those of the engine's orders, and two of our own."""
_READ_NEEDED = {"system": "Reload and Shutdown", "call": "hold times, hang-ups and the answers to our orders"}
_NO_FILTER_SINCE = {18: 26, 20: 11, 21: 6, 22: 1}
"""The first release of each branch that knows eventfilter(...)."""
EVENTS = (
    *("CEL", "Hangup", "Hold", "Unhold", "OriginateResponse", "ChanSpyStart", "ChanSpyStop"),
    *("MixMonitorStart", "MixMonitorStop", "MixMonitorMute", "FullyBooted", "Shutdown", "Reload"),
)
"""What the supplied filter lets through."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})
_UNTOLD = frozenset({"FullyBooted"})
"""Events that are sent at each login, whatever the filter says."""


async def check_account(look: Look) -> AsyncIterator[Finding]:
    """Rights, addresses and the filter; the names of the events heard meanwhile are judged at the end."""
    async for finding in _rights(look):
        yield finding
    async for finding in _addresses(look):
        yield finding
    async for finding in _stamps(look):
        yield finding
    if look.config.tls is None and look.config.host not in _LOOPBACK:
        yield look.area.advice(
            "The manager interface is spoken in the clear over the network.",
            "in [general] of manager.conf: tlsenable = yes, and ami.tls = true in our settings",
            code="ami_in_the_clear",
        )


async def _rights(look: Look) -> AsyncIterator[Finding]:
    rights = await look.asterisk.rights()
    granted = {right for classes in rights.actions.values() if len(classes - {"all"}) == 1 for right in classes}
    absent = [action for action in _NEEDED if action not in rights.actions]
    lacking = sorted({_NEEDED[action][0] for action in absent} - granted)
    for right in lacking:
        blocked = "; ".join(_WHAT[action] for action in absent if _NEEDED[action][0] == right)
        yield look.area.fault(
            f"The account lacks the class {right}. Not possible without it: {blocked}.",
            f"in [{look.config.username}] of {look.places.manager}: write = {WRITE}",
            *look.places.account(look.config.username, template_for(look)),
            code=f"ami_lacks_{right}",
        )
    for action in (a for a in absent if _NEEDED[a][0] in granted):
        module = _NEEDED[action][1]
        load = (
            *look.places.write("modules.conf", f"load = {module}.so"),
            f"then: asterisk -rx 'module load {module}.so'",
        )
        yield look.area.advice(
            f"Asterisk has no action {action}. Not possible without it: {_WHAT[action]}.",
            *(load if module else ("bring the PBX to Asterisk 18, 20 or 22",)),
            code=f"ami_no_{action.casefold()}",
        )
    by_order = look.pbx.recordings.way is RecordingWay.BRIDGE  # then `system` was granted knowingly, and is told there
    mighty = [right for right in rights.dangerous if not (by_order and right == "system")]
    if mighty:
        yield look.area.fault(
            f"The account has the class {', '.join(mighty)}: its secret is worth a shell on the PBX.",
            f"in [{look.config.username}] of {look.places.manager}: write = {WRITE}",
            "then: asterisk -rx 'manager reload'",
            code="ami_too_mighty",
        )
    async for finding in _reading(look):
        yield finding
    if not lacking and not mighty:
        yield look.area.ok("The account has the rights it needs and no more.")
    if "Originate" in rights.actions:
        yield await _answers(look)


async def _reading(look: Look) -> AsyncIterator[Finding]:
    told = await look.setting("manager.conf", look.config.username, "read")
    classes = {word.strip() for word in (told or "").split(",")}
    if not told or "all" in classes:
        return
    lacking = {right: what for right, what in _READ_NEEDED.items() if right not in classes}
    if lacking:
        untold = "; ".join(lacking.values())
        yield look.area.advice(
            f"The account does not read the class {', '.join(lacking)}. We are not told of: {untold}.",
            f"in [{look.config.username}] of {look.places.manager}: read = {READ}",
            "then: asterisk -rx 'manager reload'",
            code="ami_reads_too_little",
        )


async def _answers(look: Look) -> Finding:
    try:
        heard = await look.asterisk.hears_originate()
    except GatewayError:
        heard = False
    if heard:
        return look.area.ok("Answers to click-to-call reach us.")
    return look.area.fault(
        "Answers to click-to-call do not reach us: the class `call` is missing, or the event filter drops them.",
        f"in [{look.config.username}] of {look.places.manager}: read = {READ}",
        "eventfilter(action(include),name(OriginateResponse)) =",
        *look.places.account(look.config.username, template_for(look)),
        code="ami_answers_lost",
    )


async def _addresses(look: Look) -> AsyncIterator[Finding]:
    permits = await ask_setting(look.asterisk, "manager.conf", look.config.username, "permit")
    denied = await ask_setting(look.asterisk, "manager.conf", look.config.username, "deny")
    acl = await look.setting("manager.conf", look.config.username, "acl")
    if permits is None or denied is None or acl:
        return  # not told, or a list of acl.conf, which is the site's own affair
    open_to = [permit for permit in permits if _is_everybody(permit)]
    if open_to or not any(_is_everybody(deny) and ":" not in deny for deny in denied):
        yield look.area.fault(
            f"Anybody's machine may try the account's secret ({open_to[0] if open_to else 'no deny line'}).",
            f"in [{look.config.username}] of {look.places.manager}:",
            "deny = 0.0.0.0/0.0.0.0",
            "permit = (the gateway's address)/255.255.255.255",
            "then: asterisk -rx 'manager reload'",
            code="ami_open_to_all",
        )
    else:
        allowed = ", ".join(permits)
        yield look.area.ok(
            f"Only these may log in with it: {allowed}." if allowed else "Nobody may log in with it from anywhere."
        )


async def _stamps(look: Look) -> AsyncIterator[Finding]:
    """Hold and Unhold are in no journal; without the moment at which they happened they are not counted."""
    told = await look.setting("manager.conf", "general", "enabled")
    stamped = await look.setting("manager.conf", "general", "timestampevents")
    if told and (stamped or "no").casefold() not in _TRUE:
        yield look.area.fault(
            "Events come without their moment (timestampevents is off): hold is not seen and counts as talk.",
            *look.places.write(look.places.manager, "[general](+)", "timestampevents = yes"),
            "then: asterisk -rx 'manager reload'",
            code="ami_no_timestamps",
        )


def _is_everybody(network: str) -> bool:
    try:
        return ipaddress.ip_network(network.strip(), strict=False).prefixlen == 0
    except ValueError:
        return False


def knows_filters(version: tuple[int, int] | None) -> bool:
    """Whether a version knows `eventfilter(...)`; an unknown one is taken for a new one."""
    return version is None or (
        version[0] >= 18 and version[0] != 19 and version[1] >= _NO_FILTER_SINCE.get(version[0], 0)
    )


def template_for(look: Look) -> str:
    """The file of the account's template that fits the version."""
    return "trunkline_manager.conf" if knows_filters(look.version) else "trunkline_manager_old.conf"


async def names_heard(asterisk: AmiConnection, heard: set[str]) -> None:
    """Note the names of the events that come while others ask; runs until it is cancelled."""
    with suppress(GatewayError):
        async for batch in asterisk.events():
            heard.update(event.name for event in batch)


async def check_filter(look: Look, heard: set[str]) -> AsyncIterator[Finding]:
    """Whether Asterisk sends only what is used.

    Args:
        look: at the PBX.
        heard: names of the events that came during the other checks.
    """
    await asyncio.sleep(0)
    area, user = look.area, look.config.username
    template = template_for(look)
    surplus = sorted(heard - set(EVENTS) - _UNTOLD)
    lines = await asyncio.to_thread(section_of, await _folder(look), "manager.conf", user)
    filters = [key for key, _ in lines or () if key.startswith("eventfilter")]
    if surplus or (lines is not None and not filters):
        told = (
            "The account has no event filter, so Asterisk sends us every event, about seven times what is used, and"
            " cuts off whoever does not keep up."
        )
        yield area.advice(
            " ".join((told, f"Nobody uses, for example, {', '.join(surplus[:5])}.")) if surplus else told,
            *look.places.account(user, template),
            code="ami_no_filter",
        )
    elif filters and not knows_filters(look.version) and all("(" in key for key in filters):
        yield area.fault(
            "This Asterisk does not know the form eventfilter(...) and passes over those lines: there is no filter.",
            *look.places.account(user, template),
            code="ami_filter_form",
        )
    elif not knows_filters(look.version) and lines is None:
        yield area.advice(
            "This Asterisk does not know the template's event filter lines; the other template has them in its form:",
            *look.places.account(user, template),
            code="ami_filter_form",
        )


async def _folder(look: Look) -> Path | None:
    """Where its configuration lies, if it is on this machine; None: it is not."""
    if look.config.host not in _LOOPBACK or look.places.kind is PbxKind.MIKOPBX:
        return None
    told = await look.value("ASTETCDIR")
    return Path(told) if told and told.startswith("/") else None


def account_lines(look: Look) -> Iterator[str]:
    """The whole account, for a login that is refused."""
    yield from look.places.account(look.config.username, template_for(look))
