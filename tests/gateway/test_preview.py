"""A PBX whose journal is elsewhere: calls on the screens by AMI, nothing stored, nothing counted."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.legs import LegEvent
from gateway.live import Live
from gateway.preview import Preview
from gateway.store.staff import load_tables
from sip.ami_legs import ami_leg_event
from tests.gateway.site import BASE, SCENARIOS, ZONE, open_site, rows_of

pytestmark = pytest.mark.asyncio


def cel_of(scenario: str) -> list[LegEvent]:
    """The journal's rows as AMI carried them."""
    lines = (SCENARIOS / scenario / "stream.ami.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    told = [ami_leg_event({k: v for k, v in e.items() if isinstance(v, str)}) for e in events if e["Event"] == "CEL"]
    return [e for e in told if e is not None]


async def test_a_call_is_shown_from_ringing_to_its_end_and_nothing_is_stored(database: str) -> None:
    async with open_site(database) as site:
        live = Live()
        tables = await load_tables(site.pool, BASE, ZONE)
        preview = Preview(site.pool, live, lambda: tables)
        with live.listening() as screen:
            for event in cel_of("in_answered"):
                await preview.hear(event)
            told = [screen.queue.get_nowait() for _ in range(screen.queue.qsize())]

        kinds = [h.kind for h in told if h.kind != "call.changed"]
        assert kinds == ["call.ringing", "call.talking", "call.ended"]
        assert all(h.body["preview"] for h in told)
        assert told[-1].users == (site.users["anna"],)
        assert await site.pool.fetchval("select count(*) from call") == 0
        assert await site.pool.fetchval("select count(*) from contact") == 0


async def test_a_preview_and_the_journal_name_the_call_alike_and_known_numbers_bring_their_card(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("in_answered"))
        row = await site.pool.fetchrow("select id, contact_id from call")
        live = Live()
        preview = Preview(site.pool, live, lambda: site.pipeline.tables)
        with live.listening() as screen:
            for event in cel_of("in_answered"):
                await preview.hear(event)
            last = [screen.queue.get_nowait() for _ in range(screen.queue.qsize())][-1]

        assert (last.body["id"], last.body["contact_id"]) == (str(row["id"]), row["contact_id"])


async def test_ended_calls_are_forgotten(database: str) -> None:
    async with open_site(database) as site:
        tables = await load_tables(site.pool, BASE, ZONE)
        preview = Preview(site.pool, Live(), lambda: tables)
        hour = timedelta(hours=1)
        for place, scenario in enumerate(("in_answered", "blind_xfer_refer", "att_xfer_refer", "queue_answered")):
            for event in cel_of(scenario):
                await preview.hear(replace(event, at=event.at + place * hour))

        assert preview.families == 1
