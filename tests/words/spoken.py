"""The sentences that the gateway can say to people, found in its source.

`python -m tests.words.spoken` prints those that no file of gateway/words has yet.

A sentence is a text that begins with a capital letter and ends with a full stop: so are all texts written that people
read (field descriptions and log lines are not). What is put into an f-string is a slot, numbered from 1. The docstring
of an error's class is its default message, so it is one too. What the doctor says is taken whole, with its remedies.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.api.problems import KINDS
from gateway.words.sentences import SLOT, entries_of_files, known_sentences

ROOT = Path(__file__).parents[2]
SPEAKING = (
    "exchange/order_fields.py",
    "exchange/phones.py",
    "exchange/provider.py",
    "gateway/aftercare",
    "gateway/api",
    "gateway/commands",
    "gateway/demo",
    "gateway/doctor",
    "gateway/domain",
    "gateway/routing",
    "gateway/softphones",
    "recordings/arrivals.py",
    "recordings/errors.py",
    "sip/ami_errors.py",
    "sip/asterisk_asking.py",
    "sip/asterisk_orders.py",
    "spreadsheets",
    "webhooks",
)
OTHERWISE = frozenset({"speech.py", "report_words.py", "openapi.py"})
"""Files whose texts stand there in every language, or belong to the OpenAPI document, which is English."""
OF_THE_COMMAND_LINE = frozenset(
    {"gateway/doctor/aftercare.py", "gateway/doctor/machine.py", "gateway/doctor/storage.py"}
)
"""What `trunkline doctor` alone looks at; the page shows what `gateway.doctor.pbx` finds."""
FAMILIES = frozenset({"GatewayError", "TryAgain", "GiveUp", "Rejected", "NotAllowed"})
OF_THE_DOCTOR = frozenset({"ok", "advice", "fault"})
NAMED = re.compile(r"\{[a-z_]+\}")
"""A slot of a text that is filled with `format`."""
METRICS = frozenset({"Counter", "Gauge", "Histogram"})
"""Their texts go to whoever collects the metrics, in English."""
FOR_DEVELOPERS = frozenset({"description", "summary", "help"})
"""Keywords whose texts go into the OpenAPI document and the command line, which are English."""


@cache
def spoken() -> dict[str, str]:
    """Every sentence, with the first file that says it."""
    found = {kind.title: "gateway/api/problems.py" for kind in KINDS}
    errors = _names_of_errors()
    for file in _files():
        visitor = Sentences(errors, doctor="doctor" in file.parts)
        visitor.visit(ast.parse(file.read_text("utf-8")))
        for sentence in visitor.found:
            found.setdefault(sentence, str(file.relative_to(ROOT)))
    return found


class Sentences(ast.NodeVisitor):
    """Reads one module.

    Args:
        errors: names of the classes of errors, of any module.
        doctor: whether it makes findings of the doctor.
    """

    def __init__(self, errors: frozenset[str], *, doctor: bool) -> None:
        self.found: list[str] = []
        self._errors = errors
        self._doctor = doctor

    def visit_Expr(self, node: ast.Expr) -> None:
        """Docstrings are for developers."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """But those of errors are what they say; a private one is caught where it is raised."""
        if node.name in self._errors and not node.name.startswith("_") and (doc := ast.get_docstring(node)):
            self.found.append(" ".join(doc.partition("\n\n")[0].split()))
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in FOR_DEVELOPERS:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in METRICS:
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if self._doctor and name in OF_THE_DOCTOR:
            self.found += [text for part in node.args for text in _texts(part)]
        if not (isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "log"):
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._take(template_of(node))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        self._take(template_of(node))

    def _take(self, text: str | None) -> None:
        if text is not None and is_sentence(text):
            self.found.append(text)


def template_of(node: ast.AST) -> str | None:
    """A text of the source with numbered slots; None: it is no text."""
    if isinstance(node, ast.Constant):
        slots = iter(range(1, 100))
        return NAMED.sub(lambda _: f"{{{next(slots)}}}", node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        slots = iter(range(1, 100))
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{next(slots)}}}" for part in node.values
        )
    return None


def is_sentence(text: str) -> bool:
    """Whether people may read it: `The file is empty.`, `{1} is away.`, `` `to` is missing. ``"""
    begins = text[:1].isupper() or text.startswith(("{1}", "`"))
    return begins and text.endswith(".") and " " in text and "\n" not in text and SLOT.sub("", text).strip(" .") != ""


def _texts(node: ast.AST) -> Iterator[str]:
    """The texts within an argument, a conditional one's both."""
    if (text := template_of(node)) is not None:
        yield text
    elif isinstance(node, ast.IfExp | ast.Starred | ast.BoolOp | ast.Tuple | ast.List):
        for part in ast.iter_child_nodes(node):
            yield from _texts(part)


@cache
def _files() -> tuple[Path, ...]:
    places = [ROOT / place for place in SPEAKING]
    found = [file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))]
    return tuple(
        sorted(
            file
            for file in found
            if file.name not in OTHERWISE and str(file.relative_to(ROOT)) not in OF_THE_COMMAND_LINE
        )
    )


def _names_of_errors() -> frozenset[str]:
    """Classes that come from one of the four families, near or far."""
    bases: dict[str, set[str]] = {}
    for file in _files():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(getattr(base, "id", "") for base in node.bases)
    known = set(FAMILIES)
    while new := {name for name, of in bases.items() if of & known} - known:
        known |= new
    return frozenset(known)


def missing() -> list[tuple[str, str]]:
    """The files and sentences that are in no file of gateway/words.

    A line of a remedy may be known by a general entry such as `then: {1}`; a sentence has one of its own, for else
    half of it would stay English.
    """
    known, every = entries_of_files(), known_sentences()
    return sorted(
        (file, text)
        for text, file in spoken().items()
        if text not in known and (is_sentence(text) or not every.knows(text))
    )


def main() -> None:
    """Print what is missing, by file."""
    for file, sentence in missing():
        print(f"{file}: {sentence}")


if __name__ == "__main__":
    main()
