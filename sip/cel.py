"""CEL rows to leg events: the one mapper for Asterisk, whatever carried the row.

Three carriers bring the same rows: the CSV journal in the 17 columns of `deploy/asterisk/trunkline_cel_custom.conf`,
a CSV or SQL table with a header line (FreePBX's `cel`), and AMI events `CEL` (docs.asterisk.org, Channel Event
Logging). A row that cannot be read is an error of its own, `BadRow`; the caller puts it into quarantine.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypedDict

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent, LegEventKind, OurMove

COLUMNS = (
    "eventtype",
    "eventtime",
    "cid_name",
    "cid_num",
    "cid_ani",
    "cid_dnid",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "uniqueid",
    "linkedid",
    "peer",
    "userfield",
    "userdeftype",
    "eventextra",
)
# Other names of the same columns: FreePBX's table, Asterisk's SQL schema, AMI headers (lower case).
_ALIASES = {
    "event": "eventtype",
    "eventname": "eventtype",
    "time": "eventtime",
    "calleridname": "cid_name",
    "calleridnum": "cid_num",
    "calleridani": "cid_ani",
    "calleriddnid": "cid_dnid",
    "extension": "exten",
    "channel": "channame",
    "channelname": "channame",
    "application": "appname",
    "applicationdata": "appdata",
    "extra": "eventextra",
    "bridgepeer": "peer",
}
_KINDS = {
    "CHAN_START": LegEventKind.STARTED,
    "ANSWER": LegEventKind.ANSWERED,
    "APP_START": LegEventKind.RAN,
    "APP_END": LegEventKind.STOPPED,
    "BRIDGE_ENTER": LegEventKind.JOINED,
    "BRIDGE_EXIT": LegEventKind.LEFT,
    "PARK_START": LegEventKind.PARKED,
    "PARK_END": LegEventKind.UNPARKED,
    "BLINDTRANSFER": LegEventKind.BLIND_TRANSFERRED,
    "ATTENDEDTRANSFER": LegEventKind.ATTENDED_TRANSFERRED,
    "PICKUP": LegEventKind.PICKED_UP,
    "FORWARD": LegEventKind.FORWARDED,
    "LOCAL_OPTIMIZE": LegEventKind.OPTIMISED,
    "HANGUP": LegEventKind.HUNG_UP,
    "CHAN_END": LegEventKind.ENDED,
    "LINKEDID_END": LegEventKind.FAMILY_ENDED,
}
KNOWN_EVENTS = frozenset(_KINDS) | {
    "USER_DEFINED",
    "LOCAL_OPTIMIZE_BEGIN",  # LOCAL_OPTIMIZE tells that it was done
    "STREAM_BEGIN",
    "STREAM_END",
    "DTMF",
    "BRIDGE_START",
    "BRIDGE_END",
    "CONF_ENTER",
    "CONF_EXIT",
    "CONF_START",
    "CONF_END",
    # Written by versions before 12; later ones tell the same by BRIDGE_ENTER and the rows of transfers.
    "BRIDGE_UPDATE",
    "TRANSFER",
    "HOOKFLASH",
    "3WAY_START",
    "3WAY_END",
}
LONGEST_FIELD = 4096
_OURS = "trunkline-"
"""How the contexts of the supplied dialplan begin."""
_DISORDER = timedelta(minutes=10)
"""How far a row may stand behind a later one without being of the hour that comes twice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME_OF_COLUMN = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_ ]*")


class BadRow(Rejected):
    """A journal row cannot be read; it is kept in quarantine and shown by `trunkline doctor`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How a journal writes time."""

    timezone: tzinfo = UTC
    """Zone of local times; epochs need none."""

    def read(self, text: str, *, after: datetime | None = None) -> tuple[datetime, bool]:
        """One time stamp: epoch seconds with or without fraction, or `YYYY-MM-DD HH:MM:SS[.ffffff]`.

        Args:
            text: as the row has it.
            after: moment of the row before; it decides which of the two hours a local time means that comes twice
                when summer time ends. None: the first.

        Returns:
            The moment in UTC, and whether it has whole seconds only.

        Raises:
            BadRow: it is neither.
        """
        try:
            if ":" not in text:
                return _epoch(text)
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError):
            raise BadRow(
                f"eventtime {text[:40]!r} is no time: allowed are epoch seconds and YYYY-MM-DD HH:MM:SS"
            ) from None
        if moment.tzinfo is None:
            moment = self._local(moment, after)
        return moment.astimezone(UTC), "." not in text

    def _local(self, moment: datetime, after: datetime | None) -> datetime:
        first = moment.replace(tzinfo=self.timezone)
        if after is not None and first.astimezone(UTC) < after - _DISORDER:
            return first.replace(fold=1)
        return first


