"""The lab's configuration is rendered from templates that name what they need."""

from pathlib import Path

import pytest

from lab.errors import ServerFailed
from lab.server import SUPPLIED, TEMPLATES, render


def test_a_value_stands_where_its_name_stood_and_addresses_are_left_alone() -> None:
    assert render("bind = @PORT@ ; PJSIP/${EXTEN}@trunk", {"PORT": "5060"}) == "bind = 5060 ; PJSIP/${EXTEN}@trunk"


def test_a_name_without_a_value_is_told() -> None:
    with pytest.raises(ServerFailed, match="asks for @PORT@; known are HOST"):
        render("bind = @PORT@", {"HOST": "127.0.0.1"})


def test_every_file_a_site_installs_is_included_by_the_lab_or_tried_by_a_test_of_its_own() -> None:
    included = "".join(path.read_text() for path in (*TEMPLATES.glob("*.conf"), *SUPPLIED.glob("*.conf")))
    tests = Path(__file__).parent.parent / "gateway"
    tried = "".join((tests / name).read_text() for name in ("test_site_includes.py", "broken_site.py"))

    for supplied in SUPPLIED.glob("*.conf"):
        assert f"#include {supplied.name}" in included or supplied.name in tried
