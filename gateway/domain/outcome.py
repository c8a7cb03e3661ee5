"""How a call came out: who talked, who took a transfer, who hung up, why it was missed.

Asterisk's own verdicts are only used where nothing better is there: a `dialstatus` may be the last but one, a hang-up
cause is 0 or 127 where a caller gave up. What counts first is who stood with whom and whose channel ended the call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from gateway.domain.bridges import Stand, Stands
from gateway.domain.call import (
    Direction,
    MissedReason,
    Result,
    Role,
    Side,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from gateway.domain.directory import Directory, PartyKind
from gateway.domain.family import Leg
from gateway.domain.legs import LegEvent, LegEventKind, OurMove, base_channel
from gateway.domain.orders import STOPPED_RINGING, why_not_reached, why_unanswered
from gateway.domain.roles import Roles

_TRANSFERS: Mapping[LegEventKind, TransferKind] = {
    LegEventKind.BLIND_TRANSFERRED: TransferKind.BLIND,
    LegEventKind.ATTENDED_TRANSFERRED: TransferKind.ATTENDED,
    LegEventKind.REDIRECTED: TransferKind.REDIRECT,
}
# Q.850 causes of one leg
USER_BUSY, CALL_REJECTED = 17, 21
RANG_OUT = frozenset({None, 0, 16, 18, 19, 26, 31, 127})
# No such number, no way to it, the line or the phone out of order: nobody was ever rung.
OUT_OF_REACH = frozenset({1, 2, 3, 20, 22, 25, 27, 28, 29, 34, 38, 41, 42, 44, 47, 50, 58, 66, 88, 102})
_SAME_MOVE = timedelta(seconds=2)
_BY_WHOM_UNSAID = frozenset(
    {LegEventKind.PARKED, LegEventKind.LEFT, LegEventKind.JOINED, LegEventKind.HUNG_UP, LegEventKind.LOST}
)
"""Rows of the moved leg itself: it was moved from whoever had him."""
OUT_OF_LINES = 38
"""Of a client for whom the PBX had no line left, so that nobody could be rung."""
_NO_LINE = frozenset({3, 20, 27, OUT_OF_LINES})
_DIAL_RESULTS = {"CANCEL": Result.CANCELLED, "BUSY": Result.BUSY, "NOANSWER": Result.NO_ANSWER}


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One call seen from its client (or, between ourselves, from the leg that opened it)."""

    legs: Mapping[str, Leg]
    roles: Roles
    stands: Stands
    events: Sequence[LegEvent]
    moves: Sequence[tuple[int, LegEvent]]
    """The family's transfers, as `moves_of` found them."""
    side: Sequence[str]
    """The client's legs; of an internal call the caller's."""
    members: Sequence[str]
    directory: Directory
    direction: Direction

    @cached_property
    def manager_legs(self) -> list[str]:
        """Managers' legs of this call, in the order of their start."""
        return [m for m in self.members if self.roles.role[m] is Role.MANAGER]

    @cached_property
    def talks(self) -> list[Stand]:
        """Intervals of talk between the client and managers; internal: among the managers."""
        if self.direction is Direction.INTERNAL:
            managers = set(self.manager_legs)
            return [s for s in self.stands if s.pair <= managers]
        return [s for s in self._client_stands if self.roles.role[self.partner(s)] is Role.MANAGER]

    @cached_property
    def _client_stands(self) -> Sequence[Stand]:
        return self.stands.of_one(self.side)

    @cached_property
    def outside_stands(self) -> list[Stand]:
        """Intervals with somebody outside in a manager's place."""
        if self.direction is Direction.INTERNAL:
            return []
        beside = (Role.OUTSIDE, Role.CLIENT)
        return [s for s in self._client_stands if self.roles.role[self.partner(s)] in beside]

    @cached_property
    def taken_outside(self) -> list[Stand]:
        """Intervals with an outside number of ours that the table does not know.

        The dialplan rang it for the client (follow-me, forward); a number to which a manager transferred him is a
        third party.
        """
        moved = self.moves[0][0] if self.moves else len(self.events)
        return [
            s
            for s in self.outside_stands
            if self.roles.role[self.partner(s)] is Role.OUTSIDE and self.legs[self.partner(s)].start < moved
        ]

    def partner(self, stand: Stand) -> str:
        """The leg that stood with the client."""
        return next(iter(stand.pair - set(self.side)))

    @cached_property
    def first_talk(self) -> datetime | None:
        """When somebody of ours first stood with the client."""
        return min((s.since for s in [*self.talks, *self.taken_outside]), default=None)

    @cached_property
    def client_start(self) -> datetime:
        """Start of the client's first leg."""
        return min(self.legs[leg].started_at for leg in self.side)

    @cached_property
    def started(self) -> datetime:
        """Start of the call: of an inbound one its client's, who may be late in a conference; else of its first leg."""
        if self.direction is Direction.INBOUND and self.legs[self.side[0]].begun:
            return self.client_start
        own = [leg for leg in self.members if leg in self.side or not self._made_for_another(leg)]
        return min(self.legs[leg].started_at for leg in own)

    def _made_for_another(self, leg: str) -> bool:
        """Whether the PBX dialled it for another client, beside whom it came to this one."""
        root = self.legs[leg].root
        return root != leg and root not in self.side and self.roles.role.get(root) is Role.CLIENT

    @cached_property
    def client_end(self) -> datetime:
        """End of the client's last leg, or the last thing known of the family."""
        ends = [self.legs[leg].ended_at for leg in self.side]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else self.events[-1].at

    @cached_property
    def answered_by(self) -> tuple[str, ...]:
        """Extensions in the order in which they first stood with the client; internal: who was called."""
        if self.direction is Direction.INTERNAL:
            caller = self.roles.extension.get(self.manager_legs[0], "") if self.manager_legs else ""
            legs = [leg for s in self.talks for leg in sorted(s.pair, key=lambda x: self.legs[x].start)]
            found = [self.roles.extension[leg] for leg in legs]
            return tuple(x for x in dict.fromkeys(found) if x != caller)
        return tuple(dict.fromkeys(self.roles.extension[self.partner(s)] for s in self.talks))

    def rings(self, leg_id: str) -> Iterator[tuple[datetime, datetime]]:
        """When a manager's phone rang for this client: only legs that the PBX dialled."""
        leg = self.legs[leg_id]
        if not leg.arrived and not self._made_for_another(leg_id):
            until = min((t for t in (leg.answered_at, leg.ended_at) if t), default=self.events[-1].at)
            yield max(leg.started_at, self.started), until


