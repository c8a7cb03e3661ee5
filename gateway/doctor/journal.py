"""The journal's file: can we read it, does it grow, does it hold what a call is made of, and nothing it must not hold.

Looked at are the last rows of the file itself, so what is judged is what Asterisk really writes; what it is told to
write stands in `gateway.doctor.asterisk`.
"""

import fnmatch
import grp
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from gateway.doctor.findings import Area, Finding
from gateway.doctor.places import PLACES, Places
from gateway.domain.errors import Rejected
from gateway.settings import PbxKind
from sip.cel import Clock, row_of
from sip.records import Record, RecordSplitter

ROTATION = Path("/etc/logrotate.d")
_TAIL_BYTES = 2 << 20
_TAIL_ROWS = 2000
_ENOUGH_ROWS = 20
_NEEDED = ("CHAN_START", "CHAN_END", "HANGUP", "LINKEDID_END")
_PLAIN = PLACES[PbxKind.ASTERISK]


@dataclass(slots=True, kw_only=True)
class Tail:
    """The last rows of a journal."""

    kinds: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    keyed: int = 0
    """Rows that tell which key a client pressed."""
    last_at: datetime | None = None
    """The newest row's moment; None: no row."""
    whole_seconds: bool = False
    local_times: bool = False

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.kinds.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known from elsewhere, to judge a journal by."""

    set_up: bool | None = None
    """Whether Asterisk is told to write it; None: unknown."""
    asterisk_started_at: datetime | None = None
    calls_since_start: int = 0


def check_journal(
    pbx: str,
    path: Path | None,
    timezone: tzinfo | None,
    expected: Expected,
    now: datetime,
    rotation: Path = ROTATION,
    places: Places = _PLAIN,
) -> Iterator[Finding]:
    """Look at one PBX's journal.

    Args:
        pbx: its name in the settings.
        path: the file's name; None: none is set.
        timezone: of local times, as set.
        expected: what Asterisk said.
        now: our clock.
        rotation: folder of logrotate's settings.
        places: where lines go on that kind of PBX.
    """
    area = Area(name=f"journal of {pbx}")
    if path is None:
        yield area.fault(
            "No journal is set, so no call of this PBX is seen.",
            f"[pbx.{pbx}.journal]",
            'path = "/var/log/asterisk/cel-custom/trunkline.csv"',
            code="journal_none",
        )
        return
    if unreadable := _unreadable(area, path, expected, places):
        yield unreadable
        return
    tail = read_tail(path, timezone)
    yield from _judge(area, path, timezone, tail, places)
    yield from _judge_age(area, tail, expected, now, places)
    yield from _rotation(area, path, rotation)


def _unreadable(area: Area, path: Path, expected: Expected, places: Places) -> Finding | None:
    """Why nothing can be read; None: it can."""
    try:
        with path.open("rb") as file:
            file.read(1)
            next(path.parent.iterdir(), None)  # rotated files are found by listing
    except PermissionError:
        return area.fault(
            f"Our user may not read {path} or list its folder.",
            *_join_group(path.parent),
            code="journal_unreadable",
        )
    except FileNotFoundError:
        return _missing(area, path, expected, places)
    except OSError as fault:
        return area.fault(
            f"{path} cannot be read: {fault.strerror}.", "check the disk or the mount", code="journal_unreadable"
        )
    return None


def _missing(area: Area, path: Path, expected: Expected, places: Places) -> Finding:
    if not path.parent.is_dir():
        return area.fault(
            f"The folder {path.parent} does not exist.",
            f"install --directory --owner=asterisk --group=trunkline --mode=2750 {path.parent}",
            *places.mapping(),
            code="journal_no_folder",
        )
    if expected.set_up and not expected.calls_since_start:
        return area.ok(f"{path} does not exist yet; Asterisk is told to write it and has had no call.")
    if expected.set_up is False:  # why, and what to do, has been told where Asterisk itself was asked
        return area.fault(
            f"{path} does not exist.", "do what is told above of the call journal", code="journal_missing"
        )
    return area.fault(
        f"{path} does not exist: Asterisk writes no journal there.",
        *places.mapping(),
        *places.events(),
        code="journal_missing",
    )


def _join_group(folder: Path) -> tuple[str, ...]:
    try:
        group = grp.getgrgid(folder.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "trunkline"
    return (
        f"install --directory --owner=asterisk --group={group} --mode=2750 {folder}",
        f"chmod o+x {folder.parent}",
        f"usermod --append --groups {group} trunkline, then start the gateway again",
    )


def read_tail(path: Path, timezone: tzinfo | None = None) -> Tail:
    """The last rows of a journal, at most 2000."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL_BYTES)
        file.seek(start)
        data = file.read()
    pieces = RecordSplitter().feed(data)
    if start:
        pieces = pieces[1:]  # a row cut in two by where we began
    tail = Tail()
    clock = Clock(timezone=timezone or UTC)
    for piece in pieces[-_TAIL_ROWS:]:
        if isinstance(piece, Record):
            _take(tail, piece.data, clock)
        else:
            tail.broken += 1
    return tail


