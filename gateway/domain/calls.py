"""The fold: leg events of any number of families in, calls out. Everything that makes a call is decided here.

A pure function of its arguments: the same events, doubled, split or shuffled, give the same calls, and every prefix
of a journal gives valid calls. The steps, each in its own module: families of legs (`family`), who stood with whom
(`bridges`), the part of each leg (`roles`), what a call is for one client (`one_call`, below), how it came out
(`outcome`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.bridges import Sweep, clipped, total
from gateway.domain.call import (
    Call,
    CallKind,
    CallLeg,
    CallState,
    Command,
    Direction,
    ManagerPart,
    Result,
    Role,
    Side,
)
from gateway.domain.directory import Directory, PartyKind
from gateway.domain.family import Leg, families, gather
from gateway.domain.legs import LegEvent, LegEventKind, OurMove, endpoint, in_order
from gateway.domain.orders import is_ours
from gateway.domain.outcome import Fate, hung_up_by, missed_reason, moves_of, result_of, transfers_of, unreached
from gateway.domain.phone import PhoneNumber
from gateway.domain.roles import Cast, Roles, dialled_outside

_NAME_LIMIT = 80
_MUSIC = frozenset({OurMove.HELD, OurMove.AWAY})
"""Orders of ours by which a client hears music."""


def fold(
    events: Iterable[LegEvent],
    directory: Directory,
    *,
    commands: Mapping[str, Command] | None = None,
    holds_seen: bool = False,
) -> list[Call]:
    """Fold leg events into calls.

    Args:
        events: of one PBX, in any order, doubled or not.
        directory: who is who, with validity times.
        commands: click-to-calls that we ordered, by id.
        holds_seen: whether the source reports hold; else `Call.hold` is None where no hold was seen.

    Returns:
        The calls of all families, those of one family in the order of their start.
    """
    calls: list[Call] = []
    for family in families(in_order(events)):
        calls += fold_family(family, directory, commands=commands, holds_seen=holds_seen)
    return sorted(calls, key=lambda c: (c.started_at, c.key))


def fold_family(
    events: Sequence[LegEvent],
    directory: Directory,
    *,
    commands: Mapping[str, Command] | None = None,
    holds_seen: bool = False,
) -> list[Call]:
    """Fold one family's events, already in order; arguments as for `fold`."""
    legs = gather(events, directory)
    sweep = Sweep(legs)
    if legs:
        sweep.run([e for e in events if e.leg in legs])
    orders = {c: command for c, command in (commands or {}).items() if any(e.leg == c for e in events)}
    cast = Cast(legs=legs, stands=sweep.stands, directory=directory, commands=orders)
    told = [e for e in events if e.leg in legs]
    scene = _Scene(
        events=told,
        moves=moves_of(told),
        legs=legs,
        sweep=sweep,
        roles=cast.assign(),
        directory=directory,
        commands=orders,
        holds_seen=holds_seen or any(e.kind is LegEventKind.HELD or e.ours in _MUSIC for e in events),
    )
    return scene.calls() if legs else [_refused(c, directory, events) for c in orders.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One family with everything found out about it."""

    events: Sequence[LegEvent]
    moves: Sequence[tuple[int, LegEvent]]
    legs: Mapping[str, Leg]
    sweep: Sweep
    roles: Roles
    directory: Directory
    commands: Mapping[str, Command]
    holds_seen: bool

    def calls(self) -> list[Call]:
        """The calls of the family: one for each client, else one between ourselves."""
        sides = self._client_sides()
        if not sides:
            return self._without_client()
        return [self._of_client(side, only=len(sides) == 1) for side in sides]

    def _client_sides(self) -> list[list[str]]:
        """Client legs, those together that one leg dialled to one number (a second trunk tried)."""
        sides: dict[tuple[str, str | None], list[str]] = {}
        for leg in self.roles.of(Role.CLIENT):
            number = self.roles.number.get(leg)
            dialled = not self.legs[leg].arrived
            key = (self.legs[leg].root, number.e164 or number.raw if number else None) if dialled else (leg, None)
            sides.setdefault(key, []).append(leg)
        return list(sides.values())

    def _of_client(self, side: list[str], *, only: bool) -> Call:
        members = self._members(side, only=only)
        first = self.legs[side[0]]
        inbound = first.arrived and first.root not in self.commands
        anchor = first.id if inbound else self._anchor(first)
        managers = any(self.roles.role[m] is Role.MANAGER for m in members)
        outside = any(self.roles.role[m] is Role.OUTSIDE for m in members)
        kind = CallKind.THROUGH if outside and not managers and inbound else CallKind.CLIENT
        direction = Direction.INBOUND if inbound else Direction.OUTBOUND
        return self._build(anchor, kind, direction, side, members)

    def _anchor(self, client: Leg) -> str:
        """The leg that opened an outbound call: the one that dialled the client, unless it opened another call."""
        siblings = [leg for leg in self.roles.of(Role.CLIENT) if self.legs[leg].root == client.root]
        opened = client.root in self.legs and self.roles.role[client.root] is not Role.CLIENT
        return client.root if opened and siblings[0] == client.id else client.id

    def _members(self, side: list[str], *, only: bool) -> list[str]:
        """Legs of this client's call: his own, those that rang for him or stood with him, and what led to him."""
        if only:
            return list(self.legs)
        first = self.legs[side[0]]
        linked = set(self.legs[side[0]].families) | {first.root}
        stood = {s.partner(leg) for leg in side for s in self.sweep.stands.of(leg)}
        foreign = set(self.roles.of(Role.CLIENT)) - set(side)
        rang = {
            leg.id
            for leg in self.legs.values()
            if leg.root in linked and self.legs.get(leg.root, leg).id not in foreign
        }
        wanted = (stood | rang | set(side)) - foreign
        return [leg for leg in self.legs if leg in wanted]

    def _without_client(self) -> list[Call]:
        managers = self.roles.of(Role.MANAGER)
        if not managers:
            return self._nobody()
        anchor = next(iter(self.legs))
        first = self.legs[managers[0]]
        extensions = {self.roles.extension[m] for m in managers}
        if len(extensions) > 1:
            return [self._build(anchor, CallKind.INTERNAL, Direction.INTERNAL, [], list(self.legs))]
        ordered = self.legs[anchor].originated
        came_in = self.legs[anchor].party.kind is PartyKind.TRUNK  # his own mobile: what it dialled is a number of ours
        wanted = None if came_in else dialled_outside(self.legs[anchor], self.directory, "")
        if anchor not in self.commands and is_ours(anchor):
            return [self._build(anchor, CallKind.SERVICE, Direction.INTERNAL, [], list(self.legs))]  # he listens
        if anchor in self.commands or wanted or (ordered and first.answered_at is None):
            return [self._build(anchor, CallKind.CLIENT, Direction.OUTBOUND, [], list(self.legs))]
        inside = self._dialled_inside(first)
        kind = CallKind.INTERNAL if inside else CallKind.SERVICE
        return [self._build(anchor, kind, Direction.INTERNAL, [], list(self.legs))]

    def _dialled_inside(self, leg: Leg) -> bool:
        """Whether the leg dialled a colleague whose phone never rang."""
        if not leg.arrived or leg.answered_at is not None:
            return False
        known = {e.extension for e in self.directory.entries if e.kind is PartyKind.MANAGER}
        phones = (self.directory.party(f"PJSIP/{x}-", leg.started_at) for x in leg.extens)  # named by the extension
        return any(x in known for x in leg.extens) or any(p.kind is PartyKind.MANAGER for p in phones)

    def _nobody(self) -> list[Call]:
        """A family of unmapped or ignored endpoints only; kept as service so that nothing seen is lost."""
        if not self.roles.of(Role.UNMAPPED):
            return []
        anchor = next(iter(self.legs))
        return [self._build(anchor, CallKind.SERVICE, Direction.INTERNAL, [], list(self.legs))]

    def _build(self, anchor: str, kind: CallKind, direction: Direction, side: list[str], members: list[str]) -> Call:
        legs = [self.legs[m] for m in members]
        fate = Fate(
            legs=self.legs,
            roles=self.roles,
            stands=self.sweep.stands,
            events=self.events,
            moves=self.moves,
            side=side or members[:1],
            members=members,
            directory=self.directory,
            direction=direction,
        )
        done = all(leg.ended for leg in legs)
        ended = max(leg.ended_at for leg in legs if leg.ended_at) if done else None
        frame = [(s.since, s.until) for s in [*fate.talks, *fate.taken_outside]]
        transfers = transfers_of(fate)
        ender = hung_up_by(fate) if done else None
        result = result_of(fate, transfers, ender, done=done)
        talked = fate.first_talk
        command = next((self.commands[m] for m in members if m in self.commands), None)
        client = self._client(side, command, kind, anchor)
        first = self.legs[side[0]] if side else None
        inbound = direction is Direction.INBOUND
        return Call(
            key=anchor,
            pbx=self.directory.pbx,
            kind=kind,
            direction=direction,
            state=_state(fate, done=done),
            client=client,
            client_name=first.name[:_NAME_LIMIT] if first and inbound else "",
            did=self._did(first) if first and inbound else None,
            trunk=endpoint(first.channel) if first else None,
            result=result,
            missed_reason=missed_reason(fate, ender) if result is Result.MISSED else None,
            answered_by=fate.answered_by,
            managers=self._managers(fate),
            wait=self._wait(fate, first, direction),
            talk=total(frame),
            hold=self._hold(fate, frame),
            held_since=self._held_since(fate) if talked and not done else None,
            ring=total(i for m in fate.manager_legs for i in fate.rings(m)),
            outside=total((s.since, s.until) for s in fate.outside_stands),
            transfers=transfers,
            hung_up_by=ender,
            complete=done and not any(leg.lost for leg in legs),
            started_at=fate.started,
            answered_at=talked,
            ended_at=ended,
            legs=tuple(self._call_leg(leg) for leg in legs),
            linkedids=tuple(dict.fromkeys(f for leg in legs for f in leg.families)),
            unmapped=tuple(dict.fromkeys(endpoint(x.channel) for x in legs if self.roles.role[x.id] is Role.UNMAPPED)),
            command=command.id if command else None,
            unreached=unreached(fate, ender) if done and direction is Direction.OUTBOUND else None,
        )

    def _client(self, side: list[str], command: Command | None, kind: CallKind, anchor: str) -> PhoneNumber | None:
        if command is not None:
            return command.client
        if side:
            return next((self.roles.number[leg] for leg in side if leg in self.roles.number), None)
        return dialled_outside(self.legs[anchor], self.directory, "") if kind is CallKind.CLIENT else None

    def _did(self, leg: Leg) -> str | None:
        """The number called: as dialled where the leg came in, else as signalled, else where the dialplan led it."""
        came_in = leg.first_exten if leg.begun and leg.first_exten != "s" else ""
        signalled = leg.dnid if leg.dnid != "s" else ""
        led = next((x for x in leg.extens if x != "s"), None)
        return came_in or signalled or led or self.directory.default_did(leg.channel)

    def _managers(self, fate: Fate) -> tuple[ManagerPart, ...]:
        parts: dict[str, list[str]] = {}
        for leg in fate.manager_legs:
            parts.setdefault(self.roles.extension[leg], []).append(leg)
        return tuple(self._manager(fate, ext, legs) for ext, legs in parts.items())

    def _manager(self, fate: Fate, extension: str, legs: list[str]) -> ManagerPart:
        talks = [s for s in fate.talks if not s.pair.isdisjoint(legs)]
        since = fate.client_start
        until = min((s.since for s in talks), default=fate.client_end)
        return ManagerPart(
            extension=extension,
            rang=total(i for leg in legs for i in fate.rings(leg)),
            talk=total((s.since, s.until) for s in talks),
            wait=max(timedelta(), until - since),
        )

    def _wait(self, fate: Fate, first: Leg | None, direction: Direction) -> timedelta | None:
        if first is None and direction is not Direction.INTERNAL:
            return None
        return max(timedelta(), (fate.first_talk or fate.client_end) - fate.client_start)

    def _hold(self, fate: Fate, frame: list[tuple[datetime, datetime]]) -> timedelta | None:
        if not self.holds_seen:
            return None
        held = clipped(_holds(self.events, set(fate.manager_legs)), frame)
        waiting = [
            *fate.side,
            *(m for m in fate.members if self.roles.role[m] is Role.LOCAL),
        ]  # a queue's Local is parked
        parked = [i for leg in waiting for i in self.sweep.waits.get(leg, ())]
        return total([*held, *parked])

    def _held_since(self, fate: Fate) -> datetime | None:
        """Since when the client of an open call waits with music, by a phone's hold, by our order, or parked."""
        held = _held(self.events, set(fate.manager_legs))[1]
        waiting = [self.sweep.waiting[leg] for leg in fate.side if leg in self.sweep.waiting]
        return min([*held.values(), *waiting], default=None)

    def _call_leg(self, leg: Leg) -> CallLeg:
        return CallLeg(
            id=leg.id,
            channel=leg.channel,
            role=self.roles.role[leg.id],
            extension=self.roles.extension.get(leg.id),
            dialled=not leg.arrived,
            started_at=leg.started_at,
            answered_at=leg.answered_at,
            ended_at=leg.ended_at,
            cause=leg.cause,
        )


def _state(fate: Fate, *, done: bool) -> CallState:
    if done:
        return CallState.ENDED
    return CallState.TALKING if fate.first_talk else CallState.RINGING


def _holds(events: Sequence[LegEvent], legs: set[str]) -> list[tuple[datetime, datetime]]:
    """Intervals between hold and resume of the given legs; a leg that ends resumes."""
    found, since = _held(events, legs)
    return found + [(start, events[-1].at) for start in since.values()]


def _held(events: Sequence[LegEvent], legs: set[str]) -> tuple[list[tuple[datetime, datetime]], Mapping[str, datetime]]:
    """Intervals between hold and resume that are over, and by leg since when one goes on."""
    since: dict[str, datetime] = {}
    found: list[tuple[datetime, datetime]] = []
    for event in events:
        if event.leg not in legs:
            continue
        if event.kind is LegEventKind.HELD:
            since.setdefault(event.leg, event.at)
        elif event.leg in since and event.kind in (
            LegEventKind.RESUMED,
            LegEventKind.HUNG_UP,
            LegEventKind.ENDED,
            LegEventKind.LOST,
        ):
            found.append((since.pop(event.leg), event.at))
    return found, since


def _refused(command: Command, directory: Directory, events: Sequence[LegEvent]) -> Call:
    """A click-to-call for which the PBX never made a leg: there is only its refusal."""
    refusal = next(e for e in events if e.leg == command.id)
    part = ManagerPart(extension=command.extension, rang=timedelta(), talk=timedelta(), wait=timedelta())
    return Call(
        key=command.id,
        pbx=directory.pbx,
        kind=CallKind.CLIENT,
        direction=Direction.OUTBOUND,
        state=CallState.ENDED,
        client=command.client,
        client_name="",
        did=None,
        trunk=None,
        result=Result.NO_ANSWER if refusal.reason == "no_answer" else Result.FAILED,
        missed_reason=None,
        answered_by=(),
        managers=(part,),
        wait=None,
        talk=timedelta(),
        hold=None,
        ring=timedelta(),
        outside=timedelta(),
        transfers=(),
        hung_up_by=Side.PBX,
        complete=True,
        started_at=command.ordered_at,
        answered_at=None,
        ended_at=max(refusal.at, command.ordered_at),
        legs=(),
        linkedids=(command.id,),
        command=command.id,
        unreached=refusal.reason or "failed",
    )
