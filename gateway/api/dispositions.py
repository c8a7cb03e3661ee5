"""The company's lists of outcomes: what can be chosen, why, and which calls need an outcome. Changed by versions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import Field, model_validator

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right, Role
from gateway.domain.cards import Heat, Stage
from gateway.domain.outcomes import Disposition, FollowUp, Means, NextStepRule, ReasonsOf
from gateway.store import dispositions as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.dispositions import Catalogue, Listed
from gateway.store.facts import NewFact

B = TypeVar("B", bound=Incoming)

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Labels = Annotated[
    dict[LanguageCode, Label], Field(min_length=1, max_length=20, description="by language: `en`, `ru`, `pl`...")
]
Order = Annotated[int, Field(ge=0, le=100_000, description="where in the list it stands; smaller comes first")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read; another one is a conflict")]
Did = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]


class FollowUpTask(Incoming):
    """A task that an outcome makes by itself, so long after it."""

    kind: FollowUp
    months: Annotated[int, Field(ge=1, le=60)] | None = None
    days: Annotated[int, Field(ge=1, le=1000)] | None = None
    minutes: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one_time(self) -> "FollowUpTask":
        if sum(span is not None for span in (self.months, self.days, self.minutes)) != 1:
            raise ValueError("Give one of months, days and minutes.")
        return self


class DispositionFields(Incoming):
    """What an outcome asks and does."""

    labels: Labels
    place: Order = 0
    reasons: ReasonsOf | None = Field(default=None, description="the list its reason is chosen from")
    reason_required: bool = False
    next_step: NextStepRule = NextStepRule.NONE
    stage: Literal["lead", "client", "refused"] | None = Field(default=None, description="what the card becomes")
    heat: Heat | None = None
    closes_lead: bool = Field(default=False, description="no deadline holds any longer, nobody else gets the lead")
    task: FollowUpTask | None = None


class NewDisposition(DispositionFields):
    """An outcome to be added."""

    key: Key
    means: Means = Field(description="what it counts as; this never changes")


class DispositionChange(DispositionFields):
    """What is to be changed of an outcome; what is left out stays."""

    version: Version
    labels: Labels | None = None  # type: ignore[assignment]
    archived: bool | None = Field(default=None, description="an archived one is chosen no more and stays in figures")


class ReasonFields(Incoming):
    """A reason."""

    labels: Labels
    place: Order = 0
    return_months: Annotated[int, Field(ge=1, le=60)] | None = Field(
        default=None, description="when to ask again; null: as the outcome says"
    )


class NewReason(ReasonFields):
    """A reason to be added."""

    of: ReasonsOf
    key: Key


class ReasonChange(ReasonFields):
    """What is to be changed of a reason; what is left out stays."""

    version: Version
    labels: Labels | None = None  # type: ignore[assignment]
    archived: bool | None = None


class OutcomeRuleFields(Incoming):
    """Which calls need an outcome; every condition that is given must hold."""

    name: Label
    place: Order = 0
    direction: Literal["inbound", "outbound"] | None = None
    dids: Annotated[tuple[Did, ...], Field(max_length=200)] = Field(default=(), description="empty: any of our numbers")
    roles: Annotated[tuple[Role, ...], Field(max_length=3)] = Field(
        default=(), description="of the manager; empty: any"
    )
    talk_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=0, description="the talk was longer than this; null: calls without talk as well"
    )


class NewOutcomeRule(OutcomeRuleFields):
    """A rule to be added; it holds for calls that end from then on."""


class OutcomeRuleChange(OutcomeRuleFields):
    """What is to be changed of a rule; what is left out stays."""

    version: Version
    name: Label | None = None  # type: ignore[assignment]
    archived: bool | None = None


class ListPath(Incoming):
    """Which row."""

    row_id: RowId


class FollowUpView(Outgoing):
    """A task that an outcome makes by itself."""

    kind: FollowUp
    months: int | None
    days: int | None
    minutes: int | None


class DispositionView(Outgoing):
    """An outcome that can be chosen."""

    id: int
    key: str
    labels: dict[str, str]
    place: int
    means: Means
    reasons: ReasonsOf | None
    reason_required: bool
    next_step: NextStepRule
    stage: Stage | None
    heat: Heat | None
    closes_lead: bool
    task: FollowUpView | None
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


class ReasonView(Outgoing):
    """A reason that can be given."""

    id: int
    of: ReasonsOf
    key: str
    labels: dict[str, str]
    place: int
    return_months: int | None
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


class OutcomeRuleView(Outgoing):
    """Which calls need an outcome."""

    id: int
    name: str
    place: int
    direction: str | None
    dids: tuple[str, ...]
    roles: tuple[str, ...]
    talk_seconds: int | None
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


class CatalogueView(Outgoing):
    """The three lists, archived rows last."""

    dispositions: tuple[DispositionView, ...]
    reasons: tuple[ReasonView, ...]
    rules: tuple[OutcomeRuleView, ...]


class KeyTakenError(ConflictError):
    """There is a row of this key already, perhaps an archived one, or the list is full; change or archive one."""


def _common(listed: Listed) -> dict[str, object]:
    return {
        "place": listed.place,
        "archived_at": listed.archived_at,
        "changed_by": listed.changed_by,
        "changed_at": listed.changed_at,
        "version": listed.version,
    }


def _disposition_view(row: Disposition, listed: Listed) -> DispositionView:
    task = row.task and FollowUpView(
        kind=row.task.kind, months=row.task.months, days=row.task.days, minutes=row.task.minutes
    )
    names = ("id", "key", "means", "reasons", "reason_required", "next_step", "stage", "heat", "closes_lead")
    values = {name: getattr(row, name) for name in names}
    return DispositionView.model_validate({**values, "task": task, "labels": listed.labels, **_common(listed)})


def _view(catalogue: Catalogue) -> CatalogueView:
    return CatalogueView(
        dispositions=tuple(_disposition_view(*row) for row in catalogue.dispositions),
        reasons=tuple(
            ReasonView(id=r.id, of=r.of, key=r.key, return_months=r.return_months, labels=n.labels, **_common(n))  # type: ignore[arg-type]
            for r, n in catalogue.reasons
        ),
        rules=tuple(
            OutcomeRuleView(
                id=r.id,
                name=n.name,
                direction=r.direction,
                dids=tuple(sorted(r.dids)),
                roles=tuple(sorted(r.roles)),
                talk_seconds=r.talk_seconds,
                **_common(n),  # type: ignore[arg-type]
            )
            for r, n in catalogue.rules
        ),
    )


class Dispositions:
    """The handlers of `/dispositions`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        manage = Right.OUTCOMES_MANAGE
        return (
            Route(
                method="GET",
                path="/dispositions",
                handler=self.listing,
                summary="What can be chosen as an outcome, the reasons, and which calls need one",
                right=Right.OUTCOMES_WRITE_OWN,
                tag="outcomes",
            ),
            *(
                Route(
                    method="POST",
                    path=path,
                    handler=handler,
                    summary=summary,
                    right=manage,
                    tag="outcomes",
                    status=201,
                    idempotent=True,
                    errors=(KeyTakenError,),
                )
                for path, handler, summary in (
                    ("/dispositions", self.add, "Add an outcome"),
                    ("/dispositions/reasons", self.add_reason, "Add a reason of refusal or purchase"),
                    ("/dispositions/rules", self.add_rule, "Add a rule: which calls need an outcome"),
                )
            ),
            *(
                Route(
                    method="PATCH",
                    path=path,
                    handler=handler,
                    summary=summary,
                    right=manage,
                    tag="outcomes",
                    errors=(StaleVersionError,),
                )
                for path, handler, summary in (
                    ("/dispositions/{row_id}", self.change, "Change or archive an outcome"),
                    ("/dispositions/reasons/{row_id}", self.change_reason, "Change or archive a reason"),
                    (
                        "/dispositions/rules/{row_id}",
                        self.change_rule,
                        "Change or archive a rule of outcomes",
                    ),
                )
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> CatalogueView:
        """The lists."""
        async with self._parts.pool.acquire() as connection:
            return _view(await store.read_catalogue(connection))

    async def add(self, asked: Asked[Nothing, Nothing, NewDisposition]) -> CatalogueView | web.Response:
        """Add an outcome."""
        _check(asked.body)
        return await self._add(asked, "disposition", asked.body)

    async def add_reason(self, asked: Asked[Nothing, Nothing, NewReason]) -> CatalogueView | web.Response:
        """Add a reason."""
        return await self._add(asked, "disposition_reason", asked.body)

    async def add_rule(self, asked: Asked[Nothing, Nothing, NewOutcomeRule]) -> CatalogueView | web.Response:
        """Add a rule."""
        return await self._add(asked, "disposition_rule", asked.body)

    async def change(self, asked: Asked[ListPath, Nothing, DispositionChange]) -> CatalogueView:
        """Change an outcome."""
        return await self._change(asked, "disposition", asked.body)

    async def change_reason(self, asked: Asked[ListPath, Nothing, ReasonChange]) -> CatalogueView:
        """Change a reason."""
        return await self._change(asked, "disposition_reason", asked.body)

    async def change_rule(self, asked: Asked[ListPath, Nothing, OutcomeRuleChange]) -> CatalogueView:
        """Change a rule; what only an archived one wanted is asked for no longer."""
        return await self._change(asked, "disposition_rule", asked.body)

    async def _add(self, asked: Asked[Nothing, Nothing, B], table: str, body: Incoming) -> web.Response:
        async def work(connection: Connection) -> tuple[CatalogueView, Sequence[NewFact]]:
            values = _columns(body.model_dump())
            id_ = await store.add_row(connection, table, values, by=asked.principal.id, now=datetime.now(UTC))
            if id_ is None:
                raise KeyTakenError
            await self._note(connection, asked.principal.id, f"{table}.added", id_, values)
            return _view(await store.read_catalogue(connection)), ()

        return await do_once(self._parts, asked, work)

    async def _change(
        self,
        asked: Asked[ListPath, Nothing, B],
        table: str,
        body: DispositionChange | ReasonChange | OutcomeRuleChange,
    ) -> CatalogueView:
        id_, changes = asked.path.row_id, _columns(body.model_dump(exclude_unset=True, exclude={"version", "archived"}))
        changes = {
            name: value for name, value in changes.items() if value is not None or name not in ("labels", "name")
        }
        async with self._parts.pool.acquire() as connection, connection.transaction():
            done = await store.change_row(
                connection,
                table,
                id_,
                version=body.version,
                changes=changes,
                archived=body.archived,
                by=asked.principal.id,
                now=datetime.now(UTC),
            )
            if done is None:
                raise NotFoundError
            if not done:
                raise StaleVersionError("Somebody has changed this row since it was read; read it again.")
            if table == "disposition":
                _check_whole(await store.disposition_of(connection, id_))
            if table == "disposition_rule" and body.archived:
                await store.drop_wants_of(connection, id_)
            await self._note(connection, asked.principal.id, f"{table}.changed", id_, changes)
            return _view(await store.read_catalogue(connection))

    async def _note(self, connection: Connection, by: str, action: str, id: int, values: Mapping[str, object]) -> None:
        table = action.partition(".")[0]
        await write_audit(connection, actor=by, action=action, object=f"{table}:{id}", detail=dict(values))


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    """Values as their columns take them."""
    task = values.get("task")
    kept = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    if isinstance(task, dict):
        kept["task"] = {name: value for name, value in task.items() if value is not None}
    return kept


def _check(body: NewDisposition) -> None:
    if body.reason_required and body.reasons is None:
        raise _no_list()


def _check_whole(row: Disposition) -> None:
    if row.reason_required and row.reasons is None:
        raise _no_list()


def _no_list() -> InvalidRequestError:
    detail = "A reason is required, but there is no list to choose it from; name `reasons`."
    return InvalidRequestError([FieldFault(place="body", pointer="#/reasons", code="value", detail=detail)])
