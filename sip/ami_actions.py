"""The AMI actions the gateway uses, as coroutines with typed answers.

How it fits: `AmiActions` is the part that a single connection (`sip.ami_connection`) and a lasting session
(`sip.ami`) have in common; both provide `exchange`, everything else here stands on it.

Where the rules come from: Asterisk's pages of the actions, main/manager.c and res_pjsip of Asterisk 22.

- A list of answers says at its end how many there were, and comes without a break. A caller who breaks a line
  in his row cannot hide it: a key repeats, or the rest of the row stands between two rows; the list then says
  that it is not complete.
- An order (`sip.asterisk_orders`) is asked for with `Async`; its end is the OriginateResponse with our ActionID,
  which only reaches a user with the right read class and event filter. `hears_originate` tries that out.
- The user needs the write classes call, originate and reporting. `system`, `command` and `config` are more
  than a gateway needs (they are as good as a shell on the PBX), hence the fallback in `endpoints`.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sip.ami_answers import (
    AmiRights,
    Channels,
    ClockReading,
    CoreStatus,
    Endpoint,
    ListAnswer,
    read_channel,
    read_list,
    read_number,
)
from sip.ami_errors import ActionDenied, ActionFailed, ActionTimedOut, ConnectionLost, FieldRefused
from sip.ami_protocol import Fields, Kind, Message

ORIGINATE_ANSWER_SECONDS = 10.0
"""How long after the end of ringing the OriginateResponse may still come."""

_PRIVILEGES = re.compile(r"\(Priv: ([^()]*)\)\s*$")
_NEEDED = {
    "Originate": "originate",
    "Hangup": "call",
    "Redirect": "call",
    "CoreStatus": "reporting",
    "CoreShowChannels": "reporting",
}
_DANGEROUS = {"ModuleLoad": "system", "Command": "command", "UpdateConfig": "config"}


class AmiActions(ABC):
    """Actions over anything that can exchange messages with an Asterisk."""

    @abstractmethod
    async def exchange(
        self, name: str, fields: Fields, finished: Callable[[Message], bool], timeout: float | None = None
    ) -> list[Message]:
        """Send an action, give all messages with its ActionID up to the one that `finished` names."""

    async def action(self, name: str, fields: Fields | None = None, *, timeout: float | None = None) -> Message:
        """Send an action and give its response.

        Args:
            name: the action, such as `Setvar`.
            fields: its headers; a list sends a key several times (`Variable`), in order.
            timeout: seconds to wait, None for the configured deadline.

        Raises:
            ActionFailed: Asterisk answered with an error.
            ActionDenied: the user lacks the right.
            FieldRefused: a field holds what cannot be sent; nothing was sent.
            ActionTimedOut, ConnectionLost: no answer; the outcome is unknown.
            NotConnected: a session without connection at the moment; nothing was sent.
        """
        answers = await self.exchange(name, fields or {}, _is_response, timeout)
        return _accepted(name, answers[-1])

    async def list_action(self, name: str, fields: Fields | None = None, *, timeout: float | None = None) -> ListAnswer:
        """Send an action that is answered by an EventList (`CoreShowChannels`, ...) and collect the list.

        Args and raises as in `action`.
        """
        first, *items = await self.exchange(name, fields or {}, _ends_list, timeout)
        if _is_response(first):
            _accepted(name, first)
        if not items:  # a response that announces no list
            return ListAnswer(items=(), whole=(), complete=True)
        return read_list(first, tuple(items[:-1]), items[-1])

    async def hears_originate(self, *, timeout: float = 5.0) -> bool:
        """Find out whether OriginateResponse reaches us, by originating to a channel that cannot exist.

        It takes read class `call` and an event filter that lets it through; no phone rings. For `doctor`.
        """
        nowhere = {"Channel": "PJSIP/trunkline-doctor-no-such-endpoint", "Application": "Wait", "Data": "0"}
        fields = nowhere | {"Async": "true", "Timeout": "1000"}
        try:
            answers = await self.exchange("Originate", fields, _ends_originate, timeout)
        except (ActionTimedOut, ConnectionLost):
            return False
        if _is_response(answers[-1]):
            _accepted("Originate", answers[-1])
        return True

    async def hangup(self, channel: str, *, cause: int | None = None) -> bool:
        """Hang up a channel.

        Args:
            channel: its exact name; a name that begins with `/` would be a pattern and is refused.
            cause: hang-up cause to tell the other side (16 normal, 17 busy), None for Asterisk's own choice.

        Returns:
            False if there is no such channel any more.
        """
        if not channel or channel.startswith("/"):
            raise FieldRefused("Channel", "is no channel name; a pattern could hang up other people's calls")
        try:
            await self.action("Hangup", {"Channel": channel} | ({} if cause is None else {"Cause": str(cause)}))
        except ActionFailed as failure:
            if failure.reason.casefold() == "no such channel":
                return False
            raise
        return True

    async def core_show_channels(self) -> Channels:
        """Give every channel that is open now (write class reporting)."""
        answer = await self.list_action("CoreShowChannels")
        rows = tuple(read_channel(item, whole=good) for item, good in zip(answer.items, answer.whole, strict=True))
        return Channels(rows=rows, complete=answer.complete and all(row.uniqueid for row in rows))

    async def core_status(self) -> CoreStatus:
        """Give Asterisk's start time and counters (write class reporting)."""
        answer = await self.action("CoreStatus")
        return CoreStatus(
            started=f"{answer.get('CoreStartupDate', '')} {answer.get('CoreStartupTime', '')}".strip(),
            channels=read_number(answer.get("CoreCurrentCalls")),
            calls_processed=read_number(answer.get("CoreProcessedCalls")),
        )

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """Give what can be called, to propose an endpoint table from.

        `PJSIPShowEndpoints` needs write class system, which the gateway's user should not have; then the
        device states are taken, which hold the same names (class call or reporting).
        """
        try:
            answer = await self.list_action("PJSIPShowEndpoints")
        except (ActionDenied, ActionFailed):
            return await self.device_states()
        return tuple(
            Endpoint(name=f"PJSIP/{item.get('ObjectName', '')}", state=item.get("DeviceState", ""))
            for item in answer.items
        )

    async def device_states(self) -> tuple[Endpoint, ...]:
        """Give the devices whose state Asterisk knows, of every technology that can be dialled."""
        answer = await self.list_action("DeviceStateList")
        found = (Endpoint(name=item.get("Device", ""), state=item.get("State", "")) for item in answer.items)
        return tuple(endpoint for endpoint in found if "/" in endpoint.name)

    async def read_clock(self, *, timeout: float | None = None) -> ClockReading | None:
        """Ping, and compare clocks by the answer's Timestamp (None where Asterisk sends none)."""
        asked = time.time()
        answer = await self.action("Ping", timeout=timeout)
        answered = time.time()
        if (sent_at := answer.sent_at) is None:
            return None
        middle = datetime.fromtimestamp((asked + answered) / 2, UTC)
        return ClockReading(offset=sent_at - middle, round_trip=timedelta(seconds=answered - asked))

    async def rights(self) -> AmiRights:
        """Find what the user may do: ListCommands lists only what is allowed, each with its classes."""
        answer = await self.action("ListCommands")
        actions = {
            name: frozenset(found[1].split(","))
            for name in answer
            if (found := _PRIVILEGES.search(" ".join(answer.all(name))))
        }
        return AmiRights(
            actions=actions,
            missing={action: right for action, right in _NEEDED.items() if action not in actions},
            dangerous=tuple(right for action, right in _DANGEROUS.items() if action in actions),
        )


def _is_response(message: Message) -> bool:
    return message.kind is Kind.RESPONSE


def _is_refusal(message: Message) -> bool:
    return _is_response(message) and message.name.casefold() != "success"


def _ends_list(message: Message) -> bool:
    if _is_response(message):
        return message.first("EventList").casefold() != "start"
    # by the event's name, which no caller can choose; `EventList: Complete` he could write into his own row
    return message.name.endswith("Complete")


def _ends_originate(message: Message) -> bool:
    return _is_refusal(message) or message.name == "OriginateResponse"


def _accepted(action: str, response: Message) -> Message:
    if response.name.casefold() != "error":
        return response
    reason = response.get("Message", "")
    if reason.casefold() == "permission denied":
        raise ActionDenied(action, _NEEDED.get(action))
    raise ActionFailed(action, reason)
