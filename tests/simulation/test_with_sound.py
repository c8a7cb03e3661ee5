"""`trunkline simulate` with real phones: SIP and sound through an exchange, each call held against the database."""

from pathlib import Path

import psutil
import pytest

from gateway.domain.routing import EVERY_NUMBER, RouteStepKind
from gateway.settings import Settings
from gateway.simulation.engine import check_size
from gateway.simulation.plan import Outage, OutageKind, Wishes, WrongWish, plan_day
from gateway.simulation.sound import run_with_sound
from tests.database import open_folder
from tests.simulation.test_site_routes import site, step

DAY = Wishes(
    managers=3,
    clients=30,
    calls_per_hour=1000,
    minutes=0.4,
    seed=5,
    talk_seconds=4,
    outages=(
        Outage(kind=OutageKind.PHONE, begins=4, ends=12, manager=1),
        Outage(kind=OutageKind.GATEWAY, begins=8, ends=14),
    ),
)


async def test_each_call_of_a_day_with_outages_is_accounted_for_and_nothing_is_left_running() -> None:
    """Requirement L: the gateway is away in mid day, and its exchange goes on with the calls."""
    with open_folder() as folder:
        kept = folder / "session"
        route = site(step(RouteStepKind.GROUP, group=5, wait_seconds=10), did=EVERY_NUMBER)
        report = await run_with_sound(Settings(home=str(folder / "home")), plan_day(DAY), kept=kept, site=route)

        account, outlook = report.account, report.outlook
        assert account.whole, (account.wrong, account.lost, account.extra)
        assert account.calls >= 4
        assert "calls go by the site's own inbound route and hours" in report.way.lower()
        assert outlook.answered > 0
        recordings = list((kept / "exchange" / "recordings").glob("*-rx.wav"))
        assert len(recordings) == outlook.answered + outlook.reached
        assert not [p for p in psutil.process_iter(["cmdline"]) if _is_of(p, kept)]


def _is_of(process: psutil.Process, folder: Path) -> bool:
    line = process.info["cmdline"] or []
    return "exchange" in line and str(folder) in line


@pytest.mark.parametrize(("calls", "talk"), [(3000, 90), (20000, 10)])
def test_more_than_the_engine_carries_is_refused_with_what_would_do(calls: int, talk: float) -> None:
    wishes = Wishes(managers=40, clients=10, calls_per_hour=calls, minutes=10, seed=1, talk_seconds=talk)

    with pytest.raises(WrongWish, match=r"calls at once cannot be carried with sound; 20 can\. .* --as-fast-as-rows"):
        check_size(plan_day(wishes))
