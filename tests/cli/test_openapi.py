"""`trunkline openapi` writes the document that a gateway serves, without a database."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main

Document = dict[str, Any]


def written(tmp_path: Path, *words: str) -> Document:
    """What the command writes."""
    place = tmp_path / "openapi.json"
    assert main(["openapi", *words, "--out", str(place)]) == 0
    document: Document = json.loads(place.read_text())
    return document


def test_the_document_has_every_route_and_the_choice_of_fields(tmp_path: Path) -> None:
    document = written(tmp_path)

    listed = document["paths"]["/api/v1/calls"]["get"]
    assert "fields" in {parameter["name"] for parameter in listed["parameters"]}
    assert {"401", "403", "422"} <= listed["responses"].keys()
    assert any(name.endswith("_chosen") for name in document["components"]["schemas"])


def test_a_typed_client_gets_whole_entries_and_problems_said_once(tmp_path: Path) -> None:
    document = written(tmp_path, "--client")

    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert not [o for o in operations if "fields" in {p["name"] for p in o.get("parameters", ())}]
    assert "_chosen" not in json.dumps(document)
    responses = document["paths"]["/api/v1/calls"]["get"]["responses"]
    assert responses.keys() == {"200", "default"}
    assert "anyOf" not in responses["200"]["content"]["application/json"]["schema"]
    assert "application/problem+json" in responses["default"]["content"]


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi", "--out", str(tmp_path / "none" / "openapi.json")]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
