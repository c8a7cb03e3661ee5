"""Whose the endpoints are: phones of managers, trunks, members of queues, and browsers' phones."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from gateway.doctor.websocket import check_websocket
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.errors import GatewayError
from gateway.domain.ports import SeenEndpoint
from sip.asterisk_questions import ask_endpoints

_MOST_SHOWN = 20
_MOST_ASKED = 500  # endpoints that are asked whether they are browsers' phones
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-")


async def check_phones(look: Look) -> AsyncIterator[Finding]:
    """Endpoints, trunks, queues, browsers."""
    try:
        seen: Sequence[SeenEndpoint] = await ask_endpoints(look.asterisk, look.pbx.name)
    except GatewayError:
        seen = ()  # the missing right has been told
    for finding in (*_endpoints(look, seen), *_trunks(look, seen)):
        yield finding
    async for finding in _queues(look):
        yield finding
    browsers = [endpoint.name for endpoint in seen[:_MOST_ASKED] if await _is_browser(look, endpoint.name)]
    if browsers:
        async for finding in check_websocket(look, len(browsers)):
            yield finding


def _endpoints(look: Look, seen: Sequence[SeenEndpoint]) -> Iterator[Finding]:
    now = datetime.now(UTC)
    unknown = [e for e in seen if look.directory.party(f"{e.name}-00000000", now).kind is PartyKind.UNMAPPED]
    if seen and not unknown:
        yield look.area.ok(f"Each of its {len(seen)} endpoints is known to us.")
    if not unknown:
        return
    yield look.area.advice(
        f"{len(unknown)} of its {len(seen)} endpoints are nobody's; their calls count to no manager.",
        *(_entry(look.pbx.name, endpoint) for endpoint in sorted(unknown, key=lambda e: e.name)[:_MOST_SHOWN]),
        *([f"and {len(unknown) - _MOST_SHOWN} more"] if len(unknown) > _MOST_SHOWN else []),
        f'a line to the outside is a trunk instead: [[pbx.{look.pbx.name}.trunks]] endpoint = "NAME"',
        code="endpoints_unmapped",
    )


def _entry(pbx: str, endpoint: SeenEndpoint) -> str:
    if endpoint.proposed_extension is None:
        return f"{endpoint.name}: no extension is proposed; is it a trunk?"
    return f"trunkline user extension LOGIN {endpoint.proposed_extension} --pbx {pbx} --endpoint {endpoint.name}"


def _trunks(look: Look, seen: Sequence[SeenEndpoint]) -> Iterator[Finding]:
    """A trunk that names no endpoint is one whose calls have no client."""
    now = datetime.now(UTC)
    named = [e for e in look.directory.entries if e.kind is PartyKind.TRUNK and e.holds(now)]
    if not named:
        yield look.area.fault(
            "No trunk is named, so no call of this PBX has a client.",
            f"[[pbx.{look.pbx.name}.trunks]]",
            f'endpoint = "(the trunk\'s name in {look.places.endpoints})"',
            code="trunks_none",
        )
    idle = [e.pattern for e in named if not any(_fits(e, endpoint.name) for endpoint in seen)] if seen else []
    if idle:
        yield look.area.fault(
            f"No endpoint of this PBX is called {', '.join(map(repr, idle))}: calls over that trunk have no client.",
            f"its endpoints are: {', '.join(sorted(e.name for e in seen)[:_MOST_SHOWN])}",
            f'correct [[pbx.{look.pbx.name}.trunks]] endpoint = "NAME"',
            code="trunk_unknown",
        )


def _fits(entry: Entry, name: str) -> bool:
    return Directory(entries=(entry,)).party(f"{name}-00000000", entry.since or datetime.now(UTC)).kind is entry.kind


async def _queues(look: Look) -> AsyncIterator[Finding]:
    """Members of queues whom nobody is; a member without a person rings, and counts to no manager."""
    try:
        told = await look.asterisk.list_action("QueueStatus")
    except GatewayError:
        return
    members = {
        (item.get("Location", ""), item.get("StateInterface", "")) for item in told.items if item.name == "QueueMember"
    }
    unknown = sorted(place for place, state in members if not _is_known(look.directory, place, state))
    if unknown:
        yield look.area.advice(
            f"{len(unknown)} of {len(members)} members of its queues are nobody's: {', '.join(unknown[:_MOST_SHOWN])}.",
            *(f"trunkline user extension LOGIN {_extension(m)} --pbx {look.pbx.name}" for m in unknown[:_MOST_SHOWN]),
            code="members_unmapped",
        )
    elif members:
        yield look.area.ok(f"Each of the {len(members)} members of its queues is a manager's phone.")


def _is_known(directory: Directory, place: str, state: str) -> bool:
    now = datetime.now(UTC)
    extensions = {e.extension for e in directory.entries if e.kind is PartyKind.MANAGER and e.holds(now)}
    if place.startswith("Local/") and _extension(place) in extensions:
        return True
    fitting = (directory.party(f"{name}-00000000", now).kind for name in (place, state) if "/" in name)
    return any(kind in (PartyKind.MANAGER, PartyKind.IGNORED) for kind in fitting)


def _extension(place: str) -> str:
    """`Local/5001@from-queue/n` is 5001, `PJSIP/101` is 101."""
    return place.partition("/")[2].partition("@")[0].partition("/")[0]


async def _is_browser(look: Look, name: str) -> bool:
    technology, _, plain = name.partition("/")
    if technology != "PJSIP" or not plain or not set(plain) <= _NAME:
        return False
    return await look.value(f"PJSIP_ENDPOINT({plain},webrtc)") == "yes"
