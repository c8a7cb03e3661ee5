"""`trunkline replay`: fold recorded journals or AMI streams and print the calls. Needs no database.

The recorded file goes through the same mapper and the same fold as a live journal. All CSV files are one journal
(pieces of a rotated one may be given together); all AMI streams are one stream.
"""

import argparse
import codecs
import csv
import io
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from gateway.domain.call import Call, CallKind, ManagerPart, Transfer
from gateway.domain.call_view import View, manager_view, moment, seconds, transfer_view
from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent, LegEventKind, endpoint, is_local
from gateway.domain.phone import NumberKind, NumberPlan
from sip.ami_legs import ami_leg_event
from sip.cel import COLUMNS, BadRow, Clock, fields_of, header, leg_event
from sip.records import Record, RecordSplitter


class BadReplay(Rejected):
    """The replay cannot run as asked; see `trunkline replay --help`."""


_TABLES = {
    "managers": "",
    "trunks": "",
    "region": "ZZ",
    "area_code": "",
    "own": "",
    "prefix": "",
    "timezone": "UTC",
}
"""What tells who is who, with the value that holds where nothing is said."""
_SHORTEST_OUTSIDE = 9  # digits; shorter names of endpoints are extensions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="*.csv: a CEL journal; *.jsonl: AMI events")
    parser.add_argument("--managers", default="", help="endpoints or maps, e.g. 100,10?,anna-desk=101")
    parser.add_argument("--trunks", default="", help="endpoints of trunks, e.g. trunk,my-trunk-*")
    parser.add_argument("--region", default="", help="country whose national numbers are understood, e.g. RU")
    parser.add_argument("--area-code", default="", help="code put before local numbers, e.g. 495")
    parser.add_argument("--own", default="", help="our own numbers, e.g. 74954950001,74954950002")
    parser.add_argument("--prefix", default="", help="digits the PBX puts before outside numbers, e.g. 9")
    parser.add_argument("--timezone", default="UTC", help="zone of local times in the journal, e.g. Europe/Moscow")
    parser.add_argument("--tables", type=Path, help=f"TOML file with any of: {', '.join(_TABLES)}")
    parser.add_argument("--pbx", default="pbx", help="name of the PBX")
    parser.add_argument("--all", action="store_true", help="print service calls (feature codes, spying) too")
    parser.add_argument("--json", action="store_true", help="one JSON object a call and line")


def run(args: argparse.Namespace) -> int:
    """Print the calls of the files; 0, or 1 with the reason on standard error."""
    directory = directory_of(args)
    clock = Clock(timezone=_zone(_tables(args)["timezone"]))
    calls: list[Call] = []
    for events, holds in _sources([Path(f) for f in args.files], clock):
        _warn_unmapped(events, directory)
        calls += fold(events, directory, holds_seen=holds)
    for call in sorted(calls, key=lambda c: (c.started_at, c.key)):
        if args.all or call.kind is not CallKind.SERVICE:
            print(json.dumps(as_json(call)) if args.json else as_text(call))
    return 0


