"""What `/metrics` shows of the gateway's own exchange; nothing where the site has none."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.domain.exchange_standing import ExchangeStanding, ExchangeView

_GAUGES: Mapping[str, tuple[str, Callable[[ExchangeStanding], float | None]]] = {
    "trunkline_exchange_calls": ("Calls that stand at the exchange, ringing ones among them", lambda s: s.calls),
    "trunkline_exchange_phones": ("Phones that may register", lambda s: len(s.phones)),
    "trunkline_exchange_phones_registered": ("Phones that are registered", lambda s: s.registered),
    "trunkline_exchange_workers": ("Workers that run", lambda s: s.workers),
    "trunkline_exchange_workers_idle": ("Workers that run and carry no call", lambda s: s.idle_workers),
    "trunkline_exchange_room": ("Calls that the workers can take now", lambda s: s.room),
    "trunkline_exchange_lock_outs": ("Lock-outs after wrong passwords that hold now", lambda s: len(s.lock_outs)),
    "trunkline_exchange_older": (
        "1: the exchange that runs is of another release than the gateway",
        lambda s: float(s.release != __version__),
    ),
}
_COUNTERS: Mapping[str, tuple[str, Callable[[ExchangeStanding], float]]] = {
    "trunkline_exchange_worker_deaths": (
        "Workers that died since the exchange's start, and were replaced",
        lambda s: s.worker_deaths,
    ),
    "trunkline_exchange_wrong_passwords": ("Wrong passwords since the exchange's start", lambda s: s.wrong_passwords),
    "trunkline_exchange_strangers": (
        "Messages dropped since the exchange's start, since their host is nobody's",
        lambda s: s.strangers,
    ),
}


class ExchangeMeters(Collector):
    """Reads what the exchange said last, some seconds ago."""

    def __init__(self, view: Callable[[], ExchangeView | None]) -> None:
        """Args:
        view: how the exchange stood; None: the site has none.
        """
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """Whether it runs, and what it said."""
        view = self._view()
        standing = view.standing if view is not None else None
        running = GaugeMetricFamily("trunkline_exchange_running", "1: the exchange runs and answers", labels=[])
        if view is not None:
            running.add_metric([], float(standing is not None))
        yield running
        for name, (words, value) in _GAUGES.items():
            yield _with(GaugeMetricFamily(name, words, labels=[]), standing, value)
        for name, (words, value) in _COUNTERS.items():
            yield _with(CounterMetricFamily(name, words, labels=[]), standing, value)
        yield _providers(standing)


def _with(
    family: GaugeMetricFamily | CounterMetricFamily,
    standing: ExchangeStanding | None,
    value: Callable[[ExchangeStanding], float | None],
) -> Metric:
    """The family with its value; without one where it is not known."""
    if standing is not None and (known := value(standing)) is not None:
        family.add_metric([], known)
    return family


def _providers(standing: ExchangeStanding | None) -> Metric:
    words = "1: calls can go over the provider; absent while nobody knows"
    family = GaugeMetricFamily("trunkline_exchange_provider_up", words, labels=["provider"])
    for trunk in standing.trunks if standing is not None else ():
        if trunk.works is not None:
            family.add_metric([trunk.name], float(trunk.works))
    return family