def moves_of(events: Sequence[LegEvent]) -> list[tuple[int, LegEvent]]:
    """The transfers among a family's events, with their positions.

    Parking by a key or by order has no row of a transfer; a transfer to the car park has one within milliseconds.
    """
    marked = [(p, e) for p, e in enumerate(events) if e.kind in _TRANSFERS or e.kind is LegEventKind.PARKED]
    moved = [e.at for _, e in marked if e.kind in _TRANSFERS]
    told = [(p, e) for p, e in marked if e.kind in _TRANSFERS or not any(abs(e.at - at) < _SAME_MOVE for at in moved)]
    ordered = list(_ordered_moves(events))
    return sorted([*told, *ordered], key=lambda move: move[0]) if ordered else told


def _ordered_moves(events: Sequence[LegEvent]) -> Iterator[tuple[int, LegEvent]]:
    """What a client's leg did next whom we ordered to be held: he left for a number, or stood with somebody again.

    The first is a blind transfer; the second is one only if it was not his own manager who came back to him. `target`
    is where he was sent, or who was asked meanwhile. A client whose manager's page has gone (AWAY) was redirected by us
    where somebody else took him then, or nobody until he hung up.
    """
    held: set[str] = set()
    away: set[str] = set()
    target = ""
    for position, event in enumerate(events):
        if event.ours in (OurMove.CONSULTS, OurMove.WAITS):
            target = event.exten if event.ours is OurMove.CONSULTS else ""
        if event.holding and event.kind is LegEventKind.JOINED and event.ours in (OurMove.HELD, OurMove.AWAY):
            (held if event.ours is OurMove.HELD else away).add(event.leg)
            if event.leg in away:
                held.discard(event.leg)
        elif event.leg in away:
            if _ends_away(event):
                away.remove(event.leg)
                yield position, replace(event, target="", ours=OurMove.AWAY)
        elif event.leg in held and event.kind is LegEventKind.LEFT and event.ours is OurMove.TRANSFERRED:
            held.remove(event.leg)
            yield position, replace(event, target=event.exten)
        elif event.leg in held and event.kind is LegEventKind.JOINED and not event.holding:
            held.remove(event.leg)
            yield position, replace(event, target=target)


