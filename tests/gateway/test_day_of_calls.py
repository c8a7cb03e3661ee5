"""Calls placed on a day are, folded, what their scenarios say."""

from datetime import UTC, datetime

import pytest

from tests.gateway.day_of_calls import Placed
from tests.gateway.site import open_site

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
SCENARIOS = (
    "in_answered",
    "in_noanswer",
    "in_abandon",
    "queue_answered",
    "out_answered",
    "out_busy",
    "blind_xfer_refer",
)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_placed_call_is_what_its_scenario_says(database: str, scenario: str) -> None:
    placed = Placed(scenario=scenario, at=AT, number="+79031112233", extensions={"101": "102", "102": "101"}, talk=150)
    async with open_site(database) as site:
        await site.take_all(placed.rows())
        (call,) = await site.pool.fetch("select * from call")
    truth = placed.truth
    assert (call["client_number"], call["result"], call["direction"]) == (
        truth["client"],
        truth["result"],
        truth["direction"],
    )
    assert (call["started_at"], call["ended_at"]) == (AT, placed.ended)
    assert list(call["answered_by"]) == truth["answered_by"]
    assert call["talk_us"] / 1e6 == pytest.approx(truth["talk_seconds"], abs=0.15)
