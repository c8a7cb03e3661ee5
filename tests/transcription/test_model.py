import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from transcription.errors import ModelDamagedError, ModelUnavailableError
from transcription.model import BASE_SHA256, BASE_SIZE, installed_parts, join_base, locate


def damaged_parts(folder: Path) -> tuple[Path, Path]:
    """Packages of which one byte is wrong."""
    first, second = installed_parts()
    shutil.copytree(first, folder / "part1")
    (folder / "part2").mkdir()
    data = bytearray((second / "model.bin.part2").read_bytes())
    data[1000] ^= 1
    (folder / "part2" / "model.bin.part2").write_bytes(data)
    return folder / "part1", folder / "part2"


def test_the_base_model_is_joined_from_its_packages(model_cache: Path) -> None:
    folder = locate("base", model_cache)

    weights = (folder / "model.bin").read_bytes()
    assert len(weights) == BASE_SIZE
    assert hashlib.sha256(weights).hexdigest() == BASE_SHA256
    assert {"config.json", "tokenizer.json", "vocabulary.txt"} <= {file.name for file in folder.iterdir()}


def test_it_is_joined_once(model_cache: Path) -> None:
    first = (join_base(model_cache) / "model.bin").stat()
    again = (join_base(model_cache) / "model.bin").stat()

    assert (first.st_ino, first.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)


def test_several_at_once_get_the_same_whole_model(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        folders = list(threads.map(lambda _: join_base(tmp_path), range(3)))

    assert len(set(folders)) == 1
    assert not list(folders[0].glob("*.new"))


def test_a_damaged_package_is_refused_and_leaves_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelDamagedError, match="is damaged"):
        join_base(tmp_path / "cache", damaged_parts(tmp_path))

    assert not list((tmp_path / "cache").rglob("model.bin*"))


def test_a_cached_model_that_was_cut_short_is_joined_again(tmp_path: Path) -> None:
    weights = join_base(tmp_path) / "model.bin"
    weights.write_bytes(weights.read_bytes()[:1000])

    join_base(tmp_path)

    assert weights.stat().st_size == BASE_SIZE


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"known are .*large-v3-turbo"):
        locate("enormous", tmp_path)


def test_a_folder_without_a_model_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"model\.bin"):
        locate(str(tmp_path), tmp_path)


def test_a_folder_of_a_model_is_taken_as_it_is(model_cache: Path, tmp_path: Path) -> None:
    folder = locate("base", model_cache)

    assert locate(str(folder), tmp_path) == folder


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ModelUnavailableError, match="cannot be used"):
        locate("base", tmp_path / "file" / "cache")
