"""What a recording is called, where it lies and who speaks in it: rules that every part shares.

The PBX names its files by the uniqueid of the client's leg (`<name>-rx.wav` client, `<name>-tx.wav`
manager, `<name>.done` when both are closed); deploy/asterisk/trunkline_recording.conf writes them so. Our
store names them by our own id and the day only, so no letter that a caller or a PBX chose ever becomes part
of a path.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

LONGEST_NAME = 128  # a uniqueid has at most 150 characters in Asterisk, and FreePBX's tables keep 32
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_FILE = re.compile(r"(?P<name>.+?)(?P<ending>-rx\.wav|-tx\.wav|\.wav|\.done)", re.ASCII | re.DOTALL)
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
