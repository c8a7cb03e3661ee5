"""A finding: what was looked at, how it is, and what to type where it is not right."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    ADVICE = "advice"  # it works, but not as it should
    FAULT = "fault"  # calls, recordings or figures are lost or wrong, or will be


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """Where: `settings`, `database`, `journal of main`..."""
    level: Level
    text: str
    """Plain words, without callers' data."""
    remedy: tuple[str, ...] = ()
    """What to do, line by line; lines to type or to write stand alone."""
    code: str = ""
    """What is wrong, in a word for programs that stays the same while figures in the text change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Makes findings of one place."""

    name: str

    def ok(self, text: str) -> Finding:
        """It is as it should be."""
        return Finding(area=self.name, level=Level.OK, text=text)

    def advice(self, text: str, *remedy: str, code: str = "") -> Finding:
        """It works, but could be better."""
        return Finding(area=self.name, level=Level.ADVICE, text=text, remedy=remedy, code=code)

    def fault(self, text: str, *remedy: str, code: str = "") -> Finding:
        """It is wrong."""
        return Finding(area=self.name, level=Level.FAULT, text=text, remedy=remedy, code=code)


def has_fault(findings: Iterable[Finding]) -> bool:
    """Whether anything is wrong."""
    return any(finding.level is Level.FAULT for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """The findings for a terminal, place by place, and a last line that sums up."""
    found = list(findings)
    lines: list[str] = []
    area = ""
    for finding in found:
        if finding.area != area:
            area = finding.area
            lines.append(area)
        mark = finding.level.upper() if finding.level is Level.FAULT else finding.level
        lines.append(f"  {mark:<7} {finding.text}")
        lines += [f"            {line}" for line in finding.remedy]
    return "\n".join([*lines, _sum(found)])


def length(time: timedelta) -> str:
    """A time in words, to the minute or the hour."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _sum(findings: list[Finding]) -> str:
    counts = Counter(finding.level for finding in findings)
    faults, advice = counts[Level.FAULT], counts[Level.ADVICE]
    told = "No faults" if not faults else "1 fault" if faults == 1 else f"{faults} faults"
    more = "" if not advice else f", {advice} {'piece' if advice == 1 else 'pieces'} of advice"
    return f"{told}{more}."


def names_of(findings: Iterable[Finding]) -> frozenset[str]:
    """What names each fault from look to look: its code, else its text without the figures in it."""
    return frozenset(f.code or re.sub(r"[0-9]+", "#", f.text) for f in findings if f.level is Level.FAULT)


def as_object(finding: Finding) -> dict[str, object]:
    """One finding for a program."""
    return {
        "area": finding.area,
        "level": finding.level.value,
        "code": finding.code,
        "text": finding.text,
        "remedy": list(finding.remedy),
    }


def as_json(findings: Iterable[Finding]) -> str:
    """The findings for a program."""
    found = list(findings)
    listed = [as_object(f) for f in found]
    return json.dumps({"ok": not has_fault(found), "findings": listed}, ensure_ascii=False, indent=2)
