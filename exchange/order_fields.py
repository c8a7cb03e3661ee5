"""What an order may hold before it is sent to the exchange; the same limits as at a PBX, so orders fit everywhere.

A number is digits, `+`, `*` and `#`; ids and phones are plain letters; a caller's name is one line without `<>"`. What
does not fit raises `BadOrder`, and nothing was sent.
"""

import re

from gateway.domain.errors import Rejected

_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,30}")
_LEG = re.compile(r"[A-Za-z0-9._:+-]{1,30}")
_ENDPOINT = re.compile(r"[A-Za-z0-9_.+-]{1,80}")
_EXTENSION = re.compile(r"[A-Za-z0-9_.*#+-]{1,40}")
_NUMBER = re.compile(r"[0-9+*#]{1,40}")
_DIGITS = re.compile(r"[0-9A-D*#]{1,32}")
_REASON = re.compile(r"[A-Za-z0-9 _.-]{0,40}")
_CALLER_ID = re.compile(r'(?:"?(?P<name>[^<>"]*?)"?\s*<(?P<number>[0-9+*#]{1,40})>|(?P<bare>[0-9+*#]{1,40}))')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_NAME = 40
_LONGEST_RING = 300.0


class BadOrder(Rejected, ValueError):
    """An order holds what may not be sent; correct the field the message names."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field} cannot be sent to the exchange; allowed are {allowed}")
        self.field = field


def _check(field: str, pattern: re.Pattern[str], value: str, allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise BadOrder(field, allowed)


def check_order_id(order_id: str) -> None:
    """Refuse what cannot be an order's id."""
    _check("the order's id", _ORDER_ID, order_id, "1 to 30 letters, digits, dots, dashes and underscores")


def check_leg(leg: str) -> None:
    """Refuse what cannot be a leg's id."""
    _check("the leg's id", _LEG, leg, "1 to 30 letters, digits and . _ : + -")


def check_phone(endpoint: str, extension: str) -> None:
    """Refuse what cannot be a manager's endpoint or extension."""
    _check("the endpoint", _ENDPOINT, endpoint, "1 to 80 letters, digits, dots, dashes and underscores")
    _check("the extension", _EXTENSION, extension, "1 to 40 letters, digits and + * # . _ -")


def check_target(target: str) -> None:
    """Refuse what cannot be dialled."""
    _check("the target", _NUMBER, target, "1 to 40 digits, + * and #")


def check_digits(digits: str) -> None:
    """Refuse what is no DTMF."""
    _check("the digits", _DIGITS, digits, "1 to 32 of 0-9, A-D, * and #")


def check_reason(reason: str) -> None:
    """Refuse a reason of a pause that no screen should show."""
    _check("the reason", _REASON, reason, "at most 40 letters, digits, spaces and . _ -")


def read_call(number: str, caller_id: str, client_caller_id: str, ring_seconds: float | None) -> tuple[str, str]:
    """The name and number that a manager's phone is shown for a click-to-call.

    Args:
        number: the client's.
        caller_id: `Name <number>`, a number, or empty: the client's number.
        client_caller_id: number shown to the client; empty: the line's.
        ring_seconds: None: as usual.

    Raises:
        BadOrder: one of them may not be sent.
    """
    _check("the number", _NUMBER, number, "1 to 40 digits, + * and #")
    if client_caller_id:
        _check("the number shown to the client", _NUMBER, client_caller_id, "1 to 40 digits, + * and #")
    if ring_seconds is not None and not 0 < ring_seconds <= _LONGEST_RING:
        raise BadOrder("the seconds of ringing", "1 to 300")
    found = _CALLER_ID.fullmatch(caller_id.strip())
    if caller_id and (_CONTROL.search(caller_id) or found is None):
        raise BadOrder("the caller id", "a number of digits, + * and #, or a name of one line and <number> behind it")
    if found is None:
        return "", number
    return (found["name"] or "")[:_LONGEST_NAME].replace("\\", "").strip(), found["number"] or found["bare"]
