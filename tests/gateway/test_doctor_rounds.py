"""The hourly look: what it finds is kept, a change is told once, and a reload brings the next look on at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gateway.doctor.meters import DoctorMeters
from gateway.doctor.rounds import Rounds
from gateway.live import Happening, Live
from gateway.settings import Settings
from gateway.store.database import Pool, open_pool
from gateway.store.doctor_runs import DoctorRun, last_runs, save_run
from gateway.store.facts import facts_after
from lab.server import AsteriskServer
from tests.gateway.broken_site import changed_site, replaced, settings_of, staffed
from tests.gateway.test_real_calls import running

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAULT = {"area": "asterisk main", "level": "fault", "code": "cel_off", "text": "It is off.", "remedy": ["switch it on"]}
WELL = DoctorRun(pbx="main", kind="freepbx", at=NOON, faults=0, advice=0, findings=[], wrong=frozenset())
UNWELL = replace(WELL, faults=1, findings=[FAULT], wrong=frozenset({"cel_off"}))
CEL_OFF = replaced("trunkline_cel_general.conf", "enable = yes", "enable = no")


def later(run: DoctorRun, minutes: int) -> DoctorRun:
    return replace(run, at=NOON + timedelta(minutes=minutes))


async def facts(pool: Pool) -> list[tuple[str, dict[str, object]]]:
    return [(fact.kind, fact.body) for fact in await facts_after(pool, None, 100) if fact.kind.startswith("pbx.")]


async def test_a_fault_is_told_once_and_its_mending_once(database: str) -> None:
    async with open_pool(database) as pool:
        for run in (WELL, later(UNWELL, 60), later(UNWELL, 120), later(WELL, 180), later(WELL, 240)):
            await save_run(pool, run)
        told = await facts(pool)
        (last,) = await last_runs(pool)

    assert [kind for kind, _ in told] == ["pbx.unwell", "pbx.well"]
    assert (told[0][1]["pbx"], told[0][1]["faults"], told[0][1]["new"]) == ("main", [FAULT], ["cel_off"])
    assert (told[1][1]["since"], told[1][1]["mended"]) == ((NOON + timedelta(hours=1)).isoformat(), ["cel_off"])
    assert (last.at, last.faults, last.unwell_since) == (NOON + timedelta(hours=4), 0, None)


async def test_a_further_fault_of_an_unwell_pbx_is_told_and_the_beginning_stays(database: str) -> None:
    async with open_pool(database) as pool:
        await save_run(pool, UNWELL)
        saved, told = await save_run(pool, replace(later(UNWELL, 60), wrong=frozenset({"cel_off", "clock_off"})))

    assert [(fact.kind, fact.body["new"]) for fact in told] == [("pbx.unwell", ["clock_off"])]
    assert saved.unwell_since == NOON


async def test_a_fault_less_is_no_news_while_others_last(database: str) -> None:
    async with open_pool(database) as pool:
        await save_run(pool, replace(UNWELL, wrong=frozenset({"cel_off", "clock_off"})))
        _, told = await save_run(pool, later(UNWELL, 60))

    assert told == []


@asynccontextmanager
async def going(rounds: Rounds) -> AsyncIterator[None]:
    """The rounds while the block runs."""
    task = asyncio.create_task(rounds.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def heard(live: Live, kinds: set[str]) -> list[Happening]:
    """What is told of PBXs until each of these kinds was."""
    found: list[Happening] = []
    with live.listening() as listener:
        async with asyncio.timeout(60):
            while kinds - {h.kind for h in found}:
                found.append(await listener.queue.get())
    return found


@pytest.mark.asterisk
async def test_an_include_that_a_reload_undoes_is_noticed_at_once_and_so_is_its_return(
    asterisk: AsteriskServer, database: str
) -> None:
    """Point 7: it runs because upgrades and reloads undo includes."""
    settings = settings_of(asterisk, database)
    async with running(settings) as gateway:
        gateway.doctor.settled = 0.2  # ten seconds of quiet are for a PBX that reloads a dozen modules
        await gateway.doctor.look("lab")
        unwell = asyncio.create_task(heard(gateway.live, {"pbx.unwell"}))
        await asyncio.sleep(0.1)
        changed = changed_site(asterisk, [CEL_OFF])
        await asyncio.to_thread(changed.__enter__)
        (told, *_) = [h for h in await unwell if h.kind == "pbx.unwell"]
        registry = CollectorRegistry()
        registry.register(DoctorMeters(gateway.doctor))
        metric = generate_latest(registry).decode()
        well = asyncio.create_task(heard(gateway.live, {"pbx.well"}))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(changed.__exit__, None, None, None)
        await well

    assert told.body["pbx"] == "lab"
    assert "cel_off" in told.body["new"]  # type: ignore[operator]
    assert "trunkline_cel_general.conf" in str(told.body["faults"])
    assert 'trunkline_doctor_faults{pbx="lab"} 2.0' in metric


@pytest.mark.asterisk
async def test_the_rounds_look_each_hour_and_two_gateways_do_not_look_twice(
    asterisk: AsteriskServer, database: str
) -> None:
    settings = settings_of(asterisk, database)
    async with open_pool(database) as pool:
        await staffed(pool)
        one, other = (Rounds(settings, pool, Live(), every=0.5, settled=0.05) for _ in range(2))
        async with going(one), going(other):
            await asyncio.sleep(2.2)
            (first,) = await last_runs(pool)

    assert first.faults == 0
    assert sorted(bool(rounds.faults) for rounds in (one, other)) == [False, True]


async def test_a_database_that_refuses_is_waited_out(database: str) -> None:
    settings = Settings(database={"url": database}, pbx={"main": {"ami": {"port": 9, "secret": "s"}}})  # type: ignore[arg-type]
    async with open_pool(database) as pool:
        rounds = Rounds(settings, pool, Live(), every=0.3, settled=0.05)
        async with going(rounds):
            await asyncio.sleep(0.2)
            await pool.execute("alter table doctor_run rename to doctor_run_away")
            await asyncio.sleep(0.6)
            await pool.execute("alter table doctor_run_away rename to doctor_run")
            back = datetime.now(UTC)
            async with asyncio.timeout(60):
                while not (runs := await last_runs(pool)) or runs[0].at < back:
                    await asyncio.sleep(0.05)

    assert runs[0].pbx == "main"


async def test_a_pbx_that_does_not_answer_is_unwell_and_does_not_end_the_rounds(database: str) -> None:
    settings = Settings(database={"url": database}, pbx={"main": {"ami": {"port": 9, "secret": "s"}}})  # type: ignore[arg-type]
    async with open_pool(database) as pool:
        rounds = Rounds(settings, pool, Live())
        run = await rounds.look("main")

    assert (run.kind, rounds.faults) == (None, {"main": run.faults})
    assert {"ami_unreachable", "journal_none"} <= run.wrong
