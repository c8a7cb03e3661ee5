"""What a CEL table is like at this moment, for `trunkline doctor`: whether it can be read, and what stands in it."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from sip.cel_table import CelTable
from sip.cel_table_database import condition_of, connected, trouble_of
from sip.cel_table_reader import TableReader
from sip.cel_table_rows import MissingColumns, TableRow, event_type, read_table_row, tells_extra
from sip.journal_reader import JournalCondition

_ROWS = 2000
_WRITES = re.compile(r"\b(ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP|ALTER|CREATE)\b", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class TableLook:
    """A table as it was found.

    Attributes:
        condition: READING: it can be read.
        trouble: What kept us from it, in a word.
        missing: Columns that it lacks.
        kinds: Events of its last rows.
        keyed: Rows among them that tell what a client keyed in.
        untold: Rows of bridges among them that do not say which.
        unread: Rows among them that cannot be read.
        newest_at: Moment of the last row; None: there is none.
        zone_offset: Beginnings of channels minus what their ids tell, the middle one; None: no id tells.
        whole_seconds: Whether no time has a fraction.
        has_key: Whether the running number is the key by which rows are found.
        may_write: Whether our user may change it; None: the server does not say.
    """

    condition: JournalCondition = JournalCondition.READING
    trouble: str = ""
    missing: tuple[str, ...] = ()
    kinds: Counter[str] = field(default_factory=Counter)
    keyed: int = 0
    untold: int = 0
    unread: int = 0
    newest_at: datetime | None = None
    zone_offset: timedelta | None = None
    whole_seconds: bool = False
    has_key: bool = True
    may_write: bool | None = None


def look_at(source: CelTable) -> TableLook:
    """Look at a table; it takes up to some seconds, and whatever is wrong stands in the answer."""
    reader = TableReader(source.table, source.timezone, batch_rows=_ROWS)
    try:
        with connected(source.url) as session:
            session.do(reader.open)
            look = session.do(lambda connection: _rows(reader, connection))
            look.has_key = session.do(lambda connection: _has_key(connection, source.table))
            look.may_write = session.do(_may_write)
            return look
    except MissingColumns as fault:
        return TableLook(condition=JournalCondition.NO_COLUMN, missing=fault.missing)
    except (SQLAlchemyError, OSError, TimeoutError) as fault:
        return TableLook(condition=condition_of(fault), trouble=trouble_of(fault))


def _rows(reader: TableReader, connection: Connection) -> TableLook:
    look = TableLook()
    rows = reader.newest(connection, _ROWS)
    for row in rows:
        kind = event_type(row.told)
        look.kinds[kind] += 1
        look.keyed += kind == "DTMF"
        look.untold += kind == "BRIDGE_ENTER" and not tells_extra(row.told)
        look.unread += _is_unread(row)
    times = [row.at for row in rows if row.at is not None]
    offsets = sorted(row.local_offset for row in rows if row.local_offset is not None)
    look.newest_at = times[-1] if times else None
    look.zone_offset = offsets[len(offsets) // 2] if offsets else None
    look.whole_seconds = bool(times) and all(at.microsecond == 0 for at in times)
    return look


def _is_unread(row: TableRow) -> bool:
    try:
        read_table_row(row.told)
    except ValueError:
        return True
    return False


def _has_key(connection: Connection, name: str) -> bool:
    """Whether the running number leads a primary or unique key."""
    schema, _, plain = name.rpartition(".")
    seen = inspect(connection)
    try:
        keys: list[list[str | None]] = [[*seen.get_pk_constraint(plain, schema or None)["constrained_columns"]]]
        keys += [[*index["column_names"]] for index in seen.get_indexes(plain, schema or None) if index["unique"]]
    except SQLAlchemyError:
        return True  # a user of few rights is not told; a slow server would be noticed elsewhere
    return any(str(columns[0]).lower() == "id" for columns in keys if columns)


def _may_write(connection: Connection) -> bool | None:
    if connection.dialect.name != "mysql":
        return None
    try:
        grants = [str(row[0]) for row in connection.execute(text("show grants"))]
    except SQLAlchemyError:
        return None
    return any(_WRITES.search(grant.partition(" ON ")[0]) for grant in grants)
