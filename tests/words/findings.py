"""Every finding that a test makes is one that the page can say in each language, with its commands as they are.

A conftest.py that imports `findings_are_known` holds all tests beside it to that.
"""

import re
import sys
from collections.abc import Callable, Iterator

import pytest

from gateway.doctor.findings import Area, Finding
from gateway.words.sentences import known_sentences, said
from tests.words.spoken import OF_THE_COMMAND_LINE, OF_THE_DOCTOR, ROOT

TO_TYPE = re.compile(r"[\w.-]+ -rx '[^']*'|(?<!\w)/[\w./-]*\w|`[^`]*`|\[\[?pbx\.[^\]]*\]\]?")
"""Commands, paths and names of settings within a sentence."""


@pytest.fixture(autouse=True)
def findings_are_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at each finding where it is made; complain at the end, where no `except` of ours takes it for a fault."""
    wrong: set[str] = set()
    for name in OF_THE_DOCTOR:
        monkeypatch.setattr(Area, name, _noting(getattr(Area, name), wrong))
    yield
    assert not wrong, f"gateway/words does not know, or spoils: {sorted(wrong)}"


def _noting(make: Callable[..., Finding], wrong: set[str]) -> Callable[..., Finding]:
    def noted(area: Area, text: str, *remedy: str, **more: str) -> Finding:
        finding = make(area, text, *remedy, **more)
        if _is_shown(sys._getframe(1).f_code.co_filename):
            wrong.update(told for told in (finding.area, text, *remedy) if not _is_well(told))
        return finding

    return noted


def _is_shown(file: str) -> bool:
    """Whether a finding of this file reaches the page."""
    return file.startswith(f"{ROOT}/gateway/doctor/") and file.removeprefix(f"{ROOT}/") not in OF_THE_COMMAND_LINE


def _is_well(text: str) -> bool:
    commands = TO_TYPE.findall(text)
    return known_sentences().knows(text) and all(
        command in said(text, language) for language in ("ru", "pl") for command in commands
    )
