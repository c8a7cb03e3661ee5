"""docs/api.md names every route of the table and nothing else, and its commands are commands."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.api import live_socket
from gateway.api.events import NewFacts
from gateway.api.parts import ApiParts
from gateway.api.problems import KINDS
from gateway.api.routing import API_PREFIX
from gateway.api.server import route_table
from gateway.api.sockets import SOCKETS_PER_CALLER, OpenSockets

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", PAGE, re.MULTILINE)
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
PARTS = cast(ApiParts, SimpleNamespace())  # the table itself needs nothing of what its handlers use


def table() -> dict[str, Any]:
    """The routes by method and path."""
    routes = route_table(PARTS, OpenSockets(), NewFacts(PARTS))
    return {f"{route.method} {route.path}": route for route in routes}


def test_every_route_is_documented_once_and_nothing_else_is() -> None:
    assert sorted(ROWS) == sorted(table())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"127\.0\.0\.1:8080(/[^\s'\"?]*)", COMMANDS))))
def test_every_address_in_an_example_exists(path: str) -> None:
    patterns = [re.sub(r"\{\w+\}", "[^/]+", API_PREFIX + route.partition(" ")[2]) for route in table()]

    assert path == f"{API_PREFIX}/openapi.json" or any(re.fullmatch(pattern, path) for pattern in patterns)


def test_the_examples_of_json_are_json() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    problem = json.loads(blocks[0])
    assert problem["type"].rpartition("/")[2] in {kind.slug for kind in KINDS}
    assert set(json.loads(blocks[1])) == {"kind", "replay", "body"}


def test_the_limits_and_codes_in_the_page_are_those_of_the_code() -> None:
    assert f"{SOCKETS_PER_CALLER} sockets" in PAGE
    assert f"{live_socket.MESSAGE_MAX} bytes" in PAGE
    for code in (live_socket.SESSION_ENDED, live_socket.RESYNC):
        assert f"| {code} |" in PAGE
