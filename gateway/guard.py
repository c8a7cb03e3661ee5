"""A guard at the start: are the packages that will be imported really ours?

Names such as `sip` or `recordings` are general, and another distribution can put a package of the same name
into the same environment: pip overwrites files without a word, and a folder earlier on the path hides ours.
Either ends in imports that fail later, or worse, that succeed. So each package must lie where our
distribution put it, and no other distribution may have written over its files (each wheel lists its files
with their hashes in RECORD; an editable install has no such list, and there the place alone is checked).
"""

import base64
import hashlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from gateway.domain.errors import GiveUp

DISTRIBUTION = "trunkline"
PACKAGES = (
    "gateway",
    "sip",
    "recordings",
    "transcription",
    "spreadsheets",
    "webhooks",
    "mailer",
    "shipping",
    "exchange",
)
REMEDY = "install trunkline into a virtual environment of its own"


class ForeignPackageError(GiveUp, ImportError):
    """A package of Trunkline was replaced; install trunkline into a virtual environment of its own.

    Attributes:
        package: the top-level name.
        found: where it is read from now; None if it is gone.
    """

    def __init__(self, message: str, *, package: str, found: Path | None) -> None:
        super().__init__(f"{message}; {REMEDY}")
        self.package = package
        self.found = found


def check_packages(path: Sequence[str] | None = None, home: Path | None = None) -> None:
    """Refuse to go on when a top-level package of ours is not ours any more.

    Args:
        path: the folders imports are looked up in; None means those of this process.
        home: the folder our packages lie in; None means the one this module was read from.

    Raises:
        ForeignPackageError: for the first package that was hidden, removed or written over.
    """
    places = sys.path if path is None else list(path)
    ours = (home or Path(__file__).parent.parent).resolve()
    for package in PACKAGES:
        _check_place(package, places, ours)
    installed = next(iter(Distribution.discover(name=DISTRIBUTION, path=[str(ours)])), None)
    for file in _changed(installed) if installed else ():
        _check_owner(file, str(ours))


def _check_place(package: str, places: list[str], ours: Path) -> None:
    spec = PathFinder.find_spec(package, places)
    folders = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec else []
    if spec is None:
        raise ForeignPackageError(f"the package {package} is missing from {ours}", package=package, found=None)
    if spec.origin is None or ours / package not in folders:
        found = Path(spec.origin) if spec.origin else next(iter(folders), None)
        message = f"the package {package} is read from {found}, not from {ours / package}"
        raise ForeignPackageError(message, package=package, found=found)


def _changed(installed: Distribution) -> Iterator[PackagePath]:
    """Files of our packages that no longer have the hash our wheel recorded."""
    for file in installed.files or ():
        if file.parts[0] not in PACKAGES or file.suffix != ".py" or file.hash is None:
            continue
        content = Path(str(file.locate())).read_bytes() if Path(str(file.locate())).exists() else b""
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, content).digest())
        if digest.rstrip(b"=").decode() != file.hash.value:
            yield file


def _check_owner(file: PackagePath, folder: str) -> None:
    """A changed file that another distribution lists was overwritten; one nobody lists was edited by hand."""
    for other in distributions(path=[folder]):
        if other.name == DISTRIBUTION or not any(str(theirs) == str(file) for theirs in other.files or ()):
            continue
        message = f"the file {file} of the package {file.parts[0]} was overwritten by {other.name}"
        raise ForeignPackageError(message, package=file.parts[0], found=Path(str(file.locate())))
