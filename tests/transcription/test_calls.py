"""Whole calls through the real model, in process."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.__main__ import main
from gateway.domain.transcript import Speaker, Transcript
from transcription.engine import transcribe_file
from transcription.errors import UnknownLanguageError
from transcription.options import Options

pytestmark = pytest.mark.speech

RATE = 8000


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("ё", "е"))


def spoken(recordings: Path, language: str, channel: int) -> list[str]:
    truth = json.loads((recordings / f"{language}.json").read_text(encoding="utf-8"))
    return words(" ".join(sentence["text"] for sentence in truth if sentence["channel"] == channel))


def missed(said: list[str], transcript: Transcript, speaker: Speaker) -> int:
    """How many of the words are not among what was written for a speaker."""
    written = words(" ".join(s.text for s in transcript.segments if s.speaker == speaker))
    return sum(word not in written for word in said)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_call_is_written_down_with_its_language_and_speakers(
    model_cache: Path, recordings: Path, language: str
) -> None:
    transcript = transcribe_file(recordings / f"{language}.flac", None, Options(cache=model_cache))

    assert transcript.language == language
    assert transcript.model == "base"
    for channel, speaker in enumerate((Speaker.MANAGER, Speaker.CLIENT)):
        said = spoken(recordings, language, channel)
        assert missed(said, transcript, speaker) <= len(said) * 0.25


def test_times_are_those_of_the_speech(model_cache: Path, recordings: Path) -> None:
    transcript = transcribe_file(recordings / "en.flac", "en", Options(cache=model_cache))

    truth = sorted(json.loads((recordings / "en.json").read_text()), key=lambda sentence: sentence["start"])
    assert [s.start for s in transcript.segments] == pytest.approx([t["start"] for t in truth], abs=0.4)
    assert [s.end for s in transcript.segments] == pytest.approx([t["end"] for t in truth], abs=0.4)


def test_silence_noise_ringback_and_hold_music_have_no_words(
    model_cache: Path, recordings: Path, tmp_path: Path
) -> None:
    t = np.arange(15 * RATE) / RATE
    ringback = 0.25 * np.sin(2 * np.pi * 425 * t) * ((t % 5) < 1)
    noise = 0.02 * np.random.default_rng(3).standard_normal(len(t))
    soundfile.write(tmp_path / "quiet.wav", np.stack([np.zeros(len(t)), noise], axis=1), RATE)
    soundfile.write(tmp_path / "ringback.wav", np.stack([noise / 10, ringback], axis=1), RATE)

    for file in (tmp_path / "quiet.wav", tmp_path / "ringback.wav", recordings / "hold.flac"):
        assert transcribe_file(file, None, Options(cache=model_cache)).segments == ()


def test_a_mono_recording_has_no_speakers(model_cache: Path, recordings: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(recordings / "en.flac")
    soundfile.write(tmp_path / "mono.wav", samples.mean(axis=1), rate)

    transcript = transcribe_file(tmp_path / "mono.wav", "en", Options(cache=model_cache))

    assert transcript.segments
    assert {s.speaker for s in transcript.segments} == {None}


def test_an_empty_recording_has_no_language_and_no_segments(model_cache: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2)), RATE)

    transcript = transcribe_file(tmp_path / "empty.wav", None, Options(cache=model_cache))

    assert (transcript.language, transcript.segments, transcript.duration) == (None, (), 0.0)


def test_a_language_the_model_does_not_know_is_refused(model_cache: Path, recordings: Path) -> None:
    with pytest.raises(UnknownLanguageError, match="'xx'"):
        transcribe_file(recordings / "en.flac", "xx", Options(cache=model_cache))


def test_the_command_prints_json(model_cache: Path, recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["transcribe", str(recordings / "en.flac"), "--language", "en", "--json", "--cache", str(model_cache)]

    assert main(asked) == 0

    printed = json.loads(capsys.readouterr().out)
    assert [set(segment) for segment in printed] == [{"speaker", "start", "end", "text"}] * 4
    assert {segment["speaker"] for segment in printed} == {"manager", "client"}


def test_the_command_refuses_what_is_no_recording(
    model_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.wav").write_text("Dear Sir")

    assert main(["transcribe", str(tmp_path / "letter.wav"), "--cache", str(model_cache)]) == 1

    assert "letter.wav: not a sound file" in capsys.readouterr().err
