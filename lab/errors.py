"""What can go wrong in the lab: every message says what is missing and how to get it."""

from __future__ import annotations

from gateway.domain.errors import GiveUp, TryAgain


class LabUnavailable(GiveUp):
    """No real Asterisk can be had here. Run as root with debootstrap installed, or install Asterisk 20+."""


class BuildFailed(TryAgain):
    """The chroot could not be built: read the log that the message names and run the command again."""


class ServerFailed(GiveUp):
    """The lab Asterisk did not do what it was asked: its log folder tells why."""


class PhoneFailed(GiveUp):
    """A lab phone refused a command or its process ended: the message names the phone and the reason."""


class LabTimeoutError(TryAgain, TimeoutError):
    """What the lab waited for did not come in time."""
