"""The verdict on a WAV file and the view of its sound, for every way in which a recorder leaves one."""

import io
from datetime import timedelta

import numpy as np
import pytest
import soundfile

from recordings.errors import SourceChanged
from recordings.wav import Encoding, WavReport, WavState, examine, read_blocks
from tests.recordings.sounds import Mono, header, killed, voice, wav

SOUND = voice(1, 20.0)
RESTED = timedelta(minutes=1)
FRESH = timedelta(seconds=1)


def report_of(content: bytes, unchanged_for: timedelta | None = None) -> WavReport:
    return examine(io.BytesIO(content), unchanged_for=unchanged_for)


def sound_of(content: bytes, *, frames: int = 1000) -> Mono:
    file = io.BytesIO(content)
    report = examine(file, unchanged_for=None)
    return np.concatenate(list(read_blocks(file, report, frames=frames)))[:, 0]


def test_a_closed_file_is_whole() -> None:
    report = report_of(wav(SOUND))

    assert (report.state, report.reason) == (WavState.WHOLE, "")
    assert report.duration == timedelta(seconds=20)
    assert np.array_equal(sound_of(wav(SOUND)), SOUND)


def test_the_header_of_a_killed_asterisk_is_repaired_from_the_size() -> None:
    content = killed(SOUND)
    report = report_of(content)

    assert report.state is WavState.REPAIRED
    assert "header says 0 bytes" in report.reason
    assert report.frames == (len(content) - 44) // 2 == 4 * 65536 // 2 - 22
    assert np.array_equal(sound_of(content), SOUND[: report.frames])


@pytest.mark.parametrize("declared", [2, 30_000, 400_000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_header_too_short_or_too_long_is_corrected_to_what_is_there(declared: int) -> None:
    content = wav(SOUND, declared=declared)

    assert report_of(content).state is WavState.REPAIRED
    assert np.array_equal(sound_of(content), SOUND)


def test_an_odd_byte_at_the_end_is_left_out() -> None:
    content = wav(SOUND, declared=0) + b"\x07"
    report = report_of(content)

    assert (report.state, report.frames) == (WavState.REPAIRED, len(SOUND))
    assert "1 odd bytes" in report.reason


def test_examining_and_reading_change_nothing(tmp_path) -> None:
    path = tmp_path / "a-rx.wav"
    path.write_bytes(killed(SOUND))
    path.chmod(0o400)
    before = path.read_bytes()

    with path.open("rb") as file:
        report = examine(file, unchanged_for=None)
        list(read_blocks(file, report, frames=4000))

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [wav(SOUND, declared=0), killed(SOUND), header(0), b"", header(0)[:20]], ids=range(5)
)
def test_an_unfinished_header_is_growing_until_the_file_has_rested(content: bytes) -> None:
    fresh = report_of(content, FRESH)
    rested = report_of(content, RESTED)

    assert fresh.state is WavState.GROWING
    assert rested.state is not WavState.GROWING
    assert not fresh.is_readable


def test_a_file_whose_header_is_true_needs_no_rest() -> None:
    assert report_of(wav(SOUND), FRESH).state is WavState.WHOLE


def test_how_long_a_file_must_rest_is_the_callers_choice() -> None:
    file = io.BytesIO(wav(SOUND, declared=0))

    assert examine(file, unchanged_for=FRESH, settle=FRESH).state is WavState.REPAIRED


@pytest.mark.parametrize("content", [b"", header(0), header(0) + b"\x01"], ids=range(3))
def test_a_file_without_sound_is_empty(content: bytes) -> None:
    report = report_of(content)

    assert (report.state, report.frames) == (WavState.EMPTY, 0)
    assert report.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00" * 4000, "not a WAV"),
        (b"<html>404</html>" * 40, "not a WAV"),
        (b"RF64" + wav(SOUND)[4:], "RF64 is not understood"),
        (b"RIFX" + wav(SOUND)[4:], "RIFX is not understood"),
        (header(100, tag=49, bits=0) + b"\x00" * 100, "encoding 49"),
        (header(100, bits=24) + b"\x00" * 100, "24 bits"),
        (header(100, tag=3, bits=32) + b"\x00" * 100, "encoding 3"),
        (header(120, channels=6) + b"\x00" * 120, "6 channels"),
        (header(100, channels=0) + b"\x00" * 100, "0 channels"),
        (header(100, rate=11025) + b"\x00" * 100, "11025 Hz"),
        (header(0)[:30], "within its header"),
        (b"RI", "within its header"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00\x00\x00\x00\x00", "before its format"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x04\x00\x00\x00\x01\x00\x01\x00", "shorter than 16"),
        (header(0)[:36], "within its header"),
        (b"RIFF\x00\x00\x00\x00WAVEjunk\xff\xff\xff\xff" + b"\x00" * 70_000, "first 64 KiB"),
    ],
    ids=range(16),
)
def test_what_is_no_recording_is_damaged_and_says_why(content: bytes, reason: str) -> None:
    report = report_of(content)

    assert report.state is WavState.DAMAGED
    assert reason in report.reason
    assert list(read_blocks(io.BytesIO(content), report, frames=100)) == []


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_behind_a_true_begin_never_raise(seed: int) -> None:
    noise = np.random.default_rng(seed).bytes(300)
    content = wav(SOUND)[: 12 + seed * 2] + noise
    file = io.BytesIO(content)
    report = examine(file, unchanged_for=None)

    assert report.data_offset + report.frames * 2 <= len(content)
    assert sum(map(len, read_blocks(file, report, frames=7))) == report.frames


def test_chunks_behind_the_sound_are_not_sound() -> None:
    content = wav(SOUND) + b"LIST\x05\x00\x00\x00INFOx\x00"
    report = report_of(content)

    assert (report.state, report.frames) == (WavState.WHOLE, len(SOUND))


def test_endless_empty_chunks_behind_the_sound_are_not_walked() -> None:
    content = wav(SOUND[:100]) + b"junk\x00\x00\x00\x00" * 1000

    assert report_of(content).state is WavState.REPAIRED


@pytest.mark.parametrize(("subtype", "encoding"), [("ALAW", Encoding.ALAW), ("ULAW", Encoding.MULAW)])
def test_companded_sound_is_decoded_as_g711_says(subtype: str, encoding: Encoding) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.arange(-32768, 32768, 7, dtype=np.int16), 8000, subtype, format="WAV")
    truth, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="int16")
    report = report_of(file.getvalue())

    assert report.format is not None
    assert (report.state, report.format.encoding) == (WavState.WHOLE, encoding)
    assert np.array_equal(sound_of(file.getvalue()), truth)


def test_an_extensible_header_is_read_by_its_subformat() -> None:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, "PCM_16", format="WAVEX")

    report = report_of(file.getvalue())

    assert report.format is not None
    assert (report.state, report.format.sample_rate) == (WavState.WHOLE, 16000)
    assert np.array_equal(sound_of(file.getvalue()), SOUND)


def test_a_file_cut_while_it_is_read_is_an_error_that_may_pass() -> None:
    file = io.BytesIO(wav(SOUND))
    report = examine(file, unchanged_for=None)
    file.truncate(1000)

    with pytest.raises(SourceChanged):
        list(read_blocks(file, report, frames=4000))


def test_what_is_appended_after_the_verdict_is_not_read() -> None:
    file = io.BytesIO(wav(SOUND[:5000], declared=0))
    report = examine(file, unchanged_for=None)
    file.seek(0, 2)
    file.write(SOUND[5000:].tobytes())

    assert sum(map(len, read_blocks(file, report, frames=999))) == 5000
