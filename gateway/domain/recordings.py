"""What a recording is called, where it lies and who speaks in it: rules that every part shares.

The PBX names its files by the uniqueid of the client's leg (`<name>-rx.wav` client, `<name>-tx.wav`
manager, `<name>.done` when both are closed); deploy/asterisk/trunkline_recording.conf writes them so. Our
store names them by our own id and the day only, so no letter that a caller or a PBX chose ever becomes part
of a path.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gateway.domain.errors import GiveUp, TryAgain

LONGEST_NAME = 128  # a uniqueid has at most 150 characters in Asterisk, and FreePBX's tables keep 32
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_FILE = re.compile(r"(?P<name>.+?)(?P<ending>-rx\.wav|-tx\.wav|\.wav|\.done)", re.ASCII | re.DOTALL)
_BEGAN = re.compile(r"(?:.*[^0-9])?(?P<seconds>[0-9]{9,10})\.[0-9]+", re.ASCII)  # Asterisk's `[system-]seconds.number`
_SITE_FILE = re.compile(
    r"(?P<before>(?:.*[^0-9A-Za-z.])?)(?P<uniqueid>[0-9]{9,10}\.[0-9]{1,10})\.[A-Za-z0-9]{2,5}", re.ASCII | re.DOTALL
)  # FreePBX: `<what>-<to>-<from>-<date>-<time>-<uniqueid>.<format>`
_LOCATION = re.compile(
    r"(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<day>[0-9]{2})/"
    r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    re.ASCII,
)


class Speaker(StrEnum):
    """Who is heard on a channel of the archive."""

    MANAGER = "manager"  # channel 0
    CLIENT = "client"  # channel 1


class RecordingPart(StrEnum):
    """The files of one stored recording; the value is the ending of the file's name."""

    FLAC = "flac"  # the archive: without loss, verified; its presence says that the recording is stored
    MP3 = "mp3"  # for playing: every browser plays it
    PEAKS = "peaks"  # for the picture of the sound


class SpoolRole(StrEnum):
    """What a file in the PBX's recording folder is; the value is the ending of its name."""

    CLIENT = "-rx.wav"
    MANAGER = "-tx.wav"
    MIXED = ".wav"
    MARKER = ".done"


class RecordingState(StrEnum):
    """How far a recording has come."""

    WANTED = "wanted"  # it lies in the PBX's folder, or is being written there
    STORED = "stored"  # verified in our archive
    DAMAGED = "damaged"  # its files hold no sound that can be read
    FAILED = "failed"  # given up after several attempts, with the reason
    SKIPPED = "skipped"  # the site's own, of a call that we recorded too
    DELETED = "deleted"  # was stored, and was removed when its time was over


class RecordingWay(StrEnum):
    """Who recorded a call, and how."""

    DIALPLAN = "dialplan"  # the include of deploy/asterisk, on the client's leg, two sides
    ARI = "ari"  # the gateway, by snooping on the client's leg, two sides
    BRIDGE = "bridge"  # the gateway, by MixMonitor on the client's leg, two sides
    SITE = "site"  # the site itself, one mixed file that stays the site's

    @property
    def is_ours(self) -> bool:
        """Whether the files are ours, so that we may delete them when they are stored."""
        return self is not RecordingWay.SITE


def is_recorded(way: RecordingWay, routed: bool | None, *, is_set_up: bool) -> bool | None:
    """Whether a call that talks is being recorded.

    Args:
        way: of its PBX.
        routed: what our route said; None: no route of ours was asked.
        is_set_up: whether calls without a route are recorded, as far as our settings tell.

    Returns:
        None: the site records by rules of its own, and says at the end of the call whether it did.
    """
    if way is RecordingWay.SITE:
        return None
    if routed is not None:
        return routed
    return is_set_up or None


class TranscriptState(StrEnum):
    """How far a recording's transcript has come."""

    NONE = "none"  # not wanted: too short, or switched off
    WANTED = "wanted"
    CLAIMED = "claimed"  # a worker has it, until its claim runs out
    READY = "ready"
    FAILED = "failed"


class NotNow(TryAgain):
    """The recording cannot be taken in at the moment and is not to blame; it is tried again by itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """Plain words, without names of files."""


class NoSound(GiveUp):
    """No file of the recording holds a sound that can be read; listen to the PBX's files by hand."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """What each file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingKey:
    """The address of one stored recording."""

    recording_id: UUID
    day: date
    """UTC day on which the recorded call began; it names the folder."""

    @property
    def folders(self) -> tuple[str, str, str]:
        """The folders from the root down, `("2026", "01", "31")`."""
        return f"{self.day.year:04d}", f"{self.day.month:02d}", f"{self.day.day:02d}"

    @property
    def location(self) -> str:
        """The address as one text for a database column, `2026/01/31/<id>`."""
        return "/".join((*self.folders, str(self.recording_id)))

    def file_name(self, part: RecordingPart) -> str:
        """Name of one part inside its folder."""
        return f"{self.recording_id}.{part}"


