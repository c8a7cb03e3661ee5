"""What a SIP answer says, in the words of telephone networks: hang-up causes and the results of dialling.

The causes are those that Asterisk 22 makes of the same answers (measured on 22.10.1), so that a call of this exchange
and one of a PBX are folded alike: RFC 3398, section 8.2.6.1, with its exceptions.
"""

from enum import StrEnum

NORMAL, BUSY, NO_RESPONSE, NO_ANSWER, REFUSED, ELSEWHERE, OUT_OF_ORDER, NO_LINE = 16, 17, 18, 19, 21, 26, 27, 38
"""Causes of ITU-T Q.850: the usual end, busy, no response, rang out, refused, taken elsewhere, a line that does not
answer at all, no line."""

_CAUSES = {
    400: 127,
    401: REFUSED,
    403: REFUSED,
    404: 1,
    405: 127,
    407: REFUSED,
    408: NO_RESPONSE,
    410: 22,
    415: 58,
    480: NO_ANSWER,
    481: 127,
    482: 34,
    484: 28,
    485: 1,
    486: BUSY,
    487: ELSEWHERE,
    488: 58,
    500: 41,
    501: 41,
    502: 38,
    503: 34,
    504: 102,
    600: BUSY,
    603: REFUSED,
    604: 1,
    606: 58,
}
_LINE_IS_AWAY = frozenset({34, 38, 41, 102, NO_RESPONSE, OUT_OF_ORDER})
"""Causes by which the next trunk is tried: the number itself was never asked."""


class Status(StrEnum):
    """What came of ringing, in the words that the routing knows from Asterisk's Dial."""

    ANSWER = "ANSWER"
    BUSY = "BUSY"
    NOANSWER = "NOANSWER"
    CANCEL = "CANCEL"
    CONGESTION = "CONGESTION"
    CHANUNAVAIL = "CHANUNAVAIL"


def cause_of(code: int) -> int:
    """The hang-up cause of a final SIP status."""
    if 200 <= code < 300 or code == 0:
        return NORMAL
    return _CAUSES.get(code, 127 if code < 500 else 41)


def status_of(cause: int) -> Status:
    """What came of dialling a leg that ended with this cause, unanswered."""
    if cause in (BUSY, REFUSED):
        return Status.BUSY
    if cause in (NORMAL, NO_ANSWER, NO_RESPONSE, ELSEWHERE):
        return Status.NOANSWER
    return Status.CONGESTION


def code_of(status: Status) -> int:
    """The SIP status a caller gets whom nobody took."""
    return {Status.BUSY: 486, Status.CONGESTION: 503, Status.CHANUNAVAIL: 480}.get(status, 480)


def next_line(cause: int) -> bool:
    """Whether another trunk may reach the number that this one did not."""
    return cause in _LINE_IS_AWAY
