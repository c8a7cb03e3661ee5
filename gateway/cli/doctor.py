"""Check a site from settings to recordings, and say what is missing and what to type.

Each thing looked at is `ok`, `advice` (it works, but not as it should) or `FAULT` (calls, recordings or figures are
lost or wrong). The exit code is 0 without faults, else 1. Nothing is changed; no phone rings.
"""

import argparse
import asyncio
from datetime import UTC, datetime

from gateway.config import ConfigurationError, load
from gateway.doctor.aftercare import check_aftercare
from gateway.doctor.asterisk import Told, check_asterisk
from gateway.doctor.findings import Area, Finding, as_json, as_text, has_fault
from gateway.doctor.journal import check_journal
from gateway.doctor.machine import check_machine
from gateway.doctor.recordings import check_recordings
from gateway.doctor.storage import check_storage, open_storage
from gateway.domain.directory import Directory
from gateway.settings import Pbx, Settings
from gateway.site import ami_config, base_directory
from gateway.store.database import Pool
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.staff import load_tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to print."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 where something is wrong."""
    area = Area(name="settings")
    try:
        settings = load(args.config)
    except ConfigurationError as error:
        findings = [area.fault(fault, "see docs/configuration.md") for fault in error.faults]
    else:
        findings = asyncio.run(examine(settings))
    print(as_json(findings) if args.json else as_text(findings))
    return int(has_fault(findings))


async def examine(settings: Settings) -> list[Finding]:
    """Everything there is to say about a site."""
    findings = [*_settings(settings)]
    home = choose_home(settings.home, server_account()) if settings.database.url is None else settings.home
    findings += check_machine(settings, home)
    async with open_storage(settings, findings) as pool:
        for pbx in settings.pbx.values():
            findings += await _examine_pbx(settings, pbx, pool)
        if pool is not None:
            findings += [finding async for finding in check_storage(settings, pool)]
            findings += [finding async for finding in check_aftercare(settings, pool)]
    return findings


def _settings(settings: Settings) -> list[Finding]:
    area = Area(name="settings")
    if not settings.pbx:
        return [
            area.fault("No PBX is set.", "[pbx.main.journal]", 'path = "/var/log/asterisk/cel-custom/trunkline.csv"')
        ]
    told = [area.ok(f"The settings can be read; PBX: {', '.join(settings.pbx)}.")]
    return told + [
        area.advice(
            f"The PBX {name} has no trunk, so none of its calls has a client.",
            f"[[pbx.{name}.trunks]]",
            'endpoint = "(the trunk\'s name in pjsip.conf)"',
        )
        for name, pbx in settings.pbx.items()
        if not pbx.trunks
    ]


async def _examine_pbx(settings: Settings, pbx: Pbx, pool: Pool | None) -> list[Finding]:
    told = Told()
    directory = await _directory(settings, pbx, pool)
    config = ami_config(pbx.ami) if pbx.ami else None
    several = len(settings.pbx) > 1
    findings = [f async for f in check_asterisk(pbx, config, directory, told, several=several)]
    findings += check_journal(pbx.name, pbx.journal.path, pbx.journal.timezone, told.expected(), datetime.now(UTC))
    return [*findings, *check_recordings(pbx)]


async def _directory(settings: Settings, pbx: Pbx, pool: Pool | None) -> Directory:
    base = base_directory(pbx, settings.company)
    if pool is None:
        return base
    return (await load_tables(pool, base, settings.company.timezone)).directory
