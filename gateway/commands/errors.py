"""Why an order is not taken: nothing was written for it and nothing was sent.

Each has a code for programs (`reason`) and its sentence says what to do; the API maps the classes to its statuses.
"""

from gateway.domain.errors import NotAllowed, Rejected, TryAgain


class ClientHeld(Rejected, ValueError):
    """Somebody of us has this client at the moment: he is dialled, in a call, or was taken for calling back."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NumberForbidden(Rejected, ValueError):
    """This number may not be dialled."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NoPhone(Rejected, ValueError):
    """This person has no phone that could ring; give him an extension with an endpoint first."""

    reason = "no_extension"


class CallOver(Rejected, ValueError):
    """This call has ended; nothing was sent."""

    reason = "call_ended"


class NotInCall(Rejected, ValueError):
    """Whom the order concerns is not in this call any more; nothing was sent."""

    reason = "not_in_call"


class OrderConflict(Rejected, ValueError):
    """Another order to this call stands against this one; wait for its end and look at the call again."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class EngineLacks(Rejected, ValueError):
    """This PBX cannot do that."""

    reason = "not_possible"


class BadTarget(Rejected, ValueError):
    """A call cannot be transferred there."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MayNotOrder(NotAllowed):
    """This order needs a right that the caller does not have; ask an administrator for it."""

    reason = "not_allowed"


class PbxAway(TryAgain):
    """The gateway has no connection for orders to this PBX; try again, or see `trunkline doctor`."""

    reason = "not_connected"
