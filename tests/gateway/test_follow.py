"""Followers take each fact once, whatever fails under them; duties are done by one node at a time."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import Follower
from gateway.aftercare.parts import duties_of, followers_of
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.database import Connection, Pool, open_pool
from gateway.store.facts import Fact, NewFact, facts_after, save_facts
from gateway.store.followers import refused_facts


async def say(pool: Pool, *words: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await save_facts(connection, [NewFact(kind="said", body={"word": w}) for w in words])


class Notebook:
    """A handler that writes words down, and fails where it is told to."""

    def __init__(self, *bad: str) -> None:
        self.words: list[object] = []
        self.bad = bad

    async def __call__(self, connection: Connection, facts: Sequence[Fact], moment: datetime) -> Sequence[NewFact]:
        new = []
        for fact in facts:
            if fact.kind == "said":
                if fact.body["word"] in self.bad:
                    raise ValueError(fact.body["word"])
                await connection.execute("insert into touch (kind, at, made_by) values ('said', $1, 'test')", moment)
                new.append(NewFact(kind="heard", body=fact.body))
        self.words += [f.body["word"] for f in facts if f.kind == "said"]
        return new


async def test_a_follower_that_is_ended_in_the_moment_in_which_something_happens_ends(database: str) -> None:
    async with open_pool(database) as pool:
        await say(pool, "before it was known")
        notes = Notebook()
        follower = Follower(pool, "notes", notes, Live())
        running = asyncio.create_task(follower.run())
        async with asyncio.timeout(10):
            while not await pool.fetchval("select exists (select from follower where name = 'notes')"):
                await asyncio.sleep(0.01)
            await say(pool, "heard")
            while not notes.words:
                follower.woken.set()
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)  # now it waits

        follower.woken.set()
        running.cancel()
        await asyncio.wait([running], timeout=10)

        assert running.cancelled()


async def test_a_follower_takes_each_fact_once_and_goes_on_where_it_was(database: str) -> None:
    async with open_pool(database) as pool:
        await say(pool, "before it was known")
        first = Notebook()
        follower = Follower(pool, "notes", first, Live())
        await follower.begin()
        await say(pool, "one", "two")
        await follower.catch_up()
        await say(pool, "three")
        second = Notebook()
        again = Follower(pool, "notes", second, Live())
        await again.begin()
        await again.catch_up()

        assert (first.words, second.words) == (["one", "two"], ["three"])
        heard = [f.body["word"] for f in await facts_after(pool, None, 100) if f.kind == "heard"]
        assert heard == ["one", "two", "three"]


async def test_what_a_handler_wrote_before_it_failed_is_not_there_and_the_bad_fact_alone_is_left_out(
    database: str,
) -> None:
    async with open_pool(database) as pool:
        notes = Notebook("bad")
        follower = Follower(pool, "notes", notes, Live())
        await follower.begin()
        await say(pool, "one", "bad", "two")
        await follower.catch_up()

        assert notes.words == ["one", "two"]
        assert await pool.fetchval("select count(*) from touch") == 2
        (refused,) = await refused_facts(pool, 10)
        assert (refused.follower, refused.kind, refused.fault) == ("notes", "said", "ValueError")
        assert follower.refused == 1


async def test_two_nodes_that_follow_take_turns(database: str) -> None:
    async with open_pool(database) as pool:
        notes = Notebook()
        one, other = Follower(pool, "notes", notes, Live()), Follower(pool, "notes", notes, Live())
        await one.begin()
        await say(pool, "one")
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchval("select position from follower for update")
            await other.catch_up()
            assert notes.words == []
        await other.catch_up()
        await one.catch_up()
        assert notes.words == ["one"]


async def test_a_fact_that_an_older_transaction_hides_is_taken_soon_after_its_end(database: str) -> None:
    """Nobody tells when it becomes visible; the usual look of two seconds would come too late for a webhook."""
    async with open_pool(database) as pool, asyncio.TaskGroup() as group:
        taken = asyncio.Event()

        async def note(connection: Connection, facts: Sequence[Fact], moment: datetime) -> Sequence[NewFact]:
            taken.set()
            return ()

        follower = Follower(pool, "notes", note, Live())
        await follower.begin()
        async with pool.acquire() as older, older.transaction():
            await older.execute("select pg_current_xact_id()")
            await say(pool, "hidden")
            following = group.create_task(follower.run())
            await asyncio.sleep(0.1)
            assert not taken.is_set()
        await asyncio.wait_for(taken.wait(), 1)
        following.cancel()


async def test_a_duty_is_done_by_one_node_at_a_time_and_told_after_the_commit(database: str) -> None:
    seen: list[Sequence[NewFact]] = []

    async def work(connection: Connection, moment: datetime) -> Sequence[NewFact]:
        if not seen:
            seen.append(())
            seen.append(await Duty(pool, "rounds", work, live, every=1).look(moment))
        return [NewFact(kind="round.done", body={"at": str(moment)})]

    async with open_pool(database) as pool:
        live = Live()
        with live.listening() as listener:
            told = await Duty(pool, "rounds", work, live, every=1).look(datetime(2026, 1, 1, tzinfo=UTC))
        assert [len(facts) for facts in seen] == [0, 0]
        assert len(told) == listener.queue.qsize() == 1
        assert [f.kind for f in await facts_after(pool, None, 9)] == ["round.done"]


async def test_a_duty_that_fails_leaves_nothing_half_done(database: str) -> None:
    async def work(connection: Connection, moment: datetime) -> Sequence[NewFact]:
        await connection.execute("insert into touch (kind, at, made_by) values ('x', $1, 'test')", moment)
        raise ValueError("no")

    async with open_pool(database) as pool:
        with pytest.raises(ValueError, match="no"):
            await Duty(pool, "rounds", work, Live(), every=1).look(datetime(2026, 1, 1, tzinfo=UTC))
        assert await pool.fetchval("select count(*) from touch") == 0


async def test_no_two_followers_and_no_two_duties_bear_one_name(database: str) -> None:
    """Places are kept under the names, and tasks run under them: the second would take the first one's."""
    async with open_pool(database) as pool:
        for parts in (followers_of(Settings(), pool, Live()), duties_of(Settings(), pool, Live())):
            names = [part.name for part in parts]
            assert sorted(set(names)) == sorted(names)
