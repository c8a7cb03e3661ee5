"""Live through a synthetic day: what would be missed, who would be overloaded, and is every call accounted for?

  trunkline simulate --managers 5 --clients 300 --calls-per-hour 60 --minutes 480 --seed 1 --as-fast-as-rows
  trunkline simulate --managers 3 --clients 20 --calls-per-hour 300 --minutes 3 --seed 1 --outage phone@1+0.5
  trunkline simulate --managers 5 --clients 300 --calls-per-hour 60 --minutes 480 --seed 1 --as-fast-as-rows --keep day

The day is planned by its seed: the same arguments give the same day. It runs with the site's settings, its inbound
routes and its hours, in a database of its own; the site's is only read. With --keep the day stays in a folder, to be
looked at as demonstration data: `TRUNKLINE_HOME=day trunkline serve`. The exit code is 1 where a call is not accounted
for.
"""

import argparse
import asyncio
import json
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from gateway import logs
from gateway.config import load
from gateway.settings import LogFormat, LogLevel, Settings
from gateway.simulation.plan import Outage, OutageKind, Wishes, WrongWish, plan_day
from gateway.simulation.report import as_text, as_value
from gateway.simulation.rows import run_rows
from gateway.simulation.site_routes import SiteRoutes, opening_before, read_site
from gateway.simulation.sound import run_with_sound

MANAGERS = 5
"""Where nobody says how many, and no route names any."""
_OUTAGE = re.compile(r"(?P<kind>[a-z]+)(?P<manager>[0-9]+)?@(?P<begins>[0-9.]+)(\+(?P<lasts>[0-9.]+))?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the day is like."""
    parser.add_argument(
        "--managers",
        type=int,
        metavar="N",
        help="phones that take calls (default: as many as the site's routes name, else 5)",
    )
    parser.add_argument("--clients", type=int, default=200, metavar="N", help="numbers that call (default: 200)")
    parser.add_argument(
        "--calls-per-hour", type=int, default=60, metavar="N", help="new calls in the mean (default: 60)"
    )
    parser.add_argument("--minutes", type=float, default=480, metavar="M", help="length of the day (default: 480)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, another day (default: 1)")
    parser.add_argument("--talk-seconds", type=float, default=90, metavar="S", help="a talk in the mean (default: 90)")
    parser.add_argument(
        "--outgoing", type=float, default=0.2, metavar="SHARE", help="of calls that managers begin (default: 0.2)"
    )
    parser.add_argument(
        "--outage",
        action="append",
        default=[],
        metavar="WHAT@MINUTE[+MINUTES]",
        help="phone, phone2 (of the second manager), provider, gateway or worker fails at a minute (for one minute)",
    )
    parser.add_argument(
        "--begins",
        type=_time,
        metavar="HH:MM",
        help="of the day (default: the last opening by the site's hours)",
    )
    parser.add_argument("--every-phone", action="store_true", help="ring every phone, whatever the site's routes say")
    parser.add_argument("--as-fast-as-rows", action="store_true", help="without sound; hours take seconds")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="let the day stay there as demonstration data")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Plan, live through, report."""
    settings = load(args.config)
    logs.configure(level=LogLevel.WARNING, form=LogFormat.CONSOLE, private=False)
    site = None if args.every_phone else asyncio.run(read_site(settings))
    plan = plan_day(
        Wishes(
            managers=_managers(args.managers, site),
            clients=args.clients,
            calls_per_hour=args.calls_per_hour,
            minutes=args.minutes,
            seed=args.seed,
            talk_seconds=args.talk_seconds,
            outgoing=args.outgoing,
            outages=tuple(map(read_outage, args.outage)),
        )
    )
    if args.as_fast_as_rows:
        begins = _begins(args.begins, settings, site, timedelta(seconds=plan.seconds + 600))
        report = asyncio.run(run_rows(settings, plan, begins=begins, kept=args.keep, site=site))
    else:
        report = asyncio.run(run_with_sound(settings, plan, kept=args.keep, site=site))
    print(json.dumps(as_value(report), ensure_ascii=False, indent=2) if args.json else as_text(report))
    return 0 if report.account.whole else 1


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time of the day; write it like 09:00") from None


def _managers(wanted: int | None, site: SiteRoutes | None) -> int:
    if wanted is not None:
        return wanted
    return max(1, len(site.people)) if site is not None else MANAGERS


def _begins(wanted: time | None, settings: Settings, site: SiteRoutes | None, length: timedelta) -> datetime:
    """When a day begins that is over by now: at that time, else with the last shift, else just so long ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    if wanted is not None:
        today = datetime.combine(now.astimezone(settings.company.timezone), wanted, settings.company.timezone)
        while today + length > now:
            today -= timedelta(days=1)
        return today.astimezone(UTC)
    opening = opening_before(site.hours_of((*site.dids, "")[0]), now, length) if site is not None else None
    return opening or now - length


def read_outage(text: str) -> Outage:
    """An outage as it is typed: `provider@30+5`, `phone2@10`.

    Raises:
        WrongWish: it is none.
    """
    found = _OUTAGE.fullmatch(text)
    if found is None or found["kind"] not in {*OutageKind}:
        kinds = ", ".join(OutageKind)
        raise WrongWish(f"{text!r} is no outage; write WHAT@MINUTE+MINUTES, like provider@30+5; WHAT is one of {kinds}")
    try:
        begins, lasts = float(found["begins"]) * 60, float(found["lasts"] or 1) * 60
    except ValueError:
        raise WrongWish(f"{text!r} is no outage; its minutes are no numbers") from None
    manager = int(found["manager"] or 1) - 1
    return Outage(kind=OutageKind(found["kind"]), begins=begins, ends=begins + lasts, manager=manager)