def _tables(args: argparse.Namespace) -> dict[str, str]:
    tables = dict(_TABLES)
    if args.tables is not None:
        try:
            loaded = tomllib.loads(args.tables.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadReplay(f"--tables {args.tables}: {error}") from None
        if strange := set(loaded) - set(tables):
            raise BadReplay(f"--tables: unknown key {min(strange)!r}; allowed are {', '.join(tables)}")
        tables |= {key: _flat(value) for key, value in loaded.items()}
    given = {key: getattr(args, key) for key in tables}
    return tables | {k: v for k, v in given.items() if v and not (k == "timezone" and v == "UTC")}


def _flat(value: object) -> str:
    """A table's value as on the command line: lists and maps become comma-separated text."""
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def directory_of(args: argparse.Namespace) -> Directory:
    """Who is who, as the arguments and the tables file tell.

    Raises:
        BadReplay: a table cannot be read, or names nobody.
    """
    tables = _tables(args)
    plan = _plan(tables)
    managers, trunks = (_pieces(tables[name]) for name in ("managers", "trunks"))
    entries = [entry for piece in managers for entry in _entries(piece, PartyKind.MANAGER, plan)]
    entries += [entry for piece in trunks for entry in _entries(piece, PartyKind.TRUNK, plan)]
    if not entries:
        raise BadReplay("nobody is known: give --managers and --trunks (endpoints as in channel names, PJSIP/NAME-…)")
    return Directory(entries=tuple(entries), plan=plan, pbx=args.pbx)


def _plan(tables: Mapping[str, str]) -> NumberPlan:
    region = tables["region"].upper()
    if region != "ZZ" and region not in phonenumbers.SUPPORTED_REGIONS:
        raise BadReplay(f"--region {region!r} is no country; allowed are two letters such as RU")
    plan = NumberPlan(region=region, area_code=tables["area_code"], strip=tuple(_pieces(tables["prefix"])))
    own = (plan.parse(piece).e164 or piece.lstrip("+") for piece in _pieces(tables["own"]))
    return replace(plan, own=frozenset(own))


def _pieces(text: str) -> Iterator[str]:
    return filter(None, (piece.strip() for piece in text.split(",")))


def _entries(piece: str, kind: PartyKind, plan: NumberPlan) -> Iterator[Entry]:
    """The rows of one piece: an endpoint, and where its name is a full number also that outside number."""
    pattern, _, extension = piece.partition("=")
    number = plan.parse(pattern).e164
    if extension and number and len(pattern.lstrip("+")) >= _SHORTEST_OUTSIDE:
        yield Entry(pattern=number, kind=kind, extension=extension)
    yield Entry(pattern=pattern, kind=kind, extension=extension)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadReplay(f"--timezone {name!r} is no zone; allowed are names such as Europe/Moscow") from None


def _sources(files: Iterable[Path], clock: Clock) -> Iterator[tuple[list[LegEvent], bool]]:
    """Leg events of the journals, then of the AMI streams, each with whether it tells of holds."""
    journals: list[LegEvent] = []
    streams: list[LegEvent] = []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadReplay(f"{path}: {error.strerror}") from None
        if path.suffix == ".jsonl":
            streams += _ami(data, path)
        else:
            journals += _journal(data, path, clock)
    yield journals, False
    yield streams, True


def _journal(data: bytes, path: Path, clock: Clock) -> Iterator[LegEvent]:
    before: datetime | None = None
    for number, (columns, record) in enumerate(_records(data, path), start=1):
        try:
            fields = fields_of(record) if isinstance(record, str) else record
            if len(fields) != len(columns):
                raise BadRow(f"{len(fields)} columns where {len(columns)} were expected")
            event = leg_event(dict(zip(columns, fields, strict=True)), clock, number=number, after=before)
        except BadRow as error:
            _warn(f"{path}: record {number}: {error}")
            continue
        if event is not None:
            before = event.at
            yield event


def _records(data: bytes, path: Path) -> Iterator[tuple[tuple[str, ...], str | list[str]]]:
    """The records of a journal with their columns: named by a header line, else the supplied 17."""
    data = data.removeprefix(codecs.BOM_UTF8)
    first, _, rest = data.partition(b"\n")
    columns = _header(_text(first))
    if columns is not None:
        yield from ((columns, fields) for fields in _table(rest, path))
        return
    splitter = RecordSplitter()
    ended = data if not data or data.endswith(b"\n") else data + b"\n"
    for piece in [*splitter.feed(ended), *splitter.finish()]:
        if isinstance(piece, Record):
            yield COLUMNS, _text(piece.data)
        else:
            _warn(f"{path}: {len(piece.data)} bytes at {piece.offset_start} are no row: {piece.reason}")


def _header(line: str) -> tuple[str, ...] | None:
    """The columns that a first line names; None: it is a row, perhaps the first line of one with a line break."""
    try:
        fields = fields_of(line)
    except BadRow:
        return None
    return header(fields)


def _table(data: bytes, path: Path) -> Iterator[list[str]]:
    """The rows below a header line, as a database client exports them (RFC 4180)."""
    reader = csv.reader(io.StringIO(_text(data), newline=""))
    try:
        yield from filter(None, reader)
    except csv.Error as error:
        _warn(f"{path}: line {reader.line_num}: {error}; what follows is not read")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace").rstrip("\r")


def _ami(data: bytes, path: Path) -> Iterator[LegEvent]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            loaded = json.loads(line)
            if not isinstance(loaded, dict):
                raise BadRow("the line is no JSON object")
            event = ami_leg_event({k: v for k, v in loaded.items() if isinstance(v, str)}, number=number)
        except (ValueError, BadRow) as error:
            _warn(f"{path}: line {number}: {error}")
            continue
        if event is not None:
            yield event


def _warn(text: str) -> None:
    print(f"trunkline replay: {_printable(text)}", file=sys.stderr)


def _printable(text: str) -> str:
    """Caller data on a terminal: control characters, which could move its cursor or colour it, become `?`."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _warn_unmapped(events: Iterable[LegEvent], directory: Directory) -> None:
    """Name endpoints that neither table knows: they are taken for nobody."""
    seen = {e.channel: e.at for e in events if e.channel and e.kind is not LegEventKind.REFUSED}
    strange = {
        endpoint(c) for c, at in seen.items() if not is_local(c) and directory.party(c, at).kind is PartyKind.UNMAPPED
    }
    if strange:
        _warn(f"not mapped, taken for nobody: {', '.join(sorted(strange))}; name them in --managers or --trunks")


def _manager(part: ManagerPart) -> View:
    view = manager_view(part, None)
    del view["user_id"]  # people are known to the database alone
    return view


def _transfer(transfer: Transfer) -> View:
    view = transfer_view(transfer)
    del view["at"]
    return view


def as_json(call: Call) -> View:
    """A call as the replay prints it; the keys are documented in docs/replay.md."""
    number = call.client
    return {
        "kind": call.kind,
        "direction": call.direction,
        "client": number.e164 if number and number.kind is NumberKind.CLIENT else None,
        "client_kind": number.kind if number else None,
        "did": call.did,
        "result": call.result,
        "missed_reason": call.missed_reason,
        "answered_by": list(call.answered_by),
        "managers": [_manager(m) for m in call.managers],
        "wait_seconds": seconds(call.wait),
        "talk_seconds": seconds(call.talk),
        "hold_seconds": seconds(call.hold),
        "ring_seconds": seconds(call.ring),
        "outside_seconds": seconds(call.outside),
        "transfers": [_transfer(t) for t in call.transfers],
        "hung_up_by": call.hung_up_by,
        "complete": call.complete,
        "linkedids": list(call.linkedids),
        "started_at": moment(call.started_at),
        "answered_at": moment(call.answered_at),
        "ended_at": moment(call.ended_at),
        "unmapped": list(call.unmapped),
    }


def as_text(call: Call) -> str:
    """One line for a person."""
    who = call.client.e164 or call.client.kind if call.client else "nobody"
    talked = ", ".join(call.answered_by) or "-"
    reason = f" ({call.missed_reason})" if call.missed_reason else ""
    return _printable(
        f"{call.started_at:%Y-%m-%d %H:%M:%S} {call.direction} {who} -> {call.did or '-'} {call.result}{reason} "
        f"by {talked}, waited {seconds(call.wait)} s, talked {seconds(call.talk)} s"
    )
