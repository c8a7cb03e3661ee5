"""What can go wrong on the Asterisk Manager Interface, sorted by what to do about it.

How it fits: every error the `sip.ami*` modules raise on purpose, below the four of `gateway.domain.errors`.
Where an action may or may not have been carried out, the docstring says so: only `NotConnected` and
`FieldRefused` promise that nothing was sent.
"""

from __future__ import annotations

from gateway.domain.errors import GiveUp, Rejected, TryAgain


class FieldRefused(Rejected, ValueError):
    """A field of an AMI action holds something that cannot be sent; remove it from the value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"AMI field {field!r} {problem}")
        self.field = field
        self.problem = problem


class ActionFailed(Rejected):
    """Asterisk answered an action with an error; its message says what to correct."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(f"Asterisk refused {action}: {reason or 'no reason given'}")
        self.action = action
        self.reason = reason


class ActionDenied(GiveUp, PermissionError):
    """The AMI user may not do this; add the missing class to `write` in manager.conf."""

    def __init__(self, action: str, right: str | None = None) -> None:
        remedy = f"add {right!r} to its write classes in manager.conf" if right else "see `write` in manager.conf"
        super().__init__(f"the AMI user may not use {action}; {remedy}")
        self.action = action
        self.right = right


class AuthenticationRefused(GiveUp, PermissionError):
    """Asterisk refuses the AMI login; correct user, secret or permit in manager.conf and reload it there."""

    def __init__(self, host: str, port: int, username: str) -> None:
        super().__init__(
            f"AMI at {host}:{port} refuses user {username!r}; "
            "compare user name, secret and permit/deny with manager.conf"
        )
        self.host = host
        self.port = port
        self.username = username


class AmiUnreachable(TryAgain, ConnectionError):
    """The AMI server cannot be reached or refuses connections; check that Asterisk runs and manager.conf."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"AMI at {host}:{port} cannot be used: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


class NotAnAmiServer(TryAgain, ConnectionError):
    """What answers is not an AMI server; check host and port (AMI is 5038 by default)."""


class NotConnected(TryAgain, ConnectionError):
    """There is no AMI connection at the moment, so nothing was sent; it is being made again."""


class ConnectionLost(TryAgain, ConnectionError):
    """The AMI connection ended; what was on its way has an unknown outcome."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the AMI connection was lost: {reason}")
        self.reason = reason


class EventsOverflowed(ConnectionLost):
    """Handlers were slower than events for too long; the connection was given up to start from a snapshot."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} events waited for their handlers")
        self.limit = limit


class MessageTooLong(TryAgain, ValueError):
    """The AMI server sent a message without an end; the connection is given up and made anew."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the AMI server sent a message longer than {limit} bytes; reconnect")
        self.limit = limit


class ActionTimedOut(TryAgain, TimeoutError):
    """Asterisk did not answer an action in time; whether it was carried out is unknown."""

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(f"AMI action {action} had no answer within {seconds:g} s; its outcome is unknown")
        self.action = action
        self.seconds = seconds


class AmbiguousField(Rejected, KeyError):
    """A header came several times, perhaps forged by a caller; read all values with `Message.all`."""

    def __init__(self, key: str) -> None:
        super().__init__(f"AMI header {key!r} has several values; read them with Message.all")
        self.key = key

    __str__ = Exception.__str__  # KeyError would print the quoted repr of the sentence


class LegGone(Rejected, LookupError):
    """The PBX has no channel of this leg any more; nothing was done."""


class NotPossibleNow(Rejected):
    """The call does not stand as this order needs it; the message says how it stands. Nothing was done."""


class NoSuchTarget(Rejected):
    """The dialplan has no such extension or number where the gateway dials; correct the target."""
