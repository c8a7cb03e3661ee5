"""What `/metrics` shows of the work after calls; labels are names of our own parts, never a caller's data."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.aftercare.backlog import AftercareBacklog
from gateway.aftercare.duties import Duty
from gateway.aftercare.webhooks import Sending
from gateway.store.aftercare_health import AftercareHealth

_GAUGES: Mapping[str, tuple[str, Callable[[AftercareHealth], float]]] = {
    "trunkline_facts_left_out": (
        "Facts of the last seven days that a follower left out after a fault",
        lambda health: sum(left.count for left in health.left_out),
    ),
    "trunkline_duties_failing": ("Duties that failed at their last look", lambda health: len(health.duties)),
    "trunkline_webhooks_failing": (
        "Subscriptions whose receiver has failed many times in a row",
        lambda health: len(health.webhooks["failing"]),
    ),
    "trunkline_webhooks_switched_off": (
        "Subscriptions switched off because the receiver is gone or failed for days",
        lambda health: len(health.webhooks["gone"]) + len(health.webhooks["given_up"]),
    ),
    "trunkline_webhook_deliveries_waiting": ("Messages that wait to be sent", lambda health: health.deliveries_waiting),
    "trunkline_webhook_oldest_waiting_seconds": (
        "How long the oldest of them has waited",
        lambda health: health.oldest_delivery.total_seconds(),
    ),
    "trunkline_webhook_deliveries_failed": (
        "Messages of the last seven days that were given up",
        lambda health: health.deliveries_failed,
    ),
    "trunkline_reports_failed": (
        "Daily reports of the last seven days that were not delivered",
        lambda health: health.reports["failed"],
    ),
    "trunkline_reports_unknown": (
        "Daily reports of the last seven days of which nobody knows whether they arrived",
        lambda health: health.reports["unknown"],
    ),
    "trunkline_imports_standing": ("Imports that have not moved for 15 minutes", lambda h: len(h.imports_standing)),
}


class AftercareMeters(Collector):
    """Reads the parts' states when it is asked."""

    def __init__(self, backlog: AftercareBacklog, duties: Sequence[Duty], webhooks: Sending | None) -> None:
        self._backlog = backlog
        self._duties = duties
        self._webhooks = webhooks

    def collect(self) -> Iterable[Metric]:
        """All figures of this moment."""
        faults = CounterMetricFamily("trunkline_duty_faults", "Looks of a duty that failed", labels=["duty"])
        for duty in self._duties:
            faults.add_metric([duty.name], duty.faults)
        yield faults
        if self._webhooks is not None:
            tally = self._webhooks.tally
            yield CounterMetricFamily("trunkline_webhooks_delivered", "Messages a receiver took", tally.delivered)
            yield CounterMetricFamily("trunkline_webhooks_failed_attempts", "Attempts that failed", tally.failed)
        if (health := self._backlog.health) is not None:
            yield from _counted(health)


def _counted(health: AftercareHealth) -> Iterable[Metric]:
    behind = GaugeMetricFamily("trunkline_follower_behind", "Facts not taken yet", labels=["follower"])
    waiting = GaugeMetricFamily(
        "trunkline_follower_behind_seconds", "How long the oldest of them has waited", labels=["follower"]
    )
    for follower in health.followers:
        behind.add_metric([follower.name], follower.behind)
        waiting.add_metric([follower.name], follower.waiting.total_seconds())
    yield behind
    yield waiting
    for name, (text, value) in _GAUGES.items():
        yield GaugeMetricFamily(name, text, float(value(health)))
