"""Works on imports: dry runs, real ones and undos, batch by batch, until they are done, cancelled or undone.

    file -> reader's process -> rows with their faults -> a batch: plan, cards, verdicts, place (one transaction)

The place of an import moves in the transaction that writes its rows, so after a kill the next gateway goes on behind
them with nothing lost or doubled. One node works on one import (an advisory lock on a connection of its own: it is
gone with the process); that the place must be where it was found guards against everything else.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import structlog

from gateway.aftercare.follow import now
from gateway.domain.errors import GatewayError
from gateway.domain.import_columns import FieldKind
from gateway.domain.import_files import ReadBatch, TableReader, Writing
from gateway.domain.import_plan import OnMatch
from gateway.domain.import_rows import Recipe, person_key
from gateway.live import Happening, Live
from gateway.store import imports as store
from gateway.store.access import write_audit
from gateway.store.database import DATABASE_AWAY, Connection, Pool
from gateway.store.facts import NewFact, save_facts
from gateway.store.import_batches import Overtaken, Rules, try_batch, write_batch
from gateway.store.import_undo import remove_organisations, undo_batch
from gateway.store.imports import Import, State

log = structlog.get_logger()

AT_ONCE = 2
_LOCKS = 7464
_LOOK_SECONDS = 2.0
_ATTEMPTS = 20
_UNDO_BATCH = 500
KEPT = timedelta(days=7)
"""How long a file waits that nobody imports."""


class FileGone(GatewayError, FileNotFoundError):
    """The file of this import is not on this machine any more; send it again."""


class Stopped(Exception):
    """Somebody asked this import to stop, or works on it elsewhere."""


class Importer:
    """Works on imports; `run` is its one task."""

    def __init__(
        self, pool: Pool, live: Live, reader: TableReader, folder: Path, clock: Callable[[], datetime] = now
    ) -> None:
        """Args:
        pool: the database that all nodes share.
        live: told of progress, and of cards once they are committed.
        reader: reads files.
        folder: where uploaded files lie.
        clock: the present moment, UTC.
        """
        self._pool = pool
        self._live = live
        self.reader = reader
        self.folder = folder
        self._clock = clock
        self._woken = asyncio.Event()

    def now(self) -> datetime:
        """The present moment, UTC."""
        return self._clock()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def file_of(self, id: int) -> Path:
        """Where an import's file lies; its name is ours, never the sender's."""
        return self.folder / f"{id}.upload"

    async def run(self) -> None:
        """Work for ever, until cancelled."""
        await asyncio.to_thread(self._prepare)
        working: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                working = {id_: task for id_, task in working.items() if not task.done()}
                for id_ in await self._waiting():
                    if id_ not in working and len(working) < AT_ONCE:
                        working[id_] = group.create_task(self._work_safely(id_), name=f"import {id_}")
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._woken.wait()

    def _prepare(self) -> None:
        """Make the folder, and remove what a killed gateway had begun to receive."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for begun in self.folder.glob("*.part"):
            if self._clock().timestamp() - begun.stat().st_mtime > 3600:
                begun.unlink(missing_ok=True)

    async def _waiting(self) -> list[int]:
        """Imports with work to do; none while the database is away."""
        try:
            await self._clear_away()
            return await store.active_imports(self._pool)
        except DATABASE_AWAY:
            return []

    async def _work_safely(self, id: int) -> None:
        """Work on one; its end, whatever it is, does not end the others."""
        try:
            if await self.work(id):
                self.wake()
        except DATABASE_AWAY:
            log.warning("an import waits for the database", import_id=id)
        except Exception as fault:  # at a task's top: one import must not end the gateway with its calls
            log.error("an import failed", import_id=id, exc_info=fault)
            with suppress(asyncpg.PostgresError, *DATABASE_AWAY):
                await self._fail(id, "The gateway failed on this file; its log says why.")

    async def _clear_away(self) -> None:
        """Remove files that nobody imported."""
        for id_ in await store.old_uploads(self._pool, self._clock() - KEPT):
            async with self._pool.acquire() as connection, connection.transaction():
                await store.remove_import(connection, id_)
            self.file_of(id_).unlink(missing_ok=True)

    async def work(self, id: int) -> bool:
        """Work on one import to its end; False: another node does."""
        async with self._mine(id) as connection:
            if connection is None:
                return False
            async with connection.transaction():
                found = await store.resume(connection, id)
            if found is None:
                return True
            try:
                if found.stop_wanted:
                    raise Stopped
                if found.state is State.UNDOING:
                    await self._undo(connection, found)
                else:
                    await self._read(connection, found)
            except Stopped:
                await self._stopped(id)
            except GatewayError as fault:
                await self._fail(id, str(fault))
            return True

    @asynccontextmanager
    async def _mine(self, id: int) -> AsyncIterator[Connection | None]:
        """A connection that holds the lock of this import as long as the process lives; None: somebody else does."""
        async with self._pool.acquire() as connection:
            if not await connection.fetchval("select pg_try_advisory_lock($1, $2::bigint::int)", _LOCKS, id):
                yield None
                return
            try:
                yield connection
            finally:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await connection.execute("select pg_advisory_unlock($1, $2::bigint::int)", _LOCKS, id)

    async def _read(self, connection: Connection, found: Import) -> None:
        """Read the file from the saved place on, and take each batch."""
        path = self.file_of(found.id)
        if not path.exists():
            raise FileGone
        recipe, rules = await self.recipe(found), rules_of(found)
        place = found.place
        async with self.reader.reading(path, Writing(**found.found["writing"]), recipe, skip=place) as batches:  # type: ignore[arg-type]
            async for batch in batches:
                await self._take(connection, found, rules, batch, place)
                place = batch.place
                await self._tell_progress(found.id)
        await self._finish(found, State.CHECKED if found.state is State.CHECKING else State.DONE)

    async def _take(self, connection: Connection, found: Import, rules: Rules, batch: ReadBatch, place: int) -> None:
        """One batch, again where somebody was faster."""
        for attempt in range(_ATTEMPTS):
            try:
                facts = await self._write(connection, found, rules, batch, place)
            except (Overtaken, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * (attempt + 1))
                continue
            for fact in facts:
                self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
            return

    async def _write(
        self, connection: Connection, found: Import, rules: Rules, batch: ReadBatch, place: int
    ) -> list[NewFact]:
        async with connection.transaction():
            if found.state is State.CHECKING:
                written = await try_batch(connection, rules, batch.rows)
            else:
                written = await write_batch(connection, rules, batch.rows, now=self._clock())
            moved = await store.move(
                connection,
                found.id,
                state=found.state,
                from_place=place,
                to_place=batch.place,
                counts=written.counts,
            )
            if not moved:
                raise Stopped
        # Cards that nobody showed yet need no message; those that changed may be on somebody's screen.
        return written.facts

    async def _undo(self, connection: Connection, found: Import) -> None:
        place = found.place
        while True:
            async with connection.transaction():
                done = await undo_batch(connection, found.id, forced=found.forced, now=self._clock(), limit=_UNDO_BATCH)
                if not done.cards:
                    await remove_organisations(connection, found.id)
                    break
                moved = await store.move(
                    connection,
                    found.id,
                    state=State.UNDOING,
                    from_place=place,
                    to_place=place + done.cards,
                    counts=done.counts,
                )
                if not moved:
                    raise Stopped
            place += done.cards
            for fact in done.facts:
                self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
            await self._tell_progress(found.id)
        await self._finish(found, State.UNDONE)

    async def _stopped(self, id: int) -> None:
        """Write the end down where it was asked for; else another node goes on."""
        found = await store.read_import(self._pool, id)
        if found is None or found.state not in (State.CHECKING, State.RUNNING, State.UNDOING):
            return
        if found.stop_wanted:
            await self._finish(found, State.READY if found.state is State.CHECKING else State.CANCELLED)

    async def _fail(self, id: int, fault: str) -> None:
        found = await store.read_import(self._pool, id)
        if found is not None and found.state in (State.CHECKING, State.RUNNING, State.UNDOING):
            await self._finish(found, State.FAILED if found.state is not State.CHECKING else State.READY, fault=fault)

    async def _finish(self, found: Import, state: State, *, fault: str | None = None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.finish(
                connection, found.id, was=found.state, state=state, now=self._clock(), fault=fault
            ):
                return
            after = await store.read_import(connection, found.id)
            assert after is not None
            fact = NewFact(
                kind=f"import.{_PARTICIPLES[state]}",
                body={"id": found.id, "state": state, "counts": after.counts, "fault": fault},
            )
            if found.state is not State.CHECKING:
                detail: dict[str, object] = {"counts": after.counts}
                await write_audit(
                    connection,
                    actor=found.run_by or found.made_by,
                    action=fact.kind,
                    object=f"import:{found.id}",
                    detail=detail,
                )
            await save_facts(connection, [fact])
        self._live.publish(Happening(kind=fact.kind, body=fact.body))
        if state in (State.DONE, State.UNDONE):
            self.file_of(found.id).unlink(missing_ok=True)

    async def _tell_progress(self, id: int) -> None:
        """Tell screens how far it is; nobody needs to know it later."""
        found = await store.read_import(self._pool, id)
        if found is not None:
            body: dict[str, object] = {
                "id": id,
                "state": found.state,
                "counts": found.counts,
                **progress_of(found, self._clock()),
            }
            self._live.publish(Happening(kind="import.progress", body=body))

    async def recipe(self, found: Import) -> Recipe:
        """How the rows of an import are read, with the people and fields as they are now."""
        options, columns = found.options, found.found["columns"]
        return Recipe(
            targets=tuple(found.targets),
            headers=tuple(str(c["header"]) for c in columns),  # type: ignore[attr-defined]
            region=str(options["region"]),
            area_code=str(options["area_code"]),
            own=tuple(options["own"]),  # type: ignore[arg-type]
            day_first=bool(options["day_first"]),
            strict=bool(options["strict"]),
            need_contact=bool(options["need_contact"]),
            people=tuple(await people_by_name(self._pool)),
            fields=tuple(await fields_of(self._pool)),
            latest=self._clock().date(),
        )


_PARTICIPLES = {
    State.READY: "stopped",
    State.CHECKED: "checked",
    State.DONE: "done",
    State.CANCELLED: "cancelled",
    State.FAILED: "failed",
    State.UNDONE: "undone",
}


async def people_by_name(source: Pool | Connection) -> list[tuple[str, int]]:
    """Logins and names as they are compared, with the user."""
    people = await store.people_keys(source)
    return sorted({(person_key(name), id_) for id_, login, full in people for name in (login, full)})


async def fields_of(source: Pool | Connection) -> list[FieldKind]:
    """The site's own fields of cards."""
    rows = await source.fetch(
        "select key, label, kind, choices from custom_field where of = 'contact' and archived_at is null order by place"
    )
    return [FieldKind(key=r["key"], label=r["label"], kind=r["kind"], choices=tuple(r["choices"])) for r in rows]


def rules_of(found: Import) -> Rules:
    """What holds for every row of an import."""
    options = found.options
    owner = options.get("owner")
    return Rules(
        import_id=found.id,
        on_match=OnMatch(str(options["on_match"])),
        use_emails=bool(options["use_emails"]),
        system=str(options["system"]),
        stage=str(options["stage"]),
        owner=int(str(owner)) if owner is not None else None,
        source=str(options["source"]) or re.sub(r"\.[A-Za-z]{2,4}$", "", found.name),
    )


def progress_of(found: Import, moment: datetime) -> dict[str, object]:
    """How far an import is: rows (of an undo: cards) done and in all, rows a second, and seconds that are left."""
    total = found.counts.get("undo_cards", 0) if found.state is State.UNDOING else found.rows_total
    rate, rest = None, None
    if found.state in store.ACTIVE and found.resumed_at is not None and found.moved_at is not None:
        took = (found.moved_at - found.resumed_at).total_seconds()
        if took > 0 and found.place > found.resumed_place:
            rate = round((found.place - found.resumed_place) / took, 1)
            rest = round(max(0, total - found.place) / rate, 1) if rate else None
    return {"done": found.place, "total": total, "rate": rate, "seconds_left": rest}
