"""What the page is built into: what a first visit loads, what lies in a wheel, and what must follow the code."""

import gzip
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.api.page import ADDRESSES, INDEX, read_page
from web.build import STAMP, build, digest
from web.schema import SCHEMA, schema

ROOT = Path(__file__).parents[2]
SCRIPT_MAX, STYLE_MAX, INDEX_MAX = 200_000, 60_000, 2_000
"""Bytes by gzip that a first visit may load, of the page's frame."""
FRAME = "index.html"

Chunks = dict[str, dict[str, object]]


def first_load(folder: Path) -> list[str]:
    """The files that a browser asks for before it shows anything: the entry, what it imports, their styles."""
    chunks: Chunks = json.loads((folder / "manifest.json").read_text())
    found: list[str] = []
    left = [FRAME]
    while left:
        chunk = chunks[left.pop()]
        if str(chunk["file"]) not in found:
            found += [str(chunk["file"]), *(str(f) for f in listed(chunk, "css"))]
            left += listed(chunk, "imports")
    return found


def listed(chunk: dict[str, object], name: str) -> list[str]:
    """The names under a key of the manifest."""
    names = chunk.get(name, [])
    assert isinstance(names, list)
    return names


def packed(folder: Path, names: list[str], suffix: str) -> int:
    """Bytes of the files of a kind by gzip."""
    return sum(len(gzip.compress((folder / n).read_bytes(), mtime=0)) for n in set(names) if n.endswith(suffix))


def test_a_first_visit_loads_little(static: Path) -> None:
    names = first_load(static)

    assert packed(static, names, ".js") < SCRIPT_MAX
    assert packed(static, names, ".css") < STYLE_MAX
    assert packed(static, [INDEX], ".html") < INDEX_MAX


@pytest.mark.parametrize("mark", ["JsSIP", "playbackRate", "monthsListFormat"])
def test_the_phone_the_player_and_calendars_come_when_they_are_needed(static: Path, mark: str) -> None:
    """What marks their code stands in none of the files that are loaded first, and in another one."""
    begin = first_load(static)

    assert [name for name in begin if mark in (static / name).read_text()] == []
    assert [p.name for p in static.rglob("*.js") if mark in p.read_text()]


def test_the_page_has_no_inline_script_and_loads_nothing_from_elsewhere(static: Path) -> None:
    index = (static / INDEX).read_text()

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", index)
    assert {a for a in re.findall(r'(?:src|href)="([^"]+)"', index) if not a.startswith("/static/")} == set()
    assert index.count('nonce=""') == 1
    styles = [p.read_text() for p in static.rglob("*.css")]
    assert [a for text in styles for a in re.findall(r"url\(\s*[\"']?(?![\"']|data:|/static/)([^)]*)\)", text)] == []


def test_built_files_need_no_eval_and_tell_no_sources(static: Path) -> None:
    scripts = {p.name: p.read_text() for p in static.rglob("*.js")}

    assert [n for n, text in scripts.items() if re.search(r"(?<![\w.$])eval\(|new Function\(", text)] == []
    assert [n for n, text in scripts.items() if "sourceMappingURL" in text] == []
    assert list(static.rglob("*.map")) == []


def test_every_view_has_its_address_in_the_gateway() -> None:
    routes = re.findall(r'\bpage\(\s*"([^"]+)"', (ROOT / "web" / "src" / "app" / "routes.tsx").read_text())

    assert {re.sub(r":(\w+)", r"{\1}", f"/{route}") for route in routes} | {"/"} == set(ADDRESSES)


def test_the_types_of_the_api_are_those_of_the_code() -> None:
    """Type `make web-schema` and commit web/src/api/schema.ts."""
    assert schema() == SCHEMA.read_text(), "web/src/api/schema.ts is stale; type: make web-schema"


def test_a_wheel_carries_the_page(static: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as packed_files:
        packed_files.extractall(tmp_path / "installed")

    folder = tmp_path / "installed" / "gateway" / "static"
    page = read_page(folder)
    scripts = re.findall(r'src="/static/([^"]+)"', page[INDEX].body.decode())
    assert scripts
    assert set(scripts) <= page.keys()
    assert (folder / "licences.md").read_text().count("\n## ") > 5
    assert not (tmp_path / "installed" / "web").exists()
    assert not list(folder.rglob("*.map"))


def test_the_page_is_built_anew_when_a_source_changes_and_not_for_its_tests(tmp_path: Path) -> None:
    sources = ROOT / "web"
    for path in ("index.html", "package.json", "package-lock.json", "vite.config.ts", "postcss.config.js"):
        shutil.copy(sources / path, tmp_path / path)
    (tmp_path / "src").mkdir()
    before = digest(tmp_path)

    (tmp_path / "src" / "new.test.ts").write_text("export {};\n")
    assert digest(tmp_path) == before
    (tmp_path / "src" / "new.ts").write_text("export {};\n")
    assert digest(tmp_path) != before


def test_a_page_that_is_built_already_is_not_built_again(tmp_path: Path) -> None:
    (tmp_path / STAMP).write_text(digest())

    assert not build(static=tmp_path)
