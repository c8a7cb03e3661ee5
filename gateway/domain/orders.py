"""Orders to a PBX as the journal shows them: which legs they made, and why nobody took a call, in one plain word."""

_OUR_LEGS = "tl-"
"""How the ids of our orders begin (`identity.command_id`); the first leg of each has the order's id."""

_CAUSES = {3: "no_phone", 17: "busy", 18: "no_answer", 19: "no_answer", 20: "no_phone", 21: "refused"}
"""Hang-up causes (ITU-T Q.850) of the manager's leg. Where it is a Local channel, a phone not registered gives 3
and one that rang out gives 0 (measured on Asterisk 22.10.1 with a FreePBX's dialplan)."""

CLIENT_CAUSES = {
    1: "no_such_number",
    28: "no_such_number",
    22: "number_changed",
    17: "client_busy",
    18: "client_no_response",
    19: "client_no_answer",
    21: "client_refused",
    34: "line_overloaded",
    42: "line_overloaded",
    44: "line_overloaded",
    2: "trunk_unreachable",
    3: "trunk_unreachable",
    20: "trunk_unreachable",
    27: "trunk_unreachable",
}
"""Hang-up causes of the client's leg, as Asterisk 22 makes them of SIP answers (measured on 22.10.1): 404 is 1, 408 is
18, 410 is 22, 480 is 19, 486 is 17, 503 is 34, 603 is 21."""
STOPPED_RINGING = frozenset({None, 0, 16, 26, 31, 127})
"""The PBX or the caller stopped ringing: the other side said nothing."""


def is_ours(leg: str) -> bool:
    """Whether a leg's id was given by an order of ours: a click-to-call, or a supervisor who listens."""
    return leg.startswith(_OUR_LEGS)


def why_unanswered(cause: int | None) -> str:
    """What the hang-up cause of an order's first leg says: `busy`, `no_answer`, `no_phone`, `refused` or `failed`."""
    if cause is not None and cause in STOPPED_RINGING:
        return "no_answer"
    return _CAUSES.get(cause or 0, "failed")


def why_not_reached(cause: int | None) -> str:
    """What the hang-up cause of a client's leg says that was never answered.

    Returns:
        `client_busy`, `client_refused`, `client_no_answer`, `client_no_response` (408), `no_such_number`,
        `number_changed`, `line_overloaded` (503), `trunk_unreachable` or `client_failed`.
    """
    return "client_no_answer" if cause in STOPPED_RINGING else CLIENT_CAUSES.get(cause or 0, "client_failed")
