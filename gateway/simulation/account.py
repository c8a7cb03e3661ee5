"""The account of a synthetic day: what the phones saw against what the database holds, and what that means. Pure.

`Seen` is the truth, written down by the phones themselves, who know nothing of the journal; `Entered` is what came out
of the whole way through. Each call seen must be entered once, with its result and the managers who took it; nothing
else may be there. Who would be missed and who is overloaded is then told of the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.simulation.plan import Origin

START_TOLERANCE = timedelta(seconds=5)
TALK_TOLERANCE = timedelta(seconds=1.5)
OVERLOADED = 0.8
"""Share of his time in talks from which on a manager has none for anything else (call centres plan for 0.8 to 0.85)."""
TURNED_AWAY = 503
LOST_IN_TRANSFER = "lost_in_transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the phones saw of one call."""

    n: int
    """Number of the planned call it belongs to."""
    tries: int
    origin: Origin
    client: str
    """E.164."""
    begins: datetime
    ends: datetime
    talk: timedelta
    """From the answer to the end, of the client's phone; zero where nobody answered."""
    taken_by: tuple[str, ...]
    """Extensions whose phones took it, in order; of a call out his who dialled, if the client answered."""
    rang: tuple[str, ...] = ()
    """Extensions whose phones rang."""
    sent_on: bool = False
    """Whether its manager sent the client on to a colleague."""
    all_busy: bool = False
    """Whether every manager was talking when it came."""
    code: int = 0
    """SIP status with which an unanswered one ended; 0: the caller gave up."""

    @property
    def answered(self) -> bool:
        """Whether client and manager talked."""
        return bool(self.taken_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A client's call as the database holds it."""

    client: str | None
    direction: str
    began: datetime
    result: str
    talk: timedelta
    taken_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Both together."""

    calls: int
    right: int
    """Entered once, and right."""
    wrong: tuple[tuple[Seen, Entered, str], ...]
    """Entered, but with another result, managers or length; in words."""
    lost: tuple[Seen, ...]
    """Not entered."""
    extra: tuple[Entered, ...]
    """Entered, but nobody placed them."""

    @property
    def whole(self) -> bool:
        """Whether every call is accounted for."""
        return not (self.wrong or self.lost or self.extra)


def account_of(seen: Iterable[Seen], entered: Iterable[Entered]) -> Account:
    """Hold what was seen against what was entered; a client's calls are matched by the nearest begin."""
    left: dict[tuple[str | None, str], list[Entered]] = {}
    for entry in entered:
        left.setdefault((entry.client, entry.direction), []).append(entry)
    calls = sorted(seen, key=lambda call: call.begins)
    wrong: list[tuple[Seen, Entered, str]] = []
    lost: list[Seen] = []
    right = 0
    for call in calls:
        direction = "inbound" if call.origin is Origin.CLIENT else "outbound"
        found = _nearest(call, left.get((call.client, direction), []))
        if found is None:
            lost.append(call)
            continue
        left[(call.client, direction)].remove(found)
        if fault := _fault(call, found):
            wrong.append((call, found, fault))
        else:
            right += 1
    extra = tuple(entry for entries in left.values() for entry in entries)
    return Account(calls=len(calls), right=right, wrong=tuple(wrong), lost=tuple(lost), extra=extra)


def _nearest(call: Seen, entered: Sequence[Entered]) -> Entered | None:
    near = [one for one in entered if abs(one.began - call.begins) <= START_TOLERANCE]
    return min(near, key=lambda one: abs(one.began - call.begins), default=None)


def _fault(seen: Seen, entered: Entered) -> str:
    """What is wrong with the entry; empty: nothing."""
    lost_on_the_way = seen.sent_on and len(seen.taken_by) == 1
    if seen.answered != (entered.result == "answered") and not (lost_on_the_way and entered.result == LOST_IN_TRANSFER):
        return f"{'answered' if seen.answered else 'not answered'}, entered as {entered.result}"
    if seen.taken_by != entered.taken_by:
        return f"taken by {_listed(seen.taken_by)}, entered as taken by {_listed(entered.taken_by)}"
    if abs(seen.talk - entered.talk) > TALK_TOLERANCE:
        return f"talked {seen.talk.total_seconds():.1f} s, entered {entered.talk.total_seconds():.1f} s"
    return ""


def _listed(extensions: Sequence[str]) -> str:
    return ", ".join(extensions) or "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a manager's day was."""

    extension: str
    taken: int
    talk: timedelta
    share: float
    """Of the day, in talks."""
    missed: int
    """Calls of clients that rang his phone and that nobody took."""

    @property
    def overloaded(self) -> bool:
        """Whether he had too much."""
        return self.share >= OVERLOADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What such a day would bring."""

    inbound: int
    answered: int
    missed: int
    turned_away: int
    """Of the missed: refused because there was no room for them."""
    all_busy: int
    """Of the missed: came while every manager was talking."""
    never_reached: tuple[str, ...]
    """Clients who were missed and never talked with anybody afterwards, those first who tried most."""
    outbound: int
    reached: int
    transferred: int
    lost_in_transfer: int
    """Clients who were sent on, and whom nobody took."""
    longest_wait: timedelta
    missed_calls: tuple[Seen, ...] = ()
    hours: tuple[tuple[int, int, int], ...] = field(default=())
    """Hour of the day from 0, calls of clients, missed."""
    loads: tuple[Load, ...] = ()


def outlook_of(seen: Sequence[Seen], *, begins: datetime, seconds: float, extensions: Sequence[str]) -> Outlook:
    """What the day would bring.

    Args:
        seen: all calls.
        begins: of the day.
        seconds: its length.
        extensions: of all managers, those with nothing to do too.
    """
    inbound = [call for call in seen if call.origin is Origin.CLIENT]
    missed = [call for call in inbound if not call.answered]
    outbound = [call for call in seen if call.origin is Origin.MANAGER]
    return Outlook(
        inbound=len(inbound),
        answered=len(inbound) - len(missed),
        missed=len(missed),
        turned_away=sum(call.code == TURNED_AWAY for call in missed),
        all_busy=sum(call.all_busy for call in missed),
        never_reached=_never_reached(seen, missed),
        outbound=len(outbound),
        reached=sum(call.answered for call in outbound),
        transferred=sum(len(call.taken_by) > 1 for call in inbound),
        lost_in_transfer=sum(call.sent_on and len(call.taken_by) == 1 for call in inbound),
        missed_calls=tuple(sorted(missed, key=lambda call: call.begins)),
        longest_wait=max((_wait(call) for call in inbound), default=timedelta(0)),
        hours=_hours(inbound, begins, seconds),
        loads=tuple(_load(extension, seen, seconds) for extension in extensions),
    )


def _wait(call: Seen) -> timedelta:
    return call.ends - call.begins - call.talk


def _never_reached(seen: Sequence[Seen], missed: Sequence[Seen]) -> tuple[str, ...]:
    talked: dict[str, datetime] = {}
    for call in seen:
        if call.answered:
            talked[call.client] = max(call.begins, talked.get(call.client, call.begins))
    tries: dict[str, int] = {}
    for call in missed:
        if call.client not in talked or talked[call.client] < call.begins:
            tries[call.client] = tries.get(call.client, 0) + 1
    return tuple(sorted(tries, key=lambda client: (-tries[client], client)))


def _hours(inbound: Sequence[Seen], begins: datetime, seconds: float) -> tuple[tuple[int, int, int], ...]:
    hours = range(int(max(seconds - 1, 0) // 3600) + 1)
    told = []
    for hour in hours:
        mine = [call for call in inbound if min(int((call.begins - begins).total_seconds() // 3600), hours[-1]) == hour]
        told.append((hour, len(mine), sum(not call.answered for call in mine)))
    return tuple(told)


def _load(extension: str, seen: Sequence[Seen], seconds: float) -> Load:
    taken = [call for call in seen if extension in call.taken_by]
    talk = sum((call.talk / len(call.taken_by) for call in taken), timedelta(0))  # of a transferred one a part each
    missed = sum(not call.answered and extension in call.rang for call in seen if call.origin is Origin.CLIENT)
    return Load(extension=extension, taken=len(taken), talk=talk, share=talk.total_seconds() / seconds, missed=missed)
