"""What the OpenAPI document calls things: programs are generated from these names, so each is one thing's."""

import re
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.api.events import NewFacts
from gateway.api.openapi import document
from gateway.api.parts import ApiParts
from gateway.api.routing import Endpoint
from gateway.api.security import Doorkeeper
from gateway.api.server import route_table
from gateway.api.sockets import OpenSockets

PARTS = cast(ApiParts, SimpleNamespace())  # the table itself needs nothing of what its handlers use
GUARD = cast(Doorkeeper, SimpleNamespace())

BODIES_OF_EVENTS = re.compile(r"(CallView|CallEvent|ChoiceView|CommandView|ManagerView|FactView|Delivery\w+)(_chosen)?")
"""They say `contact_id` where resources say `contact`: it is the body of an event that they show."""
NOUNS = {
    "contact", "user", "owner", "call", "head", "deputy", "from", "to", "rule", "task", "organisation", "handover"
}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    """The document of the whole table."""
    routes = route_table(PARTS, OpenSockets(), NewFacts(PARTS))
    return document([Endpoint(route, GUARD) for route in routes], title="Trunkline", version="1")


@pytest.fixture(scope="module")
def operations(served: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation."""
    return [operation for methods in served["paths"].values() for operation in methods.values()]


def test_every_schema_has_a_name_of_its_own(served: dict[str, Any]) -> None:
    """Two models of one name would be told apart by their modules, `gateway__api__...`."""
    assert [name for name in served["components"]["schemas"] if "__" in name] == []


def test_every_operation_has_an_id_a_summary_and_a_tag(operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        assert re.fullmatch(r"[a-z]\w+", operation["operationId"])
        assert operation["summary"].strip(), operation["operationId"]
        assert [tag for tag in operation["tags"] if tag.strip()] == operation["tags"] != []


@pytest.mark.parametrize("key", ["operationId", "summary"])
def test_no_two_operations_are_called_the_same(operations: list[dict[str, Any]], key: str) -> None:
    assert [name for name, count in Counter(operation[key] for operation in operations).items() if count > 1] == []


def test_what_names_another_thing_is_the_plain_noun(served: dict[str, Any]) -> None:
    told = {f"{noun}_id" for noun in NOUNS}
    found = {
        (name, field)
        for name, schema in served["components"]["schemas"].items()
        for field in told & set(schema.get("properties", {}))
        if not BODIES_OF_EVENTS.fullmatch(name)
    }
    assert found == set()


def test_only_paths_name_an_id_as_such(operations: list[dict[str, Any]]) -> None:
    named = {(p["name"], p["in"]) for operation in operations for p in operation.get("parameters", ())}
    assert {name for name, place in named if place != "path" and name.endswith("_id")} == set()
