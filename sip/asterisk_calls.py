"""Orders to a call that goes on, at Asterisk: hold, consultation, transfer, digits.

How it fits: the `CallControl` half of the engine (`gateway.domain.ports`), on top of `sip.asterisk_asking`. The other
half of each order is the dialplan that a site includes, `deploy/asterisk/trunkline_control.conf`: legs are sent into
its contexts and nowhere else, besides the one context in which this PBX dials.

How it works, measured on Asterisk 22.10.1:
- Hold: one Redirect with ExtraChannel moves both legs at the same moment, the client into a holding bridge with music,
  the manager into one with silence. The client's recording goes on, since he is bridged. Ids and linkedid stay.
- Back again: the manager alone is redirected to the application Bridge, which fetches the client. So a gateway that
  dies in a hold leaves nobody behind: each leg's end ends the other's wait.
- Consultation: the client is held, the manager dials the target through a Local channel. A target who does not answer,
  or hangs up, sends him back to his client; if he hangs up, client and target are joined.
- Blind transfer: BlindTransfer while they talk, which Asterisk writes into the journal itself; of a held client a
  Redirect of his leg. A call that still rings is passed on by the same Redirect: whatever rings for him falls silent.

What was done is told by the journal alone: context and extension of the legs' rows name the order
(`gateway.domain.legs.OurMove`). Nothing is noted beside it, so a lost answer or a dying gateway cannot leave a hold or
a transfer in the figures that never was.
"""

import asyncio
import re
from dataclasses import dataclass

from gateway.domain.ports import Ability, OrderOutcome
from sip.ami_actions import AmiActions
from sip.ami_answers import Channel
from sip.ami_errors import NoSuchTarget, NotPossibleNow
from sip.asterisk_asking import Action, Deed, Orders, Work, check_leg
from sip.asterisk_orders import BadOrder, check_order_id
from sip.asterisk_questions import ask_value
from sip.asterisk_rights import INCLUDE_NEEDED

HOLD, CONSULT, TRANSFER = "trunkline-hold", "trunkline-consult", "trunkline-transfer"
"""Contexts of the supplied dialplan."""

_TARGET = re.compile(r"[0-9+*#]{1,40}")
_DIGITS = re.compile(r"[0-9A-D*#]{1,32}")
_DIGIT_MS = 100
_DIGIT_PAUSE = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A client and his manager as Asterisk has them at this moment."""

    client: Channel
    manager: Channel
    talk: bool
    held: bool
    consults: bool

    def must_talk(self) -> None:
        if not self.talk:
            raise NotPossibleNow("they do not talk with each other")

    @property
    def rings(self) -> bool:
        """Whether the client waits and the manager's phone rings for him; not so where it is he who calls."""
        waits = self.client.state in ("Ring", "Up") and not self.client.bridge
        rings = self.manager.state in ("Down", "Ringing") and not self.manager.bridge
        return waits and rings and bool(self.client.linkedid) and self.client.linkedid == self.manager.linkedid

    def must_consult(self) -> None:
        if not self.consults:
            raise NotPossibleNow("the manager consults nobody while this client waits")

    def must_not_consult(self) -> None:
        if self.consults:
            raise NotPossibleNow("a consultation goes on; complete or abandon it first")

    def named(self, context: str) -> tuple[Action, ...]:
        """Tell both legs of each other, before they go."""
        return (
            _set(self.manager, "TRUNKLINE_HOLDS", self.client.name),
            _set(self.manager, "TRUNKLINE_CONTEXT", context),
            _set(self.client, "TRUNKLINE_HELD_BY", self.manager.name),
            _set(self.client, "TRUNKLINE_CONTEXT", context),
        )

    def both_to(self, context: str, exten: str) -> Action:
        """The client into the music, the manager elsewhere, at the same moment."""
        fields = {"Channel": self.manager.name, "Context": context, "Exten": exten, "Priority": "1"}
        extra = {"ExtraChannel": self.client.name, "ExtraContext": HOLD, "ExtraExten": "music", "ExtraPriority": "1"}
        return "Redirect", fields | extra


def _set(channel: Channel, name: str, value: str) -> Action:
    return "Setvar", {"Channel": channel.name, "Variable": name, "Value": value}


def _move(channel: Channel, context: str, exten: str) -> Action:
    return "Redirect", {"Channel": channel.name, "Context": context, "Exten": exten, "Priority": "1"}


