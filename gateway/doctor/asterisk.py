"""The PBX itself, asked over its manager interface with our limited rights; the parts are in modules of their own.

`Getvar` tells what its configuration files say without the class `config`, which the account must not have.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

from gateway.doctor.account import check_account, check_filter, names_heard
from gateway.doctor.cel import check_cel
from gateway.doctor.core import check_core
from gateway.doctor.dialplan import check_dialplan
from gateway.doctor.findings import Area, Finding
from gateway.doctor.look import Look, Told, find_kind, places_of
from gateway.doctor.originate import check_originate
from gateway.doctor.phones import check_phones
from gateway.doctor.softphones import check_softphones
from gateway.domain.directory import Directory
from gateway.domain.errors import GatewayError
from gateway.settings import Pbx
from sip.ami_connection import AmiConfig, open_connection
from sip.ami_errors import AuthenticationRefused

__all__ = ["Told", "check_asterisk", "system_name"]


async def check_asterisk(
    pbx: Pbx,
    config: AmiConfig | None,
    directory: Directory,
    told: Told,
    *,
    others: Mapping[str, str] | None = None,
    routed: bool | None = None,
) -> AsyncIterator[Finding]:
    """Look at one PBX.

    Args:
        pbx: its settings.
        config: how to reach it; None: it has no AMI.
        directory: who is who now.
        told: filled with what the journal's check needs.
        others: system names of the gateway's other PBXs by their names in the settings.
        routed: whether routes are entered for it; None: unknown.
    """
    area = Area(name=f"asterisk {pbx.name}")
    if config is None:
        yield area.advice(
            "No manager interface is set: no click-to-call, no hold times, and the end of a killed call is seen late.",
            f"[pbx.{pbx.name}.ami]",
            'user = "trunkline"',
            'secret = "(as in manager.conf)"',
            code="ami_none",
        )
        return
    places = places_of(pbx.kind)
    found: list[Finding] = []
    try:
        async with open_connection(config) as asterisk:
            told.kind = await find_kind(asterisk, pbx.kind)
            places = places_of(told.kind)
            look = Look(
                area=area,
                pbx=pbx,
                config=config,
                asterisk=asterisk,
                directory=directory,
                told=told,
                places=places,
                others=dict(others or {}),
            )
            await _look(look, found, routed=routed)
    except AuthenticationRefused:
        found.append(
            area.fault(
                f"Asterisk at {config.host}:{config.port} refuses the user {config.username!r}.",
                f"compare user and secret with {places.manager}, and `permit` with our address;",
                *places.account(config.username),
                code="ami_refused",
            )
        )
    except GatewayError as fault:
        found.append(
            area.fault(
                f"The manager interface cannot be used: {fault}",
                f"in {places.manager}:",
                "[general]",
                "enabled = yes",
                f"port = {config.port}",
                "then: asterisk -rx 'manager reload'",
                code="ami_unreachable",
            )
        )
    for finding in found:
        yield finding


async def _look(look: Look, found: list[Finding], *, routed: bool | None) -> None:
    """All checks, while the names of the events that come are noted; what was found before a fault stays."""
    heard: set[str] = set()
    trouble: GatewayError | None = None
    async with asyncio.TaskGroup() as group:
        listener = group.create_task(names_heard(look.asterisk, heard), name=f"events of {look.pbx.name}")
        try:
            async for finding in _all(look, heard, routed=routed):
                found.append(finding)
        except GatewayError as fault:  # as itself, not as a group
            trouble = fault
        listener.cancel()
    if trouble is not None:
        raise trouble


async def _all(look: Look, heard: set[str], *, routed: bool | None) -> AsyncIterator[Finding]:
    config = look.config
    yield look.area.ok(f"Logged in at {config.host}:{config.port} as {config.username!r}.")
    core = [finding async for finding in check_core(look)]  # the version decides on the form of later lines
    async for finding in check_account(look):
        yield finding
    for finding in core:
        yield finding
    async for finding in check_cel(look):
        yield finding
    async for finding in check_dialplan(look, routed=routed):
        yield finding
    async for finding in check_originate(look):
        yield finding
    async for finding in check_phones(look):
        yield finding
    async for finding in check_softphones(look):
        yield finding
    async for finding in check_filter(look, heard):
        yield finding


async def system_name(config: AmiConfig) -> str | None:
    """The name a PBX puts before its ids; empty: it has none; None: it does not answer."""
    try:
        async with open_connection(config, frozenset()) as asterisk:
            return (await asterisk.action("CoreSettings")).get("SystemName", "")
    except GatewayError:
        return None
