"""The demonstration dialogue is real speech, and the words in it are known."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.chroot import AsteriskHome
from lab.speech import SAMPLE_RATE, Speaker, make_dialogue


@pytest.mark.parametrize(("language", "word"), [("en", "unidentified"), ("ru", "абонент")])
def test_each_side_speaks_when_its_lines_say_and_is_silent_while_the_other_does(
    asterisk_home: AsteriskHome, tmp_path: Path, language: str, word: str
) -> None:
    dialogue = make_dialogue(asterisk_home, tmp_path, language)

    sides = {
        Speaker.MANAGER: soundfile.read(dialogue.manager)[0],
        Speaker.CLIENT: soundfile.read(dialogue.client)[0],
    }
    assert len(sides[Speaker.MANAGER]) == len(sides[Speaker.CLIENT])
    for line in dialogue.lines:
        span = slice(int(line.start * SAMPLE_RATE), int(line.end * SAMPLE_RATE))
        for speaker, samples in sides.items():
            assert (float(np.std(samples[span])) > 0.02) == (speaker == line.speaker)
    assert word in dialogue.words(Speaker.CLIENT)
