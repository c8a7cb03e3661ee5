import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from transcription.audio import SAMPLE_RATE, open_recording
from transcription.errors import UnreadableRecordingError


def tone(rate: int, seconds: float, channels: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    t = np.arange(int(rate * seconds)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * (300 + 200 * c) * t) for c in range(channels)], axis=1)


def read(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with open_recording(path) as recording:
        return np.concatenate(list(recording.blocks()), axis=1)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_becomes_sixteen_kilohertz_of_the_same_length(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "call.wav"
    soundfile.write(path, tone(rate, 2.0, channels), rate)

    samples = read(path)

    assert samples.shape == pytest.approx((channels, 2 * SAMPLE_RATE), abs=2)
    assert samples.dtype == np.float32
    assert np.sqrt(np.square(samples).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(("name", "subtype"), [("c.wav", "ALAW"), ("c.wav", "FLOAT"), ("c.flac", "PCM_16")])
def test_wav_and_flac_are_read(tmp_path: Path, name: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, tone(8000, 1.0), 8000, subtype=subtype)

    with open_recording(tmp_path / name) as recording:
        assert recording.duration == 1.0
        assert recording.channels == 2


def test_a_cut_is_what_the_whole_has_there(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    soundfile.write(path, tone(8000, 65.0), 8000)
    whole = read(path)

    with open_recording(path) as recording:
        cut = recording.cut(1, 31.25, 33.5)

    expected = whole[1, int(31.25 * SAMPLE_RATE) : int(33.5 * SAMPLE_RATE)]
    assert cut.shape == expected.shape
    assert np.abs(cut - expected)[200:-200].max() < 0.01


def test_a_header_that_says_nothing_follows_is_read_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    soundfile.write(path, tone(8000, 3.0), 8000, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0)
    path.write_bytes(data)

    with open_recording(path) as recording:
        assert recording.duration == 3.0
    assert np.abs(read(path)).max() > 0.4


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(8000, 3.0), 8000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + 8000 * 4])

    assert read(path).shape[1] == pytest.approx(SAMPLE_RATE, abs=2)


def test_a_recording_without_sound_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros((0, 2)), 8000)

    with open_recording(path) as recording:
        assert recording.duration == 0.0
    assert read(path).shape == (2, 0)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\x00" * 5000, b"not a sound at all\n" * 100])
def test_garbage_is_refused_with_the_files_name_and_what_is_allowed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "letter.wav"
    path.write_bytes(data)

    with pytest.raises(UnreadableRecordingError, match=r"letter\.wav: .*WAV or FLAC"), open_recording(path):
        pass


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match=r"gone\.wav: it cannot be opened"):
        read(tmp_path / "gone.wav")


def test_more_than_two_channels_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "three.wav", tone(8000, 1.0, 3), 8000)

    with pytest.raises(UnreadableRecordingError, match="3 channels"):
        read(tmp_path / "three.wav")


def test_samples_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.full((8000, 2), np.nan), 8000, subtype="FLOAT")

    assert not read(path).any()
