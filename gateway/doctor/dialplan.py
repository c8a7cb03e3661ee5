"""What of ours stands in the dialplan, whether anything calls it, and whether the PBX reaches us to ask for a route.

A call that is never recorded and a route that is never asked for look exactly like a site that is well: so the lines
of the dialplan are read (`ShowDialPlan`, class reporting) for one that leads there.
"""

import ipaddress
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from gateway.domain.errors import GatewayError
from gateway.domain.recordings import RecordingWay

RECORD, ROUTE = "trunkline-record", "trunkline-route"
HOLD, CONSULT = "trunkline-hold", "trunkline-consult"
ROUTE_LIMIT = 0.15
"""Seconds that a call waits for its route (`deploy/asterisk/trunkline_route.conf`)."""
_DEFAULT_FOLDER = "/var/spool/asterisk/trunkline"
_SHOW_SECONDS = 20.0
_OURS = (RECORD, ROUTE, HOLD, CONSULT)
_NOT_CONTROLLED = {
    HOLD: "trunkline-hold is not in the dialplan: no hold from the screen.",
    CONSULT: "trunkline-consult is not in the dialplan: no attended transfer from the screen.",
    "": "trunkline-hold and trunkline-consult are not in the dialplan: no hold, no attended transfer from the screen.",
}
"""By the context that is missing; empty: both are."""


async def check_dialplan(look: Look, *, routed: bool | None) -> AsyncIterator[Finding]:
    """Recording, control of calls, route.

    Args:
        look: at the PBX.
        routed: whether routes are entered for this PBX; None: unknown.
    """
    called = await _called(look)
    async for finding in _recording(look, called):
        yield finding
    async for finding in _control(look):
        yield finding
    async for finding in _route(look, called, routed=routed):
        yield finding


async def _called(look: Look) -> frozenset[str] | None:
    """Which of our contexts a line elsewhere leads to; None: the dialplan is not shown to us."""
    try:
        shown = await look.asterisk.list_action("ShowDialPlan", timeout=_SHOW_SECONDS)
    except GatewayError:
        return None
    found: set[str] = set()
    for line in shown.items:
        data = line.get("AppData", "")
        if line.get("Context", "") not in _OURS:
            found.update(name for name in _OURS if name in data)
        elif line.get("Context", "") == ROUTE:
            found.update({RECORD} if RECORD in data else ())
    return frozenset(found)


async def _recording(look: Look, called: frozenset[str] | None) -> AsyncIterator[Finding]:
    folder = look.pbx.recordings.folder
    if folder is None or look.pbx.recordings.way is not RecordingWay.DIALPLAN:
        return
    there = await look.exists(RECORD, "s", "1")
    if there is None:
        return
    if not there:
        yield look.area.fault(
            "The subroutine trunkline-record is not in the dialplan, so nothing of ours records calls.",
            *look.places.subroutine("trunkline_recording.conf", *look.places.record_calls),
            code="record_missing",
        )
        return
    written = await look.value("TRUNKLINE_RECORDINGS")
    if written is not None and Path(written or _DEFAULT_FOLDER) != folder:
        yield look.area.fault(
            f"The dialplan records into {written or _DEFAULT_FOLDER}, our settings say {folder}.",
            *look.places.variable("TRUNKLINE_RECORDINGS", str(folder)),
            "or correct recordings.folder, where it is the same folder mounted under another name",
            code="record_folder",
        )
    elif called is not None and RECORD not in called and RECORD not in (await look.value("TRUNK_OPTIONS") or ""):
        yield look.area.fault(
            "The subroutine trunkline-record is there, but no line of the dialplan calls it: nothing is recorded.",
            f"in {look.places.dialplan}:",
            *look.places.record_calls,
            code="record_not_called",
        )
    else:
        yield look.area.ok("The dialplan can record, into the folder we look at.")


async def _control(look: Look) -> AsyncIterator[Finding]:
    found = {name: await look.exists(name) for name in (HOLD, CONSULT)}
    missing = [name for name, there in found.items() if there is False]
    if missing:
        yield look.area.advice(
            _NOT_CONTROLLED[missing[0] if len(missing) == 1 else ""],
            *look.places.subroutine("trunkline_control.conf"),
            code="control_missing",
        )
    elif all(found.values()):
        yield look.area.ok("Hold and attended transfer from the screen are possible.")


