"""The PBX itself, asked over its manager interface: rights, journal settings, recording, clock, endpoints.

`Getvar` tells what its configuration files say without the class `config`, which the account must not have.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.doctor.findings import Area, Finding
from gateway.doctor.journal import Expected
from gateway.domain.directory import Directory, PartyKind
from gateway.domain.errors import GatewayError
from gateway.domain.ports import SeenEndpoint
from gateway.reconcile import CLOCK_LIMIT
from gateway.settings import Pbx
from sip.ami_connection import AmiConfig, AmiConnection, open_connection
from sip.ami_errors import ActionDenied, AuthenticationRefused
from sip.asterisk_questions import ask_endpoints, ask_setting, ask_start, ask_value

_RIGHTS = (
    "in manager.conf (copy deploy/asterisk/trunkline_manager.conf to /etc/asterisk):",
    "#include trunkline_manager.conf",
    "[{user}](trunkline-rights)",
    "secret = (a long random word)",
    "permit = (the gateway's address)/255.255.255.255",
    "then: asterisk -rx 'manager reload'",
)
_WRITE = "write = call,agent,originate,reporting"
_EVENTS = frozenset(
    {"CHAN_START", "CHAN_END", "LINKEDID_END", "ANSWER", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT"}
    | {"BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END", "LOCAL_OPTIMIZE"}
)
_VERSION = re.compile(r"(?:certified/)?(\d+)\.(\d+)")
_FILTERS_SINCE = {18: 26, 20: 11, 21: 6, 22: 1}
_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})
_DEFAULT_FOLDER = "/var/spool/asterisk/trunkline"


@dataclass(slots=True, kw_only=True)
class Told:
    """What Asterisk said that other checks need."""

    set_up: bool | None = None
    started_at: datetime | None = None
    calls: int = 0

    def expected(self) -> Expected:
        """For the journal's check."""
        return Expected(set_up=self.set_up, asterisk_started_at=self.started_at, calls_since_start=self.calls)


async def check_asterisk(
    pbx: Pbx, config: AmiConfig | None, directory: Directory, told: Told, *, several: bool
) -> AsyncIterator[Finding]:
    """Look at one PBX.

    Args:
        pbx: its settings.
        config: how to reach it; None: it has no AMI.
        directory: who is who now.
        told: filled with what the journal's check needs.
        several: whether more PBXs feed this gateway.
    """
    area = Area(name=f"asterisk {pbx.name}")
    if config is None:
        yield area.advice(
            "No manager interface is set: no click-to-call, no hold times, and the end of a killed call is seen late.",
            f"[pbx.{pbx.name}.ami]",
            'user = "trunkline"',
            'secret = "(as in manager.conf)"',
        )
        return
    async with AsyncExitStack() as stack:
        try:
            asterisk = await stack.enter_async_context(open_connection(config, frozenset({"OriginateResponse"})))
            async for finding in _all(area, pbx, config, asterisk, directory, told, several=several):
                yield finding
        except AuthenticationRefused:
            yield area.fault(
                f"Asterisk at {config.host}:{config.port} refuses the user {config.username!r}.",
                "compare user and secret with manager.conf, and `permit` with our address;",
                *_rights(config),
            )
        except GatewayError as fault:
            yield area.fault(
                f"The manager interface cannot be used: {fault}",
                "in manager.conf:",
                "[general]",
                "enabled = yes",
                f"port = {config.port}",
                "then: asterisk -rx 'manager reload'",
            )


async def _all(
    area: Area,
    pbx: Pbx,
    config: AmiConfig,
    asterisk: AmiConnection,
    directory: Directory,
    told: Told,
    *,
    several: bool,
) -> AsyncIterator[Finding]:
    yield area.ok(f"Logged in at {config.host}:{config.port} as {config.username!r}.")
    async for finding in _check_rights(area, config, asterisk):
        yield finding
    async for finding in _check_core(area, asterisk, told, several=several):
        yield finding
    async for finding in _check_cel(area, asterisk, told, pbx.journal.path):
        yield finding
    async for finding in _check_dialplan(area, asterisk, pbx.recordings.folder):
        yield finding
    for finding in _check_endpoints(area, pbx, await _endpoints(asterisk, pbx.name), directory):
        yield finding