def _epoch(text: str) -> tuple[datetime, bool]:
    whole, point, fraction = text.partition(".")
    parts = int(fraction if len(fraction) == 6 else fraction[:6].ljust(6, "0"))
    return _EPOCH + timedelta(seconds=int(whole), microseconds=parts), not point


def header(fields: Sequence[str]) -> tuple[str, ...] | None:
    """The columns a header line names, in its order; None where the line is a row.

    Raises:
        BadRow: it is a header, but a column that every row needs is missing.
    """
    if not all(_NAME_OF_COLUMN.fullmatch(f) for f in fields) or not KNOWN_EVENTS.isdisjoint(fields):
        return None  # a row has a time and an event; a caller whose name is a column's makes no header
    names = tuple(_ALIASES.get(f.strip().lower(), f.strip().lower()) for f in fields)
    if "eventtype" not in names and "uniqueid" not in names:
        return None
    missing = {"eventtype", "eventtime", "uniqueid"} - set(names)
    if missing:
        raise BadRow(f"the header line lacks {', '.join(sorted(missing))}; it names {', '.join(names)}")
    return names


def fields_of(record: str) -> list[str]:
    """The fields of one CSV record; a record with a line break outside quotes is none.

    Raises:
        BadRow: the quoting is broken.
    """
    try:
        rows = list(csv.reader(io.StringIO(record, newline=""), strict=True))
    except csv.Error as error:
        raise BadRow(f"broken quoting: {error}") from None
    if len(rows) != 1:
        raise BadRow(f"{len(rows)} records where one was expected")
    return rows[0]


def row_of(record: str) -> dict[str, str]:
    """One record of the supplied journal by column name.

    Raises:
        BadRow: it has not the 17 columns.
    """
    return dict(zip(COLUMNS, _columns(record), strict=True))


def _columns(record: str) -> list[str]:
    fields = _quoted(record) or fields_of(record)
    if len(fields) != len(COLUMNS):
        raise BadRow(f"{len(fields)} columns where {len(COLUMNS)} were expected")
    return fields


def _quoted(record: str) -> list[str] | None:
    """The columns of a row in which no column but the last holds a quote; None: it has to be read with care.

    Nearly every row is such a one, and this takes a quarter of the time. A quote inside a column is doubled
    (RFC 4180, section 2), so cutting at a quoted comma inside a column leaves a quote behind, and the count shows it.
    """
    fields = record[1:-1].split('","', len(COLUMNS) - 1)
    last = fields[-1]
    if record.count('"') - last.count('"') != 2 * len(COLUMNS) or not record.startswith('"') or record[-1:] != '"':
        return None
    if '"' in last:
        if '"' in last.replace('""', ""):
            return None
        fields[-1] = last.replace('""', '"')
    return fields


def read_row(row: bytes, clock: Clock | None = None) -> LegEvent | None:
    """A journal row as it stands in the file to its leg event: the production door.

    Bytes that are no UTF-8 and NULs, which no database keeps, become marks; callers send them on purpose.

    Raises:
        BadRow: the row cannot be read.
    """
    return _event(_columns(row.decode("utf-8", "replace").replace("\0", "\ufffd")), clock or _UTC_CLOCK)


def row_of_ami(event: Mapping[str, str]) -> dict[str, str]:
    """An AMI event `CEL` as a row; its exact `Timestamp` (moment of sending) is used where there is one."""
    row = {_ALIASES.get(k.lower(), k.lower()): v for k, v in event.items() if k != "Event"}
    row["eventtime"] = event.get("Timestamp") or event.get("EventTime", "")
    return row


def leg_event(
    row: Mapping[str, str], clock: Clock | None = None, *, number: int = 0, after: datetime | None = None
) -> LegEvent | None:
    """Map one row to its leg event.

    Args:
        row: by column name; columns that a site leaves out are empty.
        clock: how the journal writes time; None: epochs or UTC.
        number: running number of the row, used where the time has whole seconds.
        after: moment of the row before, see `Clock.read`.

    Returns:
        The event, or None for rows that tell nothing of a leg (USER_DEFINED, DTMF).

    Raises:
        BadRow: no known event, no leg, no time, or an absurdly long field.
    """
    return _event([row.get(name, "") for name in COLUMNS], clock or _UTC_CLOCK, row, number, after)


