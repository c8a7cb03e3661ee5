"""What was said in a call: who, when and which words, and the two forms in which the outside reads it.

Channel 0 of a recording is the manager and channel 1 the client; a mono recording holds both in one channel,
so its segments have no speaker. Times are seconds from the start of the recording, taken from the voice
detector and not from the recogniser (whose own times drift by seconds). `to_webvtt` follows the W3C
recommendation "WebVTT: The Web Video Text Tracks Format": one cue a segment, the speaker as a voice span.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict


class Speaker(StrEnum):
    """Who speaks in a channel of a recording."""

    MANAGER = "manager"
    CLIENT = "client"


class SegmentJson(TypedDict):
    """One segment as the API, the command line and the database hold it."""

    speaker: str | None
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """An unbroken stretch of speech of one person."""

    speaker: Speaker | None
    """None: a mono recording, nobody knows who speaks."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds from the start of the recording."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All that was said in one recording, ordered by start."""

    language: str | None
    """Two-letter code; None: nobody spoke long enough to tell."""
    segments: tuple[Segment, ...]
    model: str
    """Name of the model that wrote it."""
    duration: float
    """Length of the recording in seconds."""


def to_json(segments: Sequence[Segment]) -> list[SegmentJson]:
    """Turn segments into plain values for JSON.

    Args:
        segments: The segments of a transcript.

    Returns:
        One `{speaker, start, end, text}` a segment, times rounded to milliseconds, speaker null when unknown.
    """
    return [
        SegmentJson(
            speaker=segment.speaker.value if segment.speaker else None,
            start=round(segment.start, 3),
            end=round(segment.end, 3),
            text=segment.text,
        )
        for segment in segments
    ]


def from_json(items: Sequence[Mapping[str, object]]) -> tuple[Segment, ...]:
    """Read back what `to_json` wrote.

    Args:
        items: Mappings with speaker, start, end and text.

    Returns:
        The segments in the same order.

    Raises:
        KeyError: A field is missing.
        ValueError: A speaker or a time is none.
    """
    return tuple(
        Segment(
            speaker=Speaker(str(item["speaker"])) if item["speaker"] is not None else None,
            start=float(str(item["start"])),
            end=float(str(item["end"])),
            text=str(item["text"]),
        )
        for item in items
    )


def to_webvtt(segments: Sequence[Segment]) -> str:
    """Write segments as a WebVTT caption file.

    Args:
        segments: The segments of a transcript; one without words gets no cue.

    Returns:
        The whole file, with a line feed at its end.
    """
    cues = [
        f"{_clock(segment.start)} --> {_clock(max(segment.end, segment.start + 0.001))}\n{_cue_text(segment)}\n"
        for segment in segments
        if segment.text.split()
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _cue_text(segment: Segment) -> str:
    text = " ".join(segment.text.split())
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<v {segment.speaker.value}>{escaped}</v>" if segment.speaker else escaped


def _clock(seconds: float) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
