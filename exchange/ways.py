"""Where what a worker says goes: to one place of an endpoint, to a trunk, and within a call to its far side."""

from dataclasses import replace

from exchange.dialogs import Dialog
from exchange.directory import Directory
from exchange.guard import Guard
from exchange.parties import PHONES_HOST, Place, Refusal
from exchange.proxy import Proxy, Way
from exchange.registrar import Registrar
from exchange.sip_address import decoded
from exchange.sip_text import Request


class Ways:
    """Finds ways; time comes as an argument, in seconds."""

    def __init__(self, *, directory: Directory, registrar: Registrar, guard: Guard, proxy: Proxy) -> None:
        """Look into the parts of one front."""
        self._directory = directory
        self._registrar = registrar
        self._guard = guard
        self._proxy = proxy

    def out(self, request: Request, worker: int, now: float) -> Way | Refusal:
        """Where a worker's new call goes, or why nowhere."""
        if request.uri.host == PHONES_HOST:
            return self._to_phone(request, worker, now)
        trunk = self._directory.trunk_of(request.uri)
        if trunk is None:
            return Refusal(code=404, reason="No such trunk")
        places = self._directory.places.get(trunk.name, ())
        if trunk.name in self._directory.away or not places:
            return Refusal(code=503, reason="The provider does not answer")
        uri = replace(self._directory.trunk_uri(trunk, ""), user=request.uri.user)
        return Way(to=places[0], uri=uri, dialog=Dialog(trunk=trunk.name, worker=worker, far=places[0]))

    def within(self, request: Request, dialog: Dialog) -> Place:
        """Where a request goes within a call.

        A phone gets it where it was seen, whatever it believes its address to be. A provider may have its calls carried
        by another of its hosts than the one that rang (its Contact, its Record-Route), but only by one of its own.
        """
        if dialog.trunk is None:
            return dialog.far
        try:
            host, port = self._proxy.next_hop(request)
            return (host, port) if self._guard.is_trunk(host, dialog.trunk) else dialog.far
        except ValueError:  # a name, which is not looked up in the middle of a call
            return dialog.far

    def _to_phone(self, request: Request, worker: int, now: float) -> Way | Refusal:
        endpoint = decoded(request.uri.user)
        if endpoint not in self._directory.phones:
            return Refusal(code=404, reason="No such endpoint")
        binding = self._registrar.place(endpoint, request.uri.param("c"), now)
        if binding is None:
            return Refusal(code=480, reason="Not registered")
        dialog = Dialog(phone=endpoint, worker=worker, far=binding.source)
        return Way(to=binding.source, uri=binding.uri, dialog=dialog)
