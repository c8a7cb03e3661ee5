"""How an order to Asterisk is carried out: looked up, sent in one go, and told as an outcome in every case.

How it fits: `sip.asterisk_calls` and `sip.asterisk_supervision` write each order as a few lines on top of `Orders`;
`sip.asterisk` is made of them.

Legs are named by their ids. The channel behind one is looked up by CoreShowChannels at the moment of the order, never
taken from an event, so neither an earlier call's name nor a caller's forged line can be hit. What is looked up changes
nothing: while that fails, an order is refused, for nothing was done. Only from the first action that changes
something on is a lost answer `unknown`. Such actions go out together: Asterisk carries out what it reads of one
session in order (main/manager.c), so no answer needs to be waited for between them.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from gateway.domain.legs import LegEvent, base_channel, is_local
from gateway.domain.ports import Ability, OrderOutcome, OrderState
from sip.ami_actions import AmiActions
from sip.ami_answers import Channel
from sip.ami_errors import (
    ActionDenied,
    ActionFailed,
    ActionTimedOut,
    ConnectionLost,
    LegGone,
    NoSuchTarget,
    NotConnected,
    NotPossibleNow,
)
from sip.asterisk_orders import BadOrder, DialTemplate
from sip.asterisk_rights import Abilities, denied_detail

Legs = Mapping[str, LegEvent]
Action = tuple[str, dict[str, str]]

_LEG = re.compile(r"[A-Za-z0-9._:+-]{1,150}")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.@;:+*#-]{0,150}")
_GONE = ("no such channel", "does not exist", "not exist", "not found", "not up")


def refused(reason: str, detail: str = "") -> OrderOutcome:
    """An order that was not carried out, with its reason."""
    return OrderOutcome(state=OrderState.REFUSED, reason=reason, at=datetime.now(UTC), detail=detail)


def unknown(reason: str) -> OrderOutcome:
    """An order of which nobody can know whether it was carried out."""
    return OrderOutcome(state=OrderState.UNKNOWN, reason=reason, at=datetime.now(UTC))


def accepted() -> OrderOutcome:
    """An order that was carried out."""
    return OrderOutcome(state=OrderState.ACCEPTED, reason="", at=datetime.now(UTC))


def check_leg(leg: str) -> None:
    """Refuse what cannot be a leg's id.

    Raises:
        BadOrder: it is none.
    """
    if not _LEG.fullmatch(leg):
        raise BadOrder("the leg's id", "1 to 150 letters, digits and . _ : + -")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Asterisk's channels at one moment."""

    rows: tuple[Channel, ...]
    known: Legs
    """The open legs as the journal has them; decides where a forged row claims an id too."""

    def of(self, leg: str) -> Channel:
        """The channel of a leg.

        Raises:
            LegGone: there is none.
            NotPossibleNow: several claim to be it, or its name could not be sent.
        """
        found = [row for row in self.rows if row.uniqueid == leg]
        if len(found) > 1 and leg in self.known:
            found = [row for row in found if row.name == self.known[leg].channel]
        if not found:
            raise LegGone
        if len(found) > 1 or not _CHANNEL.fullmatch(found[0].name):
            raise NotPossibleNow("the PBX does not tell which channel this is")
        return found[0]

    def together(self, one: Channel, other: Channel) -> bool:
        """Whether two channels stand in one bridge, or in bridges that Local channels join."""
        reached, waiting = {one.name}, [one]
        while waiting:
            here = waiting.pop()
            for row in self.rows:
                same_bridge = bool(here.bridge) and row.bridge == here.bridge
                other_half = is_local(here.name) and base_channel(row.name) == base_channel(here.name)
                if row.name not in reached and (same_bridge or other_half):
                    reached.add(row.name)
                    waiting.append(row)
        return other.name in reached


@dataclass(slots=True)
class Deed:
    """What an order has done so far."""

    session: AmiActions
    sent: bool = field(default=False)
    """Whether an action that changes something went out."""

    async def do(self, *actions: Action) -> None:
        """Send actions at once, in this order; the first fault counts.

        Raises:
            ActionFailed, ActionDenied, ActionTimedOut, ConnectionLost, NotConnected: as `AmiActions.action`.
        """
        self.sent = True
        answers = await asyncio.gather(
            *(self.session.action(name, fields) for name, fields in actions), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer


Work = Callable[[Deed], Awaitable[None]]


class Orders:
    """What all orders to one Asterisk have in common."""

    def __init__(self, session: AmiActions, *, template: DialTemplate, open_legs: Callable[[], Legs]) -> None:
        """Args:
        session: to Asterisk.
        template: how this PBX dials.
        open_legs: legs the journal knows as open, with their first event.
        """
        self._asking = session
        self._template = template
        self._open_legs = open_legs
        self._abilities = Abilities()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lacks(self, ability: Ability) -> str | None:
        """Why Asterisk cannot do this, in words that name the missing right or part; None: it can, or was not asked."""
        return self._abilities.lacks(ability)

    async def _ask_abilities(self) -> None:
        """Ask what the account may do; nothing is known where Asterisk does not say."""
        try:
            self._abilities = await Abilities.asked(self._asking)
        except (ActionDenied, ActionFailed):
            self._abilities = Abilities()

    async def _channels(self) -> Channels:
        """Asterisk's channels now."""
        return Channels(rows=(await self._asking.core_show_channels()).rows, known=self._open_legs())

    async def _carry_out(self, ability: Ability, leg: str, work: Work) -> OrderOutcome:
        """Do the work of an order; whatever happens becomes its outcome. Orders about one leg wait for each other."""
        deed = Deed(self._asking)
        try:
            if self.lacks(ability):
                await self._ask_abilities()  # somebody may have mended it meanwhile
            if missing := self.lacks(ability):
                return refused("not_allowed", missing)
            async with self._locks.setdefault(leg, asyncio.Lock()):
                await work(deed)
        except _FAULTS as fault:
            return _outcome_of(fault, sent=deed.sent)
        return accepted()


_FAULTS = (
    NotConnected,
    ConnectionLost,
    ActionTimedOut,
    ActionDenied,
    ActionFailed,
    LegGone,
    NoSuchTarget,
    NotPossibleNow,
)


def _outcome_of(fault: Exception, *, sent: bool) -> OrderOutcome:
    """The outcome that a fault stands for; sent: whether anything was that changes something."""
    match fault:
        case ConnectionLost() if sent:
            return unknown("connection_lost")
        case ActionTimedOut() if sent:
            return unknown("no_reply")
        case NotConnected() | ConnectionLost():
            return refused("not_connected")
        case ActionTimedOut():
            return refused("not_connected", "The PBX gives no answer; nothing was done.")
        case ActionDenied():
            return refused("not_allowed", denied_detail(fault.action))
        case LegGone():
            return refused("leg_gone")
        case NoSuchTarget():
            return refused("no_such_number")
        case NotPossibleNow():
            return refused("not_possible", str(fault))
        case ActionFailed() if any(word in fault.reason.casefold() for word in _GONE):
            return refused("leg_gone")
    return refused("failed")
