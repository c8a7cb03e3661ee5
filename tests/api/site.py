"""The real application over a real database: people who can sign in, a pipeline that is fed recorded journals, a
telephone system that we can tell what to answer, and a client on a free port of the loopback."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import ClientResponse, ClientSession, CookieJar, web

from gateway.aftercare.importing import Importer
from gateway.api.page import FOLDER
from gateway.api.parts import DemoPlayer, PartState
from gateway.api.security import COOKIE, Passwords, new_api_key
from gateway.api.server import ApiParts, make_app, make_runner
from gateway.commands.desk import CommandDesk
from gateway.domain.access import Right, Role
from gateway.domain.directory import Directory
from gateway.domain.identity import recording_id
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.recordings import RecordingKey, RecordingPart
from gateway.settings import Settings
from gateway.store.access import issue_key
from gateway.store.staff import add_user, load_tables
from gateway.words.sentences import known_sentences
from recordings.storage import LocalStorage
from sip.cel import read_row
from spreadsheets.process import Tables
from tests.api.switchboard import Switchboard
from tests.gateway.site import BASE, ZONE, Site, open_site

PASSWORD = "correct horse battery"
SOUND = bytes(range(256)) * 4000
OWN_PAGE = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}
_keys = itertools.count(1)


@dataclass(slots=True, kw_only=True)
class Api:
    """The served application and what stands behind it."""

    site: Site
    parts: ApiParts
    board: Switchboard
    storage: LocalStorage
    origin: str
    changes: list[str] = field(default_factory=list)
    open_sessions: contextlib.AsyncExitStack

    async def caller(self, role: Role, user: str | None = None, rights: list[Right] | None = None) -> ClientSession:
        """A client with an API key, for the things of this person."""
        key_id, key, digest = new_api_key()
        await issue_key(
            self.site.pool,
            key_id=key_id,
            secret_digest=digest,
            name=f"test {next(_keys)}",
            role=role,
            user_id=self.site.users[user] if user else None,
            rights=rights,
        )
        return await self._client({"Authorization": f"Bearer {key}"})

    async def browser(self) -> ClientSession:
        """A browser on our own page that nobody has signed in yet."""
        return await self._client(OWN_PAGE)

    async def signed_in(self, login: str, password: str = PASSWORD) -> ClientSession:
        """A browser in which this person has signed in."""
        client = await self.browser()
        response = await client.post("session", json={"login": login, "password": password})
        assert response.status == 200, await response.text()
        return client

    async def _client(self, headers: dict[str, str]) -> ClientSession:
        session = ClientSession(f"{self.origin}/api/v1/", headers=headers, cookie_jar=CookieJar(unsafe=True))
        return await self.open_sessions.enter_async_context(session)


async def store_sound(api: Api, call: UUID) -> None:
    """A recording of the call in the archive with its transcript, as the upkeep of recordings leaves them."""
    key = RecordingKey(recording_id=recording_id("pbx1", "x"), day=datetime(2026, 1, 2, tzinfo=UTC).date())
    with api.storage.stage(key) as staging:
        for part in RecordingPart:
            staging.create(part).write(SOUND + part.encode())
        staging.publish()
    await api.site.pool.execute(
        "insert into recording (id, pbx, name, call_id, state, archive, playback, peaks, duration_us, has_speakers,"
        " transcript_state) values ($1, 'pbx1', 'x', $2, 'stored', $3, $3, $3, 1500000, true, 'ready')",
        key.recording_id,
        call,
        key.location,
    )
    await api.site.pool.execute(
        "insert into transcript (recording_id, language, model, segments, text, words)"
        " values ($1, 'ru', 'base', $2, 'счет', to_tsvector('simple', 'счет'))",
        key.recording_id,
        [{"speaker": "client", "start": 0.5, "end": 2.25, "text": "счёт & кровля"}],
    )


_hashed: list[str] = []


async def _give_passwords(site: Site) -> None:
    if "root" in site.users:  # a copy of a site that has them
        return
    if not _hashed:  # it takes its time on purpose
        _hashed.append(await Passwords().hash(PASSWORD))
    async with site.pool.acquire() as connection:
        site.users["root"] = await add_user(connection, login="root", name="Root", role="admin")
        await connection.execute("update users set password_hash = $1", _hashed[0])


@contextlib.asynccontextmanager
async def open_api(
    dsn: str,
    folder: Path,
    *,
    states: Callable[[], list[PartState]] = list,
    base: Directory = BASE,
    demonstration: DemoPlayer | None = None,
    page: Path = FOLDER,
    port: int = 0,
    **settings: object,
) -> AsyncIterator[Api]:
    """Serve the application over a site: a fresh one, or the copy of one."""
    async with contextlib.AsyncExitStack() as stack:
        site = await stack.enter_async_context(open_site(dsn))
        await _give_passwords(site)
        storage = stack.enter_context(LocalStorage(folder / "archive"))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        board = Switchboard()
        changes: list[str] = []

        async def tables_changed() -> None:
            changes.append("tables")
            site.pipeline.use(await load_tables(site.pool, BASE, ZONE))

        async def order_refused(command_id: str, reason: str, at: datetime) -> None:
            kind = LegEventKind.REFUSED
            await site.pipeline.note(LegEvent(at=at, kind=kind, leg=command_id, family=command_id, reason=reason))

        desk = CommandDesk(site.pool, site.live, {"pbx1": board}, {"pbx1": base}, call_refused=order_refused)
        desk.begin(tasks)
        watching = tasks.create_task(desk.watch.run())
        stack.callback(watching.cancel)
        tables = Tables()
        importer = Importer(site.pool, site.live, tables, folder / "imports")
        importing = tasks.create_task(importer.run())
        stack.callback(importing.cancel)
        parts = ApiParts(
            pool=site.pool,
            live=site.live,
            settings=Settings(**settings),
            tasks=tasks,
            directories={"pbx1": base},
            read_row={"pbx1": read_row},
            telephony={"pbx1": board},
            desk=desk,
            recordings=storage,
            table_writer=tables,
            imports=importer,
            tables_changed=tables_changed,
            states=states,
            demonstration=demonstration,
            page=page,
        )
        origin = await _serve(stack, make_app(parts), port)
        stack.callback(board.answered.set)
        clients = await stack.enter_async_context(contextlib.AsyncExitStack())
        yield Api(
            site=site, parts=parts, board=board, storage=storage, origin=origin, changes=changes, open_sessions=clients
        )


async def _serve(stack: contextlib.AsyncExitStack, app: web.Application, port: int) -> str:
    runner = make_runner(app, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def problem(response: ClientResponse, status: int, slug: str) -> dict[str, object]:
    """The problem document of an answer that must be this one; what it says can be said in each language."""
    document: dict[str, object] = await response.json(content_type=None)
    assert (response.status, document.get("type")) == (status, f"/api/v1/problems/{slug}"), document
    assert response.content_type == "application/problem+json"
    assert [text for text in _told(document) if not known_sentences().knows(text)] == []
    return document


def _told(document: Mapping[str, Any]) -> Iterator[str]:
    """The sentences of a problem document; a detail may be a name too, like that of a time zone to choose."""
    yield document["title"]
    yield document["detail"]
    yield from (fault["detail"] for fault in document.get("errors", ()) if " " in fault["detail"])


def token_of(client: ClientSession) -> str:
    """The session's token in a browser's cookies."""
    return next(cookie.value for cookie in client.cookie_jar if cookie.key == COOKIE)
