"""A synthetic day as fast as its rows go: planned persons at the engine's brain, then the way of every row.

No sound and no SIP (`gateway.simulation.quick` says what is tried and what is not); everything from the journal's row
to the figures is the real thing, in a database of the day's own.
"""

from datetime import datetime
from pathlib import Path

from exchange.rows import read_row, row_of
from gateway.domain.directory import Directory
from gateway.domain.phone import NumberPlan
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.simulation.account import account_of, outlook_of
from gateway.simulation.database import enter_office, open_day
from gateway.simulation.entered import entered_calls
from gateway.simulation.plan import DayPlan, extension_of
from gateway.simulation.quick import TRUNK, live_through
from gateway.simulation.report import DayReport
from gateway.simulation.site_routes import SiteRoutes, sentence, told_of
from gateway.store.staff import load_tables

PBX = "embedded"
WAY = "As fast as rows: the engine's own decisions, journal rows, database and counting; no SIP, sound or workers."
_BATCH = 1000


async def run_rows(
    settings: Settings, plan: DayPlan, *, begins: datetime, kept: Path | None, site: SiteRoutes | None = None
) -> DayReport:
    """Carry a day out without sound.

    Args:
        settings: the site's: its region, time zone and goals count.
        plan: of the day.
        begins: aware; when the day shall have begun.
        kept: folder in which the day stays; None: nothing stays.
        site: the site's inbound routes; None: every phone rings.
    """
    extensions = [extension_of(n) for n in range(plan.wishes.managers)]
    async with open_day(settings, kept) as (folder, _, pool):
        house = live_through(plan, begins=begins, folder=folder, site=site)
        await enter_office(pool, pbx=PBX, extensions=extensions, trunks=f"SIP/{TRUNK}")
        directory = Directory(pbx=PBX, plan=NumberPlan(region=settings.company.region))
        tables = await load_tables(pool, directory, settings.company.timezone)
        pipeline = Pipeline(pool, read_row, tables, Live(), long_seconds=settings.goals.seconds, holds_seen=True)
        rows = [row_of(event) for event in house.rows]
        for first in range(0, len(rows), _BATCH):
            await pipeline.take(rows[first : first + _BATCH])
        return DayReport(
            plan=plan,
            begins=begins,
            account=account_of(house.seen, await entered_calls(pool)),
            outlook=outlook_of(house.seen, begins=begins, seconds=plan.seconds, extensions=extensions),
            skipped=house.skipped,
            way=f"{WAY}\n{sentence(told_of(site, plan.wishes.managers))}",
        )
