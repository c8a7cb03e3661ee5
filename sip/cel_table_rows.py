"""Rows of a site's CEL table as journal rows: which column is which, which moment a local second means, one text a row.

A row becomes one JSON list: the table's id, the moment in UTC, and the columns of `sip.cel.COLUMNS`. It begins with a
bracket, so it is taken neither for a CSV row (a quote) nor for a row of ours (a brace), and it may stand beside both in
one call. The table's id is part of the row: two rows of one second that say the same are two rows.

Tables differ (FreePBX, Issabel, the schema of Asterisk's documentation, cel_pgsql): names of columns are known by
`sip.cel.header`, missing columns are empty, texts are cut by the width of a column. A table's times are mostly local
and whole seconds. A uniqueid tells when its channel began (`1795333925.12`), which settles what a local time means in
the hour that comes twice.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent
from sip.cel import COLUMNS, KNOWN_EVENTS, BadRow, Clock, header, leg_event

NEEDED = ("eventtype", "eventtime", "uniqueid", "linkedid", "channame", "eventextra")
"""Columns without which no call can be told."""
_TIME = COLUMNS.index("eventtime")
_BORN = re.compile(r"(?:[^\s]*-)?(\d{9,11})\.\d+")
_DISORDER = timedelta(minutes=10)
"""How far a row may stand behind a later one without being of the hour that comes twice."""
_EARLY = timedelta(seconds=5)
"""How far a row may seem to be before its channel's beginning: a column may be rounded."""
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)":("(?:[^"\\]|\\.)*"|-?\d+|true|false|null)')


class MissingColumns(Rejected):
    """The CEL table lacks columns that every call needs: add them (docs/freepbx-cel-table.md) and restart Asterisk."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"the table lacks the columns {', '.join(missing)}")
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Which of a table's columns are what.

    Attributes:
        places: For each of `COLUMNS` the column's place in a row, or None.
        id: The place of the running number.
    """

    places: tuple[int | None, ...]
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row as it was read.

    Attributes:
        id: The table's running number.
        at: Its moment in UTC; None where the column holds no time.
        told: The row as one text.
        fingerprint: By which the row is known again.
        local_offset: Of a channel's beginning: the moment minus what its uniqueid tells; None: it does not tell.
    """

    id: int
    at: datetime | None
    told: bytes
    fingerprint: str
    local_offset: timedelta | None = None

    @property
    def data(self) -> bytes:
        """The journal row; empty where nobody may keep it: what a client keyed in."""
        return b"" if event_type(self.told) == "DTMF" else self.told


def shape_of(names: Sequence[str]) -> Shape:
    """Find out which column is which.

    Raises:
        MissingColumns: the table lacks what every call needs, or the running number.
    """
    lower = [name.lower() for name in names]
    try:
        known = header(names) or ()
    except BadRow:
        known = ()
    known = known or tuple(lower)
    missing = [name for name in NEEDED if name not in known]
    if "id" not in lower:
        missing.append("id")
    if missing:
        raise MissingColumns(missing)
    places = tuple(known.index(name) if name in known else None for name in COLUMNS)
    return Shape(places=places, id=lower.index("id"))


def journal_row(shape: Shape, values: Sequence[object], zone: tzinfo, *, after: datetime | None) -> TableRow:
    """One row of the table as a journal row.

    Args:
        shape: which column is which.
        values: the row.
        zone: of times without one.
        after: moment of the row before, for the hour that comes twice.
    """
    texts = [_text(values[place]) if place is not None else "" for place in shape.places]
    columns = dict(zip(COLUMNS, texts, strict=True))
    number = int(str(values[shape.id]))
    time = values[shape.places[_TIME] or 0]
    at = _moment(time, zone, _born(columns["uniqueid"]), starts=columns["eventtype"] == "CHAN_START", after=after)
    told = [number, at.isoformat(sep=" ") if at else texts[_TIME]]
    told += [text for name, text in columns.items() if name != "eventtime"]
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return TableRow(
        id=number,
        at=at,
        told=data,
        fingerprint=sha256(json.dumps([number, *texts]).encode()).hexdigest()[:16],
        local_offset=_offset(at, columns) if at else None,
    )


_EVENT = re.compile(rb'\[\d+,"[^"]*","([A-Za-z0-9_]*)"')


def event_type(row: bytes) -> str:
    """The event of a row that `journal_row` made; empty: it is none of Asterisk's."""
    found = _EVENT.match(row)
    return found[1].decode() if found else ""


def tells_extra(row: bytes) -> bool:
    """Whether its last column says anything."""
    return not row.endswith(b',""]')


def is_table_row(row: bytes) -> bool:
    """Whether `journal_row` made it."""
    return row.startswith(b"[")


def read_table_row(row: bytes) -> LegEvent | None:
    """A journal row of a table to its leg event; None for rows that tell nothing of a leg.

    Raises:
        BadRow: it cannot be read.
    """
    try:
        number, time, *rest = json.loads(row)
        columns = dict(zip((name for name in COLUMNS if name != "eventtime"), rest, strict=True))
    except (ValueError, TypeError):
        raise BadRow("the row of a table is damaged") from None
    if _is_users_own(columns):
        return None
    columns["eventextra"] = _whole_pairs(columns["eventextra"])
    return leg_event(columns | {"eventtime": str(time), "id": str(number)}, _UTC)


_UTC = Clock(timezone=UTC)


def _is_users_own(columns: Mapping[str, str]) -> bool:
    """Whether the dialplan wrote the row by CELGenUserEvent: cel_odbc then puts the event's own name for its kind."""
    kind = columns["eventtype"]
    return kind not in KNOWN_EVENTS and bool(kind) and columns["userdeftype"] in (kind, kind[:30])


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):  # a column of JSON
        return json.dumps(value, separators=(",", ":"))
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.replace("\0", "\ufffd")


