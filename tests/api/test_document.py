"""The served OpenAPI document: valid, whole, and what the application really does, over a database with calls in it."""

import asyncio
import inspect
import re
from typing import Any

import pytest
import pytest_asyncio
from openapi_spec_validator import validate

from gateway.api.events import NewFacts
from gateway.api.routing import Endpoint
from gateway.api.security import Doorkeeper
from gateway.api.server import route_table
from gateway.api.sockets import OpenSockets
from gateway.store.access import AccessStore
from tests.api.fuzz import explore, tireless_admin
from tests.api.known import known_things
from tests.api.site import Api
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
EXAMPLES = 3
"""A short look in each run of the tests; `python -m bench.api_fuzz` looks for long."""


@pytest_asyncio.fixture
async def filled(api: Api) -> Api:
    """The application over the calls of some journals, open ones among them."""
    for scenario in ("in_answered", "queue_answered", "out_answered", "att_xfer_refer", "in_noanswer"):
        await api.site.take_all(rows_of(scenario))
    await api.site.take_all(rows_of("hold")[:8])
    return api


async def document_of(api: Api) -> dict[str, Any]:
    """As it is served."""
    client = await api.browser()
    document: dict[str, Any] = await (await client.get("openapi.json")).json()
    return document


async def test_the_document_is_valid_and_names_every_route(api: Api) -> None:
    document = await document_of(api)

    validate(document)

    listed = {(method, path) for path, methods in document["paths"].items() for method in methods}
    table = route_table(api.parts, OpenSockets(), NewFacts(api.parts))
    assert listed == {(route.method.lower(), f"/api/v1{route.path}") for route in table}
    assert document["openapi"].startswith("3.1")


async def test_every_route_but_signing_in_wants_to_know_who_asks(api: Api) -> None:
    document = await document_of(api)
    client = await api.browser()
    public = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = dict.fromkeys(re.findall(r"\{(\w+)\}", path), "1")
            address = path.format_map(
                names | {"key_id": "0" * 12, "command_id": "x", "pbx": "pbx1", "extension": "101"}
            )
            response = await client.request(method.upper(), api.origin + address)
            if not operation["security"]:
                public.append((method, path))
            else:
                assert response.status == 401, (method, path)
    assert sorted(public) == [("post", "/api/v1/form/{form_key}"), ("post", "/api/v1/session")]


async def test_the_application_does_what_its_document_says(filled: Api) -> None:
    document = await document_of(filled)
    filled.board.refuse("no_phone")
    headers = await tireless_admin(filled)

    known = await known_things(filled)
    assert set(re.findall(r"\{(\w+)\}", " ".join(document["paths"]))) <= set(known), "there is one of everything"

    answers = await asyncio.to_thread(
        explore, document, filled.origin, headers, known, examples=EXAMPLES, same_again=True
    )

    assert not [line for line in answers if line.rpartition(" ")[2].startswith("5")]
    assert {"200", "404", "422", "400"} <= {line.rpartition(" ")[2] for line in answers}


async def test_every_post_wants_an_idempotency_key_and_its_handler_keeps_it(api: Api) -> None:
    """Requirement 129: a program may repeat whatever it asked for."""
    posts = [r for r in route_table(api.parts, OpenSockets(), NewFacts(api.parts)) if r.method == "POST"]

    without = {route.path for route in posts if not route.idempotent}
    public = {"/session", "/form/{form_key}"}  # no caller whose key it could be
    questions = {"/doctor", "/pbx/{pbx}/recordings/standings"}  # change nothing
    placed = {
        "/pbx/{pbx}/journal",
        "/pbx/{pbx}/journal/beginning",
    }  # a batch says its place, and one place is taken once
    accounts = {"/softphone/account"}  # each asking gives the page another password, and ends the one before
    assert without == public | questions | placed | accounts
    for route in posts:
        code = inspect.getsource(type(getattr(route.handler, "__self__")))  # noqa: B009 - a bound method's
        assert not route.idempotent or "once" in code, f"{route.path} asks for a key and forgets it"


async def test_every_change_names_the_version_it_was_made_from(api: Api) -> None:
    routes = [r for r in route_table(api.parts, OpenSockets(), NewFacts(api.parts)) if r.method == "PATCH"]

    assert [e.template for e in (Endpoint(r, _nobody(api)) for r in routes) if not e.versioned] == [
        "PATCH /calls/{call_id}"  # the choice of a call's card: the last one counts, whoever makes it
    ]


async def test_fields_can_be_chosen_of_every_answer_that_is_json(api: Api) -> None:
    routes = [r for r in route_table(api.parts, OpenSockets(), NewFacts(api.parts)) if r.method == "GET"]

    for endpoint in (Endpoint(r, _nobody(api)) for r in routes):
        assert (endpoint.choice is not None) == (endpoint.answer is not None)


def _nobody(api: Api) -> Doorkeeper:
    store = AccessStore(api.site.pool)
    return Doorkeeper(sessions=store, keys=store, public_url="")
