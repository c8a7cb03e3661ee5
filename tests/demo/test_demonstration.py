"""When there can be a demonstration call, and what becomes of one that fails."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.demo.demonstration import Demonstration, NoDemonstration
from gateway.domain.demonstration import DemoObstacle, DemoState
from gateway.domain.phone import NumberPlan
from gateway.exchange_line import ExchangeLine
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.database import Pool, open_pool


async def nothing() -> None:
    """Nobody waits for changed tables here."""


def demonstration(pool: Pool, live: Live, home: Path, *, engine: bool = True) -> Demonstration:
    """Of a site whose exchange nobody has started."""
    settings = Settings(home=str(home))  # type: ignore[arg-type]
    exchange = ExchangeLine(settings, pool, live, plan=lambda: NumberPlan(region="RU"))
    return Demonstration(
        settings=settings,
        pool=pool,
        live=live,
        exchange=lambda: exchange if engine else None,
        tables_changed=nothing,
        patience=0.1,
    )


async def test_a_site_with_a_pbx_is_told_where_to_place_a_call(database: str, tmp_path: Path) -> None:
    async with open_pool(database) as pool:
        shown = demonstration(pool, Live(), tmp_path, engine=False)

        hindered = shown.hindered()
        with pytest.raises(NoDemonstration, match="place a call over your PBX") as refused:
            await shown.run(lambda told: None)

    assert hindered is not None
    assert (hindered.why, refused.value.why) == (DemoObstacle.NO_ENGINE, DemoObstacle.NO_ENGINE)
    assert shown.standing.state is DemoState.IDLE


async def test_a_machine_without_the_telephone_library_is_told_so(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pjsua2", None)
    async with open_pool(database) as pool:
        hindered = demonstration(pool, Live(), tmp_path).hindered()

    assert hindered is not None
    assert hindered.why is DemoObstacle.NO_PHONES
    assert "Linux on x86-64" in hindered.text


async def test_an_exchange_that_does_not_run_fails_it_with_the_reason_which_is_told_live(
    database: str, tmp_path: Path
) -> None:
    live = Live()
    async with open_pool(database) as pool, asyncio.TaskGroup() as tasks:
        shown = demonstration(pool, live, tmp_path)
        with live.listening() as screen:
            begun = shown.begin(tasks)
            second = shown.hindered()
            async with asyncio.timeout(10):
                told = await screen.queue.get()

    assert begun.state is DemoState.RUNNING
    assert second is not None
    assert second.why is DemoObstacle.RUNS
    assert (told.kind, told.body["state"], told.body["step"]) == ("demo.step", "failed", None)
    assert "the exchange is starting" in str(told.body["reason"])
    assert shown.standing.reason == told.body["reason"]
    assert shown.hindered() is None
