"""Fields of the site's own: defined, changed, archived; `field_words` of the cards follows what can be searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.card_fields import CustomField, FieldKind, FieldOf
from gateway.store.database import Connection, Pool

Source = Pool | Connection

_FIELD = (
    "select id, of, key, label, kind, choices, required, searchable, place, archived_at is not null as archived,"
    " version from custom_field"
)
_REWORDED_SECONDS = 600.0
"""Every card that has a value of the field is written once, when a field becomes searchable or ceases to be."""


def _field(row: Mapping[str, object]) -> CustomField:
    values = dict(row)
    choices: Sequence[str] = values.pop("choices")  # type: ignore[assignment]
    values |= {"of": FieldOf(str(row["of"])), "kind": FieldKind(str(row["kind"]))}
    return CustomField(choices=tuple(choices), **values)  # type: ignore[arg-type]


async def list_fields(source: Source, of: FieldOf, *, archived: bool = False) -> list[CustomField]:
    """The fields of a kind of card, in the order of their places."""
    rows = await source.fetch(
        f"{_FIELD} where of = $1 and (archived_at is null or $2) order by place, id", of, archived
    )
    return [_field(r) for r in rows]


async def read_field(source: Source, id: int) -> CustomField | None:
    """One field; None: there is none with this id."""
    row = await source.fetchrow(f"{_FIELD} where id = $1", id)
    return _field(row) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewField:
    """A field about to be defined."""

    of: FieldOf
    key: str
    label: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = False
    searchable: bool = False
    place: int = 0


async def make_field(connection: Connection, new: NewField) -> int | None:
    """Define a field; None: there is one with this key, perhaps archived."""
    found: int | None = await connection.fetchval(
        "insert into custom_field (of, key, label, kind, choices, required, searchable, place)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id",
        new.of,
        new.key,
        new.label,
        new.kind,
        list(new.choices),
        new.required,
        new.searchable,
        new.place,
    )
    return found


async def change_field(connection: Connection, field: CustomField, *, now_archived: bool) -> bool:
    """Write a field as it shall be.

    Args:
        connection: within a transaction.
        field: with the version as it was read.
        now_archived: whether it shall be archived.

    Returns:
        False: it has been changed since.
    """
    before = await connection.fetchrow(
        "select searchable, archived_at is not null as archived, version from custom_field where id = $1 for update",
        field.id,
    )
    if before is None or before["version"] != field.version:
        return False
    await connection.execute(
        "update custom_field set label = $2, choices = $3, required = $4, searchable = $5, place = $6,"
        " archived_at = case when $7 then coalesce(archived_at, now()) end, version = version + 1 where id = $1",
        field.id,
        field.label,
        list(field.choices),
        field.required,
        field.searchable,
        field.place,
        now_archived,
    )
    found_before = before["searchable"] and not before["archived"]
    if found_before != (field.searchable and not now_archived):
        await _reword(connection, field)
    return True


async def _reword(connection: Connection, field: CustomField) -> None:
    """Let the cards be found by what can be searched now."""
    table = "contact" if field.of is FieldOf.CONTACT else "organisation"
    await connection.execute(
        f"update {table} set field_words = field_words('{table}', fields) where fields ? $1",
        field.key,
        timeout=_REWORDED_SECONDS,
    )


async def used_choices(source: Source, field: CustomField, choices: Sequence[str]) -> list[str]:
    """Which of these choices some card has."""
    table = "contact" if field.of is FieldOf.CONTACT else "organisation"
    rows = await source.fetch(
        f"select w.choice from unnest($2::text[]) as w(choice) where exists"
        f" (select from {table} t where t.fields @> jsonb_build_object($1::text, w.choice))",
        field.key,
        choices,
    )
    return [r["choice"] for r in rows]
