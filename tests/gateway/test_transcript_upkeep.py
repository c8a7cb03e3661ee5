"""Recordings to transcripts: claimed, renewed, fenced, given up, and found by their words."""

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import soundfile

from gateway.domain.errors import GatewayError, GiveUp
from gateway.domain.transcript import Transcript
from gateway.live import Live
from gateway.store import transcripts as store
from gateway.store.database import Pool
from gateway.store.facts import facts_after
from gateway.transcript_upkeep import TranscriptRules, TranscriptUpkeep
from tests.gateway.recorded import began, let_run_out, open_studio
from tests.gateway.scribe import Scribe, add_recording, said, upkeep_of
from tests.gateway.site import open_site, rows_of
from tests.recordings.sounds import wav
from transcription.errors import ModelUnavailableError, UnreadableRecordingError
from transcription.options import Options
from transcription.transcriber import open_transcriber

pytestmark = pytest.mark.asyncio
ROOT = Path(__file__).parents[2]
LEASE = timedelta(seconds=60)


async def states(pool: Pool) -> list[tuple[str, int]]:
    """State and attempts of every recording, in their order."""
    rows = await pool.fetch("select transcript_state, transcript_attempts from recording order by stored_at")
    return [(r["transcript_state"], r["transcript_attempts"]) for r in rows]


async def reason(pool: Pool, id: UUID) -> str:
    return str(await pool.fetchval("select transcript_reason from recording where id = $1", id))


async def work_off(pool: Pool, scribe: Scribe) -> None:
    """Rounds until nothing is left, as if all waiting times were over."""
    upkeep, found = upkeep_of(pool, scribe), 1
    while found:
        await let_run_out(pool)
        found = await upkeep.round(scribe, retried=False) + await upkeep.round(scribe, retried=True)


