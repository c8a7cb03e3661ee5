"""The PBX itself, asked over its manager interface with our limited rights; the parts are in modules of their own.

`Getvar` tells what its configuration files say without the class `config`, which the account must not have.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

from gateway.doctor.account import check_account, check_filter, names_heard
from gateway.doctor.cel import check_cel
from gateway.doctor.core import check_core
from gateway.doctor.dialplan import check_dialplan
from gateway.doctor.findings import Area, Finding
from gateway.doctor.look import Look, Told, find_kind, places_of
from gateway.doctor.phones import check_phones
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
    async with AsyncExitStack() as stack:
        try:
            asterisk = await stack.enter_async_context(open_connection(config))
            told.kind = await find_kind(asterisk, pbx.kind)
            look = Look(
                area=area,
                pbx=pbx,
                config=config,
                asterisk=asterisk,
                directory=directory,
                told=told,
                places=places_of(told.kind),
                others=dict(others or {}),
            )
            for finding in await _looked(look, routed=routed):
                yield finding
        except AuthenticationRefused:
            yield area.fault(
                f"Asterisk at {config.host}:{config.port} refuses the user {config.username!r}.",
                f"compare user and secret with {places.manager}, and `permit` with our address;",
                *places.account(config.username),
                code="ami_refused",
            )
        except GatewayError as fault:
            yield area.fault(
                f"The manager interface cannot be used: {fault}",
                f"in {places.manager}:",
                "[general]",
                "enabled = yes",
                f"port = {config.port}",
                "then: asterisk -rx 'manager reload'",
                code="ami_unreachable",
            )


async def _looked(look: Look, *, routed: bool | None) -> list[Finding]:
    """All checks, while the names of the events that come are noted."""
    heard: set[str] = set()
    listener = asyncio.ensure_future(names_heard(look.asterisk, heard))
    try:
        return [finding async for finding in _all(look, heard, routed=routed)]
    finally:
        listener.cancel()
        await asyncio.wait({listener})


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
    async for finding in check_phones(look):
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
