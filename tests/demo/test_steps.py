"""What is told of the demonstration's call, and the sentence that ends it where a step does not come."""

from datetime import UTC, datetime

import pytest

from gateway.demo.call import DemoFailed
from gateway.demo.steps import Patience, follow
from gateway.domain.demonstration import DemoStep, Told
from gateway.store.database import Pool
from tests.gateway.site import Site, open_site, rows_of

pytestmark = pytest.mark.asyncio
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SHORT = Patience(call=3.0, text=1.0)
WORDS = [{"start": 0.5, "end": 1.0, "speaker": "client", "text": "Good morning."}]


async def the_call(site: Site, scenario: str = "in_answered") -> str:
    """A call is in the database; gives the client's number."""
    await site.take_all(rows_of(scenario))
    return str(await site.pool.fetchval("select client_number from call"))


async def recorded(pool: Pool, *, state: str = "stored", reason: str | None = None, text: str = "wanted") -> None:
    """Its recording stands thus."""
    await pool.execute(
        "insert into recording (id, pbx, name, call_id, state, reason, sha256, duration_us, transcript_state,"
        " transcript_reason) select gen_random_uuid(), 'pbx1', 'x', id, $1, $2, '\\xab', 26000000, $3, $2 from call",
        state,
        reason,
        text,
    )


async def told_of(site: Site, client: str, *, has_text: bool = True) -> list[Told]:
    told: list[Told] = []
    await follow(site.pool, client=client, since=LONG_AGO, has_text=has_text, tell=told.append, patience=SHORT)
    return told


async def test_each_step_of_a_call_is_told_to_its_words_and_figures(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, text="ready")
        await site.pool.execute(
            "insert into transcript (recording_id, model, segments, text, words) select id, 'base', $1, '', '' from"
            " recording",
            WORDS,
        )

        told = await told_of(site, client)

    steps = [DemoStep.CARD, DemoStep.TALK, DemoStep.CALL, DemoStep.RECORDING, DemoStep.TEXT, DemoStep.SAID]
    assert [one.step for one in told] == [*steps, DemoStep.FIGURES]
    assert "Good morning." in told[5].text


async def test_a_call_that_does_not_come_is_named(database: str) -> None:
    async with open_site(database) as site:
        with pytest.raises(DemoFailed, match=r"waited 3 s for its call in the database\. Look with `trunkline doctor`"):
            await told_of(site, "+79160000000")


async def test_a_call_that_nobody_took_is_told_so(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site, "in_noanswer")
        with pytest.raises(DemoFailed, match="came out as missed; nobody talked"):
            await told_of(site, client)


async def test_a_recording_that_does_not_come_is_named(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, state="wanted")
        with pytest.raises(DemoFailed, match="for its recording"):
            await told_of(site, client)


async def test_a_recording_that_cannot_be_taken_in_is_not_waited_for(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, state="damaged", reason="its files hold no sound")
        with pytest.raises(DemoFailed, match="The recording is damaged: its files hold no sound"):
            await told_of(site, client)


@pytest.mark.parametrize(("state", "words"), [("wanted", "waits for the transcriber"), ("claimed", "slow or busy")])
async def test_a_text_that_does_not_come_is_told_with_how_it_stands(database: str, state: str, words: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, text=state)
        with pytest.raises(DemoFailed, match=f"for its text.*{words}"):
            await told_of(site, client)


async def test_a_text_that_was_given_up_is_not_waited_for(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, text="failed", reason="the model is damaged")
        with pytest.raises(DemoFailed, match="Nothing was written down: the model is damaged"):
            await told_of(site, client)


async def test_a_site_without_texts_waits_for_none(database: str) -> None:
    async with open_site(database) as site:
        client = await the_call(site)
        await recorded(site.pool, text="none")

        told = await told_of(site, client, has_text=False)

    assert "transcription.enabled = false" in next(one.text for one in told if one.step is DemoStep.TEXT)
