"""This machine: our own packages, the gateway's folder, its disk, the speech model."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gateway.doctor.findings import Area, Finding
from gateway.domain.errors import GatewayError
from gateway.guard import check_packages
from gateway.settings import Settings
from transcription.errors import ModelUnavailableError
from transcription.model import BASE, installed_parts

_MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")


def check_machine(settings: Settings, home: Path) -> Iterator[Finding]:
    """Packages, folder, disk and model.

    Args:
        settings: of the site.
        home: the gateway's folder, as it is really used.
    """
    yield from _packages()
    yield from _folder(Area(name="folder"), home)
    yield from _space(Area(name="folder"), settings, home)
    yield from _model(Area(name="transcription"), settings)


def _packages() -> Iterator[Finding]:
    area = Area(name="packages")
    try:
        check_packages()
    except GatewayError as fault:
        yield area.fault(str(fault))
    else:
        yield area.ok("The packages are ours.")


def _folder(area: Area, home: Path) -> Iterator[Finding]:
    nearest = _nearest(home)
    if not os.access(nearest, os.W_OK | os.X_OK):
        yield area.fault(
            f"Our user may not write into {nearest}.",
            f"install --directory --owner={_user()} --mode=0711 {home}",
        )
    elif nearest != home:
        yield area.ok(f"{home} will be made at the first start.")
    else:
        yield area.ok(f"{home} is there and we may write.")


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _space(area: Area, settings: Settings, home: Path) -> Iterator[Finding]:
    limit = int(settings.recordings.free_space_limit)
    for name, folder in {"home": home, "the archive": settings.archive}.items():
        free = shutil.disk_usage(_nearest(folder)).free
        told = f"{free / 1e9:.1f} GB are free for {name} ({folder}); the limit is {limit / 1e9:.1f} GB."
        remedy = "free space there, or choose another disk with `home` and `recordings.folder` in the settings"
        if free < limit:
            yield area.fault(f"{told} Recordings and transcripts wait, calls go on.", remedy)
        elif free < 2 * limit:
            yield area.advice(told, remedy)
        else:
            yield area.ok(told)


def _model(area: Area, settings: Settings) -> Iterator[Finding]:
    name = settings.transcription.model
    if not settings.transcription.enabled:
        yield area.ok("Transcription is switched off.")
    elif name == BASE:
        yield _base_model(area)
    elif "/" in name and Path(name).expanduser().is_absolute():
        missing = [file for file in _MODEL_FILES if not (Path(name).expanduser() / file).is_file()]
        yield (
            area.fault(f"The model {name} lacks {', '.join(missing)}.", "correct `transcription.model` in the settings")
            if missing
            else area.ok(f"The model {name} is there.")
        )
    else:
        yield area.ok(f"The model {name!r} is fetched from the model hub at its first use, if it is not here yet.")


def _base_model(area: Area) -> Finding:
    try:
        parts = installed_parts()
    except ModelUnavailableError as fault:
        return area.fault(
            str(fault), "pip install 'trunkline' again in its virtual environment: the model is a package"
        )
    if importlib.util.find_spec("faster_whisper") is None:
        return area.fault("The package faster-whisper is not installed.", "install trunkline again")
    return area.ok(f"The base model is installed ({len(parts)} packages).")
