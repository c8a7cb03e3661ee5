"""The company's own lists: which outcomes can be chosen, their reasons, and which calls need one.

Rows are archived and never deleted, since what was chosen points at them. A change names the version it was made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.cards import Heat, Stage
from gateway.domain.outcomes import (
    AutoTask,
    Disposition,
    DispositionRule,
    FollowUp,
    Means,
    NextStepRule,
    Reason,
    ReasonsOf,
)
from gateway.store.database import Connection, Pool

Source = Pool | Connection
ROWS_MAX = 200
"""Of each list; a person chooses from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What every row of the lists has beside its meaning."""

    place: int
    labels: dict[str, str]
    """By language."""
    name: str
    """Of a rule."""
    archived_at: datetime | None
    changed_by: str
    changed_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All three lists in their order, archived rows last."""

    dispositions: tuple[tuple[Disposition, Listed], ...]
    reasons: tuple[tuple[Reason, Listed], ...]
    rules: tuple[tuple[DispositionRule, Listed], ...]


_ORDER = " order by archived_at is not null, place, id limit 1000"


async def read_catalogue(source: Source) -> Catalogue:
    """The lists as they are."""
    return Catalogue(
        dispositions=tuple(
            (_disposition(r), _listed(r)) for r in await source.fetch(f"select * from disposition{_ORDER}")
        ),
        reasons=tuple(
            (_reason(r), _listed(r)) for r in await source.fetch(f"select * from disposition_reason{_ORDER}")
        ),
        rules=tuple((_rule(r), _listed(r)) for r in await source.fetch(f"select * from disposition_rule{_ORDER}")),
    )


async def asking_rules(source: Source) -> list[DispositionRule]:
    """The rules that hold, in their order."""
    rows = await source.fetch("select * from disposition_rule where archived_at is null order by place, id")
    return [_rule(r) for r in rows]


async def find_disposition(source: Source, key: str) -> Disposition | None:
    """An outcome by its key; None: there is none of this name."""
    row = await source.fetchrow("select * from disposition where key = $1", key)
    return _disposition(row) if row else None


async def disposition_of(source: Source, id: int) -> Disposition:
    """An outcome that was chosen."""
    return _disposition(await source.fetchrow("select * from disposition where id = $1", id))


async def find_reason(source: Source, of: str, key: str) -> Reason | None:
    """A reason by its list and key; None: there is none of this name."""
    row = await source.fetchrow("select * from disposition_reason where of = $1 and key = $2", of, key)
    return _reason(row) if row else None


async def reason_of(source: Source, id: int | None) -> Reason | None:
    """A reason that was given; None: none was."""
    row = await source.fetchrow("select * from disposition_reason where id = $1", id)
    return _reason(row) if row else None


async def reasons_for(source: Source, of: str) -> list[str]:
    """The keys one may choose from."""
    rows = await source.fetch(
        "select key from disposition_reason where of = $1 and archived_at is null order by place, id", of
    )
    return [r["key"] for r in rows]


TABLES: Mapping[str, tuple[str, ...]] = {
    "disposition": (
        "key", "labels", "place", "means", "reasons", "reason_required", "next_step", "stage", "heat", "closes_lead",
        "task",
    ),
    "disposition_reason": ("of", "key", "labels", "place", "return_months"),
    "disposition_rule": ("name", "place", "direction", "dids", "roles", "talk_seconds"),
}  # fmt: skip
"""The columns of each list."""
FIXED = frozenset({"key", "of", "means"})
"""What a row keeps for ever, so that figures of last year mean today what they meant then."""


async def add_row(
    connection: Connection, table: str, values: Mapping[str, object], *, by: str, now: datetime
) -> int | None:
    """Add a row to a list.

    Args:
        connection: within a transaction.
        table: one of `TABLES`.
        values: by column.
        by: who adds it.
        now: the present moment.

    Returns:
        Its id; None: there is one of this key, or the list is full.
    """
    if await connection.fetchval(f"select count(*) from {table} where archived_at is null") >= ROWS_MAX:
        return None
    names = [name for name in TABLES[table] if name in values]
    marks = ", ".join(f"${place}" for place in range(3, len(names) + 3))
    found: int | None = await connection.fetchval(
        f"insert into {table} (changed_by, changed_at, {', '.join(names)}) values ($1, $2, {marks})"
        " on conflict do nothing returning id",
        by,
        now,
        *(values[name] for name in names),
    )
    return found


async def change_row(
    connection: Connection,
    table: str,
    id: int,
    *,
    version: int,
    changes: Mapping[str, object],
    archived: bool | None,
    by: str,
    now: datetime,
) -> bool | None:
    """Change a row of a list that is still as the caller read it.

    Returns:
        True: done; False: it has been changed since; None: it is not there.
    """
    names = [name for name in TABLES[table] if name in changes and name not in FIXED]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 6))
    found = await connection.fetchval(
        f"update {table} set version = version + 1, changed_by = $3, changed_at = $4, archived_at = case"
        f" when $5::boolean is null then archived_at when $5 then coalesce(archived_at, $4) end{sets}"
        " where id = $1 and version = $2 returning true",
        id,
        version,
        by,
        now,
        archived,
        *(changes[name] for name in names),
    )
    if found:
        return True
    return False if await connection.fetchval(f"select true from {table} where id = $1", id) else None


async def drop_wants_of(connection: Connection, rule: int) -> None:
    """Ask no longer for what only an archived rule wanted."""
    await connection.execute("delete from outcome_wanted where rule_id = $1", rule)


def _listed(row: Mapping[str, object]) -> Listed:
    values = {name: row[name] for name in ("place", "archived_at", "changed_by", "changed_at", "version")}
    return Listed(labels=row.get("labels") or {}, name=str(row.get("name") or ""), **values)  # type: ignore[arg-type]


def _disposition(row: Mapping[str, object]) -> Disposition:
    task: Mapping[str, object] | None = row["task"]  # type: ignore[assignment]
    return Disposition(
        id=row["id"],  # type: ignore[arg-type]
        key=str(row["key"]),
        means=Means(str(row["means"])),
        reasons=ReasonsOf(str(row["reasons"])) if row["reasons"] else None,
        reason_required=bool(row["reason_required"]),
        next_step=NextStepRule(str(row["next_step"])),
        stage=Stage(str(row["stage"])) if row["stage"] else None,
        heat=Heat(str(row["heat"])) if row["heat"] else None,
        closes_lead=bool(row["closes_lead"]),
        task=AutoTask(**{**task, "kind": FollowUp(str(task["kind"]))}) if task else None,  # type: ignore[arg-type]
        archived=row["archived_at"] is not None,
    )


def _reason(row: Mapping[str, object]) -> Reason:
    return Reason(
        id=row["id"],  # type: ignore[arg-type]
        of=ReasonsOf(str(row["of"])),
        key=str(row["key"]),
        return_months=row["return_months"],  # type: ignore[arg-type]
        archived=row["archived_at"] is not None,
    )


def _rule(row: Mapping[str, object]) -> DispositionRule:
    dids: Sequence[str] = row["dids"]  # type: ignore[assignment]
    roles: Sequence[str] = row["roles"]  # type: ignore[assignment]
    return DispositionRule(
        id=row["id"],  # type: ignore[arg-type]
        direction=row["direction"],  # type: ignore[arg-type]
        dids=frozenset(dids),
        roles=frozenset(roles),
        talk_seconds=row["talk_seconds"],  # type: ignore[arg-type]
    )