def _whole_pairs(extra: str) -> str:
    """The pairs of a JSON object that are whole: a narrow column cuts the text (512 characters, 255 on Issabel)."""
    if not extra.startswith("{") or extra.rstrip().endswith("}"):
        return extra
    return "{" + ",".join(found[0] for found in _PAIR.finditer(extra)) + "}"


def _born(uniqueid: str) -> datetime | None:
    """When a channel began, as Asterisk's own ids tell; an id that we ordered tells nothing."""
    found = _BORN.fullmatch(uniqueid)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _offset(at: datetime, columns: Mapping[str, str]) -> timedelta | None:
    born = _born(columns["uniqueid"]) if columns["eventtype"] == "CHAN_START" else None
    return at - born if born is not None else None


def _moment(
    value: object, zone: tzinfo, born: datetime | None, *, starts: bool, after: datetime | None
) -> datetime | None:
    """A column's time in UTC: a time of the database, its text, or seconds of the epoch; None: it is none."""
    moment = value if isinstance(value, datetime) else None
    if moment is None:
        try:
            text = _text(value).strip()
            if ":" not in text:
                return Clock().read(text)[0]
            moment = datetime.fromisoformat(text)
        except (ValueError, BadRow):
            return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return local_moment(moment, zone, born, starts=starts, after=after)


def local_moment(
    moment: datetime, zone: tzinfo, born: datetime | None, *, starts: bool, after: datetime | None
) -> datetime:
    """The moment that a local time means.

    In the hour that comes twice a channel's beginning is where its uniqueid says, no row is before its channel's
    beginning, and what is left open is settled by the order of the rows.

    Args:
        moment: without a zone.
        zone: of the PBX.
        born: when the row's channel began; None: unknown.
        starts: whether the row is that beginning.
        after: moment of the row before.
    """
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first >= second:
        return first
    if born is not None and starts:
        return min((first, second), key=lambda at: abs(at - born))
    if born is not None and first < born - _EARLY:
        return second
    return second if after is not None and first < after - _DISORDER else first
