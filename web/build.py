"""Build the page into `gateway/static`: `python -m web.build`. Does nothing where it is built from these already.

The built files bear a stamp, the digest of everything they were made from; the packages bear that of their lock. So a
second run starts at once and needs no network, and processes that find something to do at the same time do it once.
"""

import argparse
import contextlib
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from web.node import WEB, Node, NoNodeError, find_node

STATIC = WEB.parent / "gateway" / "static"
STAMP = ".built"
_PACKAGES = WEB / "node_modules"
_LOCK = WEB / "package-lock.json"
_SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "postcss.config.js", "src", "public")
_TESTS = (".test.ts", ".test.tsx")
_SAID = 4000
"""Characters of a failed program's words that are shown."""


def build(*, static: Path = STATIC, say: bool = True) -> bool:
    """Build the page where its sources have changed.

    Args:
        static: where to; what lies there goes.
        say: whether to tell how it goes.

    Returns:
        Whether there was something to do.

    Raises:
        NoNodeError: there is no node.
        subprocess.CalledProcessError: the packages cannot be had, or the sources cannot be built.
    """
    if _is_built(static):
        return False
    with _alone():
        if _is_built(static):
            return False
        node = find_node()
        tell = print if say else _nothing
        install_packages(node, say=say)
        tell("Setting up, once. The page: building it ...", flush=True)
        stamp, fresh = digest(), static.with_name(f".{static.name}.new")
        node.run("node_modules/vite/bin/vite.js", "build", "--outDir", str(fresh), "--logLevel", "warn")
        (fresh / STAMP).write_text(stamp)
        shutil.rmtree(static, ignore_errors=True)
        fresh.rename(static)
        return True


def install_packages(node: Node, *, say: bool = True) -> None:
    """Put the packages of the lock into `node_modules`; no script of theirs is run."""
    wanted, stamp = hashlib.sha256(_LOCK.read_bytes()).hexdigest(), _PACKAGES / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if say:
        print("Setting up, once. The page: packages that it is built with (some 60 MB of downloads) ...", flush=True)
    node.run_npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def digest(folder: Path = WEB) -> str:
    """What the page is made from, as one number.

    Args:
        folder: of the sources.
    """
    whole = hashlib.sha256()
    for path in sorted(p for name in _SOURCES for p in _files(folder / name)):
        body = path.read_bytes()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{len(body)}\0".encode() + body)
    return whole.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    found = path.rglob("*") if path.is_dir() else [path]
    return (p for p in found if p.is_file() and not p.name.endswith(_TESTS))


def _is_built(static: Path) -> bool:
    stamp = static / STAMP
    return stamp.exists() and stamp.read_text() == digest()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process builds."""
    try:
        import fcntl
    except ImportError:  # Windows: who builds twice at once there builds twice
        yield
        return
    with (WEB / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _nothing(*_words: object, **_how: object) -> None:
    """Say nothing."""


def main() -> int:
    """Build, and tell in plain words what hinders it."""
    parser = argparse.ArgumentParser(prog="python -m web.build", description="Build the page of the gateway.")
    parser.add_argument("--go-on", action="store_true", help="tell of a page that cannot be built, and do not fail")
    parser.add_argument("--out", type=Path, default=STATIC, help="where to (gateway/static)")
    args = parser.parse_args()
    try:
        build(static=args.out.absolute())
    except NoNodeError as fault:
        print(fault, file=sys.stderr)
    except subprocess.CalledProcessError as fault:
        print(str(fault.stdout)[-_SAID:], file=sys.stderr)
        print("The page could not be built (above is why); without network its packages cannot come.", file=sys.stderr)
    else:
        return 0
    if not args.go_on:
        return 1
    old = (args.out / STAMP).exists()
    print("Going on with the page as it was built before." if old else "Going on without the page; the API works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
