"""Imports: a file is sent and looked at, its mapping is corrected, tried, run, watched, cancelled, undone.

Sending answers with what the file is and what its columns may mean; nothing is written before `run`. Orders are written
as a state and done by `gateway.aftercare.importing`, so they outlive the gateway.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import TypeVar

from aiohttp import web

from gateway.aftercare.importing import fields_of
from gateway.api.fields import Incoming, Nothing
from gateway.api.import_views import (
    FileQuery,
    ImportChange,
    ImportPath,
    ImportPlace,
    ImportQuery,
    ImportRowView,
    ImportView,
    KeptQuery,
    KeptView,
    Options,
    RowQuery,
    RunOrder,
    UndoOrder,
    UploadQuery,
    import_view,
    row_view,
    words_of,
)
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.api.table_files import send_table
from gateway.api.uploads import EmptyFileError, NoRoomError, Upload, receive
from gateway.domain.access import Right
from gateway.domain.errors import Rejected
from gateway.domain.import_columns import FIELD, SEVERAL, Target
from gateway.domain.import_files import Found, Value, Writing
from gateway.store import imports as store
from gateway.store import people
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.imports import Import, State

B = TypeVar("B", bound=Incoming)
UPLOAD_MAX = 100 << 20
"""Bytes of a file; 100,000 rows of ten columns have 5 to 20 MB."""
TYPES = (
    "application/octet-stream",
    "text/csv",
    "text/plain",
    "text/tab-separated-values",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet",
)
_PAGE = 1000
_VERDICT_HEADS = ("Row", "Verdict", "Card", "In words", "Column", "Reason")
_REACHED = {Target.NUMBER, Target.EMAIL, Target.EXTERNAL_ID}
_NOT_NOW = {
    State.READY: "The import has not begun, so there is nothing to stop or to take back.",
    State.CHECKING: "The file is being tried; wait until that is done, or stop it.",
    State.CHECKED: "The import has not begun, so there is nothing to stop or to take back.",
    State.RUNNING: "The import is running; wait until it is done, or stop it.",
    State.DONE: "The import is done; it can only be taken back now.",
    State.CANCELLED: "The import was stopped; take it back, or send the file again.",
    State.FAILED: "The import was broken off; take it back, or send the file again.",
    State.UNDOING: "The import is being taken back; wait until that is done, or stop it.",
    State.UNDONE: "The import was taken back; send the file again to import it once more.",
}
"""What is to be done about an import in a state in which something else was ordered."""


class NotNowError(ConflictError):
    """The import is not in a state in which this can be ordered."""

    def __init__(self, state: State) -> None:
        super().__init__(_NOT_NOW[state])


class SameFileError(ConflictError):
    """The same file was imported before; order it with `again` if it shall be imported once more."""


class UnreadableUpload(Rejected, ValueError):
    """The file cannot be read as a table; save it as CSV (UTF-8) or XLSX and send it again."""


class Imports:
    """The handlers of `/imports`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/imports",
                handler=self.upload,
                summary="Send a CSV or Excel file; the answer says what it is and what its columns may mean",
                right=Right.CONTACTS_IMPORT,
                tag="imports",
                status=201,
                idempotent=True,
                upload=TYPES,
                errors=(UnreadableUpload, EmptyFileError, NoRoomError),
            ),
            self._get("/imports", self.listing, "Imports, the newest first"),
            self._get("/imports/{import_id}", self.one, "One import with its mapping, counts and progress"),
            Route(
                method="PATCH",
                path="/imports/{import_id}",
                handler=self.change,
                summary="Correct how the file is read, what its columns mean, and what the rows do",
                right=Right.CONTACTS_IMPORT,
                tag="imports",
                errors=(StaleVersionError, NotNowError, UnreadableUpload),
            ),
            Route(
                method="DELETE",
                path="/imports/{import_id}",
                handler=self.remove,
                summary="Forget an import that was never run, with its file",
                right=Right.CONTACTS_IMPORT,
                tag="imports",
                errors=(NotNowError,),
            ),
            self._order("check", self.check, "Try it: all verdicts and counts, and nothing is written"),
            self._order("run", self.run, "Import"),
            self._order("cancel", self.cancel, "Stop behind the present rows; what is written can be undone"),
            self._order("undo", self.undo, "Undo a whole import; what people changed since is kept and told"),
            self._get("/imports/{import_id}/rows", self.rows, "The verdicts of the rows"),
            self._get("/imports/{import_id}/kept", self.kept, "Cards of which an undo left something"),
            Route(
                method="GET",
                path="/imports/{import_id}/verdicts",
                handler=self.verdicts,
                summary="The verdicts as a file",
                right=Right.CONTACTS_IMPORT,
                tag="imports",
                media=("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ),
        )

    def _get(self, path: str, handler: object, summary: str) -> Route:
        right = Right.CONTACTS_IMPORT
        return Route(method="GET", path=path, handler=handler, summary=summary, right=right, tag="imports")  # type: ignore[arg-type]

    def _order(self, word: str, handler: object, summary: str) -> Route:
        return Route(
            method="POST",
            path=f"/imports/{{import_id}}/{word}",
            handler=handler,  # type: ignore[arg-type]
            summary=summary,
            right=Right.CONTACTS_IMPORT,
            tag="imports",
            status=202,
            idempotent=True,
            body_optional=word in ("run", "undo"),
            errors=(NotNowError, *((SameFileError,) if word == "run" else ())),
        )

    async def upload(self, asked: Asked[Nothing, UploadQuery, Nothing]) -> ImportView | web.Response:
        """Receive a file and look at it."""
        importer, once = self._parts.imports, asked.once
        assert once is not None
        async with receive(asked.http, importer.folder, limit=UPLOAD_MAX) as file:
            found = await self._looked(file, Writing())
            stamped = replace(once, fingerprint=sha256(once.fingerprint + file.sha256).digest())

            async def work(connection: Connection) -> tuple[ImportView, list[NewFact]]:
                id_ = await self._entered(connection, asked.query.name, file, found, asked.principal.id)
                file.path.replace(importer.file_of(id_))  # before the commit: an import without its file is none
                fact = NewFact(kind="import.uploaded", body={"id": id_, "rows": found.rows})
                return await self._shown(connection, id_), [fact]

            return await do_once(self._parts, replace(asked, once=stamped), work)

    async def _looked(self, file: Upload, writing: Writing) -> Found:
        return await self._look(str(file.path), writing)

    async def _look(self, path: str, writing: Writing) -> Found:
        importer = self._parts.imports
        try:
            return await importer.reader.look(importer.folder / path, writing, await fields_of(self._parts.pool))
        except Rejected as fault:
            raise UnreadableUpload(str(fault)) from fault

    async def _entered(self, connection: Connection, name: str, file: Upload, found: Found, who: str) -> int:
        plan = self._parts.plan
        region = plan.region if plan.region != "ZZ" else self._parts.settings.company.region
        options = Options(region=region, area_code=plan.area_code, day_first=found.day_first)
        return await store.add_import(
            connection,
            name=name,
            sha256=file.sha256,
            size=file.size,
            made_by=who,
            found=_kept(found),
            options=options.model_dump(mode="json") | {"own": self._own()},
            targets=[p.target for p in found.proposals],
            rows=found.rows,
        )

    def _own(self) -> list[str]:
        """Our own numbers, which are nobody's."""
        return sorted({number for d in self._parts.directories.values() for number in d.plan.own})

    async def listing(self, asked: Asked[Nothing, ImportQuery, Nothing]) -> Page[ImportView]:
        """A page of imports."""
        place = read_cursor("imports", asked.query.cursor, ImportPlace)
        limit = asked.query.limit
        found = await store.list_imports(self._parts.pool, before=place.id if place else None, limit=limit + 1)
        now = self._parts.imports.now()
        return page("imports", [(import_view(i, (), now), ImportPlace(id=i.id)) for i in found], limit)

    async def one(self, asked: Asked[ImportPath, Nothing, Nothing]) -> ImportView:
        """One import."""
        async with self._parts.pool.acquire() as connection:
            return await self._shown(connection, asked.path.import_id)

    async def _shown(self, connection: Connection, id: int) -> ImportView:
        found = await store.read_import(connection, id)
        if found is None:
            raise NotFoundError
        same = await store.same_files(connection, found.sha256, but=id)
        return import_view(found, same, self._parts.imports.now())

    async def change(self, asked: Asked[ImportPath, Nothing, ImportChange]) -> ImportView:
        """Correct an import before it runs."""
        id_, body = asked.path.import_id, asked.body
        before = await store.read_import(self._parts.pool, id_)
        if before is None:
            raise NotFoundError
        found = before.found
        rows, targets = before.rows_total, list(body.targets or before.targets)
        if body.writing is not None:
            looked = await self._look(self._parts.imports.file_of(id_).name, Writing(**body.writing.model_dump()))
            found, rows = _kept(looked), looked.rows
            targets = list(body.targets or (p.target for p in looked.proposals))
        options = before.options
        if body.options is not None:
            options = body.options.model_dump(mode="json") | {"own": self._own()}
        elif options["day_first"] == before.found["day_first"]:  # nobody has said otherwise
            options = options | {"day_first": found["day_first"]}
        if body.targets is not None or body.options is not None:  # a proposal is for a person to correct
            await self._check(targets, len(found["columns"]), options)  # type: ignore[arg-type]
        async with self._parts.pool.acquire() as connection, connection.transaction():
            held = await store.hold_import(connection, id_)
            if held is None:
                raise NotFoundError
            _require(held, store.OPEN)
            if held.version != body.version:
                raise StaleVersionError
            await store.change_import(connection, id_, found=found, options=options, targets=targets, rows=rows)
            return await self._shown(connection, id_)

    async def _check(self, targets: Sequence[str], columns: int, options: dict[str, object]) -> None:
        known = {FIELD + f.key for f in await fields_of(self._parts.pool)}
        faults = []
        if len(targets) != columns:
            faults.append(_fault("targets", f"The file has {columns} columns; give a target for each."))
        for place, target in enumerate(targets):
            if target.startswith(FIELD) and target not in known:
                faults.append(_fault(f"targets/{place}", "There is no such field of cards."))
            if target not in SEVERAL and target in targets[:place]:
                faults.append(_fault(f"targets/{place}", "Only one column can become this."))
        if options["need_contact"] and not _REACHED & set(targets):
            faults.append(_fault("targets", "No column has numbers, e-mail addresses or identifiers of clients."))
        owner = options.get("owner")
        if owner is not None and await people.read_user(self._parts.pool, int(str(owner))) is None:
            faults.append(_fault("options/owner", "Nobody has this id."))
        if faults:
            raise InvalidRequestError(faults)

    async def remove(self, asked: Asked[ImportPath, Nothing, Nothing]) -> None:
        """Forget an import that wrote nothing."""
        id_ = asked.path.import_id
        async with self._parts.pool.acquire() as connection, connection.transaction():
            held = await store.hold_import(connection, id_)
            if held is None:
                raise NotFoundError
            _require(held, store.OPEN)
            await store.remove_import(connection, id_)
        self._parts.imports.file_of(id_).unlink(missing_ok=True)

    async def check(self, asked: Asked[ImportPath, Nothing, Nothing]) -> ImportView | web.Response:
        """Order a dry run."""
        return await self._begin(asked, State.CHECKING, store.OPEN)

    async def run(self, asked: Asked[ImportPath, Nothing, RunOrder]) -> ImportView | web.Response:
        """Order the import."""
        return await self._begin(asked, State.RUNNING, store.OPEN, again=asked.body.again)

    async def undo(self, asked: Asked[ImportPath, Nothing, UndoOrder]) -> ImportView | web.Response:
        """Order an undo."""
        allowed = (*store.UNDOABLE, State.UNDONE) if asked.body.force else store.UNDOABLE
        return await self._begin(asked, State.UNDOING, allowed, force=asked.body.force)

    async def _begin(
        self,
        asked: Asked[ImportPath, Nothing, B],
        state: State,
        allowed: Sequence[State],
        *,
        again: bool = True,
        force: bool = False,
    ) -> web.Response:
        id_, who, now = asked.path.import_id, asked.principal.id, self._parts.imports.now()

        async def work(connection: Connection) -> tuple[ImportView, list[NewFact]]:
            held = await store.hold_import(connection, id_)
            if held is None:
                raise NotFoundError
            _require(held, allowed)
            if not again:
                await _check_new(connection, held)
            await store.begin(connection, id_, state, by=who, now=now, forced=force)
            if state is not State.CHECKING:
                detail: dict[str, object] = {"rows": held.rows_total, "forced": force}
                action = "import.started" if state is State.RUNNING else "import.undo_started"
                await write_audit(connection, actor=who, action=action, object=f"import:{id_}", detail=detail)
            return await self._shown(connection, id_), [
                NewFact(kind="import.started", body={"id": id_, "state": state})
            ]

        response = await do_once(self._parts, asked, work, status=202)
        self._parts.imports.wake()
        return response

    async def cancel(self, asked: Asked[ImportPath, Nothing, Nothing]) -> ImportView | web.Response:
        """Order a stop."""
        id_ = asked.path.import_id

        async def work(connection: Connection) -> tuple[ImportView, list[NewFact]]:
            held = await store.hold_import(connection, id_)
            if held is None:
                raise NotFoundError
            _require(held, store.ACTIVE)
            await store.want_stop(connection, id_)
            return await self._shown(connection, id_), []

        response = await do_once(self._parts, asked, work, status=202)
        self._parts.imports.wake()
        return response

    async def rows(self, asked: Asked[ImportPath, RowQuery, Nothing]) -> Page[ImportRowView]:
        """A page of verdicts."""
        id_, query = asked.path.import_id, asked.query
        place = read_cursor("import rows", query.cursor, ImportPlace)
        await self._exists(id_)
        found = await store.list_rows(
            self._parts.pool,
            id_,
            verdict=query.verdict,
            told=query.told,
            after=place.id if place else 0,
            limit=query.limit + 1,
        )
        return page("import rows", [(row_view(r), ImportPlace(id=r.line)) for r in found], query.limit)

    async def kept(self, asked: Asked[ImportPath, KeptQuery, Nothing]) -> Page[KeptView]:
        """A page of cards that an undo did not put back wholly."""
        id_, query = asked.path.import_id, asked.query
        place = read_cursor("import kept", query.cursor, ImportPlace)
        await self._exists(id_)
        after = place.id if place else 0
        found = await store.kept_cards(self._parts.pool, id_, after=after, limit=query.limit + 1)
        rows = [(KeptView(contact=card, what=tuple(what)), ImportPlace(id=card)) for card, what in found]
        return page("import kept", rows, query.limit)

    async def _exists(self, id: int) -> Import:
        found = await store.read_import(self._parts.pool, id)
        if found is None:
            raise NotFoundError
        return found

    async def verdicts(self, asked: Asked[ImportPath, FileQuery, Nothing]) -> web.StreamResponse:
        """The verdicts as a file: the row's own cells beside those that were not taken as they are."""
        id_, query = asked.path.import_id, asked.query
        found = await self._exists(id_)
        columns: Sequence[dict[str, object]] = found.found["columns"]  # type: ignore[assignment]
        heads = [*_VERDICT_HEADS, *(str(c["header"]) or f"column {int(str(c['index'])) + 1}" for c in columns)]

        async def pages() -> AsyncIterator[list[Sequence[Value]]]:
            yield [heads]
            after = 0
            while rows := await store.list_rows(
                self._parts.pool, id_, verdict=query.verdict, told=query.told, after=after, limit=_PAGE
            ):
                after = rows[-1].line
                yield [[r.line, r.verdict, r.contact_id, words_of(r), r.column, r.code, *r.cells] for r in rows]

        return await send_table(self._parts, asked.http, pages(), name=f"import-{id_}-verdicts", format=query.format)


async def _check_new(connection: Connection, held: Import) -> None:
    same = await store.same_files(connection, held.sha256, but=held.id)
    done = [s for s in same if s.state in (State.RUNNING, State.DONE, State.CANCELLED, State.FAILED) and s.place]
    if done:
        raise SameFileError(
            f"The same file was imported before, as import {done[0].id}; order it with `again` if it shall be imported"
            " once more."
        )


def _require(held: Import, allowed: Sequence[State]) -> None:
    if held.state not in allowed:
        raise NotNowError(held.state)


def _fault(pointer: str, detail: str) -> FieldFault:
    return FieldFault(place="body", pointer=f"#/{pointer}", code="value", detail=detail)


def _kept(found: Found) -> dict[str, object]:
    """What a file turned out to be, as the database keeps it."""
    return asdict(found)
