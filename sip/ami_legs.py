"""AMI events to leg events, for what the journal cannot say: hold, resume, a refused order.

`CEL` events carry the journal's own rows (see `cel`). All other AMI events make no leg event: they are hints, and
callers can forge them.
"""

from collections.abc import Mapping

from gateway.domain.legs import LegEvent, LegEventKind
from sip.cel import Clock, leg_event, row_of_ami

_HOLDS = {"Hold": LegEventKind.HELD, "Unhold": LegEventKind.RESUMED}
# OriginateResponse `Reason`: the state in which the order ended (Asterisk, AST_CONTROL_*).
_REASONS = {"1": "hung_up", "3": "no_answer", "5": "busy", "8": "congestion"}


def ami_leg_event(event: Mapping[str, str], *, number: int = 0) -> LegEvent | None:
    """Map one AMI event.

    Args:
        event: header to value; only single values are read.
        number: running number of the event, used where its time has whole seconds.

    Returns:
        The leg event, or None where the AMI event makes none.

    Raises:
        BadRow: a `CEL` event that cannot be read.
    """
    name = event.get("Event", "")
    if name == "CEL":
        return leg_event(row_of_ami(event), number=number)
    if name in _HOLDS:
        return _about_leg(event, _HOLDS[name], number)
    if name == "OriginateResponse" and event.get("Response") == "Failure":
        return _about_leg(event, LegEventKind.REFUSED, number)
    return None


def _about_leg(event: Mapping[str, str], kind: LegEventKind, number: int) -> LegEvent | None:
    leg = event.get("Uniqueid", "")
    if not leg or leg == "<unknown>" or "Timestamp" not in event:
        return None
    at, whole = Clock().read(event["Timestamp"])
    return LegEvent(
        at=at,
        kind=kind,
        leg=leg,
        family=event.get("Linkedid", "") or leg,
        channel=event.get("Channel", ""),
        order=number if whole else 0,
        reason=_REASONS.get(event.get("Reason", ""), "failed") if kind is LegEventKind.REFUSED else "",
    )
