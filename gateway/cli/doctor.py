"""Check a site from settings to recordings, and say what is missing and what to type.

Each thing looked at is `ok`, `advice` (it works, but not as it should) or `FAULT` (calls, recordings or figures are
lost or wrong). The exit code is 0 without faults, else 1. Nothing is changed; no phone rings.
"""

import argparse
import asyncio

from gateway.config import ConfigurationError, load
from gateway.doctor.aftercare import check_aftercare
from gateway.doctor.findings import Area, Finding, Level, as_json, as_text, has_fault
from gateway.doctor.machine import check_machine
from gateway.doctor.pbx import examine_pbx
from gateway.doctor.storage import check_storage, open_storage
from gateway.settings import Settings
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home

_ALL = ""
"""What `--pbx` means where no PBX is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to print."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--pbx", nargs="?", const=_ALL, metavar="NAME", help="look at this PBX only, without NAME at each of them"
    )


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 where something is wrong."""
    area = Area(name="settings")
    try:
        settings = load(args.config)
    except ConfigurationError as error:
        findings = [area.fault(fault, "see docs/configuration.md") for fault in error.faults]
    else:
        findings = asyncio.run(examine(settings) if args.pbx is None else examine_pbxs(settings, args.pbx))
    print(as_json(findings) if args.json else as_text(findings))
    return int(has_fault(findings))


async def examine(settings: Settings) -> list[Finding]:
    """Everything there is to say about a site."""
    findings = [*_settings(settings)]
    home = choose_home(settings.home, server_account()) if settings.database.url is None else settings.home
    findings += check_machine(settings, home)
    async with open_storage(settings, findings) as pool:
        for pbx in settings.pbx.values():
            findings += (await examine_pbx(settings, pbx, pool)).findings
        if pool is not None:
            findings += [finding async for finding in check_storage(settings, pool)]
            findings += [finding async for finding in check_aftercare(settings, pool)]
    return findings


async def examine_pbxs(settings: Settings, name: str) -> list[Finding]:
    """Everything there is to say about one PBX, or about each where none is named."""
    if (name and name not in settings.pbx) or not settings.pbx:
        known = ", ".join(settings.pbx) or "none"
        told = f"There is no PBX {name!r} in the settings; there is: {known}." if name else "No PBX is set."
        return [Area(name="settings").fault(told, "see docs/configuration.md, [pbx.NAME]", code="pbx_unknown")]
    storage: list[Finding] = []
    findings: list[Finding] = []
    async with open_storage(settings, storage) as pool:
        for pbx in settings.pbx.values():
            if name in ("", pbx.name):
                findings += (await examine_pbx(settings, pbx, pool)).findings
    return [*(finding for finding in storage if finding.level is Level.FAULT), *findings]


def _settings(settings: Settings) -> list[Finding]:
    area = Area(name="settings")
    if not settings.pbx:
        library = " and this machine has no telephone library for an exchange of our own" * settings.has_no_telephony
        return [
            area.fault(
                f"No PBX is set{library}.", "[pbx.main.journal]", 'path = "/var/log/asterisk/cel-custom/trunkline.csv"'
            )
        ]
    told = [area.ok(f"The settings can be read; PBX: {', '.join(settings.pbx)}.")]
    return told + [
        area.advice(
            f"The PBX {name} has no trunk, so none of its calls has a client.",
            f"[[pbx.{name}.trunks]]",
            'endpoint = "(the trunk\'s name in pjsip.conf)"',
        )
        for name, pbx in settings.pbx.items()
        if not pbx.trunks and not pbx.is_embedded
    ]
