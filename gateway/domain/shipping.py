"""What goes between a PBX's host and the gateway: limits, digests and names that both sides must see alike.

`trunkline ship` (package `shipping`) sends, `gateway/api/shipped.py` receives; docs/another-host.md describes the way.
A row is bytes that a caller may have had a hand in, so it travels as text of the characters U+0000 to U+00FF, one for
each byte: JSON carries it whole, whatever it holds.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.errors import Rejected, TryAgain
from gateway.domain.recordings import parse_spool_file

BATCH_ROWS = 4000
"""Rows and broken pieces of one batch at most."""
BATCH_BYTES = 1 << 20
"""Bytes of rows after which a batch is closed; one row more may stand in it."""
BODY_MAX = 8 << 20
"""Bytes of a batch's JSON at most: each byte of a row takes one to six."""
ROW_MAX = 128 << 10
CHUNK_BYTES = 1 << 20
"""Bytes of a recording sent in one request."""
CHUNK_MAX = 8 << 20
"""Bytes of a recording taken in one request."""
FILE_MAX = 4 << 30
"""Bytes of one recorded file; a WAV file has no more."""
HEARTBEAT_SECONDS = 5.0
"""A ship that has nothing to send is heard of so often."""
SILENT_SECONDS = 20.0
"""A ship not heard of for so long is taken for gone."""
SOURCE = r"^[0-9a-f]{32}$"
"""How a host names itself: the same after a restart, another one on another host."""


class Stream(StrEnum):
    """Which of a journal's two places moves."""

    LIVE = "live"
    """What is written now."""
    HISTORY = "history"
    """What stood there before the gateway knew the PBX."""


class RecordingStanding(StrEnum):
    """How far a recording that lies on the PBX's host has come here."""

    UNKNOWN = "unknown"
    """Nothing of it has been received whole."""
    RECEIVED = "received"
    """It waits to be taken into the archive."""
    STORED = "stored"
    """In the archive, verified and whole: the PBX's copy may go when its time is over."""
    KEEP = "keep"
    """The archive has what could be saved; keep the PBX's copy, a person decides."""


class BadRowText(Rejected, ValueError):
    """A row holds a character beyond U+00FF; each character stands for one byte of the journal."""


class BadDigest(Rejected, ValueError):
    """The rows are not those of which the digest was made: they were damaged on the way; send them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPiece:
    """Bytes of a journal that are no row."""

    reason: str
    data: bytes


class OtherPlace(Rejected):
    """The gateway stands at another place in the journal than this batch begins at; ask for it and go on there."""


class OtherHost(Rejected):
    """Another host sends the journal of this PBX at the moment; stop one; each PBX needs a key of its own."""


class TooQuick(TryAgain):
    """More requests come for this PBX than a journal needs; wait a second and send larger batches."""

    retry_after = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a sender says of himself."""

    source: str
    condition: str
    lag_bytes: int
    """What he has not sent yet."""
    sent_at: datetime
    """By his clock."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A batch as it came."""

    heard: Heard
    stream: Stream
    since: dict[str, object] | None
    until: dict[str, object] | None
    rows: Sequence[bytes]
    broken: Sequence[BrokenPiece]
    bytes_done: int = 0
    """Of the history, as far as it was read with this batch."""
    ended: bool = False
    """Whether that is all of the history."""


def row_text(row: bytes) -> str:
    """A row as it travels."""
    return row.decode("latin-1")


def row_bytes(text: str) -> bytes:
    """A row as it stood in the journal.

    Raises:
        BadRowText: the text is none of `row_text`.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise BadRowText from None


def piece_text(data: bytes) -> str:
    """Broken bytes as they travel: base64, since zero bytes are often the reason."""
    return base64.b64encode(data).decode()


def batch_digest(rows: Sequence[bytes], broken: Iterable[BrokenPiece]) -> str:
    """SHA-256 over a batch: of each row its length and its bytes, then the same of each broken piece."""
    digest = hashlib.sha256()
    for data in (*rows, *(piece.data for piece in broken)):
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return digest.hexdigest()


def is_recording_file(name: str) -> bool:
    """Whether a file of this name may be sent: letters, digits and `._-`, and an ending of the include's."""
    return re.fullmatch(r"[A-Za-z0-9._-]+", name) is not None and parse_spool_file(name) is not None
