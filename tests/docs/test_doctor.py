"""docs/doctor.md names every code of a finding, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("| code | what is wrong |") : PAGE.index("## What is looked at")]
NAMED = set(re.findall(r"`([a-z0-9]+_[a-z0-9_]*\*?)`", "".join(row.split("|")[1] for row in TABLE.splitlines() if row)))
SOURCE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway" / "doctor").glob("*.py"))
CODES = set(re.findall(r'code="([a-z_0-9]+)"', SOURCE))
COMPOSED = {"ami_lacks_originate", "ami_lacks_call", "ami_lacks_agent", "ami_lacks_reporting", "ami_no_playdtmf"}
COMPOSED |= {"originate_channel", "originate_context"}


def test_every_code_of_a_finding_is_told() -> None:
    families = tuple(name[:-1] for name in NAMED if name.endswith("*"))

    assert sorted(code for code in CODES if code not in NAMED and not code.startswith(families)) == []


def test_no_code_is_told_that_no_finding_has() -> None:
    assert sorted(name for name in NAMED - CODES - COMPOSED if not name.endswith("*")) == []
