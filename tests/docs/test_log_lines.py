"""docs/monitoring.md lists every text that is logged as an error, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| ", PAGE.partition("\n## The log\n")[2], re.MULTILINE)
PACKAGES = ("gateway", "sip", "recordings", "transcription", "webhooks", "mailer", "spreadsheets")
LEVELS = ("error", "exception", "critical")


def logged() -> Iterator[str]:
    """The texts of errors; a text with a back-tick is cut there, as the page does."""
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if _logs(node):
                for part in ast.walk(node.args[0]):
                    text = names.get(part.id) if isinstance(part, ast.Name) else getattr(part, "value", None)
                    if isinstance(text, str):
                        yield text.partition("`")[0].strip()


def _logs(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) and node.args else None
    owner = called.value if isinstance(called, ast.Attribute) and called.attr in LEVELS else None
    return isinstance(owner, ast.Name) and owner.id in ("log", "logger")


def test_every_error_of_the_log_is_explained_and_nothing_else_is() -> None:
    assert sorted(ROWS) == sorted(set(logged()))
