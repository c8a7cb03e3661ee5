"""A click-to-call as Asterisk is asked for it, and what Asterisk's answers mean.

How it fits: `sip.asterisk` sends what `originate_fields` makes and reads what comes back with `refusal` and
`ending`; nothing here waits.

Where the rules come from: main/manager.c and main/pbx.c of Asterisk 22, measured on 22.10.1. With `Async` Originate is
answered twice under one ActionID: at once ("successfully queued", or an error such as for an extension that does not
exist), and by OriginateResponse when the first phone has answered or failed. The ActionID is 128 random bits of ours,
so no caller can forge either; the values in them are read from their first place, which Asterisk writes before
anything a caller chose.

Nothing that a caller can choose reaches Channel or Exten: the channel is the PBX's template with the manager's own
endpoint or extension, and a number is digits, `+`, `*` and `#` or it is refused before anything is sent.
"""

import re
import string
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent
from gateway.domain.orders import why_unanswered
from gateway.domain.ports import OrderOutcome, OrderState, SpyMode
from sip.ami_legs import ami_leg_event
from sip.ami_protocol import Message
from sip.asterisk_rights import denied_detail

RING_SECONDS = 30.0
"""How long the manager's phone may ring."""

_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,30}")
_ENDPOINT = re.compile(r"[A-Za-z0-9_.+-]{1,80}")
_EXTENSION = re.compile(r"[A-Za-z0-9_.*#+-]{1,40}")
_NUMBER = re.compile(r"[0-9+*#]{1,40}")
_CALLER_ID = re.compile(r'(?:"?(?P<name>[^<>"]*?)"?\s*<(?P<number>[0-9+*#]{1,40})>|(?P<bare>[0-9+*#]{1,40}))')
_LONGEST_NAME = 40
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FIELDS = frozenset({"endpoint", "ext"})
_LONGEST_RING = 300.0
_SPYING = {SpyMode.LISTEN: "quSE", SpyMode.WHISPER: "quSEw", SpyMode.BARGE: "quSEB"}
_SPY_NUMBER = "0"

CALL_CONTEXT = "trunkline-call"
"""Where an order goes whose client is shown a number of the manager's own (deploy/asterisk/trunkline_control.conf)."""

_ENDINGS = {"1": "no_answer", "3": "no_answer", "5": "busy"}
"""`Reason` of a failed OriginateResponse (AST_CONTROL_*) that says why. PJSIP says 0 for all but a phone that rang out
(measured), so then the hang-up cause of the leg must tell."""


class BadOrder(Rejected, ValueError):
    """An order holds what no PBX may be sent; correct the field the message names."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field} cannot be sent to the PBX; allowed are {allowed}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class DialTemplate:
    """How this PBX is asked to ring a manager and then to dial."""

    channel: str = "PJSIP/{endpoint}"
    """With `{endpoint}` or `{ext}`, such as `Local/{ext}@from-internal`."""
    context: str = "from-internal"
    """Dialplan context in which the client's number is dialled."""
    ring_seconds: float = RING_SECONDS
    """How long the manager's phone may ring."""
    queue_seconds: float = 5.0
    """How long Asterisk may take to say that it has queued an order; after it the outcome is unknown."""

    def __post_init__(self) -> None:
        named = {name for _, name, _, _ in string.Formatter().parse(self.channel) if name is not None}
        if not named or not named <= _FIELDS:
            raise BadOrder("the channel template", "{endpoint} and {ext}")


def check_order_id(order_id: str) -> None:
    """Refuse what cannot be an order's id.

    Raises:
        BadOrder: it is none.
    """
    _check("the order's id", _ORDER_ID, order_id, "1 to 30 letters, digits, dots, dashes and underscores")


def check_phone(endpoint: str, extension: str) -> None:
    """Refuse what cannot be a manager's endpoint or extension.

    Raises:
        BadOrder: one of them is none.
    """
    _check("the endpoint", _ENDPOINT, endpoint, "1 to 80 letters, digits, dots, dashes and underscores")
    _check("the extension", _EXTENSION, extension, "1 to 40 letters, digits and + * # . _ -")