def parse_location(text: str) -> RecordingKey | None:
    """Read back what `RecordingKey.location` wrote.

    Args:
        text: `YYYY/MM/DD/<uuid>`, nothing before or after.

    Returns:
        The key; None when the text is not such an address.
    """
    match = _LOCATION.fullmatch(text)
    if match is None:
        return None
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    return RecordingKey(recording_id=UUID(match["id"]), day=day)


def is_spool_name(text: str) -> bool:
    """Whether a text may be the common name of the PBX's files of one recording.

    Letters, digits, dot, dash and underscore, at most 128, not beginning with a dot or a dash: a hidden file
    and a word that a program would take for an option are never ours.
    """
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def parse_spool_file(file_name: str) -> tuple[str, SpoolRole] | None:
    """Split a file name of the PBX's recording folder into the recording's name and the file's role.

    Returns:
        Name and role; None when the file name is not one that our dialplan include can have made.
    """
    match = _FILE.fullmatch(file_name)
    if match is None or not is_spool_name(match["name"]):
        return None
    return match["name"], SpoolRole(match["ending"])


def uniqueid_of_file(file_name: str, *, systemname: str = "") -> str | None:
    """The uniqueid at the end of a site's own file name, before its ending.

    Args:
        file_name: like `out-79161234567-101-20261122-103000-1763807400.12.wav`.
        systemname: what the PBX puts before its uniqueids with a dash; empty where it sets none.

    Returns:
        None: the name ends otherwise, or the uniqueid is not one that a recording of ours may bear.
    """
    match = _SITE_FILE.fullmatch(file_name)
    if match is None:
        return None
    before, name = match["before"], match["uniqueid"]
    if systemname:
        if not re.fullmatch(rf"(?:.*[^0-9A-Za-z])?{re.escape(systemname)}-", before, re.DOTALL):
            return None
        name = f"{systemname}-{name}"
    return name if is_spool_name(name) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecording:
    """A recording as it lies in the PBX's folder."""

    name: str
    """The uniqueid in a safe alphabet."""
    is_completed: bool
    """Whether the PBX said that its files are closed."""
    unchanged_for: timedelta
    """How long we have seen its files not to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolReport:
    """What one look into the PBX's folder found."""

    waiting: tuple[WaitingRecording, ...]
    """Oldest first."""
    refused: int
    """Entries that are left alone: links, folders, names that no recording has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArchive:
    """What lies in our archive, as it was read back from there."""

    sha256: bytes
    """Of the FLAC file."""
    size: int
    """Bytes of the FLAC file."""
    duration: timedelta
    has_speakers: bool
    """False: one channel with everybody in it."""
    is_whole: bool
    """Whether nothing of the PBX's files was left behind: only then may its copy be deleted."""
    remark: str
    """What was repaired or left out, in plain words; empty for a faultless recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """When a recording is taken in, and when it is given up."""

    settle: timedelta = timedelta(seconds=30)
    """Without the PBX's word, files must rest so long after their leg has ended."""
    orphan_after: timedelta = timedelta(hours=6)
    """Files of which no leg is known must rest so long."""
    attempts: int = 3
    """Attempts that may fail, or kill us, before a recording is given up."""
    shortest_transcript: timedelta = timedelta(seconds=1)
    """Nothing is written down of a shorter recording."""

    def is_ripe(self, waiting: WaitingRecording, *, leg_known: bool, leg_ended: bool) -> bool:
        """Whether a recording may be taken in now.

        Args:
            waiting: as it lies in the folder.
            leg_known: whether the journal has told of the leg whose name it bears.
            leg_ended: whether that leg is over.
        """
        if waiting.is_completed:
            return True
        if not leg_known:
            return waiting.unchanged_for >= self.orphan_after
        return leg_ended and waiting.unchanged_for >= self.settle


def day_of_name(name: str, *, otherwise: datetime) -> date:
    """The UTC day on which a leg began, by its uniqueid.

    Args:
        name: the recording's name; Asterisk's uniqueids hold the second in which the leg was made.
        otherwise: aware; the day taken where the name does not tell, or tells a later one.
    """
    match = _BEGAN.fullmatch(name)
    told = datetime.fromtimestamp(int(match["seconds"]), UTC) if match else otherwise
    return min(told, otherwise.astimezone(UTC)).date()