def _rights(config: AmiConfig) -> Iterator[str]:
    return (line.format(user=config.username) for line in _RIGHTS)


async def _check_rights(area: Area, config: AmiConfig, asterisk: AmiConnection) -> AsyncIterator[Finding]:
    rights = await asterisk.rights()
    if rights.missing:
        classes = ", ".join(sorted(set(rights.missing.values())))
        yield area.fault(
            f"The account lacks the class {classes} and so may not use {', '.join(sorted(rights.missing))}.",
            f"in [{config.username}] of manager.conf: {_WRITE}",
            *_rights(config),
        )
    if rights.dangerous:
        yield area.fault(
            f"The account has the class {', '.join(rights.dangerous)}: its secret is worth a shell on the PBX.",
            f"in [{config.username}] of manager.conf: {_WRITE}",
            "then: asterisk -rx 'manager reload'",
        )
    if not rights.missing and not rights.dangerous:
        yield area.ok("The account has the rights it needs and no more.")
    if "Originate" in rights.actions:
        yield await _check_filter(area, config, asterisk)
    if config.tls is None and config.host not in ("127.0.0.1", "::1", "localhost"):
        yield area.advice(
            "The manager interface is spoken in the clear over the network.",
            "in [general] of manager.conf: tlsenable = yes, and ami.tls = true in our settings",
        )


async def _check_filter(area: Area, config: AmiConfig, asterisk: AmiConnection) -> Finding:
    try:
        heard = await asterisk.hears_originate()
    except (ActionDenied, GatewayError):
        heard = False
    if heard:
        return area.ok("Answers to click-to-call reach us.")
    return area.fault(
        "Answers to click-to-call do not reach us: the class `call` is missing, or the event filter drops them.",
        f"in [{config.username}] of manager.conf: read = system,call,agent,user,cdr,reporting",
        "eventfilter(action(include),name(OriginateResponse)) =",
        *_rights(config),
    )


async def _check_core(area: Area, asterisk: AmiConnection, told: Told, *, several: bool) -> AsyncIterator[Finding]:
    try:
        status, settings = await asterisk.core_status(), await asterisk.action("CoreSettings")
    except GatewayError:
        return  # the missing right has been told
    told.calls = status.calls_processed or 0
    told.started_at = await ask_start(asterisk)
    version = settings.get("AsteriskVersion", "")
    yield area.ok(f"Asterisk {version or 'of unknown version'}.")
    if (found := _VERSION.match(version)) and int(found[2]) < _FILTERS_SINCE.get(int(found[1]), 0):
        yield area.advice(
            "This Asterisk does not know the template's event filter lines; put this one in their place:",
            "eventfilter = ^Event: (CEL|Hangup|Hold|Unhold|OriginateResponse|ChanSpyStart|ChanSpyStop"
            "|MixMonitor[A-Z][a-z]+|FullyBooted|Shutdown|Reload)",
        )
    if several and not settings.get("SystemName", ""):
        yield area.advice(
            "It has no system name; with several PBXs two calls may get the same id in its logs.",
            "in [options] of asterisk.conf: systemname = NAME, then restart Asterisk",
        )
    yield _clock(area, (clock.offset if (clock := await asterisk.read_clock()) else None))


def _clock(area: Area, offset: timedelta | None) -> Finding:
    if offset is None:
        return area.advice(
            "Asterisk sends no time stamps, so its clock cannot be compared.",
            "in [general] of manager.conf: timestampevents = yes",
        )
    told = f"Its clock is {abs(offset.total_seconds()):.3f} s {'ahead of' if offset > timedelta() else 'behind'} ours."
    if abs(offset) > CLOCK_LIMIT:
        return area.fault(told, "let both machines follow a time server: timedatectl set-ntp true")
    return area.ok(told)


