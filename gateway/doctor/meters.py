"""What `/metrics` shows of the hourly looks at the PBXs."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.doctor.rounds import Rounds


class DoctorMeters(Collector):
    """Reads what the last looks found when it is asked."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def collect(self) -> Iterable[Metric]:
        """Faults by PBX; none of a PBX that was never looked at."""
        family = GaugeMetricFamily("trunkline_doctor_faults", "Faults that the last look found", labels=["pbx"])
        for pbx, faults in sorted(self._rounds.faults.items()):
            family.add_metric([pbx], faults)
        yield family
