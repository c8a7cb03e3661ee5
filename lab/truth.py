"""What happened, told from the phones' own clocks: the expected calls that `lab.record` writes beside a recording.

It knows nothing of journals: a play tells who rang, who heard whom and from when until when, and this adds it up in
the form in which `trunkline replay` prints a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lab.phone_calls import PhoneCall

Span = tuple[float, float]
Spans = Sequence[Span]
Told = dict[str, object]


def ring(call: PhoneCall) -> Span:
    """How long a phone rang: from its arrival to the answer or its end."""
    return call.moments["incoming"], call.moments.get("connected", call.moments.get("ended", 0.0))


def both(one: PhoneCall, other: PhoneCall) -> Span:
    """How long two phones were connected at the same time."""
    return (
        max(one.moments["connected"], other.moments["connected"]),
        min(one.moments["ended"], other.moments["ended"]),
    )


def length(spans: Spans) -> float:
    """Seconds covered by the spans, moments covered twice once."""
    covered, reached = 0.0, 0.0
    for since, until in sorted(spans):
        covered += max(0.0, until - max(since, reached))
        reached = max(reached, until)
    return round(covered, 2)


def moment(at: float) -> str:
    """An epoch as the replay writes it."""
    return datetime.fromtimestamp(round(at, 2), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def transfer(kind: str, by: str | None, to: str | None, outcome: str, taken_by: str | None = None) -> Told:
    """One transfer."""
    return {"kind": kind, "by": by, "to": to, "outcome": outcome, "taken_by": taken_by}


def told(
    *,
    direction: str,
    client: str | None,
    start: float,
    end: float,
    hung_up_by: str | None,
    did: str | None = None,
    client_start: float | None = None,
    rang: Mapping[str, Spans] | None = None,
    talks: Mapping[str, Spans] | None = None,
    taken_outside: Spans = (),
    third: Spans = (),
    silent: Sequence[str] = (),
    hold: float | None = None,
    result: str | None = None,
    missed_reason: str | None = None,
    transfers: Sequence[Told] = (),
    answered_by: Sequence[str] | None = None,
    no_leg: bool = False,
    **more: object,
) -> Told:
    """One call.

    Args:
        direction: inbound, outbound or internal.
        client: his number without a plus; None where nobody knows it.
        start: when the call began.
        end: when the client's phone was done.
        hung_up_by: client, manager or pbx; None where nobody can know.
        did: our number.
        client_start: when the client's phone began to ring, of a call that we placed; None: at `start`.
        rang: by extension, when phones of it rang.
        talks: by extension, when it and the client were connected.
        taken_outside: when an unknown outside number of ours had the client.
        third: when a third party outside had him.
        silent: extensions that took part without ringing or talking: who dialled.
        hold: seconds on hold; None: not compared.
        result: None: answered where somebody talked, else missed.
        missed_reason: why nobody talked.
        transfers: made by `transfer`.
        answered_by: None: everybody in `talks` by his first one.
        no_leg: the client was never rung, so nobody knows how long he waited.
        more: other keys of the printed call (kind, client_kind, complete, did).
    """
    rang, talks = rang or {}, talks or {}
    everything = [s for spans in talks.values() for s in spans] + list(taken_outside)
    first = min((since for since, _ in everything), default=None)
    begun = start if client_start is None else client_start
    people = dict.fromkeys([*rang, *talks, *silent])
    call: Told = {
        "kind": "internal" if direction == "internal" else "client",
        "direction": direction,
        "client": None if client is None else f"+{client}",
        "client_kind": None if client is None else "client",
        "did": did,
        "result": result or ("missed" if first is None else "answered"),
        "missed_reason": missed_reason,
        "answered_by": list(sorted(talks, key=lambda x: talks[x][0][0]) if answered_by is None else answered_by),
        "managers": [
            {"extension": x, "rang_seconds": length(rang.get(x, ())), "talk_seconds": length(talks.get(x, ()))}
            for x in people
        ],
        "wait_seconds": None if no_leg else round((end if first is None else first) - begun, 2),
        "talk_seconds": length(everything),
        "ring_seconds": length([s for spans in rang.values() for s in spans]),
        "outside_seconds": length([*taken_outside, *third]),
        "transfers": list(transfers),
        "hung_up_by": hung_up_by,
        "complete": True,
        "started_at": moment(start),
        "answered_at": None if first is None else moment(first),
        "unmapped": [],
    }
    if hold is not None:
        call["hold_seconds"] = round(hold, 2)
    return call | more
