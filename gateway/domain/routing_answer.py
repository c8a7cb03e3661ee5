"""The line that the dialplan gets for an answer, and what it may hold.

    TL1:dial:PJSIP/101&PJSIP/102:20:-:1:3:END

Mark and version, action, what is dialled, seconds, sound, whether the call is recorded (1 or 0), number of the
question it answers, and the end. Eight fields with a colon between them, none empty (`-`), none with any other
sign than letters, digits and `_ . / & @ -`: the dialplan cuts them apart with CUT and drops whatever else
an answer might hold (deploy/asterisk/trunkline_route.conf). Nothing of a caller's is ever in it: phones come from our
table of endpoints, sounds from the administrator's list.
"""

import re
from collections.abc import Sequence

from gateway.domain.errors import Rejected
from gateway.domain.routing import Action, Decision

MARK, END = "TL1", "END"
_LONGEST = 900
_FIELD = re.compile(rf"[A-Za-z0-9_./&@-]{{1,{_LONGEST}}}")
_PHONE = re.compile(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9_.@/-]{1,100}")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,80}")


class AnswerError(Rejected, ValueError):
    """An answer holds a sign that a dialplan must not get; correct the endpoint or the sound it names."""


def answer_line(decision: Decision, *, n: int) -> str:
    """The line for a decision.

    Raises:
        AnswerError: a field has a sign that it must not have.
    """
    dial = _together(decision.phones) if decision.action is Action.DIAL else "-"
    fields = (
        MARK,
        decision.action,
        dial,
        str(decision.seconds),
        decision.sound or "-",
        str(int(decision.record)),
        str(n),
        END,
    )
    if not all(_FIELD.fullmatch(field) for field in fields):
        raise AnswerError
    return ":".join(fields)


def _together(phones: Sequence[str]) -> str:
    """The phones that ring at once: as many as one line of a dialplan holds, the first ones first."""
    fitting, length = [], 0
    for phone in phones:
        length += len(phone) + 1
        if length > _LONGEST:
            break
        fitting.append(phone)
    return "&".join(fitting)


def dial_string(pattern: str, extension: str, template: str) -> str | None:
    """What the PBX dials for a row of the table of endpoints.

    Args:
        pattern: as it was entered: `PJSIP/101`, `101`, or what is no single phone (a pattern, an outside number).
        extension: whose it is.
        template: how the PBX is asked to ring one that has no technology, like `PJSIP/{endpoint}`.

    Returns:
        None: it is not one phone, or has a sign that no dialplan should get.
    """
    if "/" in pattern:
        found = pattern
    elif _PLAIN.fullmatch(pattern) and _PLAIN.fullmatch(extension):
        found = template.format(endpoint=pattern, ext=extension)
    else:
        return None
    return found if _PHONE.fullmatch(found) and _is_own(found, extension) else None


def _is_own(dialled: str, extension: str) -> bool:
    """Whether a phone is rung, and not a number through somebody's line (`SIP/trunk/00...`, `PJSIP/00...@trunk`).

    What stands before an @ is dialled, so it may be his extension alone; only a Local channel has options behind it.
    """
    technology, _, rest = dialled.partition("/")
    name, at, behind = rest.partition("@")
    if not at:
        return "/" not in rest
    return name == extension and ("/" not in behind or technology == "Local")
