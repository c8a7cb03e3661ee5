"""Which calls a busy office has: of twenty, how many ring one manager, a pair, a queue or a route, and how they end."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.load_office import (
    DIALLING,
    DIRECT,
    PAIRS,
    QUEUE_DID,
    RECORDED_QUEUE_DID,
    RECORDED_ROUTE_DID,
    ROUTE_DID,
)
from bench.sipp_phones import Play, client_number

_A, _B = Play.CALLER_ENDS, Play.CALLED_ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of call: what is dialled, what happens there, and how often among twenty."""

    times: int
    plays: tuple[Play, ...]
    did: str = ""
    recorded: bool = False


_ONE = (_A, _A, _A, _A, _B, _B, Play.BUSY, Play.REFUSED, Play.SILENT, Play.GIVEN_UP)
KINDS = {
    "direct": Kind(times=5, plays=_ONE, did="4951"),
    "direct_recorded": Kind(times=3, plays=_ONE, did="4952", recorded=True),
    "pair": Kind(times=2, plays=(Play.ONE_OF_TWO,), did="4953"),
    "queue": Kind(times=3, plays=(_A, _A, _B, Play.GIVEN_UP), did=QUEUE_DID),
    "queue_recorded": Kind(times=1, plays=(_A, _B), did=RECORDED_QUEUE_DID, recorded=True),
    "route": Kind(times=3, plays=(_A, _A, _B, Play.GIVEN_UP), did=ROUTE_DID),
    "route_recorded": Kind(times=1, plays=(_A, _B), did=RECORDED_ROUTE_DID, recorded=True),
    "placed": Kind(times=2, plays=(_A, _A, _B, Play.BUSY, Play.GIVEN_UP), recorded=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A call that sipp will place."""

    kind: str
    client: str
    dialled: str
    shown: str

    @property
    def line(self) -> str:
        """Its line in the file of the callers."""
        return f"{self.shown};{self.dialled};{self.client};"


def plan(count: int) -> list[Planned]:
    """The calls in the order in which they are placed; always the same ones."""
    dice = random.Random(3)
    calls: list[Planned] = []
    while len(calls) < count:
        twenty = [name for name, kind in KINDS.items() for _ in range(kind.times)]
        dice.shuffle(twenty)
        calls += [_planned(name, len(calls) + n, dice) for n, name in enumerate(twenty)]
    return calls[:count]


def _planned(name: str, serial: int, dice: random.Random) -> Planned:
    kind = KINDS[name]
    play = dice.choice(kind.plays)
    talk = dice.randrange(3) if play is Play.GIVEN_UP else dice.randrange(5)
    client = client_number(play, dice.randrange(5), talk, serial)
    if name == "placed":
        return Planned(kind=name, client=client, dialled=client, shown=str(DIALLING[serial % len(DIALLING)]))
    did = kind.did
    if name.startswith("direct"):
        did += f"{DIRECT[serial % len(DIRECT)] - 1000:03d}"
    if name == "pair":
        did += f"{PAIRS[serial % len(PAIRS)][0] - 1000:03d}"
    return Planned(kind=name, client=client, dialled=did, shown=client)
