"""Everything there is to say of the PBXs of a site: what the command prints and the gateway looks at hourly."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.doctor.asterisk import Told, check_asterisk, system_name
from gateway.doctor.cel_table import check_cel_table
from gateway.doctor.exchange import KIND, check_exchange
from gateway.doctor.findings import Finding
from gateway.doctor.journal import check_journal
from gateway.doctor.look import places_of
from gateway.doctor.recording_ways import check_way
from gateway.doctor.recordings import check_recordings
from gateway.doctor.shipped import check_shipped
from gateway.domain.directory import Directory
from gateway.settings import Pbx, Settings
from gateway.site import ami_config, base_directory
from gateway.store.database import Pool
from gateway.store.doctor_runs import has_routes
from gateway.store.staff import load_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found at one PBX."""

    pbx: str
    kind: str | None
    """As `PbxKind` has it, or `embedded`; None: it could not be asked."""
    findings: Sequence[Finding]


async def examine_pbx(settings: Settings, pbx: Pbx, pool: Pool | None) -> Examined:
    """Look at one PBX: its manager interface, its journal, its recordings.

    Args:
        settings: the site's.
        pbx: which.
        pool: the database, for who is who; None: there is none.
    """
    if pbx.is_embedded:
        return Examined(pbx=pbx.name, kind=KIND, findings=await check_exchange(settings))
    told = Told()
    directory = await _directory(settings, pbx, pool)
    config = ami_config(pbx.ami) if pbx.ami else None
    others = await _other_names(settings, pbx)
    routed = None if pool is None else await has_routes(pool)
    findings = [f async for f in check_asterisk(pbx, config, directory, told, others=others, routed=routed)]
    findings += await asyncio.to_thread(_files, pbx, told)
    findings += [finding async for finding in check_shipped(pbx, pool)]
    findings += [finding async for finding in check_way(pbx)]
    return Examined(pbx=pbx.name, kind=told.kind, findings=findings)


def _files(pbx: Pbx, told: Told) -> list[Finding]:
    """What is looked at on this machine's disk."""
    places = places_of(told.kind or pbx.kind)
    # A file that is on the PBX's host is judged there; a PBX that cannot write one has been told so.
    if pbx.journal.url is not None:
        return [*check_cel_table(pbx, told.expected(), datetime.now(UTC)), *check_recordings(pbx)]
    elsewhere = pbx.journal.shipped or (pbx.journal.path is None and not places.own_journal)
    journal = (
        ()
        if elsewhere
        else check_journal(
            pbx.name, pbx.journal.path, pbx.journal.timezone, told.expected(), datetime.now(UTC), places=places
        )
    )
    return [*journal, *check_recordings(pbx)]


async def _other_names(settings: Settings, pbx: Pbx) -> Mapping[str, str]:
    """System names of the other PBXs; one that does not answer is told of where it is looked at itself."""
    asked = {name: ami_config(other.ami) for name, other in settings.pbx.items() if other.ami and name != pbx.name}
    told = await asyncio.gather(*(system_name(config) for config in asked.values()))
    return {name: answer for name, answer in zip(asked, told, strict=True) if answer is not None}


async def _directory(settings: Settings, pbx: Pbx, pool: Pool | None) -> Directory:
    base = base_directory(pbx, settings.company)
    if pool is None:
        return base
    return (await load_tables(pool, base, settings.company.timezone)).directory