def _ends_away(event: LegEvent) -> bool:
    """Whether a client who waited for a page to come back talks again, or has hung up."""
    joined = event.kind is LegEventKind.JOINED and not event.holding
    return joined or event.kind in (LegEventKind.HUNG_UP, LegEventKind.LOST)


def transfers_of(fate: Fate) -> tuple[Transfer, ...]:
    """The transfers of this client, in order, each with who took him."""
    found: list[Transfer] = []
    for position, event in fate.moves:
        if not _concerns(fate, event, position):
            continue
        if event.ours is OurMove.AWAY:
            if event.kind is not LegEventKind.JOINED or not _is_back(fate, position):
                found.append(_transfer(fate, event, TransferKind.REDIRECT, position))
        elif event.kind is not LegEventKind.JOINED:
            kind = _TRANSFERS.get(event.kind, TransferKind.BLIND)
            found.append(_transfer(fate, event, kind, position))
        elif not _is_back(fate, position):
            found.append(_transfer(fate, event, TransferKind.ATTENDED, position))
    return tuple(found)


def _is_back(fate: Fate, position: int) -> bool:
    """Whether a client who was held by our order stood with his own manager next, or with nobody yet."""
    before = _had_him(fate, position)
    following = min(
        (s for s in [*fate.talks, *fate.outside_stands] if s.start >= position), key=lambda s: s.start, default=None
    )
    if following is None or before is None:
        return True
    return fate.roles.extension.get(fate.partner(following)) == fate.roles.extension.get(before)


def _concerns(fate: Fate, event: LegEvent, position: int) -> bool:
    """Whether the transfer moves this call's client."""
    if event.kind is LegEventKind.PARKED:
        his = event.leg in fate.side or fate.roles.role.get(event.leg) is Role.LOCAL
        return his and _had_him(fate, position) is not None
    if event.transferee in fate.side or event.leg in fate.side:
        return True
    transferee = fate.roles.role.get(event.transferee)
    if transferee is Role.CLIENT:
        return False
    return fate.direction is not Direction.INTERNAL and any(event.leg == fate.partner(s) for s in fate.talks)


def _had_him(fate: Fate, position: int) -> str | None:
    """The manager's leg with which the client stood last before that position."""
    return next((fate.partner(s) for s in reversed(fate.talks) if s.start < position), None)


def _transfer(fate: Fate, event: LegEvent, kind: TransferKind, position: int) -> Transfer:
    unsaid = event.kind in _BY_WHOM_UNSAID
    by = fate.roles.extension.get(_had_him(fate, position) or "" if unsaid else event.leg)
    taker = _taker(fate, event, position, by)
    outcome: TransferOutcome | None = None
    if taker is not None:
        outcome = _outcome(fate, event, taker, by)
    elif all(fate.legs[leg].ended for leg in fate.side):
        outcome = TransferOutcome.LOST
    return Transfer(
        kind=kind,
        at=event.at,
        by=by,
        to=_target(fate, event, position) or (taker and _who(fate, taker)),
        outcome=outcome,
        taken_by=fate.roles.extension.get(taker) if taker else None,
    )


def _taker(fate: Fate, event: LegEvent, position: int, by: str | None) -> str | None:
    """The leg that stood with the client next: not the one from which he was moved."""
    # Parked by a key, or redirected by our order: from whoever had him.
    ours = event.leg in fate.side or event.kind is LegEventKind.PARKED
    mine_before = [s.start for s in fate.talks if s.start < position and (ours or fate.partner(s) == event.leg)]
    before = max(mine_before, default=-1)
    for stand in sorted([*fate.talks, *fate.outside_stands], key=lambda s: s.start):
        leg = fate.legs[fate.partner(stand)]
        mine = by is not None and fate.roles.extension.get(leg.id) == by
        if stand.start <= before or stand.end <= position or (mine and leg.start < position):
            continue
        return leg.id
    return None


