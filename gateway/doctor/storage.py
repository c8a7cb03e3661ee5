"""The database: whether it can be had, whether it fits, and what was noted in it of journals and recordings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from gateway.backlog import GRACE
from gateway.doctor.findings import Area, Finding, length
from gateway.domain.errors import GatewayError
from gateway.settings import Settings
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import borrow_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import Layout, choose_home
from gateway.store.health import active_people, journal_health, pending_migrations
from gateway.store.migrate import check_database
from gateway.store.recordings import calls_without_recording, upkeep_counts

_LONG_WAIT = timedelta(hours=1)
_LOOKED_BACK = timedelta(days=7)
_MOST = 1000
_MOST_NAMED = 10


@asynccontextmanager
async def open_storage(settings: Settings, findings: list[Finding]) -> AsyncIterator[Pool | None]:
    """The database for the time of the checks, and what there is to say of it; None: it cannot be had."""
    area = Area(name="database")
    async with AsyncExitStack() as stack:
        pool = None
        try:
            dsn = await _address(settings, stack, area, findings)
            if dsn is not None:
                await check_database(dsn)
                pool = await stack.enter_async_context(open_pool(dsn, size=1))
                async with pool.acquire() as connection:
                    pending = await pending_migrations(connection)
        except (GatewayError, OSError, asyncpg.PostgresError) as fault:
            findings.append(area.fault(f"The database cannot be used: {fault}", _about_database(settings)))
            pool = None
        else:
            if pool is not None and pending:
                findings.append(
                    area.advice(
                        f"{len(pending)} migrations are still to be run; `trunkline serve` runs them at its start.",
                        "start the gateway: trunkline serve",
                    )
                )
                pool = None
            elif pool is not None:
                findings.append(area.ok("The database answers, fits and has every migration."))
        yield pool


async def _address(settings: Settings, stack: AsyncExitStack, area: Area, findings: list[Finding]) -> str | None:
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    home = choose_home(settings.home, server_account())
    if not Layout(directory=home).data.exists():
        findings.append(area.advice(f"The database under {home} is made at the first start.", "trunkline serve"))
        return None
    server = await stack.enter_async_context(borrow_embedded(home))
    return server.dsn


def _about_database(settings: Settings) -> str:
    if settings.database.url is None:
        return "see the file pg18.log in the gateway's folder"
    return "compare database.url in the settings with the server's own name, port, user and pg_hba.conf"


async def check_storage(settings: Settings, pool: Pool) -> AsyncIterator[Finding]:
    """People, quarantine, recordings."""
    async with pool.acquire() as connection:
        people = await active_people(connection)
        area = Area(name="people")
        if not people.get("admin"):
            yield area.advice("There is no administrator yet.", "trunkline user add LOGIN --role admin")
        else:
            yield area.ok(f"{sum(people.values())} people are active.")
        for pbx in settings.pbx:
            health = await journal_health(connection, pbx)
            area = Area(name=f"journal of {pbx}")
            if health.refused:
                yield area.advice(
                    f"{health.refused} rows of the last 7 days could not be read; the last: {health.refused_reason}.",
                    "they are kept in the table `quarantine`; compare the columns in cel_custom.conf with",
                    "deploy/asterisk/trunkline_cel_custom.conf",
                )
            if health.damaged:
                yield area.fault(
                    f"The stored rows of {len(health.damaged)} open calls are damaged; such a call stays as it is,"
                    " and new rows of it go to quarantine.",
                    "restore these rows of the table `family` from a backup, and start the gateway again:",
                    *(str(id) for id in health.damaged[:_MOST_NAMED]),
                )
            if health.read_at is not None:
                yield area.ok(f"Last read {_ago(health.read_at)} ago; {health.open_families} calls are open.")
    async for finding in _check_recordings(settings, pool):
        yield finding


async def _check_recordings(settings: Settings, pool: Pool) -> AsyncIterator[Finding]:
    recorded = [name for name, pbx in settings.pbx.items() if settings.spool(pbx) or pbx.recordings.site_folder]
    if not recorded:
        return
    area = Area(name="recordings")
    since = datetime.now(UTC) - _LOOKED_BACK
    silent = await calls_without_recording(pool, recorded, since=since, grace=GRACE, limit=_MOST)
    counts = await upkeep_counts(pool, grace=GRACE)
    if silent:
        yield area.advice(
            f"{_count(len(silent))} answered calls of the last 7 days have no recording.",
            "call the subroutine before each Dial and Queue, as deploy/asterisk/trunkline_recording.conf shows:",
            "same => n,Gosub(trunkline-record,s,1)",
            "or choose another pbx.NAME.recordings.way (docs/recordings.md)",
        )
    if counts.without_call:
        yield area.advice(
            f"{counts.without_call} recordings belong to no call of the journal.",
            "record on the client's leg under its uniqueid, as deploy/asterisk/trunkline_recording.conf does",
        )
    if counts.faulty:
        yield area.advice(f"{counts.faulty} recordings are damaged or were given up.", "see docs/recordings.md")
    if counts.oldest_waiting is not None and counts.oldest_waiting > _LONG_WAIT:
        yield area.advice(
            f"{counts.waiting} recordings wait to be taken in, the oldest for {length(counts.oldest_waiting)}.",
            "see whether the gateway runs, and what its log says of `recordings`",
        )
    if counts.kept_sources:
        yield area.advice(
            f"{counts.kept_sources} stored recordings stay in the PBX's folder: a side of them is damaged, or they"
            " could not be deleted.",
            "see docs/recordings.md; the reason is in the table `recording`, source_reason",
        )
    if counts.transcripts_failed:
        yield area.advice(f"{counts.transcripts_failed} transcripts failed.", "see docs/transcription.md")
    if not (silent or counts.without_call or counts.faulty):
        yield area.ok("Every answered call of the last 7 days has its recording, every recording its call.")
    yield area.ok(f"{counts.waiting} recordings and {counts.transcripts_waiting} transcripts wait for their turn.")


def _count(number: int) -> str:
    return f"{number} or more" if number == _MOST else str(number)


def _ago(moment: datetime) -> str:
    return length(datetime.now(UTC) - moment)
