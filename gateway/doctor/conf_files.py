"""Asterisk's configuration files on this machine, read as Asterisk reads them: includes, templates, additions.

Only for what Asterisk does not tell over AMI (`AST_CONFIG` tells no key that has an empty value). Rules:
docs.asterisk.org, "Asterisk Configuration Files". What may not be read is not there; nothing is ever written.
"""

import re
from collections.abc import Iterator
from pathlib import Path

_SECTION = re.compile(r"\[([^\]]+)\](?:\(([^)]*)\))?")
_INCLUDE = re.compile(r"#(?:try)?include\s+[\"<]?([^\">;]+)")
_DEEPEST = 10
_LONGEST = 4 << 20

Lines = list[tuple[str, str]]


def section_of(folder: Path | None, file: str, section: str) -> Lines | None:
    """Keys and values of a section with those of its templates, in order.

    Args:
        folder: of the configuration; None: it is not on this machine.
        file: its name.
        section: the section's.

    Returns:
        None where the file may not be read or has no such section.
    """
    if folder is None:
        return None
    sections: dict[str, Lines] = {}
    current: Lines | None = None
    try:
        for line in _lines(folder, file, 0):
            if found := _SECTION.match(line):
                current = _begin(sections, found[1], found[2] or "")
            elif current is not None and "=" in line:
                key, value = _pair(line)
                current.append((key, value))
    except OSError:
        return None
    return sections.get(section)


def _begin(sections: dict[str, Lines], name: str, options: str) -> Lines:
    lines = sections.setdefault(name, [])
    for template in (word.strip() for word in options.split(",")):
        lines.extend(sections.get(template, ()) if template not in ("+", "!", "") else ())
    return lines


def _pair(line: str) -> tuple[str, str]:
    """Key and value; the key may hold parentheses with an equal sign of their own in none of ours."""
    key, _, value = line.partition("=")
    return key.strip(), value.lstrip(">").strip()


def _lines(folder: Path, file: str, depth: int) -> Iterator[str]:
    """The lines of a file and of those it includes, without comments."""
    if depth > _DEEPEST:
        return
    with (folder / file).open("rb") as opened:
        text = opened.read(_LONGEST).decode(errors="replace")
    for raw in text.splitlines():
        line = raw.split(";", 1)[0].strip()
        if not line:
            continue
        if not (found := _INCLUDE.match(line)):
            yield line
            continue
        for name in _named(folder, found[1].strip()):
            yield from _included(folder, name, depth)


def _included(folder: Path, name: str, depth: int) -> Iterator[str]:
    try:
        yield from _lines(folder, name, depth + 1)
    except FileNotFoundError:
        return


def _named(folder: Path, name: str) -> list[str]:
    """The files an include means; it may have wildcards."""
    if not any(c in name for c in "*?["):
        return [name]
    return sorted(str(path.relative_to(folder)) for path in folder.glob(name)) if not name.startswith("/") else []
