"""How a call is ended for its far side when whoever carries it cannot: a worker that died, an exchange that was killed.

A call that talks gets a BYE in its worker's name, a phone that rings a CANCEL, a caller who waits for an answer a 500.
For a worker the front says so at once; for itself it keeps the words ready (`exchange.farewells`).
"""

from collections.abc import Callable

from exchange.dialogs import Talk, make_cancel
from exchange.farewells import Farewells
from exchange.proxy import Proxy, Sent, Side, Way
from exchange.sip_text import Request, write_message
from exchange.ways import Ways

Answer = Callable[[Request, int, str], list[Sent]]
"""An answer of our own to a request from outside."""


class Partings:
    """Makes what ends calls, and keeps it for as long as they go on (see `exchange.proxy.Watch`)."""

    def __init__(self, *, proxy: Proxy, ways: Ways, answer: Answer, farewells: Farewells) -> None:
        """Work over the parts of one front."""
        self._proxy = proxy
        self._ways = ways
        self._answer = answer
        self._farewells = farewells

    def all_of(self, worker: int) -> list[Sent]:
        """Take out the calls of a worker that is gone: what ends each of them."""
        ends = [self.of_talk(talk) for talk in self._proxy.talks_of(worker)]
        for came, invite, way in self._proxy.unanswered(worker):
            ends += self.of_ringing(invite, way, came)
        return ends

    def of_talk(self, talk: Talk) -> Sent:
        """What ends a call that talks."""
        bye = self._proxy.bye_of(talk)
        return Sent(side=Side.OUTSIDE, to=self._ways.within(bye, talk.dialog), message=bye)

    def of_ringing(self, invite: Request, way: Way, came: Side) -> list[Sent]:
        """What ends a call that is not answered yet."""
        if came is Side.OUTSIDE:
            return self._answer(invite, 500, "The line failed")
        return [self._proxy.pass_new(make_cancel(invite), way, came)]

    # what the proxy tells

    def begins(self, mark: str, invite: Request, way: Way, came: Side) -> None:
        """A call rings."""
        for sent in self.of_ringing(invite, way, came):
            self._keep(mark, sent)

    def stands(self, mark: str, talk: Talk) -> None:
        """A call was answered."""
        self._keep(mark, self.of_talk(talk))

    def over(self, mark: str) -> None:
        """A call rings or talks no more."""
        self._farewells.drop(mark)

    def _keep(self, mark: str, sent: Sent) -> None:
        self._farewells.keep(mark, write_message(sent.message), sent.to)
