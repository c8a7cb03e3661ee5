"""What really happened in each call of a load, told by the phones that played it, and where the gateway says otherwise.

The truth is put together from both sides' logs (bench/sipp_phones.py) alone: no journal, no plan of what was to happen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from bench.sipp_phones import Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One call as its phones had it."""

    client: str
    direction: str
    result: str
    missed_reason: str | None
    answered_by: tuple[str, ...]
    rang: frozenset[str]
    """Extensions whose phones rang; of a call that we placed: nobody's."""
    hung_up_by: str | None
    """None: not compared."""
    talk_seconds: float
    wait_seconds: float
    began: float
    ended: float


def happened(deeds: Iterable[Deed]) -> dict[str, Happened]:
    """Every call by its client's number."""
    by_client: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        by_client[deed.client].append(deed)
    return {client: _call(client, sorted(found, key=attrgetter("at"))) for client, found in by_client.items()}


def _call(client: str, deeds: Sequence[Deed]) -> Happened:
    caller = [d for d in deeds if d.side == "C"]
    called = [d for d in deeds if d.side != "C"]
    inbound = caller[0].phone == client
    taken = next((d for d in called if d.did == "answered"), None)
    joined = _first(caller, "answered") if taken is not None else None
    both = joined is not None and taken is not None
    since = max(joined.at, taken.at) if joined is not None and taken is not None else 0.0
    over = [d for d in deeds if d.did in ("ended", "given_up", "failed")]
    until = min((d.at for d in over if d.did == "ended"), default=since)
    manager = None if taken is None else (taken.phone if inbound else caller[0].phone)
    return Happened(
        client=client,
        direction="inbound" if inbound else "outbound",
        result="answered" if both else _otherwise(inbound=inbound, caller=caller, called=called),
        missed_reason=_reason(caller, called) if inbound and not both else None,
        answered_by=(manager,) if both and manager else (),
        rang=frozenset(d.phone for d in called if d.did == "rings") if inbound else frozenset(),
        hung_up_by=_ender(deeds, inbound=inbound) if both else None,
        talk_seconds=until - since if both else 0.0,
        wait_seconds=(since if both else max(d.at for d in over or deeds)) - caller[0].at,
        began=caller[0].at,
        ended=max(d.at for d in deeds),
    )


def _first(deeds: Sequence[Deed], did: str) -> Deed | None:
    return next((d for d in deeds if d.did == did), None)


def _reason(caller: Sequence[Deed], called: Sequence[Deed]) -> str:
    if any(d.did == "given_up" or (d.did == "ended" and d.by == "me") for d in caller):
        return "abandoned"
    did = {d.did for d in called}
    if not called:
        return "ivr"  # nobody was rung
    return "refused" if "refused" in did else "busy" if "busy" in did else "no_answer"


def _otherwise(*, inbound: bool, caller: Sequence[Deed], called: Sequence[Deed]) -> str:
    if inbound:
        return "missed"
    if _first(caller, "given_up"):
        return "cancelled"
    did = {d.did for d in called}
    return "busy" if "busy" in did else "refused" if "refused" in did else "no_answer"


def _ender(deeds: Sequence[Deed], *, inbound: bool) -> str | None:
    ender = next((d for d in deeds if d.did == "ended" and d.by == "me"), None)
    if ender is None:
        return None
    return "client" if (ender.side == "C") is inbound else "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """One call as the gateway has it."""

    client: str
    direction: str
    result: str
    missed_reason: str | None
    answered_by: tuple[str, ...]
    rang: frozenset[str]
    hung_up_by: str | None
    talk_seconds: float
    wait_seconds: float | None


EXACT = ("direction", "result", "missed_reason", "answered_by", "rang", "hung_up_by")
NEAR_SECONDS = 0.25
"""A phone's clock and the PBX's journal look at the same moment from the two ends of a busy machine."""


def wrong(true: Mapping[str, Happened], folded: Sequence[Folded]) -> dict[str, list[str]]:
    """What the gateway tells otherwise than it was: by kind, each with what was and what is told."""
    found: dict[str, list[str]] = defaultdict(list)
    calls = {client: list(same) for client, same in groupby(sorted(folded, key=attrgetter("client")), _client)}
    for client, was in true.items():
        match calls.pop(client, []):
            case []:
                found["lost"].append(client)
            case [told]:
                _compare(was, told, found)
            case more:
                found["more than once"].append(f"{client}: {len(more)} calls")
    found["never happened"] += [f"{client}: {told}" for client, told in calls.items()]
    return {kind: cases for kind, cases in found.items() if cases}


def _client(call: Folded) -> str:
    return call.client


def _compare(was: Happened, told: Folded, found: dict[str, list[str]]) -> None:
    for name in EXACT:
        one, other = getattr(was, name), getattr(told, name)
        if one != other and not (name == "hung_up_by" and one is None):
            found[name].append(f"{was.client}: {one}, told {other}")
    for name in ("talk_seconds", "wait_seconds"):
        one, other = getattr(was, name), getattr(told, name)
        if other is None or abs(one - other) > NEAR_SECONDS:
            found[name].append(f"{was.client}: {one:.2f}, told {other}")