def _take(tail: Tail, row: bytes, clock: Clock) -> None:
    try:
        columns = row_of(row.decode("utf-8", "surrogateescape"))
        at, whole = clock.read(columns["eventtime"])
    except Rejected:
        tail.broken += 1
        return
    tail.kinds[columns["eventtype"]] += 1
    tail.keyed += columns["eventtype"] == "DTMF" and columns["eventextra"] != ""
    tail.whole_seconds = whole
    tail.local_times = ":" in columns["eventtime"]
    tail.last_at = max(at, tail.last_at or at)


def _judge(area: Area, path: Path, timezone: tzinfo | None, tail: Tail, places: Places) -> Iterator[Finding]:
    if tail.broken:
        yield area.fault(
            f"{tail.broken} of the last {tail.rows + tail.broken} rows of {path} have not our 17 columns.",
            *places.mapping(),
            code="journal_columns",
        )
    if tail.keyed:
        cure = places.mapping() if places.own_events else places.events()
        yield area.fault(
            "The journal holds what clients key in: PINs and card numbers (DTMF rows).",
            *cure,
            "and, unless that has long been done, take DTMF and ALL out of the lines `events`; delete the old files",
            code="journal_keyed_digits",
        )
    if tail.rows >= _ENOUGH_ROWS:
        yield from _judge_kinds(area, tail, places)
    if tail.local_times and timezone is None:
        yield area.fault(
            "The journal's times are local, and no zone is set.",
            f'in the settings of {area.name.removeprefix("journal of ")}: journal.timezone = "Europe/Moscow"',
            f"or remove `dateformat` from {places.cel_file}",
            code="journal_local_times",
        )
    elif tail.whole_seconds:
        yield area.advice(
            "The journal's times have whole seconds, so talk is counted by the second.",
            f"remove `dateformat` from {places.cel_file}",
            code="journal_whole_seconds",
        )


def _judge_kinds(area: Area, tail: Tail, places: Places) -> Iterator[Finding]:
    missing = [kind for kind in _NEEDED if not tail.kinds[kind]]
    if tail.kinds["ANSWER"] and not tail.kinds["BRIDGE_ENTER"]:
        missing.append("BRIDGE_ENTER")
    if missing == ["BRIDGE_ENTER"]:
        yield area.advice(
            "Nobody talked in the last rows, or BRIDGE_ENTER is not among the events; without it no call is answered.",
            *places.events(),
            code="journal_nobody_talked",
        )
    elif missing:
        yield area.fault(
            f"The journal has no {', '.join(missing)}: calls cannot be told from it.",
            *places.events(),
            code="journal_events",
        )
    else:
        yield area.ok(f"The last {tail.rows} rows have every event a call needs.")


def _judge_age(area: Area, tail: Tail, expected: Expected, now: datetime, places: Places) -> Iterator[Finding]:
    started = expected.asterisk_started_at
    silent = tail.last_at is None or (started is not None and tail.last_at < started)
    if started is not None and silent and expected.calls_since_start:
        yield area.fault(
            f"Asterisk has had {expected.calls_since_start} calls since its start, and none is in the journal.",
            *places.mapping(),
            *places.events(),
            code="journal_silent",
        )
    elif tail.last_at is None:
        yield area.ok("The journal is empty: no call yet.")
    elif (now - tail.last_at).days:
        yield area.advice(
            f"The last row is {(now - tail.last_at).days} days old.",
            "if there were calls since: asterisk -rx 'cel show status'",
            code="journal_old",
        )
    else:
        yield area.ok(f"The last row is {max(0, int((now - tail.last_at).total_seconds()))} s old.")


def _rotation(area: Area, path: Path, folder: Path) -> Iterator[Finding]:
    """Only what we may read is judged; a rotation made otherwise is not ours to find."""
    if not folder.is_dir():
        return
    blocks = list(_blocks(folder, path))
    if any("copytruncate" in block for block in blocks):
        yield area.fault(
            f"{path} is rotated by copytruncate: rows written between the copy and the cut are lost.",
            "copy deploy/asterisk/trunkline.logrotate to /etc/logrotate.d/trunkline and take the journal out of the"
            " other file there",
            code="rotation_copytruncate",
        )
    elif not blocks:
        yield area.advice(
            f"No rotation of {path} was found ({path.stat().st_size >> 20} MiB now): it grows for ever.",
            "cp deploy/asterisk/trunkline.logrotate /etc/logrotate.d/trunkline",
            code="rotation_none",
        )


def _blocks(folder: Path, path: Path) -> Iterator[Sequence[str]]:
    """The options of each block of logrotate's settings that names the journal."""
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError:
        return
    for file in files:
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        lines = (line.split("#", 1)[0] for line in text.splitlines())
        for piece in "\n".join(lines).split("}"):
            names, brace, options = piece.rpartition("{")
            if brace and any(fnmatch.fnmatch(str(path), name.strip("\"'")) for name in names.split()):
                yield options.split()
