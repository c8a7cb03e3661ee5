"""What `/metrics` shows of the running parts; names follow Prometheus' conventions, no label holds caller data."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.line import Line
from gateway.live import Live
from gateway.recording_upkeep import UpkeepStatus
from gateway.sound import Sound
from gateway.store.recordings import UpkeepCounts
from gateway.transcript_upkeep import TranscriptStatus
from sip.journal import JournalCondition

Value = Callable[[Line], float | None]

_GAUGES: Mapping[str, tuple[str, Value]] = {
    "trunkline_journal_readable": (
        "1: the journal is being read",
        lambda line: float(line.journal.condition is JournalCondition.READING),
    ),
    "trunkline_journal_lag_bytes": ("Bytes of the journal not read yet", lambda line: float(line.journal.lag_bytes)),
    "trunkline_journal_lag_rows": (
        "Rows of a CEL table not read yet, its history among them",
        lambda line: float(line.journal.lag_rows) if line.table else None,
    ),
    "trunkline_journal_table_restarts": (
        "How often the CEL table turned out to be another one since the gateway's start, and was read again",
        lambda line: float(line.journal.restarts) if line.table else None,
    ),
    "trunkline_journal_zone_offset_seconds": (
        "The CEL table's times minus what the ids of its channels tell; hours where the zone is set wrong",
        lambda line: line.journal.zone_offset.total_seconds() if line.journal.zone_offset is not None else None,
    ),
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
        lambda line: None if (offset := line.reconciler.clock_offset) is None else offset.total_seconds(),
    ),
    "trunkline_ship_silent_seconds": (
        "How long the PBX's host was not heard of",
        lambda line: line.receiving.silent_seconds if line.receiving else None,
    ),
    "trunkline_history_bytes_left": (
        "Bytes of before the first meeting that are still to be read",
        lambda line: line.receiving.history_left if line.receiving else None,
    ),
}
_COUNTERS: Mapping[str, tuple[str, Value]] = {
    "trunkline_rows": ("Journal rows taken in", lambda line: float(line.pipeline.rows_taken)),
    "trunkline_rows_refused": ("Rows put into quarantine", lambda line: float(line.pipeline.rows_refused)),
    "trunkline_clock_steps": ("How often the PBX's clock was set", lambda line: float(line.reconciler.clock_steps)),
    "trunkline_legs_closed": ("Legs closed because the PBX knows them no more", lambda line: line.reconciler.closed),
    "trunkline_hints_ignored": (
        "Hold events that fitted no open leg",
        lambda line: float(line.asterisk.state.hints_ignored) if line.asterisk else None,
    ),
}
_UPKEEP_GAUGES: Mapping[str, tuple[str, Callable[[UpkeepStatus], float | None]]] = {
    "trunkline_recordings_looked_at_seconds": (
        "When the PBX's folder was last looked at with success, in seconds since 1970",
        lambda status: status.last_round_at.timestamp() if status.last_round_at else None,
    ),
    "trunkline_recordings_left_alone": ("Entries of the folder that are left alone", lambda status: status.refused),
}
_UPKEEP_COUNTERS: Mapping[str, tuple[str, Callable[[UpkeepStatus], float | None]]] = {
    "trunkline_recordings_stored": ("Recordings taken in", lambda status: status.stored),
    "trunkline_recordings_failed_attempts": ("Attempts that failed", lambda status: status.failed_attempts),
    "trunkline_recording_copies_deleted": (
        "The PBX's copies deleted once their time was over",
        lambda status: status.copies_deleted,
    ),
    "trunkline_recording_copies_kept": (
        "Attempts to delete a copy of the PBX that failed",
        lambda status: status.copies_kept,
    ),
}
_BACKLOG: Mapping[str, tuple[str, Callable[[UpkeepCounts], float]]] = {
    "trunkline_recordings_waiting": ("Recordings that wait to be taken in", lambda counts: counts.waiting),
    "trunkline_recordings_oldest_waiting_seconds": (
        "How long the oldest of them has waited",
        lambda counts: counts.oldest_waiting.total_seconds() if counts.oldest_waiting else 0.0,
    ),
    "trunkline_recordings_faulty": ("Recordings that are damaged or were given up", lambda counts: counts.faulty),
    "trunkline_recordings_without_call": (
        "Recordings whose leg is in no journal",
        lambda counts: counts.without_call,
    ),
    "trunkline_recording_copies_staying": (
        "The PBX's copies that stay: a side was damaged, or deleting failed",
        lambda counts: counts.kept_sources,
    ),
    "trunkline_transcripts_waiting": (
        "Recordings that wait for a transcript",
        lambda counts: counts.transcripts_waiting,
    ),
    "trunkline_transcripts_failed": (
        "Recordings whose transcript was given up",
        lambda counts: counts.transcripts_failed,
    ),
}
_TRANSCRIPTS: Mapping[str, tuple[str, Callable[[TranscriptStatus], float]]] = {
    "trunkline_transcripts_ready": ("Transcripts made", lambda status: status.ready),
    "trunkline_transcribed_seconds": ("Length of what was written down", lambda status: status.audio_seconds),
    "trunkline_transcripts_failed_attempts": ("Attempts that failed", lambda status: status.failed_attempts),
    "trunkline_transcripts_late": (
        "Transcripts that came after another node had taken the work over",
        lambda status: status.refused,
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
        statuses = {pbx: upkeep.status for pbx, upkeep in self._sound.upkeeps.items()}
        for name, (text, shown) in _UPKEEP_GAUGES.items():
            yield _of_upkeeps(GaugeMetricFamily(name, text, labels=["pbx"]), statuses, shown)
        for name, (text, shown) in _UPKEEP_COUNTERS.items():
            yield _of_upkeeps(CounterMetricFamily(name, text, labels=["pbx"]), statuses, shown)
        if (counts := self._sound.backlog.counts) is not None:
            for name, (text, counted) in _BACKLOG.items():
                yield GaugeMetricFamily(name, text, counted(counts))
        if self._sound.transcripts is not None:
            status = self._sound.transcripts.status
            for name, (text, told) in _TRANSCRIPTS.items():
                yield CounterMetricFamily(name, text, told(status))


def _of_upkeeps(
    family: GaugeMetricFamily | CounterMetricFamily,
    statuses: Mapping[str, UpkeepStatus],
    shown: Callable[[UpkeepStatus], float | None],
) -> GaugeMetricFamily | CounterMetricFamily:
    for pbx, status in statuses.items():
        if (found := shown(status)) is not None:
            family.add_metric([pbx], found)
    return family
