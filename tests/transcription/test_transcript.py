import json
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.transcript import Segment, Speaker, from_json, to_json, to_webvtt

MILLISECONDS = st.integers(0, 9_000_000).map(lambda ms: ms / 1000)
SEGMENTS = st.lists(
    st.builds(
        Segment,
        speaker=st.sampled_from([Speaker.MANAGER, Speaker.CLIENT, None]),
        start=MILLISECONDS,
        end=MILLISECONDS,
        text=st.text(),
    ),
    max_size=6,
)


def test_a_segment_is_speaker_start_end_and_text() -> None:
    segment = Segment(speaker=Speaker.CLIENT, start=1.23456, end=2.0, text="Алло")

    assert to_json([segment]) == [{"speaker": "client", "start": 1.235, "end": 2.0, "text": "Алло"}]


def test_a_mono_recordings_segment_has_no_speaker() -> None:
    segment = Segment(speaker=None, start=0.0, end=1.0, text="yes")

    assert to_json([segment])[0]["speaker"] is None
    assert "<v" not in to_webvtt([segment])


@given(SEGMENTS)
def test_what_is_written_as_json_is_read_back(segments: list[Segment]) -> None:
    assert from_json(json.loads(json.dumps(to_json(segments)))) == tuple(segments)


def test_webvtt_has_a_cue_a_segment_with_the_speaker_as_voice() -> None:
    segments = [
        Segment(speaker=Speaker.MANAGER, start=0.5, end=2.25, text="Hello."),
        Segment(speaker=Speaker.CLIENT, start=3661.0, end=3662.0, text="A < B & C"),
    ]

    assert to_webvtt(segments) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:02.250\n<v manager>Hello.</v>\n\n"
        "01:01:01.000 --> 01:01:02.000\n<v client>A &lt; B &amp; C</v>\n"
    )


def test_no_words_are_a_file_without_cues() -> None:
    assert to_webvtt([]) == "WEBVTT\n"


@given(SEGMENTS)
def test_no_text_can_forge_a_cue(segments: list[Segment]) -> None:
    written = to_webvtt(segments)

    with_words = [segment for segment in segments if segment.text.split()]
    assert len(re.findall("-->", written)) == len(with_words)
    assert written.count("\n\n") == len(with_words)
