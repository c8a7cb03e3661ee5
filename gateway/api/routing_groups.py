"""Groups of managers that inbound routes ring, and the sounds that routes may play."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from gateway.api.fields import Nothing
from gateway.api.inbound_routes import VersionPlace
from gateway.api.inbound_views import (
    ArchivedQuery,
    GroupChange,
    GroupList,
    GroupPath,
    GroupVersionView,
    NewRingGroup,
    Restore,
    RingGroupView,
    RoutingPolicyChange,
    RoutingPolicyView,
    VersionsQuery,
    group_version_view,
    group_view,
)
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.routing_rules import uses
from gateway.store import routing as store
from gateway.store.access import write_audit
from gateway.store.database import Connection, Row
from gateway.store.facts import NewFact, save_facts
from gateway.store.routing import GROUPS_MAX, StoredGroup
from gateway.store.tasks import active_users


class GroupNameTakenError(ConflictError):
    """Another group has this name; choose another one."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = (FieldFault(place="body", pointer="#/name", code="taken", detail=str(self)),)


class GroupInUseError(ConflictError):
    """A route rings this group; change the route first."""


class TooManyGroupsError(ConflictError):
    """There are as many groups as there may be; archive one."""


class SoundInUseError(ConflictError):
    """A route plays this sound; change the route first."""


