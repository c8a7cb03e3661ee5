"""Why the manager's phone did not take a click-to-call, in one word: from AMI's answer or from the journal's row."""

_CAUSES = {17: "busy", 18: "no_answer", 19: "no_answer", 20: "no_phone", 21: "refused"}
"""Hang-up causes (ITU-T Q.850)."""


def why_unanswered(cause: int | None) -> str:
    """What the hang-up cause of an order's first leg says: `busy`, `no_answer`, `no_phone`, `refused` or `failed`."""
    return _CAUSES.get(cause or 0, "failed")