def originate_fields(
    template: DialTemplate,
    *,
    order_id: str,
    endpoint: str,
    extension: str,
    number: str,
    caller_id: str,
    client_caller_id: str = "",
    ring_seconds: float | None = None,
    included: bool = True,
) -> dict[str, str | list[str]]:
    """The headers of the Originate action for a click-to-call.

    Args:
        template: of the PBX.
        order_id: id of the first leg, at most 30 characters: tables of CEL hold 32, `;2` may be added.
        endpoint: the manager's, without technology.
        extension: the manager's.
        number: as the PBX dials it.
        caller_id: shown to the manager's phone: `Name <number>` or a number; empty for none.
        client_caller_id: number shown to the client; empty: as the PBX's dialplan has it.
        ring_seconds: how long the manager's phone may ring, 1 to 300; None: the template's.
        included: whether the supplied dialplan is there; without it the site's own has to show the number.

    Raises:
        BadOrder: a field holds what must not be sent.
    """
    fields = _first_leg(template, order_id, endpoint, extension, ring_seconds)
    _check("the number", _NUMBER, number, "1 to 40 digits, + * and #")
    fields |= {"Exten": number, "Context": template.context, "Priority": "1"}
    if caller_id:
        fields["CallerID"] = _shown(caller_id)
    if client_caller_id:
        _check("the number shown to the client", _NUMBER, client_caller_id, "1 to 40 digits, + * and #")
        fields["Context"] = CALL_CONTEXT if included else template.context
        fields["Variable"] = [
            f"__TRUNKLINE_CALLER_ID={client_caller_id}",
            f"TRUNKLINE_CONTEXT={template.context}",
        ]
    return fields


def spy_fields(
    template: DialTemplate, *, order_id: str, endpoint: str, extension: str, mode: SpyMode
) -> dict[str, str | list[str]]:
    """The headers of the Originate action that rings a supervisor; `Data` still lacks the channel in front.

    Raises:
        BadOrder: a field holds what must not be sent.
    """
    fields = _first_leg(template, order_id, endpoint, extension, None)
    return fields | {"Application": "ChanSpy", "Data": _SPYING[mode], "CallerID": f'"{mode}" <{_SPY_NUMBER}>'}


def _first_leg(
    template: DialTemplate, order_id: str, endpoint: str, extension: str, ring_seconds: float | None
) -> dict[str, str | list[str]]:
    """What every order says of the phone that rings first."""
    check_order_id(order_id)
    check_phone(endpoint, extension)
    seconds = template.ring_seconds if ring_seconds is None else ring_seconds
    if not 0 < seconds <= _LONGEST_RING:
        raise BadOrder("the seconds of ringing", "1 to 300")
    return {
        "Channel": template.channel.format(endpoint=endpoint, ext=extension),
        "Timeout": str(round(seconds * 1000)),
        "Async": "true",
        "ChannelId": order_id,
    }


def _check(field: str, pattern: re.Pattern[str], value: str, allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise BadOrder(field, allowed)


def _shown(caller_id: str) -> str:
    found = _CALLER_ID.fullmatch(caller_id.strip())
    if _CONTROL.search(caller_id) or found is None:
        raise BadOrder("the caller id", "a number of digits, + * and #, or a name of one line and <number> behind it")
    name = (found["name"] or "")[:_LONGEST_NAME].replace("\\", "")
    return f'"{name}" <{found["number"] or found["bare"]}>'


def refusal(response: Message, at: datetime) -> OrderOutcome | None:
    """What the first answer says; None: the order is queued."""
    if response.name.casefold() == "success":
        return None
    match response.first("Message").casefold().rstrip("."):
        case "permission denied":
            reason = "not_allowed"
        case "extension does not exist":
            reason = "no_such_number"
        case _:
            reason = "failed"
    detail = denied_detail("Originate") if reason == "not_allowed" else ""
    return OrderOutcome(state=OrderState.REFUSED, reason=reason, at=at, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A queued order that came to nothing, because the manager's phone did not answer."""

    order_id: str
    reason: str
    """`no_answer`, `busy`, `refused`, `no_phone` or `failed`."""
    at: datetime
    """The PBX's clock, ours where it said nothing."""
    event: LegEvent | None
    """The same as a row of ours, for the call's family; None: the PBX gave no time."""


def failure(response: Message) -> bool:
    """Whether an OriginateResponse says that the manager's phone was not answered."""
    return response.first("Response").casefold() != "success"


def needs_cause(response: Message) -> bool:
    """Whether a failure does not say why, so that the leg's hang-up cause is wanted."""
    return response.first("Reason") not in _ENDINGS


def ending(order_id: str, response: Message, *, cause: int | None, now: datetime) -> Refusal:
    """What a failed OriginateResponse says.

    Args:
        order_id: of the order.
        response: as it came.
        cause: hang-up cause of the order's leg, a hint that chooses the word only; None: it never was.
        now: our clock.
    """
    told = {key: response.first(key) for key in response.fields} | {"Uniqueid": order_id, "Response": "Failure"}
    by_cause = "no_phone" if cause is None else why_unanswered(cause)
    reason = _ENDINGS.get(response.first("Reason"), by_cause)
    event = ami_leg_event(told) if response.sent_at else None
    return Refusal(
        order_id=order_id,
        reason=reason,
        at=response.sent_at or now,
        event=event and replace(event, reason=reason),
    )