@asynccontextmanager
async def running(upkeep: TranscriptUpkeep) -> AsyncIterator[None]:
    """The upkeep at work while the block runs."""
    task = asyncio.ensure_future(upkeep.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(pool: Pool, condition: str) -> None:
    async with asyncio.timeout(60):
        while not await pool.fetchval(f"select bool_and({condition}) from recording"):
            await asyncio.sleep(0.02)


async def test_what_was_said_is_stored_with_its_fact(pool: Pool) -> None:
    id, scribe, live = await add_recording(pool, 1), Scribe(), Live()
    scribe.answers[id] = said("Good morning.", "I need three boxes.")
    with live.listening() as screen:
        await upkeep_of(pool, scribe, live=live).round(scribe, retried=False)
        told = screen.queue.get_nowait()

    kept = await store.find_transcript(pool, id)
    assert kept is not None
    assert (kept.language, kept.model, kept.segments) == ("en", "base", scribe.answers[id].segments)  # type: ignore[union-attr]
    assert await states(pool) == [("ready", 1)]
    fact = (await facts_after(pool, None, 10))[-1]
    assert (fact.kind, fact.body) == ("transcript.ready", told.body)
    assert told.body["recording_id"] == str(id)


async def test_several_are_claimed_together_the_longest_waiting_first(pool: Pool) -> None:
    ids, scribe = [await add_recording(pool, n) for n in range(11)], Scribe()
    upkeep = upkeep_of(pool, scribe)

    assert [await upkeep.round(scribe, retried=False) for _ in range(3)] == [8, 3, 0]
    assert [job for _, job in scribe.jobs] == [tuple(ids[:8]), tuple(ids[8:])]


async def test_a_language_chosen_beforehand_is_used(pool: Pool) -> None:
    ids = [await add_recording(pool, n, language=k) for n, k in enumerate((None, "ru", "pl"))]
    scribe = Scribe()
    await upkeep_of(pool, scribe).round(scribe, retried=False)

    assert sorted(scribe.jobs, key=str) == sorted([(None, (ids[0],)), ("ru", (ids[1],)), ("pl", (ids[2],))], key=str)


async def test_a_file_that_ends_its_worker_stops_after_three_attempts_and_spares_the_others(pool: Pool) -> None:
    ids = [await add_recording(pool, n) for n in range(8)]
    scribe = Scribe(deadly={ids[3]})
    await work_off(pool, scribe)

    assert await states(pool) == [("failed", 3) if id == ids[3] else ("ready", 2) for id in ids]
    assert "signal 9" in await reason(pool, ids[3])
    assert len(scribe.jobs[0][1]) == 8
    assert {len(job) for _, job in scribe.jobs[1:]} == {1}


async def test_a_file_that_cannot_be_read_fails_at_once_and_alone(pool: Pool) -> None:
    ids, scribe = [await add_recording(pool, n) for n in range(3)], Scribe()
    scribe.answers[ids[1]] = UnreadableRecordingError(Path("a.flac"), "no sound file")
    await upkeep_of(pool, scribe).round(scribe, retried=False)

    assert await states(pool) == [("ready", 1), ("failed", 1), ("ready", 1)]
    assert "no sound file" in await reason(pool, ids[1])


async def test_without_a_model_no_attempt_is_spent(pool: Pool) -> None:
    ids, scribe = [await add_recording(pool, n) for n in range(3)], Scribe()
    scribe.answers = {id: ModelUnavailableError("huge", "not here") for id in ids}
    upkeep = upkeep_of(pool, scribe)
    for _ in range(4):
        with pytest.raises(GiveUp):
            await upkeep.round(scribe, retried=False)
        await let_run_out(pool)
    spent = await states(pool)
    scribe.answers.clear()
    await upkeep.round(scribe, retried=False)

    assert spent == [("wanted", 0)] * 3
    assert await states(pool) == [("ready", 1)] * 3


class Strange(Scribe):
    """A transcriber that answers what nobody understands."""

    async def transcribe_each(self, paths: Sequence[Path], *, language: str | None) -> list[Transcript | GatewayError]:
        raise ValueError("not a worker's answer")


async def test_a_transcriber_that_answers_nonsense_does_not_end_the_gateway(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Strange()
    await work_off(pool, scribe)

    assert await states(pool) == [("failed", 3)]
    assert "ValueError" in await reason(pool, id)


async def test_the_upkeep_tells_what_is_wrong_and_goes_on_when_it_is_mended(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Scribe()
    scribe.answers[id] = ModelUnavailableError("huge", "not here")
    upkeep = upkeep_of(pool, scribe)
    async with running(upkeep):
        async with asyncio.timeout(60):
            while upkeep.status.fault is None:
                await asyncio.sleep(0.01)
        assert "huge" in upkeep.status.fault
        scribe.answers.clear()
        await until(pool, "transcript_state = 'ready'")
    assert upkeep.status.fault is None


async def test_a_result_that_comes_after_its_claim_ran_out_is_refused(pool: Pool) -> None:
    id = await add_recording(pool, 1)
    (slow,) = await store.claim(pool, limit=8, lease=timedelta(0), attempts=3, retried=False)
    (quick,) = await store.claim(pool, limit=8, lease=LEASE, attempts=3, retried=True)
    async with pool.acquire() as connection:
        assert await store.save_transcript(connection, slow, said("Too late.")) is None
        assert await store.note_failure(connection, slow, "no", attempts=3) is None
        assert await store.renew(connection, [slow], LEASE) == 0
        await store.give_back(connection, [slow], reason=None, wait=timedelta(0))
        assert await states(pool) == [("claimed", 2)]
        assert await store.save_transcript(connection, quick, said("In time.")) is not None
        assert await store.save_transcript(connection, quick, said("Twice.")) is None

    kept = await store.find_transcript(pool, id)
    assert kept is not None
    assert [s.text for s in kept.segments] == ["In time."]


async def test_a_claim_is_renewed_while_the_work_goes_on(pool: Pool) -> None:
    await add_recording(pool, 1)
    scribe = Scribe(before=lambda: 2.0)
    async with running(upkeep_of(pool, scribe)):
        await until(pool, "transcript_state = 'claimed'")
        for _ in range(15):
            await asyncio.sleep(0.1)
            assert await store.claim(pool, limit=8, lease=LEASE, attempts=3, retried=True) == []
        await until(pool, "transcript_state = 'ready'")
    assert await states(pool) == [("ready", 1)]


async def test_many_transcribers_never_have_the_same_recording(pool: Pool) -> None:
    ids = [await add_recording(pool, n) for n in range(40)]
    scribes = [Scribe(before=lambda: 0.05) for _ in range(4)]
    async with running(upkeep_of(pool, *scribes[:2])), running(upkeep_of(pool, *scribes[2:])):
        await until(pool, "transcript_state = 'ready'")

    assert sorted(id for scribe in scribes for _, job in scribe.jobs for id in job) == sorted(ids)
    assert await states(pool) == [("ready", 1)] * 40


async def test_a_stop_gives_the_claims_back(pool: Pool) -> None:
    for n in range(3):
        await add_recording(pool, n)
    async with running(upkeep_of(pool, Scribe(before=lambda: 60))):
        await until(pool, "transcript_state = 'claimed'")

    assert await states(pool) == [("wanted", 0)] * 3
    assert len(await store.claim(pool, limit=8, lease=LEASE, attempts=3, retried=False)) == 3


async def test_work_that_is_cut_off_three_times_is_given_up(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Scribe()
    for attempt in range(3):
        assert await store.claim(pool, limit=8, lease=timedelta(0), attempts=3, retried=attempt > 0)
    upkeep = upkeep_of(pool, scribe)
    for retried in (False, True):
        assert await upkeep.round(scribe, retried=retried) == 0

    assert await states(pool) == [("failed", 3)]
    assert "cut off" in await reason(pool, id)


async def test_one_that_failed_before_does_not_wait_behind_a_backlog(pool: Pool) -> None:
    old = await add_recording(pool, 1000)
    await pool.execute("update recording set transcript_attempts = 1")
    for n in range(30):
        await add_recording(pool, n)
    scribe = Scribe()
    async with running(upkeep_of(pool, scribe)):
        await until(pool, "transcript_state = 'ready'")

    assert [job for _, job in scribe.jobs].index((old,)) <= 1


async def test_below_the_limit_of_free_space_nothing_is_claimed(pool: Pool) -> None:
    await add_recording(pool, 1)
    scribe = Scribe()
    upkeep = upkeep_of(pool, scribe, free=0)

    assert await upkeep.round(scribe, retried=False) == 0
    assert await states(pool) == [("wanted", 0)]


async def test_a_transcript_can_be_wanted_anew_in_another_language(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Scribe()
    upkeep = upkeep_of(pool, scribe)
    await upkeep.round(scribe, retried=False)
    assert await store.want_transcript(pool, id, language="ru")
    (claim,) = await store.claim(pool, limit=1, lease=LEASE, attempts=3, retried=False)
    await store.want_transcript(pool, id, language="en")
    async with pool.acquire() as connection:
        late = await store.save_transcript(connection, claim, said("Поздно.", language="ru"))
    scribe.answers[id] = said("Anew.")
    await upkeep.round(scribe, retried=False)

    kept = await store.find_transcript(pool, id)
    assert late is None
    assert scribe.jobs[-1][0] == "en"
    assert kept is not None
    assert [s.text for s in kept.segments] == ["Anew."]


async def test_a_recording_in_which_nobody_speaks_is_ready_without_words(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Scribe()
    scribe.answers[id] = said(language=None)
    await upkeep_of(pool, scribe).round(scribe, retried=False)

    kept = await store.find_transcript(pool, id)
    assert kept is not None
    assert (kept.language, kept.segments) == (None, ())


async def test_characters_that_no_database_keeps_do_not_stop_the_work(pool: Pool) -> None:
    id, scribe = await add_recording(pool, 1), Scribe()
    scribe.answers[id] = said("Nul\0 and\x02 \ud7ff marks\x03.")
    await upkeep_of(pool, scribe).round(scribe, retried=False)

    kept = await store.find_transcript(pool, id)
    assert kept is not None
    assert [s.text for s in kept.segments] == ["Nul and \ud7ff marks."]


async def test_the_database_away_in_mid_work_costs_no_attempt(pool: Pool) -> None:
    await add_recording(pool, 1)
    scribe = Scribe(before=lambda: 0.5)
    async with running(upkeep_of(pool, scribe, rules=TranscriptRules(period=timedelta(seconds=0.02)))):
        await until(pool, "transcript_state = 'claimed'")
        with suppress(asyncpg.PostgresError, OSError):
            await pool.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        await until(pool, "transcript_state = 'ready'")
    assert await states(pool) == [("ready", 1)]


async def filled(pool: Pool, **texts: Transcript) -> dict[str, UUID]:
    """Transcripts in the archive, by names."""
    scribe, ids = Scribe(), {}
    for number, (name, transcript) in enumerate(texts.items()):
        ids[name] = await add_recording(pool, number)
        scribe.answers[ids[name]] = transcript
    upkeep = upkeep_of(pool, scribe)
    while await upkeep.round(scribe, retried=False):
        pass
    return ids


SPOKEN = {
    "boxes": said("Good morning.", "I ordered three boxes of screws yesterday."),
    "returns": said("We are returning one box."),
    "zakaz": said("Здравствуйте.", "Я хочу оформить заказ на доски, ещё вчера заказывали.", language="ru"),
    "oplata": said("Вы уже оплатили счёт?", "Нет, не оплатили.", language="ru"),
    "polish": said("Dzień dobry, chciałbym zamówić deski.", language="pl"),
    "noise": said(language=None),
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("box", {"boxes", "returns"}),
        ("box -screw", {"returns"}),
        ('"three boxes"', {"boxes"}),
        ('"boxes three"', set()),
        ("returned", {"returns"}),
        ("заказов", {"zakaz"}),
        ("доска", {"zakaz"}),
        ("еще", {"zakaz"}),
        ("счёта", {"oplata"}),
        ("счета", {"oplata"}),
        ("screws or оплатить", {"boxes", "oplata"}),
        ("не", {"oplata"}),
        ("zamówić", {"polish"}),
        ("zamówienie", set()),
        ("", set()),
        ("'); drop table transcript; --", set()),
        ("\0 box \0", {"boxes", "returns"}),
    ],
)
async def test_words_are_found_in_every_form_of_their_language(pool: Pool, query: str, found: set[str]) -> None:
    ids = await filled(pool, **SPOKEN)
    hits = await store.search(pool, query, languages=("ru", "en"))

    assert {name for name, id in ids.items() if id in {h.recording_id for h in hits}} == found


async def test_a_hit_shows_the_words_in_their_sentence(pool: Pool) -> None:
    await filled(pool, **SPOKEN)
    (hit,) = await store.search(pool, "screw", languages=("ru", "en"))

    assert [piece for piece, marked in hit.snippet if marked] == ["screws"]
    assert "".join(piece for piece, _ in hit.snippet).endswith("three boxes of screws yesterday")


async def test_hits_come_newest_first_page_by_page(pool: Pool) -> None:
    ids = await filled(pool, **{f"c{n}": said("A box.") for n in range(7)})
    pages, before = [], None
    while page := await store.search(pool, "box", languages=("en",), limit=3, before=before):
        pages += [h.recording_id for h in page]
        before = (page[-1].stored_at, page[-1].recording_id)

    assert pages == list(reversed(ids.values()))


async def test_a_manager_finds_only_calls_in_which_he_has_a_part(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("in_answered"))
        own, _ = [await add_recording(site.pool, n) for n in range(2)]
        await site.pool.execute("update recording set call_id = (select id from call) where id = $1", own)
        scribe = Scribe()
        with (live := Live()).listening() as screen:
            await upkeep_of(site.pool, scribe, live=live).round(scribe, retried=False)
            told = {h.body["recording_id"]: h.users for h in (screen.queue.get_nowait() for _ in range(2))}

        anna, boris = site.users["anna"], site.users["boris"]
        hits = [await store.search(site.pool, "hello", languages=("en",), user_id=u) for u in (anna, boris, None)]
        assert [[h.recording_id for h in found] for found in hits[:2]] == [[own], []]
        assert len(hits[2]) == 2
        assert told[str(own)] == (anna,)


async def test_a_search_is_served_by_the_index(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            f"explain select from transcript t where {store.words_condition('$1', ('ru', 'en'))}", "box"
        )
    assert "transcript_words" in "\n".join(row[0] for row in plan)


def start_worker(dsn: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.gateway.scribe", dsn], cwd=ROOT)


async def test_killed_at_random_moments_every_transcript_is_made_once(database: str, pool: Pool) -> None:
    chance, ids = random.Random(5), [await add_recording(pool, n) for n in range(40)]
    for _ in range(5):
        worker = start_worker(database)
        async with asyncio.timeout(60):
            while not await pool.fetchval("select count(*) from recording where transcript_state = 'claimed'"):
                await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.25))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        half = await pool.fetchval(
            "select count(*) from recording r where (r.transcript_state = 'ready') <>"
            " exists (select from transcript t where t.recording_id = r.id)"
        )
        assert half == 0
        await let_run_out(pool)
        await pool.execute("update recording set transcript_attempts = least(transcript_attempts, 1)")
    scribe = Scribe()
    await work_off(pool, scribe)

    assert {state for state, _ in await states(pool)} == {"ready"}
    facts = [f.body["recording_id"] for f in await facts_after(pool, None, 1000) if f.kind == "transcript.ready"]
    assert sorted(map(str, facts)) == sorted(map(str, ids))


@pytest.mark.speech
async def test_real_speech_goes_from_the_folder_to_the_search(pool: Pool, tmp_path: Path) -> None:
    sound, rate = soundfile.read(ROOT / "tests/transcription/recordings/ru.flac", dtype="int16")
    name = began(1)
    async with (
        open_studio(pool, tmp_path) as studio,
        open_transcriber(Options(cache=tmp_path / "models")) as transcriber,
    ):
        for channel, side in enumerate(("-tx.wav", "-rx.wav")):
            (studio.folder / f"{name}{side}").write_bytes(wav(sound[:, channel], rate=rate))
        (studio.folder / f"{name}.done").touch()
        await studio.upkeep.round()
        upkeep = TranscriptUpkeep(pool, studio.live, [transcriber], studio.storage.path_of, studio.space)
        await upkeep.round(transcriber, retried=False)

        row = await studio.row(name)
        kept = await store.find_transcript(pool, row["id"])  # type: ignore[arg-type]
        assert row["transcript_state"] == "ready"
        assert kept is not None
        assert kept.language == "ru"
        word = max((w for s in kept.segments for w in s.text.split() if w.isalpha()), key=len)
        assert [h.recording_id for h in await store.search(pool, word, languages=("ru", "en"))] == [row["id"]]
