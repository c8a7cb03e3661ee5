"""Every error the gateway raises on purpose, sorted by the question its catcher asks.

May I try again (`TryAgain`), must a person be told (`GiveUp`), was our own input wrong (`Rejected`),
or is the caller not allowed (`NotAllowed`)? Errors of one channel inherit from one of the four, and from the
standard library's error where there is one. The first paragraph of a class's docstring is its default message, with the
remedy.
"""


class GatewayError(Exception):
    """Something went wrong in the gateway."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((self.__doc__ or "").partition("\n\n")[0].split()))


class TryAgain(GatewayError):
    """The other side is not available at the moment; the same request may succeed later."""


class GiveUp(GatewayError):
    """This cannot succeed without a person; repeating it does not help."""


class Rejected(GatewayError):
    """The request is wrong; correct it as the message says."""


class NotAllowed(GatewayError):
    """The caller may not do this; ask an administrator for the right."""