class CallOrders(Orders):
    """The orders to calls that go on."""

    async def hang_up(self, leg: str) -> OrderOutcome:
        """End a leg by its id, also one that still rings.

        Asterisk is asked for the channel that has this id now, so that no name of an earlier call is hit. Where a
        caller's forged line gives two channels the id, only the one that the journal knows by name is taken.

        Args:
            leg: its uniqueid.

        Returns:
            Refused with `leg_gone`: the PBX knows it no more.

        Raises:
            BadOrder: it cannot be an id; nothing was sent.
        """
        check_leg(leg)

        async def work(deed: Deed) -> None:
            await deed.do(("Hangup", {"Channel": (await self._channels()).of(leg).name}))

        return await self._carry_out(Ability.HANG_UP, leg, work)

    async def hold(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Let the client hear music, and the manager wait; see `CallControl.hold`."""

        async def work(deed: Deed) -> None:
            pair = await self._pair(client, manager)
            if pair.held:
                raise NotPossibleNow("the client is held already")
            pair.must_talk()
            await deed.do(*pair.named(self._template.context), pair.both_to(HOLD, "wait"))

        return await self._ordered(Ability.HOLD, order_id, client, manager, work)

    async def resume(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Bring them together again; see `CallControl.resume`."""

        async def work(deed: Deed) -> None:
            pair = await self._pair(client, manager)
            pair.must_not_consult()
            if not pair.held:
                raise NotPossibleNow("the client is not held by an order")
            await deed.do(_move(pair.manager, HOLD, "back"))

        return await self._ordered(Ability.HOLD, order_id, client, manager, work)

    async def transfer(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Blind transfer: the client, talking, held or still waiting, goes to an extension or number at once."""
        _check_target(target)

        async def work(deed: Deed) -> None:
            pair, context = await self._pair(client, manager), self._template.context
            await self._must_exist(target)
            if pair.held:
                await deed.do(
                    *pair.named(context),
                    _set(pair.manager, "TRUNKLINE_HOLDS", ""),
                    _set(pair.manager, "TRUNKLINE_ABANDONS", "1"),
                    _move(pair.client, TRANSFER, target),
                    ("Hangup", {"Channel": pair.manager.name}),
                )
            elif pair.rings:
                await self._must_pass_on(target)
                await deed.do(_set(pair.client, "TRUNKLINE_CONTEXT", context), _move(pair.client, TRANSFER, target))
            else:
                pair.must_talk()
                fields = {"Channel": pair.manager.name, "Context": context, "Exten": target}
                await deed.do(("BlindTransfer", fields))

        return await self._ordered(Ability.BLIND_TRANSFER, order_id, client, manager, work)

    async def consult(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Begin an attended transfer: the client waits while the manager talks with the target."""
        _check_target(target)

        async def work(deed: Deed) -> None:
            pair = await self._pair(client, manager)
            pair.must_not_consult()
            await self._must_exist(target)
            if pair.held:
                await deed.do(_move(pair.manager, CONSULT, target))
            else:
                pair.must_talk()
                await deed.do(*pair.named(self._template.context), pair.both_to(CONSULT, target))

        return await self._ordered(Ability.ATTENDED_TRANSFER, order_id, client, manager, work)

    async def complete_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End the consultation by joining client and target.

        The manager's leg is hung up, just as if he had put the receiver down: the dialplan joins the other two, or,
        where the target has not answered yet, sends the client to ring there himself.
        """

        async def work(deed: Deed) -> None:
            pair = await self._pair(client, manager)
            pair.must_consult()
            await deed.do(("Hangup", {"Channel": pair.manager.name}))

        return await self._ordered(Ability.ATTENDED_TRANSFER, order_id, client, manager, work)

    async def abandon_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End the consultation by going back to the client."""

        async def work(deed: Deed) -> None:
            pair = await self._pair(client, manager)
            pair.must_consult()
            await deed.do(_set(pair.manager, "TRUNKLINE_ABANDONS", "1"), _move(pair.manager, HOLD, "back"))

        return await self._ordered(Ability.ATTENDED_TRANSFER, order_id, client, manager, work)

    async def send_digits(self, *, order_id: str, leg: str, digits: str) -> OrderOutcome:
        """Send DTMF to the far end of a leg; they are played one after the other, so it takes a moment."""
        check_order_id(order_id)
        check_leg(leg)
        if not _DIGITS.fullmatch(digits):
            raise BadOrder("the digits", "1 to 32 of 0-9, A-D, * and #")

        async def work(deed: Deed) -> None:
            channel = (await self._channels()).of(leg).name
            for digit in digits:
                if deed.sent:
                    await asyncio.sleep(_DIGIT_PAUSE)
                await deed.do(("PlayDTMF", {"Channel": channel, "Digit": digit, "Duration": str(_DIGIT_MS)}))

        return await self._carry_out(Ability.DIGITS, leg, work)

    async def _ordered(self, ability: Ability, order_id: str, client: str, manager: str, work: Work) -> OrderOutcome:
        check_order_id(order_id)
        check_leg(client)
        check_leg(manager)
        return await self._carry_out(ability, client, work)

    async def _pair(self, client: str, manager: str) -> _Pair:
        """Look both legs up, and what Asterisk has noted on the manager's."""
        channels = await self._channels()
        his, mine = channels.of(client), channels.of(manager)
        holds, consults = await asyncio.gather(
            _noted(self._asking, mine, "TRUNKLINE_HOLDS"), _noted(self._asking, mine, "TRUNKLINE_CONSULTS")
        )
        held = holds == his.name
        return _Pair(
            client=his,
            manager=mine,
            talk=not held and channels.together(his, mine),
            held=held,
            consults=held and consults == "1",
        )

    async def _must_exist(self, target: str) -> None:
        if await ask_value(self._asking, f"DIALPLAN_EXISTS({self._template.context},{target},1)") == "0":
            raise NoSuchTarget

    async def _must_pass_on(self, target: str) -> None:
        """A client who is sent where there is no dialplan would be lost."""
        if await ask_value(self._asking, f"DIALPLAN_EXISTS({TRANSFER},{target},1)") == "0":
            raise NotPossibleNow(INCLUDE_NEEDED)


async def _noted(session: AmiActions, channel: Channel, name: str) -> str:
    return await ask_value(session, name, channel=channel.name) or ""


def _check_target(target: str) -> None:
    if not _TARGET.fullmatch(target):
        raise BadOrder("the target", "1 to 40 digits, + * and #")
