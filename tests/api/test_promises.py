"""Promises: read out of the transcript by the asked clock, for those who may hear the call."""

from uuid import UUID

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem, store_sound
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio


async def told(api: Api, *texts: str) -> UUID:
    """A call with these sentences in its transcript, begun on a Sunday at 16:46:42 by Moscow's clock."""
    await api.site.take_all(rows_of("queue_answered"))
    call: UUID = await api.site.pool.fetchval("select id from call where kind = 'client'")
    await store_sound(api, call)
    segments = [
        {"speaker": "client", "start": 10.0 * at, "end": 10.0 * at + 4, "text": t} for at, t in enumerate(texts)
    ]
    await api.site.pool.execute("update transcript set segments = $1", segments)
    return call


async def test_promises_are_told_by_the_clock_that_is_named(api: Api) -> None:
    call = await told(api, "Добрый день.", "Перезвоните мне завтра в 11.", "Call me in two hours")
    boris = await api.caller(Role.MANAGER, "boris")
    begun = await api.site.pool.fetchval("select answered_at from call where id = $1", call)

    by_zone = {}
    for zone in ("Europe/Moscow", "Pacific/Auckland"):
        response = await boris.get(f"calls/{call}/promises", params={"zone": zone})
        assert response.status == 200, await response.text()
        by_zone[zone] = (await response.json())["items"]

    first, second = by_zone["Europe/Moscow"]
    assert (first["kind"], first["time"], first["start"], first["speaker"]) == ("call", "11:00", 10.0, "client")
    assert first["quote"] == "Перезвоните мне завтра в 11."
    assert by_zone["Pacific/Auckland"][0]["time"] == "11:00"
    hours = [int(items[1]["time"][:2]) for items in by_zone.values()]
    assert (hours[1] - hours[0]) % 24 == 10  # both clocks at the same moment, in winter here and summer there
    assert second["start"] == 20.0
    assert begun is not None


async def test_nothing_is_promised_where_nothing_is_written_and_nothing_told_to_others(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    call = await api.site.pool.fetchval("select id from call where kind = 'client'")
    boris = await api.caller(Role.MANAGER, "boris")
    anna = await api.caller(Role.MANAGER, "anna")  # her phone only rang

    assert (await (await boris.get(f"calls/{call}/promises")).json()) == {"items": []}
    await problem(await anna.get(f"calls/{call}/promises"), 404, "not-found")