def _event(
    columns: Sequence[str],
    clock: Clock,
    row: Mapping[str, str] | None = None,
    number: int = 0,
    after: datetime | None = None,
) -> LegEvent | None:
    """The leg event of the 17 columns; `row` for the running number, the rest as `leg_event` has it.

    A journal's rows come as a list and are read as one: by name it takes half as long again.
    """
    name, time, cid_name, cid_num, _, dnid, exten, context, channel, app, app_data, leg, family = columns[:13]
    kind = _KINDS.get(name)
    if kind is None:
        if name in KNOWN_EVENTS:
            return None
        raise BadRow(f"unknown event {name[:40]!r}")
    if not leg or len(leg) > 150:
        raise BadRow(f"uniqueid {leg[:40]!r} is no id of a channel")
    if max(map(len, columns)) > LONGEST_FIELD:
        raise BadRow(f"a field is longer than {LONGEST_FIELD} characters")
    at, whole = clock.read(time, after=after)
    extra = columns[-1]
    return LegEvent(
        at=at,
        kind=kind,
        leg=leg,
        family=family,
        channel=channel,
        order=_order(row or {}, number) if whole else 0,
        number=cid_num,
        name=cid_name,
        exten=exten,
        context=context,
        dnid=dnid,
        app=app,
        app_data=app_data,
        ours=_our_move(context, exten) if context.startswith(_OURS) else None,
        **(_told(_extra(extra)) if extra else {}),
    )


class _Told(TypedDict, total=False):
    bridge: str
    holding: bool
    transferee: str
    second: str
    transfer_target: str
    second_bridge: str
    target: str
    cause: int | None
    source: str
    dial_status: str
    reason: str


def _told(extra: Mapping[str, str]) -> _Told:
    """What the last column tells of bridges, transfers and hang-ups."""
    second = extra.get("channel2_uniqueid") or extra.get("pickup_channel_uniqueid")
    return _Told(
        bridge=extra.get("bridge_id") or extra.get("bridge1_id", ""),
        holding=extra.get("bridge_technology") == "holding_bridge",
        transferee=extra.get("transferee_channel_uniqueid", ""),
        second=second or extra.get("local_two_uniqueid", ""),
        transfer_target=extra.get("transfer_target_channel_uniqueid", ""),
        second_bridge=extra.get("bridge2_id", ""),
        target=extra.get("extension") or extra.get("forward", ""),
        cause=_number(extra.get("hangupcause")),
        source=extra.get("hangupsource", ""),
        dial_status=extra.get("dialstatus", ""),
        reason=extra.get("reason", ""),
    )


def _our_move(context: str, exten: str) -> OurMove | None:
    """Which order of ours a leg's place in the dialplan tells of (deploy/asterisk/trunkline_control.conf)."""
    match context, exten:
        case "trunkline-hold", "music":
            return OurMove.HELD
        case "trunkline-hold", "wait" | "back":
            return OurMove.WAITS
        case "trunkline-away", "music" | "lost":
            return OurMove.AWAY
        case "trunkline-away", "back":
            return OurMove.WAITS
        case "trunkline-consult", "joins":
            return OurMove.JOINS
        case "trunkline-consult", _ if exten != "h":
            return OurMove.CONSULTS
        case "trunkline-transfer", _ if exten != "h":
            return OurMove.TRANSFERRED
    return None


_UTC_CLOCK = Clock()


def _extra(text: str) -> dict[str, str]:
    """The JSON object of a row's last column; a damaged one is as good as none.

    `N/A` is what Asterisk writes where a transfer leads to a bridge and not to one channel.
    """
    if not text.startswith("{"):
        return {}
    try:
        loaded = json.loads(text)
    except ValueError:
        return {}
    told = loaded.items() if isinstance(loaded, dict) else ()
    return {str(k): str(v) for k, v in told if v not in (None, "N/A")}


def _order(row: Mapping[str, str], number: int) -> int:
    """The table's own number of the row where it has one, else the given one."""
    text = row.get("id", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadRow(f"id {text[:40]!r} is no running number")
    return int(text) if text else number


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None
