"""Identities that anybody can compute again: the same call has the same id on every node and after every restart."""

import secrets
import time
import uuid
from uuid import UUID

_CALLS = UUID("6f1d4f0e-6a52-5d3b-9a27-0b1c7d9f1a55")
"""Namespace of call ids; never changes."""
_RECORDINGS = UUID("0f0c2f5a-98d4-5c36-8a3c-5b2f0f4f6a01")


def call_id(pbx: str, key: str) -> UUID:
    """The call's public id from its key within the PBX."""
    return uuid.uuid5(_CALLS, f"{pbx}\n{key}")


def recording_id(pbx: str, name: str) -> UUID:
    """The recording's public id from the name the PBX gave it."""
    return uuid.uuid5(_RECORDINGS, f"{pbx}\n{name}")


def new_id(now: float | None = None) -> UUID:
    """A fresh id that sorts by time (RFC 9562, version 7), so that index pages stay warm.

    Args:
        now: seconds since the epoch; None: this moment.
    """
    milliseconds = int((time.time() if now is None else now) * 1000)
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def command_id() -> str:
    """Id of a command, also the PBX's id of its first leg: at most 30 characters, for sites whose tables hold 32."""
    return f"tl-{int(time.time()):x}-{secrets.token_hex(8)}"
