"""The OpenAPI document: valid, complete, and true to what the site does."""

import asyncio

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate

from gateway.domain.access import Role
from tests.api.framework_site import ROUTES, Memory, make_site, serving


@pytest.fixture
def memory():
    return Memory()


@pytest_asyncio.fixture
async def document(memory):
    app, _ = make_site(memory)
    async with serving(app) as client:
        return await (await client.get("openapi.json")).json()


async def test_the_document_is_valid_openapi_3_1(document):
    validate(document)

    assert document["openapi"].startswith("3.1")


async def test_every_route_of_the_table_is_in_the_document(document):
    listed = {(method, path) for path, methods in document["paths"].items() for method in methods}

    assert listed == {(route.method.lower(), f"/api/v1{route.path}") for route in ROUTES}


async def test_an_operation_says_its_right_and_how_to_show_it(document):
    operation = document["paths"]["/api/v1/calls/{call_id}"]["get"]

    assert "calls.read_own" in operation["description"]
    assert operation["security"] == [{"session": []}, {"key": []}]
    assert document["paths"]["/api/v1/echo"]["get"]["security"] == []


async def test_an_operation_lists_the_problems_of_its_handler_and_of_the_framework(document):
    assert set(document["paths"]["/api/v1/fail/{call_id}"]["get"]["responses"]) == {
        "200", "400", "404", "409", "422", "429", "500", "503",
    }  # fmt: skip
    assert set(document["paths"]["/api/v1/calls"]["post"]["responses"]) == {
        "201", "400", "401", "403", "408", "409", "413", "415", "422",
    }  # fmt: skip


async def test_an_optional_parameter_may_be_left_out_but_never_is_null(document):
    parameters = {p["name"]: p for p in document["paths"]["/api/v1/echo"]["get"]["parameters"]}

    assert parameters["since"]["required"] is False
    assert parameters["since"]["schema"] == {"title": "Since", "type": "string", "format": "date-time"}


async def test_a_required_idempotency_key_is_a_required_header(document):
    parameters = document["paths"]["/api/v1/calls"]["post"]["parameters"]

    assert [(p["name"], p["in"], p["required"]) for p in parameters] == [("Idempotency-Key", "header", True)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/echo"),
        ("GET", "/calls"),
        ("GET", "/calls/{call_id}"),
        ("POST", "/calls"),
        ("PUT", "/twins/{twin}"),
    ],
)
async def test_the_site_does_what_the_document_says(memory, method, path):
    app, _ = make_site(memory)
    headers = {"Authorization": f"Bearer {memory.issue('anna', Role.ADMIN)}"}
    async with serving(app) as client:
        document = await (await client.get("openapi.json")).json()
        origin = str(client._base_url.origin())
        operation = schemathesis.openapi.from_dict(document)[f"/api/v1{path}"][method]

        def check(case):
            case.call_and_validate(base_url=origin, headers=headers)

        for strategy in (operation.as_strategy(), operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)):
            quiet = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            await asyncio.to_thread(quiet(given(strategy)(check)))
