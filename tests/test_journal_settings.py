"""A PBX's journal is a file here, sent by its host, or a table: one of them, and no secret in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Journal

URL = "mysql+pymysql://trunkline:hidden@192.0.2.20/asteriskcdrdb"


def test_a_table_has_an_address_and_a_name() -> None:
    journal = Journal.model_validate({"url": URL, "timezone": "Europe/Moscow"})

    assert journal.url is not None
    assert (journal.url.get_secret_value(), journal.table) == (URL, "cel")
    assert "hidden" not in repr(journal)


def test_the_address_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL + "\n")

    journal = Journal.model_validate({"url_file": str(tmp_path / "url")})

    assert journal.url is not None
    assert journal.url.get_secret_value() == URL


@pytest.mark.parametrize(
    "url", ["http://h/d", "mysql://trunkline:hidden@h", "oracle://u:hidden@h/d", "mysql+mysqldb://u:hidden@h/d", ""]
)
def test_another_address_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ValidationError) as fault:
        Journal.model_validate({"url": url})

    assert "hidden" not in str(fault.value.errors(include_input=False))


@pytest.mark.parametrize("table", ["cel; drop table cel", "a.b.c", "cel`", "", "x" * 65])
def test_a_name_that_is_none_of_a_table_is_refused(table: str) -> None:
    with pytest.raises(ValidationError):
        Journal.model_validate({"url": URL, "table": table})


@pytest.mark.parametrize("other", [{"path": "/var/log/trunkline.csv"}, {"shipped": True}])
def test_two_journals_of_one_pbx_are_refused(other: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="give one"):
        Journal.model_validate({"url": URL, **other})