async def _route(look: Look, called: frozenset[str] | None, *, routed: bool | None) -> AsyncIterator[Finding]:
    there, url = await look.exists(ROUTE, "s", "1"), await look.value("TRUNKLINE_ROUTE_URL")
    if there is None or (not there and not url and not routed):
        return
    if not there:
        yield look.area.fault(
            "The route hook trunkline-route is not in the dialplan: the routes entered here are not asked for, inbound"
            " calls go the PBX's own way.",
            *look.places.subroutine("trunkline_route.conf", *look.places.route_calls),
            code="route_missing",
        )
        return
    if called is not None and ROUTE not in called and routed is not False:
        told = look.area.fault if routed else look.area.advice
        yield told(
            "The route hook trunkline-route is there, but no line of the dialplan calls it: inbound calls go the PBX's"
            " own way.",
            f"in {look.places.dialplan}, before everything else that a number does:",
            *look.places.route_calls,
            code="route_not_called",
        )
    if not url:
        if routed is not False and (called is None or ROUTE in called):
            told = look.area.fault if routed else look.area.advice
            yield told(
                "The route hook does not know where to ask: TRUNKLINE_ROUTE_URL is empty.",
                *look.places.variable("TRUNKLINE_ROUTE_URL", "http://(this machine's address):8080/api/v1/route"),
                code="route_no_address",
            )
        return
    async for finding in _told_right(look, url):
        yield finding
    async for finding in _reached(look, url):
        yield finding


async def _told_right(look: Look, url: str) -> AsyncIterator[Finding]:
    name = await look.value("TRUNKLINE_ROUTE_PBX")
    if name is not None and name != look.pbx.name:
        yield look.area.fault(
            f"The route hook calls this PBX {name[:40]!r}, our settings {look.pbx.name!r}: no route is found.",
            *look.places.variable("TRUNKLINE_ROUTE_PBX", look.pbx.name),
            code="route_wrong_name",
        )
    if await look.setting("trunkline_route_key.conf", "route", "key") == "":
        yield look.area.fault(
            "The route hook has no key, so every question is refused.",
            "trunkline key add 'route of " + look.pbx.name + "' --role admin --right route.ask",
            *look.places.write("trunkline_route_key.conf", "[route]", "key = (that key)"),
            code="route_no_key",
        )
    if not _is_address(url):
        yield look.area.advice(
            "The address in TRUNKLINE_ROUTE_URL is a name: a slow name server would hold up calls beyond the limit.",
            *look.places.variable("TRUNKLINE_ROUTE_URL", "http://(the address in figures):8080/api/v1/route"),
            code="route_by_name",
        )


def _is_address(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


async def _reached(look: Look, url: str) -> AsyncIterator[Finding]:
    """Let Asterisk itself fetch the address; without a key we are refused, and that is an answer."""
    if await look.has_module("func_curl") is False:
        yield look.area.fault(
            "The module func_curl does not run on this PBX, so it cannot ask for a route.",
            *look.places.write("modules.conf", "load = res_curl.so", "load = func_curl.so"),
            "then: asterisk -rx 'module load func_curl.so'",
            code="route_no_curl",
        )
        return
    if set(url) & set("(){}$,;\"'`|&<>\\ \t") or not url.startswith(("http://", "https://")):
        return  # nothing that an address of ours could be; it stays unasked
    began = time.monotonic()
    try:
        answer = await look.value(f"CURL({url})")
    except GatewayError:
        answer = ""
    took = time.monotonic() - began
    if not answer:
        yield look.area.fault(
            "The PBX does not reach the address in TRUNKLINE_ROUTE_URL; every call goes the PBX's own way, after"
            f" {ROUTE_LIMIT * 1000:.0f} ms of waiting.",
            f"on the PBX: curl -v {url}",
            "see whether the gateway runs there (http.host, http.port) and whether a firewall lies between",
            code="route_unreachable",
        )
    elif took > ROUTE_LIMIT:
        yield look.area.advice(
            f"The PBX needs more than {ROUTE_LIMIT * 1000:.0f} ms to reach us, which is all that a call waits.",
            "look at the way between the two machines: ping, traceroute",
            code="route_slow",
        )
    else:
        yield look.area.ok("The PBX reaches us to ask for a route.")