async def _check_cel(area: Area, asterisk: AmiConnection, told: Told, journal: Path | None) -> AsyncIterator[Finding]:
    enabled = await ask_setting(asterisk, "cel.conf", "general", "enable")
    if enabled is None:
        return
    told.set_up = bool(enabled) and enabled[-1].casefold() in _TRUE
    if not told.set_up:
        yield area.fault("The call journal (CEL) is switched off.", *_cel_lines())
        return
    lines = await ask_setting(asterisk, "cel.conf", "general", "events") or ()
    events = {event.strip().upper() for line in lines for event in line.split(",")} - {""}
    if events & {"ALL", "DTMF"}:
        yield area.fault(
            "The call journal is told to hold what clients key in (events ALL or DTMF): PINs and card numbers.",
            "remove that `events` line from cel.conf;",
            *_cel_lines(),
        )
    missing = sorted(_EVENTS - events) if "ALL" not in events else []
    if missing:
        told.set_up = False
        yield area.fault(f"The call journal is not told to hold {', '.join(missing)}.", *_cel_lines())
    mapped = await ask_setting(asterisk, "cel_custom.conf", "mappings", journal.name) if journal else None
    if mapped is not None and (not mapped or mapped[0].count("${CSV_QUOTE(") != 17):
        told.set_up = False
        yield area.fault(
            f"cel_custom.conf does not write {journal.name if journal else ''} with our 17 columns.",
            "copy deploy/asterisk/trunkline_cel_custom.conf to /etc/asterisk and write in cel_custom.conf:",
            "[mappings]",
            "#include trunkline_cel_custom.conf",
            "then: asterisk -rx 'module load cel_custom.so' and 'module reload cel_custom.so'",
        )
    if told.set_up:
        yield area.ok("The call journal is switched on with every event a call needs.")


def _cel_lines() -> Sequence[str]:
    return (
        "copy deploy/asterisk/trunkline_cel_general.conf to /etc/asterisk and write in cel.conf:",
        "[general]",
        "#include trunkline_cel_general.conf",
        "then: asterisk -rx 'module reload cel'",
    )


async def _check_dialplan(area: Area, asterisk: AmiConnection, folder: Path | None) -> AsyncIterator[Finding]:
    if folder is None:
        return
    there = await ask_value(asterisk, "DIALPLAN_EXISTS(trunkline-record,s,1)")
    if there == "0":
        yield area.advice(
            "The subroutine trunkline-record is not in the dialplan, so nothing of ours records calls.",
            "copy deploy/asterisk/trunkline_recording.conf to /etc/asterisk and write in extensions.conf:",
            "#include trunkline_recording.conf",
            "then: asterisk -rx 'dialplan reload', and call it: same => n,Gosub(trunkline-record,s,1)",
        )
        return
    written = await ask_value(asterisk, "TRUNKLINE_RECORDINGS")
    if there == "1" and written is not None and Path(written or _DEFAULT_FOLDER) != folder:
        yield area.fault(
            f"The dialplan records into {written or _DEFAULT_FOLDER}, our settings say {folder}.",
            "in extensions.conf:",
            "[globals]",
            f"TRUNKLINE_RECORDINGS = {folder}",
            "then: asterisk -rx 'dialplan reload' (or correct recordings.folder where it is the same folder mounted)",
        )
    elif there == "1":
        yield area.ok("The dialplan can record, into the folder we look at.")


async def _endpoints(asterisk: AmiConnection, pbx: str) -> Sequence[SeenEndpoint]:
    try:
        return await ask_endpoints(asterisk, pbx)
    except GatewayError:
        return ()


def _check_endpoints(area: Area, pbx: Pbx, seen: Sequence[SeenEndpoint], directory: Directory) -> Iterator[Finding]:
    now = datetime.now(UTC)
    unknown = [e for e in seen if directory.party(f"{e.name}-00000000", now).kind is PartyKind.UNMAPPED]
    if seen and not unknown:
        yield area.ok(f"Each of its {len(seen)} endpoints is known to us.")
    if not unknown:
        return
    yield area.advice(
        f"{len(unknown)} of its {len(seen)} endpoints are nobody's; their calls count to no manager.",
        *(_entry(pbx.name, endpoint) for endpoint in unknown[:20]),
        *([f"and {len(unknown) - 20} more"] if len(unknown) > 20 else []),
        f'a line to the outside is a trunk instead: [[pbx.{pbx.name}.trunks]] endpoint = "NAME"',
    )


def _entry(pbx: str, endpoint: SeenEndpoint) -> str:
    if endpoint.proposed_extension is None:
        return f"{endpoint.name}: no extension is proposed; is it a trunk?"
    return f"trunkline user extension LOGIN {endpoint.proposed_extension} --pbx {pbx} --endpoint {endpoint.name}"
