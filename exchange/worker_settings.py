"""What a worker is started with: its one argument, as JSON. Both sides import this, so it imports nothing heavy."""

from dataclasses import asdict, dataclass
from json import dumps, loads

LEGS = 4
"""Calls that the library carries in one process; it is built so (PJSUA_MAX_CALLS)."""
CODECS = ("PCMA", "PCMU", "G722")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker speaks.

    Attributes:
        bind: the address of RTP, seen by phones and providers.
        front: UDP port of the front on loopback, through which all SIP goes; None: straight to the address dialled.
        port: its own SIP port on loopback; 0: any.
        rtp_port: first UDP port of RTP; 0: any.
        rtp_ports: how many from there; 0: as many as there are.
        codecs: what is offered and taken, in this order.
        silence_seconds: how long a dialled far end may give no sign at all.
    """

    bind: str = "127.0.0.1"
    front: int | None = None
    port: int = 0
    rtp_port: int = 0
    rtp_ports: int = 0
    codecs: tuple[str, ...] = CODECS
    silence_seconds: float = 6.0

    def text(self) -> str:
        """As the argument."""
        return dumps(asdict(self))


def read_settings(text: str) -> WorkerSettings:
    """From the argument.

    Raises:
        ValueError: it is no JSON.
        TypeError: it holds something else.
    """
    told = loads(text)
    return WorkerSettings(**{**told, "codecs": tuple(told.get("codecs", CODECS))})
