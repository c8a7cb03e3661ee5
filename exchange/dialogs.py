"""The calls that stand, and how they are ended for a worker that died in the middle of them.

A worker that is gone says no BYE: a phone would hear silence, and a provider would go on counting minutes. So of each
established call the little is kept that a BYE takes (RFC 3261, 12.1 and 15), until one passes. The front says it in
the worker's name; whoever has hung up meanwhile answers 481, which nobody waits for. A phone that still rings for such
a worker gets a CANCEL.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from exchange.parties import Place
from exchange.sip_address import Address, BadMessage, Via, read_address
from exchange.sip_text import Request

MOST_STANDING = 2000
_CSEQ = 1_000_000_000
"""Beyond any count that the worker's library reaches (it begins below 32768), and below 2**31."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """What a token says of a dialog.

    Attributes:
        phone: The endpoint, for a dialog with a phone.
        trunk: The trunk, for a dialog with a provider.
        worker: The worker's UDP port on 127.0.0.1.
        far: Where the far side was seen when the dialog began.
    """

    phone: str | None = None
    trunk: str | None = None
    worker: int
    far: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """An established call.

    Attributes:
        dialog: Who stands at its two ends.
        call_id: Its Call-ID.
        ours: The worker's side with its tag.
        theirs: The far side with its tag.
        contact: The far side's Contact as it was written; None without.
        routes: Proxies of the far side, the nearest first.
    """

    dialog: Dialog
    call_id: str
    ours: Address
    theirs: Address
    contact: str | None
    routes: tuple[str, ...]

    @property
    def mark(self) -> str:
        """What no other call has: a Call-ID alone may be repeated by anybody who knows it."""
        return f"{self.call_id}\0{self.dialog}"


class Standing:
    """The calls that stand."""

    def __init__(self) -> None:
        """None stands."""
        self._talks: dict[str, Talk] = {}

    def __len__(self) -> int:
        return len(self._talks)

    def begin(self, talk: Talk) -> Talk | None:
        """A call was answered; beyond the bound the oldest is forgotten, and given."""
        self._talks[talk.mark] = talk
        return self._talks.pop(next(iter(self._talks))) if len(self._talks) > MOST_STANDING else None

    def end(self, call_id: str, dialog: Dialog) -> Talk | None:
        """One side said BYE; gives the call, where it is known."""
        return self._talks.pop(f"{call_id}\0{dialog}", None)

    def of(self, worker: int) -> Iterator[Talk]:
        """Take all calls of a worker out."""
        for mark in [mark for mark, talk in self._talks.items() if talk.dialog.worker == worker]:
            yield self._talks.pop(mark)


def make_bye(talk: Talk, via: Via) -> Request:
    """The BYE of a call in its worker's name."""
    uri = talk.theirs.uri
    if talk.contact is not None:
        try:
            uri = read_address(talk.contact).uri
        except BadMessage:
            uri = talk.theirs.uri
    return Request(
        method="BYE",
        uri=uri,
        headers=(
            *(("Route", route) for route in talk.routes),
            ("From", str(talk.ours)),
            ("To", str(talk.theirs)),
            ("Call-ID", talk.call_id),
            ("CSeq", f"{_CSEQ} BYE"),
            ("Reason", 'SIP;cause=500;text="The line failed"'),
        ),
        vias=(via,),
        sender=talk.ours,
        receiver=talk.theirs,
        call_id=talk.call_id,
        cseq=_CSEQ,
        cseq_method="BYE",
    )


def make_cancel(invite: Request) -> Request:
    """The CANCEL of an INVITE (RFC 3261, 9.1): the same transaction, nothing that is not its own."""
    kept = tuple(pair for pair in invite.headers if pair[0] in ("From", "To", "Call-ID"))
    headers = (*kept, ("CSeq", f"{invite.cseq} CANCEL"))
    return replace(invite, method="CANCEL", cseq_method="CANCEL", headers=headers, body=b"", max_forwards=70)
