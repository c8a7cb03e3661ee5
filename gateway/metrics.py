"""What `/metrics` shows of the running parts; names follow Prometheus' conventions, no label holds caller data."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.line import Line
from gateway.live import Live
from gateway.sound import Sound
from sip.journal import JournalCondition

Value = Callable[[Line], float | None]

_GAUGES: Mapping[str, tuple[str, Value]] = {
    "trunkline_journal_readable": (
        "1: the journal is being read",
        lambda line: float(line.journal.condition is JournalCondition.READING),
    ),
    "trunkline_journal_lag_bytes": ("Bytes of the journal not read yet", lambda line: float(line.journal.lag_bytes)),
    "trunkline_open_legs": ("Legs that have not ended", lambda line: float(len(line.pipeline.open_legs()))),
    "trunkline_families_set_aside": (
        "Calls whose stored rows are damaged, so that they stay as they are",
        lambda line: float(line.pipeline.families_set_aside),
    ),
    "trunkline_ami_connected": (
        "1: there is a manager session",
        lambda line: float(line.asterisk.state.connected) if line.asterisk else None,
    ),
    "trunkline_journal_silent": (
        "1: the PBX told a hang-up of which the journal knows nothing",
        lambda line: float(line.asterisk.state.journal_silent_since is not None) if line.asterisk else None,
    ),
    "trunkline_clock_offset_seconds": (
        "The PBX's clock minus ours",
        lambda line: line.reconciler.clock_offset.total_seconds() if line.reconciler.clock_offset else None,
    ),
}
_COUNTERS: Mapping[str, tuple[str, Value]] = {
    "trunkline_rows": ("Journal rows taken in", lambda line: float(line.pipeline.rows_taken)),
    "trunkline_rows_refused": ("Rows put into quarantine", lambda line: float(line.pipeline.rows_refused)),
    "trunkline_legs_closed": ("Legs closed because the PBX knows them no more", lambda line: line.reconciler.closed),
    "trunkline_hints_ignored": (
        "Hold events that fitted no open leg",
        lambda line: float(line.asterisk.state.hints_ignored) if line.asterisk else None,
    ),
}


class Meters(Collector):
    """Reads the parts' states when it is asked."""

    def __init__(self, lines: Mapping[str, Line], sound: Sound, live: Live) -> None:
        self._lines = lines
        self._sound = sound
        self._live = live

    def collect(self) -> Iterable[Metric]:
        """All figures of this moment."""
        for name, (text, value) in _GAUGES.items():
            yield self._of_lines(GaugeMetricFamily(name, text, labels=["pbx"]), value)
        for name, (text, value) in _COUNTERS.items():
            yield self._of_lines(CounterMetricFamily(name, text, labels=["pbx"]), value)
        yield GaugeMetricFamily("trunkline_listeners", "Who follows the live bus", self._live.listeners)
        yield GaugeMetricFamily(
            "trunkline_recordings_paused",
            "1: the disk of the recordings is nearly full",
            float(self._sound.space.paused),
        )
        yield from self._sounds()

    def _of_lines(
        self, family: GaugeMetricFamily | CounterMetricFamily, value: Value
    ) -> GaugeMetricFamily | CounterMetricFamily:
        for pbx, line in self._lines.items():
            if (found := value(line)) is not None:
                family.add_metric([pbx], found)
        return family

    def _sounds(self) -> Iterable[Metric]:
        stored = CounterMetricFamily("trunkline_recordings_stored", "Recordings taken in", labels=["pbx"])
        failed = CounterMetricFamily("trunkline_recordings_failed_attempts", "Attempts that failed", labels=["pbx"])
        for pbx, upkeep in self._sound.upkeeps.items():
            stored.add_metric([pbx], upkeep.status.stored)
            failed.add_metric([pbx], upkeep.status.failed_attempts)
        yield stored
        yield failed
        if self._sound.transcripts is not None:
            status = self._sound.transcripts.status
            yield CounterMetricFamily("trunkline_transcripts_ready", "Transcripts made", status.ready)
            yield CounterMetricFamily(
                "trunkline_transcribed_seconds", "Length of what was written down", status.audio_seconds
            )
