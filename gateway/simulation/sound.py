"""A synthetic day with real phones: SIP and sound on loopback, in real time, through an engine of the day's own."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from gateway.settings import Settings
from gateway.simulation.account import account_of, outlook_of
from gateway.simulation.database import enter_office, open_day
from gateway.simulation.engine import PBX, TRUNK, break_as_planned, check_size, open_engine
from gateway.simulation.entered import entered_calls
from gateway.simulation.plan import DayPlan, extension_of
from gateway.simulation.report import DayReport
from gateway.simulation.site_routes import SiteRoutes, sentence, told_of

WAY = "With real phones: SIP, sound and recordings on loopback through the embedded engine, in real time."


async def run_with_sound(
    settings: Settings, plan: DayPlan, *, kept: Path | None, site: SiteRoutes | None = None
) -> DayReport:
    """Carry a day out in real time.

    Args:
        settings: the site's: its region, time zone and goals count.
        plan: of the day.
        kept: folder in which the day stays; None: nothing stays.
        site: the site's inbound routes; None: every phone rings.

    Raises:
        WrongWish: more calls at once than the engine carries.
        GatewayError: the engine or a phone does not start.
    """
    check_size(plan)
    extensions = [extension_of(n) for n in range(plan.wishes.managers)]
    async with open_day(settings, kept) as (folder, _, pool):
        await enter_office(pool, pbx=PBX, extensions=extensions, trunks=f"SIP/{TRUNK}*")
        async with open_engine(folder, settings, plan, pool, site) as (day, office):
            async with asyncio.TaskGroup() as living:
                living.create_task(break_as_planned(day, plan))
                living.create_task(office.live())
            await day.until_read()
        begins = datetime.fromtimestamp(office.began, UTC)
        return DayReport(
            plan=plan,
            begins=begins,
            account=account_of(office.seen, await entered_calls(pool)),
            outlook=outlook_of(office.seen, begins=begins, seconds=plan.seconds, extensions=extensions),
            skipped=office.skipped,
            way=f"{WAY}\n{sentence(told_of(site, plan.wishes.managers))}",
        )
