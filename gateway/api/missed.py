"""Missed clients: the inbox, who takes whom, dismissing with a reason, and the rules of calling back.

A matter is opened and ended by calls (`gateway.aftercare.missed_calls`); a person takes it for some minutes, gives it
to somebody, or dismisses it. Calling is done with `POST /calls`: whoever rings the client has him.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from aiohttp import web

from gateway.aftercare.missed_calls import MissedCalls, missed_fact, take
from gateway.api.fields import Nothing
from gateway.api.missed_views import (
    Assignment,
    Claim,
    CountList,
    CountQuery,
    CountView,
    Dismissal,
    HolderView,
    MissedCallView,
    MissedPath,
    MissedPlace,
    MissedQuery,
    MissedView,
    MissedWithCalls,
    missed_values,
)
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.cards import card_reach
from gateway.domain.errors import NotAllowed
from gateway.domain.missed import MissedState
from gateway.store import call_back, missed_lists
from gateway.store import missed as store
from gateway.store import tasks as task_store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.missed import KeptMatter
from gateway.store.missed_lists import MissedFilter, MissedRow
from gateway.store.people import read_user

CALLS_SHOWN = 50


class TakenError(ConflictError):
    """A colleague has this client for himself, or somebody talks with him at the moment; look again in some minutes."""


class EndedError(ConflictError):
    """This client does not wait any more."""


class MissedInbox:
    """The handlers of `/missed`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/missed",
                handler=self.listing,
                summary="List missed clients, those who called last first",
                right=Right.TASKS_READ_OWN,
                tag="missed",
            ),
            Route(
                method="GET",
                path="/missed/counts",
                handler=self.counts,
                summary="How missed clients came out",
                right=Right.TASKS_READ_OWN,
                tag="missed",
            ),
            Route(
                method="GET",
                path="/missed/{missed_id}",
                handler=self.one,
                summary="One missed client with his calls",
                right=Right.TASKS_READ_OWN,
                tag="missed",
            ),
            Route(
                method="POST",
                path="/missed/{missed_id}/claim",
                handler=self.claim,
                summary="Take a missed client for oneself, for some minutes",
                right=Right.TASKS_WRITE_OWN,
                tag="missed",
                idempotent=True,
                body_optional=True,
                errors=(TakenError, EndedError),
            ),
            Route(
                method="DELETE",
                path="/missed/{missed_id}/claim",
                handler=self.release,
                summary="Let others take him",
                right=Right.TASKS_WRITE_OWN,
                tag="missed",
                status=204,
            ),
            Route(
                method="POST",
                path="/missed/{missed_id}/dismiss",
                handler=self.dismiss,
                summary="Say why nobody has to call back",
                right=Right.TASKS_WRITE_OWN,
                tag="missed",
                idempotent=True,
                errors=(EndedError,),
            ),
            Route(
                method="DELETE",
                path="/missed/{missed_id}/dismiss",
                handler=self.undismiss,
                summary="Take back that nobody has to call back",
                right=Right.TASKS_WRITE_OWN,
                tag="missed",
                errors=(EndedError,),
            ),
            Route(
                method="POST",
                path="/missed/{missed_id}/assign",
                handler=self.assign,
                summary="Say who is to call back",
                right=Right.TASKS_WRITE_OWN,
                tag="missed",
                idempotent=True,
                errors=(EndedError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, MissedQuery, Nothing]) -> Page[MissedView]:
        """A page of missed clients."""
        query, now = asked.query, datetime.now(UTC)
        place = read_cursor("missed", query.cursor, MissedPlace)
        wanted = MissedFilter(
            only_user=reach(asked.principal, Right.TASKS_READ_OWN),
            states=(query.state.value,) if query.state not in (None, MissedState.OPEN) else None,
            open_only=query.state is MissedState.OPEN or None,
            owner=query.owner,
            did=query.did,
            contact=query.contact,
            number=self._number(query.number),
            since=query.since,
            until=query.until,
            overdue_at=now if query.overdue else None,
            hidden=query.hidden,
        )
        found = await missed_lists.list_missed(
            self._parts.pool,
            wanted,
            card_reach=card_reach(asked.principal),
            before=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        rows = [(MissedView.model_validate(missed_values(r, now)), MissedPlace(at=r.last_at, id=r.id)) for r in found]
        return page("missed", rows, query.limit)

    async def one(self, asked: Asked[MissedPath, Nothing, Nothing]) -> MissedWithCalls:
        """One missed client."""
        async with self._parts.pool.acquire() as connection:
            row = await self._row(connection, asked.principal, asked.path.missed_id)
            return await self._shown(connection, row, datetime.now(UTC))

    async def counts(self, asked: Asked[Nothing, CountQuery, Nothing]) -> CountList:
        """How missed clients came out."""
        query = asked.query
        wanted = MissedFilter(
            only_user=reach(asked.principal, Right.TASKS_READ_OWN),
            did=query.did,
            since=query.since,
            until=query.until,
            hidden=True,
        )
        found = await missed_lists.count_missed(self._parts.pool, wanted)
        return CountList(items=tuple(CountView.model_validate(asdict(c)) for c in found))

    async def claim(self, asked: Asked[MissedPath, Nothing, Claim]) -> MissedWithCalls | web.Response:
        """Take a missed client."""
        who, now = asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[MissedWithCalls, Sequence[NewFact]]:
            row, kept = await self._open(connection, who, asked.path.missed_id)
            user = asked.body.user or own_user(who)
            if user is None:
                raise refused_value("user", "This key belongs to nobody; name a person.", code="missing")
            if not allowed(who, Right.TASKS_WRITE_OWN, str(user)):
                raise NotAllowed("You may take clients for yourself only.")
            await self._active(connection, user)
            held = await call_back.holder_of(connection, kept.client, now)
            if held is not None and held.user_id != user:
                raise TakenError
            facts = await take(connection, kept, user, now)
            if not facts:
                raise TakenError
            again = await self._row(connection, who, row.id)
            return await self._shown(connection, again, now), facts

        return await do_once(self._parts, asked, work, status=200)

    async def release(self, asked: Asked[MissedPath, Nothing, Nothing]) -> None:
        """Let others take him."""
        who = asked.principal
        async with self._parts.pool.acquire() as connection, connection.transaction():
            row = await self._row(connection, who, asked.path.missed_id)
            if row.claimed_by is None:
                return
            if not allowed(who, Right.TASKS_WRITE_OWN, str(row.claimed_by)):
                raise NotAllowed("A colleague has this client; he or a head may let him go.")
            await call_back.drop_lease(connection, row.id)
            facts = [await missed_fact(connection, "missed.released", row.id)]
            await save_facts(connection, facts)
        tell(self._parts, facts)

    async def dismiss(self, asked: Asked[MissedPath, Nothing, Dismissal]) -> MissedWithCalls | web.Response:
        """Nobody has to call back."""
        who, now = asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[MissedWithCalls, Sequence[NewFact]]:
            row, kept = await self._open(connection, who, asked.path.missed_id)
            _his(who, row)
            reason = asked.body.reason.strip()
            missed = MissedCalls(self._parts.settings.company.timezone)
            facts = await missed.dismiss(connection, kept, by=own_user(who), why=reason, now=now)
            await write_audit(connection, actor=who.id, action="missed.dismiss", object=f"missed:{row.id}")
            again = await missed_lists.one_missed(connection, row.id, only_user=None, card_reach=card_reach(who))
            assert again is not None
            return await self._shown(connection, again, now), facts

        return await do_once(self._parts, asked, work, status=200)

    async def undismiss(self, asked: Asked[MissedPath, Nothing, Nothing]) -> MissedWithCalls:
        """Take a dismissal back; what happened since decides how the client stands."""
        who, now, id_ = asked.principal, datetime.now(UTC), asked.path.missed_id
        async with self._parts.pool.acquire() as connection, connection.transaction():
            row = await self._row(connection, who, id_)
            _his(who, row)
            (kept,) = await store.read_matters(connection, [id_])
            await store.lock_client(connection, kept.client)
            (kept,) = await store.read_matters(connection, [id_])
            if kept.state is not MissedState.DISMISSED:
                raise EndedError("Nobody dismissed this client, so there is nothing to take back.")
            await store.note_dismissal(connection, id_, None)
            missed = MissedCalls(self._parts.settings.company.timezone)
            facts = await missed.settle(connection, kept.client, kept.first_at, now, ids=[id_])
            await write_audit(connection, actor=who.id, action="missed.undismiss", object=f"missed:{id_}")
            again = await missed_lists.one_missed(connection, id_, only_user=None, card_reach=card_reach(who))
            assert again is not None
            shown = await self._shown(connection, again, now)
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return shown

    async def assign(self, asked: Asked[MissedPath, Nothing, Assignment]) -> MissedWithCalls | web.Response:
        """Give the task to somebody."""
        who, now, user = asked.principal, datetime.now(UTC), asked.body.user

        async def work(connection: Connection) -> tuple[MissedWithCalls, Sequence[NewFact]]:
            row, kept = await self._open(connection, who, asked.path.missed_id)
            _his(who, row)
            if user is not None:
                await self._active(connection, user)
                if not allowed(who, Right.TASKS_WRITE_OWN, str(user)):
                    raise NotAllowed("You may take clients for yourself only; a head may give them to others.")
            task = await task_store.read_task(connection, kept.task_id or 0, lock=True)
            assert task is not None
            changes: Mapping[str, object] = {"owner_id": user}
            _, facts = await task_store.change_task(connection, task, changes, by=who.id, now=now)
            again = await missed_lists.one_missed(connection, row.id, only_user=None, card_reach=card_reach(who))
            assert again is not None
            told = [*facts, await missed_fact(connection, "missed.changed", row.id)] if facts else []
            return await self._shown(connection, again, now), told

        return await do_once(self._parts, asked, work, status=200)

    async def _row(self, connection: Connection, who: Principal, id: int) -> MissedRow:
        row = await missed_lists.one_missed(
            connection, id, only_user=reach(who, Right.TASKS_READ_OWN), card_reach=card_reach(who)
        )
        if row is None:
            raise NotFoundError
        return row

    async def _open(self, connection: Connection, who: Principal, id: int) -> tuple[MissedRow, KeptMatter]:
        """A matter that is still open, nobody else settling it meanwhile."""
        row = await self._row(connection, who, id)
        (kept,) = await store.read_matters(connection, [id])
        await store.lock_client(connection, kept.client)
        (kept,) = await store.read_matters(connection, [id])
        if kept.state is not MissedState.OPEN:
            raise EndedError
        return row, kept

    async def _shown(self, connection: Connection, row: MissedRow, now: datetime) -> MissedWithCalls:
        calls = await missed_lists.calls_of(connection, row.id, CALLS_SHOWN)
        held = None
        if row.state == MissedState.OPEN:
            client = store.Client(contact_id=row.contact_id, number=row.number)
            found = await call_back.holder_of(connection, client, now)
            held = HolderView(user=found.user_id, until=found.until) if found else None
        shown = [MissedCallView(call=c.call_id, at=c.at, reason=c.reason) for c in calls]
        return MissedWithCalls.model_validate({**missed_values(row, now), "missed_calls": shown, "held_by": held})

    async def _active(self, connection: Connection, user: int) -> None:
        person = await read_user(connection, user)
        if person is None or not person.active:
            raise refused_value("user", "Nobody who is active has this id.")

    def _number(self, text: str | None) -> str | None:
        """A number as it is kept; one that is none finds nothing."""
        return (self._parts.plan.parse(text).e164 or text) if text else None


def _his(who: Principal, row: MissedRow) -> None:
    """Refuse to decide about a client whose task is somebody else's."""
    if row.owner_id is not None and not allowed(who, Right.TASKS_WRITE_OWN, str(row.owner_id)):
        raise NotAllowed("A colleague is to call this client back; he or a head may decide.")
