"""Calls made of recorded ones: other ids, times, clients and managers, so that a thousand of them are a thousand calls.

Two sources. `ordinary` multiplies thirteen recorded calls of an ordinary site (answered, missed, busy, queue,
outbound, transferred, ordered by click). `trunk_to_trunk` is a load test of a PBX (bench/data/load.cel.csv.gz):
2,395 calls from one trunk straight to another, in which nobody of ours has a part.
"""

import gzip
import random
import re
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from sip.cel import row_of
from sip.records import Record, RecordSplitter

Rows = list[bytes]

SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
LOAD = Path(__file__).parent / "data" / "load.cel.csv.gz"
MANAGERS = 50
CLIENTS = 5000
ORDINARY = (
    "in_answered",
    "in_answered_agenthang",
    "in_noanswer",
    "in_busy",
    "in_abandon",
    "queue_answered",
    "out_answered",
    "out_busy",
    "out_cancel",
    "hold",
    "blind_xfer_refer",
    "att_xfer_refer",
    "c2c_ami",
)
MONTH = 30 * 86400
_EXTENSION = re.compile(rb'(PJSIP/|")(101|102)(?![0-9])')
_TIME = re.compile(rb'^("[A-Z_]+"),"(\d+)\.(\d+)"')
_BRIDGE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
BASE = Directory(
    pbx="pbx1",
    plan=NumberPlan(region="RU"),
    entries=(Entry(pattern="trunk", kind=PartyKind.TRUNK),),
)


def rows_in(journal: bytes) -> Rows:
    """The rows of a journal."""
    return [piece.data for piece in RecordSplitter().feed(journal) if isinstance(piece, Record)]


def recorded() -> list[Rows]:
    """The rows of each ordinary recorded call."""
    return [rows_in((SCENARIOS / name / "journal.cel.csv").read_bytes()) for name in ORDINARY]


def multiplied(
    templates: list[Rows],
    count: int,
    seed: int = 1,
    start: int = 1_790_000_000,
    *,
    series: str = "b",
    each: float | None = None,
) -> list[Rows]:
    """Calls made of the templates.

    Args:
        templates: rows of recorded calls.
        count: how many calls to make.
        seed: the same one gives the same calls.
        start: epoch seconds of the first.
        series: a letter for the ids; two series have no leg in common.
        each: seconds from one call's start to the next; None: scattered over 30 days.
    """
    rng = random.Random(seed)
    calls = []
    for n in range(count):
        rows = templates[n % len(templates)]
        after = rng.randrange(MONTH) if each is None else int(n * each)
        shift = start + after - int(_TIME.match(rows[0])[2])  # type: ignore[index]
        first, second = (b"%d" % (1000 + m) for m in rng.sample(range(MANAGERS), 2))
        number = b"7916%07d" % rng.randrange(CLIENTS)
        calls.append([_changed(r, series.encode(), n, shift, first, second, number) for r in rows])
    return calls


def _changed(row: bytes, series: bytes, n: int, shift: int, first: bytes, second: bytes, number: bytes) -> bytes:
    row = _TIME.sub(lambda m: b'%s,"%d.%s"' % (m[1], int(m[2]) + shift, m[3]), row)
    row = row.replace(b"pbx1-", b"%s%d-" % (series, n)).replace(b"crm-", b"%s%dx-" % (series, n))
    row = _BRIDGE.sub(lambda m: b"%08x-%s" % (crc32(b"%s%d" % (series, n)), m[0][9:]), row)
    row = row.replace(b"79161234567", number).replace(b"79169998877", number)
    return _EXTENSION.sub(lambda m: m[1] + (first if m[2] == b"101" else second), row)


def trunk_to_trunk(series: str = "l") -> Rows:
    """The rows of the load test as they were written, calls interleaved, under new ids."""
    return [row.replace(b"pbx1-", series.encode() + b"-") for row in rows_in(gzip.decompress(LOAD.read_bytes()))]


def apart(rows: Iterable[bytes]) -> list[Rows]:
    """Rows by call, for calls of one linked id each."""
    calls: dict[str, Rows] = {}
    for row in rows:
        calls.setdefault(row_of(row.decode())["linkedid"], []).append(row)
    return list(calls.values())


def interleaved(calls: Iterable[Rows]) -> Rows:
    """The rows of calls in the order in which a PBX would have written them."""
    timed = [(int(m[2]), m[3], row) for rows in calls for row in rows if (m := _TIME.match(row))]
    return [row for _, _, row in sorted(timed, key=lambda t: t[:2])]
