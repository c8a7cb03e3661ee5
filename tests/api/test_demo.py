"""The demonstration call over the API: who may begin it, once at a time, and what a page is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest_asyncio

from gateway.domain.access import Role
from gateway.domain.demonstration import DemoObstacle, DemoStanding, DemoState, DemoStep, Hindered, Shown, Told
from tests.api.site import Api, open_api, problem

BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Player:
    """A demonstration of which the test says how far it is."""

    def __init__(self) -> None:
        self.standing = DemoStanding()
        self.obstacle: Hindered | None = None
        self.begun = 0

    def hindered(self) -> Hindered | None:
        return self.obstacle

    def begin(self, tasks: asyncio.TaskGroup) -> DemoStanding:
        self.begun += 1
        self.standing = DemoStanding(state=DemoState.RUNNING, began_at=BEGAN)
        self.obstacle = Hindered(
            why=DemoObstacle.RUNS, text="A demonstration call is being shown already; wait until it is over."
        )
        return self.standing


@pytest_asyncio.fixture
async def player() -> Player:
    return Player()


@pytest_asyncio.fixture
async def api(database: str, tmp_path: Path, player: Player) -> AsyncIterator[Api]:
    async with open_api(database, tmp_path, demonstration=player) as opened:
        yield opened


async def test_a_button_begins_it_once_however_often_it_is_pressed(api: Api, player: Player) -> None:
    admin = await api.caller(Role.ADMIN)
    first = await admin.post("demo", headers={"Idempotency-Key": "button-1"})
    again = await admin.post("demo", headers={"Idempotency-Key": "button-1"})

    assert (first.status, again.status, player.begun) == (202, 202, 1)
    assert await first.json() == await again.json() == {"state": "running", "began_at": "2026-03-01T09:00:00Z"}
    assert await api.site.pool.fetchval("select count(*) from audit where action = 'demo.begun'") == 1


async def test_while_one_runs_another_is_refused_with_the_reason(api: Api, player: Player) -> None:
    admin = await api.caller(Role.ADMIN)
    await admin.post("demo", headers={"Idempotency-Key": "first"})
    refused = await admin.post("demo", headers={"Idempotency-Key": "second"})

    assert "being shown already" in str((await problem(refused, 409, "conflict"))["detail"])
    assert player.begun == 1


async def test_a_refused_key_may_be_used_again(api: Api, player: Player) -> None:
    player.obstacle = Hindered(why=DemoObstacle.NO_PHONES, text="There is no telephone library for this machine.")
    admin = await api.caller(Role.ADMIN)
    refused = await admin.post("demo", headers={"Idempotency-Key": "same"})
    player.obstacle = None
    taken = await admin.post("demo", headers={"Idempotency-Key": "same"})

    assert (refused.status, taken.status) == (409, 202)


async def test_the_page_is_told_each_step_and_why_there_can_be_none(api: Api, player: Player) -> None:
    call = uuid4()
    told = Told(step=DemoStep.CARD, text="Anna, known already", values={"name": "Anna"}, call=call)
    running = DemoStanding(state=DemoState.RUNNING, began_at=BEGAN, call=call, steps=(Shown(at=BEGAN, told=told),))
    player.standing = replace(running, state=DemoState.FAILED, ended_at=BEGAN, reason="Nobody was rung.")
    player.obstacle = Hindered(why=DemoObstacle.NO_ENGINE, text="This site has none.")
    answer = await (await api.caller(Role.ADMIN)).get("demo")

    assert await answer.json() == {
        "state": "failed",
        "began_at": "2026-03-01T09:00:00Z",
        "ended_at": "2026-03-01T09:00:00Z",
        "call": str(call),
        "steps": [
            {
                "at": "2026-03-01T09:00:00Z",
                "step": "card",
                "text": "Anna, known already",
                "values": {"name": "Anna"},
            }
        ],
        "reason": "Nobody was rung.",
        "hindered": {"code": "no_engine", "text": "This site has none."},
    }


async def test_it_is_for_administrators(api: Api, player: Player) -> None:
    for role in (Role.MANAGER, Role.SUPERVISOR):
        caller = await api.caller(role, "anna")
        assert (await caller.get("demo")).status == 403
        assert (await caller.post("demo", headers={"Idempotency-Key": "x"})).status == 403
    assert player.begun == 0
