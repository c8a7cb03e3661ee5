"""Two sides that were fetched: put together by their ends, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.domain.recordings import SpoolRole
from recordings.errors import BadName, NothingRecorded
from recordings.pairs import Pair, sweep_pairs
from tests.recordings.sounds import RATE, Mono, voice, wav

NAME = "1763807400.12"


def fetch(folder: Path, client: bytes, manager: bytes, name: str = NAME) -> None:
    with Pair(folder, name) as pair:
        for role, content in ((SpoolRole.CLIENT, client), (SpoolRole.MANAGER, manager)):
            with pair.create(role) as file:
                file.write(content)
        pair.publish()


def read(folder: Path, role: SpoolRole) -> Mono:
    sound: Mono = soundfile.read(folder / f"{NAME}{role}", dtype="int16")[0]
    return sound


def test_a_side_that_began_later_gets_silence_before_its_begin(tmp_path: Path) -> None:
    client, manager = voice(1, 2.0), voice(2, 2.0)
    late = 480  # frames, 60 ms

    fetch(tmp_path, wav(client), wav(manager[late:]))

    assert np.array_equal(read(tmp_path, SpoolRole.CLIENT), client)
    assert np.array_equal(read(tmp_path, SpoolRole.MANAGER), np.concatenate([np.zeros(late, np.int16), manager[late:]]))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}-rx.wav", f"{NAME}-tx.wav", f"{NAME}.done"]


def test_a_difference_that_no_start_explains_is_left(tmp_path: Path) -> None:
    fetch(tmp_path, wav(voice(1, 4.0)), wav(voice(2, 2.0)))

    assert len(read(tmp_path, SpoolRole.MANAGER)) == 2 * RATE


def test_a_side_whose_header_lies_is_measured_by_what_is_there(tmp_path: Path) -> None:
    fetch(tmp_path, wav(voice(1, 2.0), declared=0), wav(voice(2, 1.9)))

    assert len(read(tmp_path, SpoolRole.MANAGER)) == 2 * RATE


def test_what_is_no_sound_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded):
        fetch(tmp_path, wav(voice(1, 1.0)), b"{}")

    assert list(tmp_path.iterdir()) == []


def test_what_broke_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_off() -> None:
        with Pair(tmp_path, NAME) as pair:
            pair.create(SpoolRole.CLIENT).close()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_gateway_left_is_swept(tmp_path: Path) -> None:
    Pair(tmp_path, NAME).create(SpoolRole.CLIENT).close()
    fetch(tmp_path, wav(voice(1, 1.0)), wav(voice(2, 1.0)))

    assert sweep_pairs(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a b", "a\n", "-rf"])
def test_a_name_is_never_a_way_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadName):
        Pair(tmp_path, name)
