"""Leg events: what any carrier of calls writes into its journal, in one vocabulary.

A leg is one channel (RFC 3261 dialog, Asterisk channel). The adapters map their rows to `LegEvent`s, `calls.fold`
reads nothing else. Events are sorted before they are folded, so the order of delivery never matters:
time, then the journal's own running number where its clock has whole seconds, then the rank of the kind, then leg.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LegEventKind(StrEnum):
    """What happened to a leg. The order of the members is their rank at one and the same moment."""

    STARTED = "started"
    FORWARDED = "forwarded"
    RAN = "ran"  # an application of the dialplan began: a hint, never proof
    REFUSED = "refused"  # the PBX could not place an ordered leg
    ANSWERED = "answered"
    PICKED_UP = "picked_up"
    HELD = "held"
    RESUMED = "resumed"
    BLIND_TRANSFERRED = "blind_transferred"
    ATTENDED_TRANSFERRED = "attended_transferred"
    REDIRECTED = "redirected"  # we ordered the PBX to move the client
    LEFT = "left"
    PARKED = "parked"
    UNPARKED = "unparked"
    OPTIMISED = "optimised"  # a Local pair took itself out of the path
    JOINED = "joined"
    STOPPED = "stopped"  # an application ended: a hint, as RAN
    HUNG_UP = "hung_up"
    ENDED = "ended"
    FAMILY_ENDED = "family_ended"  # the PBX forgets the linked id; legs may still talk, so it ends nothing
    LOST = "lost"  # the PBX died with the leg; a row of ours


class OurMove(StrEnum):
    """Where our order put a leg; the carrier's own rows tell it, so it is as sure as they are."""

    HELD = "held"  # the client, with music
    WAITS = "waits"  # the manager, while his client is held, or on his way back to him
    CONSULTS = "consults"  # the manager, asking somebody while his client is held
    JOINS = "joins"  # whom he asked, on the way to the client
    TRANSFERRED = "transferred"  # the client, sent to an extension or number
    AWAY = "away"  # the client, with music, while the page of his manager's browser phone is gone


_Key = tuple[datetime | int | str, ...]

RANK = {kind: rank for rank, kind in enumerate(LegEventKind)}


@dataclass(slots=True, kw_only=True)
class LegEvent:
    """One thing that happened to one leg. Text fields are empty where the journal says nothing.

    Nobody changes one. It is not frozen because a frozen one takes four times as long to make, and one is made for
    every row of a journal (bench/fold.py).
    """

    at: datetime
    """The PBX's clock, UTC."""
    kind: LegEventKind
    leg: str
    """The leg's id, unique within one PBX (Asterisk: uniqueid)."""
    family: str
    """The id that ties legs together (Asterisk: linkedid); may change in mid call."""
    channel: str = ""
    """Technology/name-suffix, e.g. `PJSIP/trunk-0000004a`."""
    order: int = 0
    """Running number within the journal where time has whole seconds, else 0."""
    number: str = ""
    """Caller id number of the leg."""
    name: str = ""
    """Caller id name of the leg."""
    exten: str = ""
    """Extension of the dialplan in which the leg stands; at STARTED what was dialled."""
    context: str = ""
    """Context of the dialplan, with exten."""
    dnid: str = ""
    """Number the caller dialled, as the line signalled it."""
    app: str = ""
    """Application of the dialplan in which the leg stands."""
    app_data: str = ""
    """Arguments of that application."""
    bridge: str = ""
    """Bridge joined, left or transferred in."""
    holding: bool = False
    """True: the bridge is a car park or waiting room where nobody talks."""
    transferee: str = ""
    """Id of the leg that a transfer moves."""
    second: str = ""
    """Id of another leg in the event: the consultation's leg, the picker, the other half of a Local pair."""
    transfer_target: str = ""
    """Id of the leg to which an attended transfer leads."""
    second_bridge: str = ""
    """The consultation's bridge of an attended transfer."""
    target: str = ""
    """Extension or number a transfer or a forward leads to."""
    cause: int | None = None
    """Hang-up cause (ITU-T Q.850); None: not said."""
    source: str = ""
    """Channel that ended the leg, or `dialplan/builtin`."""
    dial_status: str = ""
    """Last result of Dial on this leg; may be stale (see docs/one-call-explained.md)."""
    reason: str = ""
    """Why a car park let go, why an order was refused, why a leg was lost."""
    ours: OurMove | None = None
    """The order of ours by which the leg stands where `exten` and `context` say; None: by none."""


def in_order(events: Iterable[LegEvent]) -> list[LegEvent]:
    """Sort events into the one order in which they are folded, equal events once.

    Args:
        events: of any number of families, doubled and shuffled as they like.

    Returns:
        The distinct events by time, running number, rank, leg and channel.
    """
    keyed: dict[_Key, LegEvent] = {}
    for event in events:
        place = (event.at, event.order, RANK[event.kind], event.leg, event.channel)
        key = (*place, event.bridge, event.exten, event.app, event.app_data)
        other = keyed.setdefault(key, event)
        if other is not event and other != event and repr(other) < repr(event):  # one of the two, whichever came first
            keyed[key] = event
    return [keyed[key] for key in sorted(keyed)]


def base_channel(channel: str) -> str:
    """The channel without a Local half's `;1` or `;2` and without a masquerade's mark."""
    name = channel.removesuffix("<ZOMBIE>").removeprefix("AsyncGoto/")
    return name[:-2] if name.endswith((";1", ";2")) else name


def endpoint(channel: str) -> str:
    """Technology and endpoint of a channel: everything up to the last dash (`PJSIP/my-trunk-1-00000009`)."""
    return base_channel(channel).rpartition("-")[0] or base_channel(channel)


def is_local(channel: str) -> bool:
    """Local channels carry nobody; they only join two parts of the dialplan."""
    return channel.startswith("Local/")
