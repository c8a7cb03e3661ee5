"""What a form says of a value that is not allowed."""

import re
from types import SimpleNamespace
from typing import Annotated, Any, Literal, cast

import pytest
from pydantic import BaseModel, Field, ValidationError

from gateway.api.events import NewFacts
from gateway.api.field_words import SHAPES, in_a_sentence
from gateway.api.openapi import document
from gateway.api.parts import ApiParts
from gateway.api.routing import Endpoint
from gateway.api.security import Doorkeeper
from gateway.api.server import route_table
from gateway.api.sockets import OpenSockets
from gateway.domain.access import Role
from gateway.words import said


class Form(BaseModel):
    """One field of each kind that people fill in."""

    name: Annotated[str, Field(max_length=5, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")] = "x"
    code: Annotated[str, Field(min_length=2, pattern=r"^x{2,3}$")] = "xx"
    role: Role = Role.ADMIN
    days: Literal[1, 7] = 7
    way: Literal["in"] = "in"
    seconds: Annotated[int, Field(ge=5)] = 5
    people: Annotated[tuple[int, ...], Field(min_length=1)] = (1,)
    pairs: Annotated[tuple[int, ...], Field(min_length=2, max_length=3)] = (1, 2)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "\t", "Write some text, in one line."),
        ("name", "abcdef", "This is too long; it may have at most 5 characters."),
        ("code", "x", "This is too short; it needs at least 2 characters."),
        ("code", "yy", "This has a form that is not allowed; the allowed one is: ^x{2,3}$."),
        ("role", "boss", "Choose one of these: manager, supervisor, admin."),
        ("days", 3, "Choose one of these: 1, 7."),
        ("way", "out", "Choose one of these: in."),
        ("seconds", 4, "Give at least 5."),
        ("people", [], "Name at least one."),
        ("pairs", [1], "This list is too short; it needs at least 2."),
        ("pairs", [1, 2, 3, 4], "This list is too long; it may have at most 3."),
    ],
)
def test_a_value_that_is_not_allowed_has_its_sentence(field: str, value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({field: value})
    [error] = caught.value.errors()

    assert in_a_sentence(error) == sentence
    assert re.search("[а-я]", said(sentence, "ru"))
    assert said(sentence, "pl") != sentence


def test_the_patterns_that_have_sentences_are_those_of_the_api() -> None:
    parts = cast(ApiParts, SimpleNamespace())
    routes = route_table(parts, OpenSockets(), NewFacts(parts))
    guard = cast(Doorkeeper, SimpleNamespace())

    served = document([Endpoint(route, guard) for route in routes], title="Trunkline", version="1")

    assert SHAPES.keys() - patterns_of(served) == set()


def patterns_of(node: Any) -> set[str]:
    """Every `pattern` of a document."""
    if isinstance(node, dict):
        own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
        return own.union(*map(patterns_of, node.values()))
    return set().union(*map(patterns_of, node)) if isinstance(node, list) else set()
