"""The speech that the demonstration carries: real, small, and with its author and licence."""

from pathlib import Path

import numpy as np
import soundfile

from gateway.demo.speech import FILE, SECONDS, SPOKEN, lay_out


def test_each_side_speaks_when_it_is_its_turn_and_is_silent_else(tmp_path: Path) -> None:
    sides = lay_out(tmp_path / "speech")

    sound = {
        by: soundfile.read(path, dtype="float32") for by, path in (("manager", sides.manager), ("client", sides.client))
    }
    for line in SPOKEN:
        for by, (samples, rate) in sound.items():
            part = samples[int((line.start + 0.1) * rate) : int((line.end - 0.1) * rate)]
            loudness = float(np.sqrt(np.mean(np.square(part))))
            assert (loudness > 0.02) is (by == line.by), (line.words, by, loudness)
    assert {len(samples) / rate for samples, rate in sound.values()} == {len(sound["client"][0]) / 8000}
    assert abs(len(sound["client"][0]) / 8000 - SECONDS) < 0.1


def test_the_file_is_small_and_names_its_author_and_licence() -> None:
    with soundfile.SoundFile(FILE) as file:
        assert file.artist == "Allison Smith"
        assert file.license.startswith("CC-BY-SA-3.0 http")
    assert FILE.stat().st_size < 300_000