def _outcome(fate: Fate, event: LegEvent, taker: str, by: str | None) -> TransferOutcome:
    extension = fate.roles.extension.get(taker)
    if extension is None:
        return TransferOutcome.TAKEN_OUTSIDE
    number = fate.directory.plan_of(fate.legs[fate.side[0]].channel).parse(event.target)
    meant = fate.directory.manager_outside(number, event.at) or event.target
    return TransferOutcome.RETURNED if extension == by != meant else TransferOutcome.TAKEN


def _who(fate: Fate, leg: str) -> str | None:
    number = fate.roles.number.get(leg)
    return fate.roles.extension.get(leg) or (number.e164 or number.raw if number else None)


def _target(fate: Fate, event: LegEvent, position: int) -> str | None:
    """Where the transfer led: as dialled, or the one with whom the manager had consulted."""
    if event.kind is LegEventKind.ATTENDED_TRANSFERRED:
        if event.transfer_target in fate.legs:
            return _who(fate, event.transfer_target)
        consulted = [
            s for s in fate.stands if event.second in s.pair and s.start < position and event.leg not in s.pair
        ]
        if consulted:
            return _who(fate, consulted[-1].partner(event.second))
        return _dialled(fate, _wanted(fate, event, position))
    return _dialled(fate, event.target)


def _wanted(fate: Fate, event: LegEvent, position: int) -> str:
    """What the manager had dialled for his consultation, where the other phone still rang or stands behind a Local."""
    for before in reversed(fate.events[:position]):
        if before.kind is LegEventKind.JOINED and before.bridge == event.second_bridge != "":
            leg = fate.legs[before.leg]
            if leg.party.kind is PartyKind.LOCAL:
                return leg.first_exten
    second = fate.legs.get(event.second)
    return second.first_exten if second else ""


def _dialled(fate: Fate, exten: str) -> str | None:
    """An extension as it was dialled, a number of the outside in E.164; None: nothing was."""
    if len(exten) < 7:
        return exten or None
    return fate.directory.plan_of(fate.legs[fate.side[0]].channel).parse(exten).e164 or exten


def hung_up_by(fate: Fate) -> Side | None:
    """Whose channel ended the call; the PBX where no channel did; None where legs were lost with the PBX."""
    if any(fate.legs[m].lost for m in fate.members):
        return None
    for leg in _enders(fate):
        source = fate.legs[leg].source
        if source.startswith("dialplan/"):
            return Side.PBX
        if source:
            return _side(fate, source)
    return Side.PBX


def _enders(fate: Fate) -> list[str]:
    """Legs whose hang-up tells who ended the call, the most telling first: client, last partner, the rest."""
    stands = sorted([*fate.talks, *fate.outside_stands], key=lambda s: s.end, reverse=True)
    partners = [leg for s in stands[:1] for leg in s.pair]
    rest = sorted(
        (m for m in fate.members if not _refused(fate, m)),
        key=lambda m: (fate.roles.role[m] is not Role.LOCAL, fate.legs[m].end or 0),
        reverse=True,
    )
    return list(dict.fromkeys([*reversed(fate.side), *partners, *rest]))


def _refused(fate: Fate, member: str) -> bool:
    """Whether a phone rung for a caller was busy or refused: it ended its own ringing only.

    Where the dialplan then tells him so by Busy or Congestion, the caller's own row names nobody.
    """
    leg = fate.legs[member]
    rung = fate.direction is Direction.INBOUND and not leg.arrived and leg.answered_at is None
    return rung and leg.cause in (USER_BUSY, CALL_REJECTED)


def _side(fate: Fate, source: str) -> Side:
    channel = base_channel(source)
    owner = next((leg for leg in fate.legs.values() if base_channel(leg.channel) == channel), None)
    role = fate.roles.role.get(owner.id) if owner else None
    if role is Role.CLIENT:
        return Side.CLIENT
    return Side.MANAGER if role in (Role.MANAGER, Role.OUTSIDE) else Side.PBX


def result_of(fate: Fate, transfers: tuple[Transfer, ...], ender: Side | None, *, done: bool) -> Result:
    """How the call came out; of an open call, how it would if it ended now."""
    if fate.first_talk is not None:
        lost = transfers and transfers[-1].outcome is TransferOutcome.LOST
        return Result.LOST_IN_TRANSFER if lost and done else Result.ANSWERED
    if fate.direction is Direction.INBOUND:
        return Result.MISSED
    return _unanswered(fate, ender)


