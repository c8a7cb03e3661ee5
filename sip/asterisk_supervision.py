"""Orders beside a call, at Asterisk: its recording is paused, a supervisor listens; and a manager's place in queues.

How it fits: `Supervision` and `QueueMembers` of the engine (`gateway.domain.ports`), on top of `sip.asterisk_asking`.

Where the rules come from, measured on Asterisk 22.10.1: MixMonitorMute of both directions writes true silence and keeps
the time line; the pause belongs to the recorder on the client's leg, so it outlives holds and transfers. ChanSpy with
`u` takes one channel by its full name (without it a name is a prefix, and PJSIP/101 would hit every call of that
phone), `q` is silent, `S` stops with the first channel, `E` hangs up when that one ends; `w` whispers, `B` barges in.
A queue's member is an interface; QueuePause without a queue pauses it in all of them.
"""

import re
from abc import ABC, abstractmethod

from gateway.domain.errors import GatewayError
from gateway.domain.ports import Ability, LegRecorder, OrderOutcome, SpyMode
from sip.ami_errors import ActionFailed, NotPossibleNow
from sip.ami_protocol import Fields, Message
from sip.asterisk_asking import Deed, Orders, check_leg
from sip.asterisk_orders import BadOrder, check_order_id, check_phone, spy_fields

_ABILITY = {
    SpyMode.LISTEN: Ability.LISTEN,
    SpyMode.WHISPER: Ability.WHISPER,
    SpyMode.BARGE: Ability.BARGE,
}
_REASON = re.compile(r"[A-Za-z0-9 _.-]{0,40}")
_NOWHERE = "interface not found"


class SupervisionOrders(Orders, ABC):
    """The orders beside calls."""

    recorder: LegRecorder | None = None
    """Who records by order, where the dialplan does not; None: MixMonitor of the dialplan."""

    async def pause_recording(self, *, order_id: str, leg: str, paused: bool) -> OrderOutcome:
        """Write silence into the recording of the client's leg from now on, or sound again; the time line stays."""
        check_order_id(order_id)
        check_leg(leg)

        async def work(deed: Deed) -> None:
            if self.recorder is not None and await _paused(self.recorder, leg, paused=paused):
                return
            channel = (await self._channels()).of(leg).name
            fields = {"Channel": channel, "Direction": "both", "State": "1" if paused else "0"}
            try:
                await deed.do(("MixMonitorMute", fields))
            except ActionFailed as failure:
                if "no such channel" in failure.reason.casefold():
                    raise
                raise NotPossibleNow("this call is not recorded") from failure

        return await self._carry_out(Ability.PAUSE_RECORDING, leg, work)

    async def spy(self, *, order_id: str, endpoint: str, extension: str, leg: str, mode: SpyMode) -> OrderOutcome:
        """Ring a supervisor's phone and let him hear a manager's leg; ends with that leg.

        That his phone did not answer comes later, as with a call that was ordered.
        """
        check_leg(leg)
        fields = spy_fields(self._template, order_id=order_id, endpoint=endpoint, extension=extension, mode=mode)
        later: list[OrderOutcome] = []

        async def work(deed: Deed) -> None:
            channel = (await self._channels()).of(leg)
            if not channel.bridge:
                raise NotPossibleNow("the manager talks with nobody")
            deed.sent = True
            later.append(await self._place(order_id, fields | {"Data": f"{channel.name},{fields['Data']}"}))

        outcome = await self._carry_out(_ABILITY[mode], order_id, work)
        return later[0] if later else outcome

    @abstractmethod
    async def _place(self, order_id: str, fields: Fields) -> OrderOutcome:
        """Send an Originate and follow it to the phone's answer."""

    async def pause_in_queues(self, *, endpoint: str, extension: str, paused: bool, reason: str) -> OrderOutcome:
        """Pause or resume him in every queue he is in; accepted also where he is in none.

        Args:
            endpoint: the manager's, without technology.
            extension: the manager's; a member may be `Local/EXTENSION@...`.
            paused: false resumes.
            reason: shown by the queue: at most 40 letters, digits, spaces and . _ -
        """
        check_phone(endpoint, extension)
        if not _REASON.fullmatch(reason):
            raise BadOrder("the reason", "at most 40 letters, digits, spaces and . _ -")

        async def work(deed: Deed) -> None:
            answer = await self._asking.list_action("QueueStatus")
            rows = [row for row, whole in zip(answer.items, answer.whole, strict=True) if whole]
            places = dict.fromkeys(row.first("Location") for row in rows if _is_his(row, endpoint, extension))
            for place in places:
                fields = {"Interface": place, "Paused": "true" if paused else "false", "Reason": reason}
                try:
                    await deed.do(("QueuePause", fields))
                except ActionFailed as failure:
                    if failure.reason.casefold() != _NOWHERE:  # he left the queue meanwhile
                        raise

        return await self._carry_out(Ability.PAUSE_QUEUES, f"queues of {endpoint}", work)


async def _paused(recorder: LegRecorder, leg: str, *, paused: bool) -> bool:
    try:
        return await recorder.pause(leg, paused=paused)
    except GatewayError as fault:
        raise NotPossibleNow(str(fault)) from fault


def _is_his(row: Message, endpoint: str, extension: str) -> bool:
    """Whether a row of QueueStatus is a place of this manager."""
    if row.name != "QueueMember":
        return False
    for interface in (row.first("Location"), row.first("StateInterface")):
        technology, _, name = interface.partition("/")
        if technology == "Local" and extension and name.partition("@")[0] == extension:
            return True
        if technology not in ("", "Local") and name == endpoint:
            return True
    return False