class RoutingGroups:
    """The handlers of `/routing-groups` and `/routing-policy`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        read, manage, tag = Right.ROUTING_READ, Right.ROUTING_MANAGE, "inbound routing"
        path = "/routing-groups/{routing_group_id}"
        return (
            Route(
                method="GET",
                path="/routing-groups",
                handler=self.listing,
                summary="The groups that routes ring",
                right=read,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/routing-groups",
                handler=self.add,
                summary="Make a group",
                right=manage,
                tag=tag,
                status=201,
                idempotent=True,
                errors=(GroupNameTakenError, TooManyGroupsError),
            ),
            Route(method="GET", path=path, handler=self.one, summary="One group", right=read, tag=tag),
            Route(
                method="PATCH",
                path=path,
                handler=self.change,
                summary="Change a group, archive it or bring it back",
                right=manage,
                tag=tag,
                errors=(StaleVersionError, GroupNameTakenError, GroupInUseError),
            ),
            Route(
                method="GET",
                path=f"{path}/versions",
                handler=self.versions,
                summary="Every version of a group, the newest first",
                right=read,
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/restore",
                handler=self.restore,
                summary="Let an earlier version of a group hold again, as a new version",
                right=manage,
                tag=tag,
                idempotent=True,
                errors=(StaleVersionError, GroupNameTakenError),
            ),
            Route(
                method="GET",
                path="/routing-policy",
                handler=self.policy,
                summary="The sounds that routes may play",
                right=read,
                tag=tag,
            ),
            Route(
                method="PATCH",
                path="/routing-policy",
                handler=self.change_policy,
                summary="Say which sounds routes may play",
                right=manage,
                tag=tag,
                errors=(StaleVersionError, SoundInUseError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, ArchivedQuery, Nothing]) -> GroupList:
        """The groups by name."""
        found = await store.read_groups(self._parts.pool, archived=asked.query.archived)
        return GroupList(items=tuple(map(group_view, found)))

    async def one(self, asked: Asked[GroupPath, Nothing, Nothing]) -> RingGroupView:
        """One group."""
        return group_view(await self._group(asked.path.routing_group_id))

    async def add(self, asked: Asked[Nothing, Nothing, NewRingGroup]) -> RingGroupView | web.Response:
        """Make a group."""
        given = asked.body
        body: Row = {"name": given.name.strip(), "strategy": given.strategy, "members": list(given.members)}

        async def work(connection: Connection) -> tuple[RingGroupView, list[NewFact]]:
            await store.lock_routing(connection)
            there = await store.read_groups(connection)
            if len(there) >= GROUPS_MAX:
                raise TooManyGroupsError
            await _check(connection, there, body)
            made = await store.add_group(connection, body, by=asked.principal.id, now=datetime.now(UTC))
            return await self._written(connection, asked.principal, made, "routing_group.created")

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[GroupPath, Nothing, GroupChange]) -> RingGroupView:
        """Change a group."""
        given = asked.body
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await store.lock_routing(connection)
            stored = await store.read_group(connection, asked.path.routing_group_id)
            if stored is None:
                raise NotFoundError("There is no group with this id.")
            body = store.group_body(stored.group)
            if given.name is not None:
                body["name"] = given.name.strip()
            if given.strategy is not None:
                body["strategy"] = given.strategy
            if given.members is not None:
                body["members"] = list(given.members)
            archived = stored.archived_at is not None if given.archived is None else given.archived
            view, facts = await self._put(
                connection, asked.principal, stored, body, version=given.version, archived=archived
            )
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return view

    async def restore(self, asked: Asked[GroupPath, Nothing, Restore]) -> RingGroupView | web.Response:
        """Let an earlier version hold again."""
        id_ = asked.path.routing_group_id

        async def work(connection: Connection) -> tuple[RingGroupView, list[NewFact]]:
            await store.lock_routing(connection)
            stored = await store.read_group(connection, id_)
            kept = await store.read_version(connection, "group", id_, asked.body.to)
            if stored is None:
                raise NotFoundError("There is no group with this id.")
            if kept is None:
                raise refused_value("to", "The group never had this version.")
            body = {name: value for name, value in kept.body.items() if name != "archived"}
            return await self._put(
                connection, asked.principal, stored, body, version=asked.body.version, archived=False
            )

        return await do_once(self._parts, asked, work, status=200)

    async def versions(self, asked: Asked[GroupPath, VersionsQuery, Nothing]) -> Page[GroupVersionView]:
        """Every version of a group."""
        id_, query = asked.path.routing_group_id, asked.query
        await self._group(id_)
        place = read_cursor("group_versions", query.cursor, VersionPlace)
        found = await store.history(
            self._parts.pool, "group", id_, before=place.version if place else None, limit=query.limit + 1
        )
        rows = [(group_version_view(kept), VersionPlace(version=kept.version)) for kept in found]
        return page("group_versions", rows, query.limit)

    async def policy(self, asked: Asked[Nothing, Nothing, Nothing]) -> RoutingPolicyView:
        """The sounds."""
        policy = await store.read_policy(self._parts.pool)
        return RoutingPolicyView(sounds=policy.sounds, notice=policy.notice, version=policy.version)

    async def change_policy(self, asked: Asked[Nothing, Nothing, RoutingPolicyChange]) -> RoutingPolicyView:
        """Say which sounds routes may play."""
        given = asked.body
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await store.lock_routing(connection)
            before = await store.read_policy(connection)
            sounds = before.sounds if given.sounds is None else tuple(dict.fromkeys(given.sounds))
            gone = set(before.sounds) - set(sounds)
            playing = [
                (r.route.name, sound)
                for r in await store.read_routes(connection)
                for sound in sorted(gone)
                if uses(r.route, sound=sound)
            ]
            if playing:
                name, sound = playing[0]
                raise SoundInUseError(f"The route {name!r} plays {sound}; change the route first.")
            if not await store.change_policy(
                connection, sounds=sounds, notice=given.notice or before.notice, version=given.version
            ):
                raise StaleVersionError
            await write_audit(
                connection, actor=asked.principal.id, action="routing_policy.changed", object="routing_policy"
            )
            policy = await store.read_policy(connection)
        return RoutingPolicyView(sounds=policy.sounds, notice=policy.notice, version=policy.version)

    async def _group(self, id: int) -> StoredGroup:
        stored = await store.read_group(self._parts.pool, id)
        if stored is None:
            raise NotFoundError("There is no group with this id.")
        return stored

    async def _put(
        self,
        connection: Connection,
        who: Principal,
        stored: StoredGroup,
        body: Mapping[str, object],
        *,
        version: int,
        archived: bool,
    ) -> tuple[RingGroupView, list[NewFact]]:
        """Write a group's next version."""
        id_ = stored.group.id
        if stored.version != version:
            raise StaleVersionError
        if archived:
            if user := next((r for r in await store.read_routes(connection) if uses(r.route, group=id_)), None):
                raise GroupInUseError(f"The route {user.route.name!r} rings this group; change the route first.")
        else:
            await _check(connection, [g for g in await store.read_groups(connection) if g.group.id != id_], body)
        if not await store.change_group(
            connection, id_, body, version=version, archived=archived, by=who.id, now=datetime.now(UTC)
        ):
            raise StaleVersionError
        return await self._written(connection, who, id_, "routing_group.changed")

    async def _written(
        self, connection: Connection, who: Principal, id: int, kind: str
    ) -> tuple[RingGroupView, list[NewFact]]:
        """The group as it is now, with its audit row and its fact."""
        stored = await store.read_group(connection, id)
        if stored is None:
            raise NotFoundError
        view = group_view(stored)
        detail: Row = {"version": view.version}
        await write_audit(connection, actor=who.id, action=kind, object=f"routing_group:{id}", detail=detail)
        body: dict[str, object] = {"id": id, "name": view.name, "version": view.version, "archived": view.archived}
        return view, [NewFact(kind=kind, body=body, users=view.members)]


async def _check(connection: Connection, others: list[StoredGroup], body: Mapping[str, object]) -> None:
    """Refuse a group that cannot hold beside the others."""
    name, members = str(body["name"]), body["members"]
    assert isinstance(members, list)
    if any(g.group.name.casefold() == name.casefold() for g in others):
        raise GroupNameTakenError
    known = set(await active_users(connection))
    for place, user in enumerate(members):
        if user not in known:
            raise refused_value(f"members/{place}", "Nobody who is active has this id.")
        if user in members[:place]:
            raise refused_value(f"members/{place}", "This person is named twice.")
