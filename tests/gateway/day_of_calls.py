"""Recorded calls placed on a day: at a moment, with a client, between managers, with a talk of any length.

A `Placed` call is made of a recorded scenario; its `rows` are what a PBX would have written then. What it must count
for stands in the scenario's expected call, which a person wrote: so a day has a truth that does not come from us.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zlib import crc32

from tests.gateway.site import SCENARIOS, rows_of

_TIME = re.compile(rb'^("[A-Z_]+"),"(\d+)\.(\d+)"')
_BRIDGE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
_EXTENSION = re.compile(rb'(PJSIP/|")(101|102)(?![0-9])')
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One call of the day."""

    scenario: str
    at: datetime
    """When it starts."""
    number: str
    """The client, E.164."""
    extensions: Mapping[str, str]
    """Whose phones stand in for those of the recording, like `{"101": "102"}`; those left out stay."""
    talk: float = 0.0
    """Seconds added to the talk of the recording, that of its first manager."""
    did: str | None = None
    """The number that was called; None: that of the recording."""

    @property
    def truth(self) -> dict[str, Any]:
        """The expected call, with the extensions, the talk and the number of this one."""
        truth = json.loads(json.dumps(_expected(self.scenario)))
        named = {ours: self.extensions.get(ours, ours) for ours in ("101", "102")}
        truth["client"] = self.number
        truth["answered_by"] = [named.get(e, e) for e in truth["answered_by"]]
        for part in truth["managers"]:
            part["extension"] = named.get(part["extension"], part["extension"])
            part["talk_seconds"] += self.talk if part["extension"] in truth["answered_by"][:1] else 0
        truth["talk_seconds"] += self.talk if truth["talk_seconds"] else 0
        return truth

    @property
    def ended(self) -> datetime:
        """When its last row is written."""
        return max(map(written_at, self.rows()))

    def rows(self) -> list[bytes]:
        """What the PBX writes of it."""
        rows = rows_of(self.scenario)
        mark = b"d%08x" % crc32(repr((self.scenario, self.at, self.number)).encode())
        first, start = _moment(rows[0]), int(self.at.timestamp() * _SECOND)
        parted = next((n for n, row in enumerate(rows) if row.startswith(b'"BRIDGE_EXIT"')), len(rows))
        return [
            self._placed(row, start - first + (int(self.talk * _SECOND) if n >= parted else 0), mark)
            for n, row in enumerate(rows)
        ]

    def _placed(self, row: bytes, shift: int, mark: bytes) -> bytes:
        whole, part = divmod(_moment(row) + shift, _SECOND)
        row = _TIME.sub(lambda m: b'%s,"%d.%06d"' % (m[1], whole, part), row)
        row = row.replace(b"pbx1-", mark + b"-").replace(b"crm-", mark + b"x-")
        row = _BRIDGE.sub(lambda m: mark[1:] + m[0][8:], row)
        national = self.number.removeprefix("+").encode()
        row = row.replace(b"79161234567", national).replace(b"79169998877", national)
        if self.did is not None:
            row = row.replace(str(_expected(self.scenario)["did"]).encode(), self.did.encode())
        return _EXTENSION.sub(lambda m: m[1] + self.extensions.get(m[2].decode(), m[2].decode()).encode(), row)


def written_at(row: bytes) -> datetime:
    """When the PBX wrote a row."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=_moment(row))


@cache
def _expected(scenario: str) -> dict[str, Any]:
    (call,) = json.loads((SCENARIOS / scenario / "expected.json").read_text())["calls"]
    found: dict[str, Any] = call
    return found


def _moment(row: bytes) -> int:
    found = _TIME.match(row)
    assert found is not None
    return int(found[2]) * _SECOND + int(found[3].ljust(6, b"0"))