def _unanswered(fate: Fate, ender: Side | None) -> Result:
    """Outbound or internal, and nobody talked."""
    caller = next((fate.legs[m] for m in fate.members if fate.roles.role[m] is Role.MANAGER), None)
    if caller is not None and caller.originated and caller.answered_at is None:
        return Result.NO_ANSWER
    if fate.direction is Direction.OUTBOUND and caller and not caller.arrived and caller.answered_at is None:
        return Result.NO_ANSWER  # ordered through a Local channel
    called = _called(fate)
    if any(leg.cause in (USER_BUSY, CALL_REJECTED) for leg in called):
        return Result.BUSY
    if called and all(leg.cause in OUT_OF_REACH for leg in called):
        return Result.FAILED  # the PBX may say NOANSWER of it
    told = {fate.legs[m].dial_status for m in fate.members} & set(_DIAL_RESULTS)
    if told:
        return _DIAL_RESULTS[min(told)]
    if ender is Side.MANAGER:
        return Result.CANCELLED
    return Result.NO_ANSWER if called and called[-1].cause in RANG_OUT else Result.FAILED


def unreached(fate: Fate, ender: Side | None) -> str | None:
    """Why an outbound call reached nobody, in one plain word; None: somebody talked.

    First his own phone, then the client's: a client's leg that was never answered tells by its hang-up cause; where
    the PBX could make none, the line to the provider was away.
    """
    if fate.first_talk is not None or fate.outside_stands:
        return None
    caller = next((fate.legs[m] for m in fate.manager_legs), None)
    if caller is not None and caller.answered_at is None and (caller.originated or not caller.arrived):
        return "no_answer" if caller.cause in STOPPED_RINGING else why_unanswered(caller.cause)
    called = _called(fate)
    if called and called[-1].cause not in STOPPED_RINGING:
        return why_not_reached(called[-1].cause)
    if ender is Side.MANAGER:
        return "manager_hung_up"
    if called:
        return why_not_reached(called[-1].cause)
    gone = caller is not None and (caller.dial_status == "CHANUNAVAIL" or caller.cause in _NO_LINE)
    return "trunk_unreachable" if gone else "client_failed"


def _called(fate: Fate) -> list[Leg]:
    if fate.direction is Direction.OUTBOUND:
        return [fate.legs[leg] for leg in fate.side if fate.roles.role[leg] is Role.CLIENT]
    return [fate.legs[m] for m in fate.manager_legs if not fate.legs[m].arrived]


def missed_reason(fate: Fate, ender: Side | None) -> MissedReason:
    """Why an inbound call was missed."""
    client = fate.legs[fate.side[0]]
    rung = [fate.legs[m] for m in fate.members if not fate.legs[m].arrived and _may_ring(fate, m)]
    if not rung and client.cause == OUT_OF_LINES:
        return MissedReason.FAILED
    if not rung:
        return MissedReason.VOICEMAIL if "VoiceMail" in client.apps else MissedReason.IVR
    if "VoiceMail" in client.apps or _answered_after(client, rung):
        return MissedReason.VOICEMAIL
    if ender is Side.CLIENT:
        return MissedReason.ABANDONED
    causes = {leg.cause for leg in rung}
    if causes & RANG_OUT:
        return MissedReason.NO_ANSWER
    if CALL_REJECTED in causes:
        return MissedReason.REFUSED  # somebody was there and did not want the call
    return MissedReason.BUSY if USER_BUSY in causes else MissedReason.FAILED


def _may_ring(fate: Fate, leg: str) -> bool:
    return fate.roles.role[leg] in (Role.MANAGER, Role.OUTSIDE, Role.UNMAPPED)


def _answered_after(client: Leg, rung: Sequence[Leg]) -> bool:
    """Whether the PBX itself took the call once no phone rang any more (a message, a recorder).

    The row of the last phone's end may carry a later moment than the PBX's own answer, by a few milliseconds.
    """
    if client.answered_at is None or client.answer_app in ("Dial", "Queue"):
        return False
    return all(leg.started_at < client.answered_at for leg in rung) and client.answer_app != ""
