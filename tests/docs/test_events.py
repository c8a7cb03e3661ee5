"""docs/events.md names every kind of fact that the program writes; docs/api.md names every right."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.commands.words import CommandState
from gateway.domain.access import GRANTS, Right, Role

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE))


def calls_named(name: str) -> Iterator[ast.Call]:
    """Every call of a function in the program."""
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
                yield node


def words_of(name: str, argument: str) -> set[str]:
    """The texts that stand as an argument of a function, first or by its name."""
    found = set()
    for call in calls_named(name):
        values = [k.value for k in call.keywords if k.arg == argument] or call.args[:1]
        found |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    return found


def test_every_kind_that_is_written_is_on_the_page() -> None:
    facts = words_of("NewFact", "kind")

    assert len(facts) > 25
    assert facts - NAMED == set()
    assert {f"command.{state}" for state in CommandState} - {"command.sent"} - NAMED == set()


def test_every_word_of_a_planned_call_is_on_the_page() -> None:
    words = {w for w in words_of("told", "word") | words_of("replan", "word") if w.isidentifier()}

    assert len(words) > 6
    assert {f"scheduled.{word}" for word in words} - NAMED == set()


def test_every_right_is_in_the_table_with_the_roles_that_have_it() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]+) \| ([a-z, ]+) \|$", page, re.MULTILINE)

    assert [right for right, _, _ in rows] == [str(right) for right in Right]
    for right, _, roles in rows:
        assert set(roles.strip().split(", ")) == {str(r) for r in Role if Right(right) in GRANTS[r]}, right
