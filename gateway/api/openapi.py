"""The OpenAPI 3.1 document, made from the route table and served at `/api/v1/openapi.json`.

It says what the code does, for both come from the same models: parameters from the models of path and query,
bodies and answers as shared schemas, and every problem a route can answer with (those of the framework follow
from what the route takes, those of the handler are named in the table).
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.api import choice, versions
from gateway.api.choice import MOST, Choice
from gateway.api.fields import Nothing
from gateway.api.problems import (
    KINDS,
    MEDIA_TYPE,
    TYPE_PREFIX,
    BodyTooLargeError,
    ForeignOriginError,
    InvalidRequestError,
    KeyReusedError,
    MalformedBodyError,
    MediaTypeError,
    NotFoundError,
    NotSignedInError,
    PreconditionError,
    Problem,
    SlowBodyError,
    StillRunningError,
    UnknownCursorError,
    kind_of,
)
from gateway.api.reading import FORM
from gateway.api.routing import API_PREFIX, Door, Endpoint
from gateway.api.security import COOKIE, CSRF_HEADER, IDEMPOTENCY_HEADER, IDEMPOTENCY_PATTERN, SAFE_METHODS
from gateway.domain.errors import NotAllowed

DOCUMENT_PATH = API_PREFIX + "/openapi.json"
Schema = dict[str, Any]

_SECURITY_SCHEMES: Schema = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"A person's session. Requests that change something also need the header {CSRF_HEADER}.",
    },
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A program's API key, `Authorization: Bearer tl_...`.",
    },
}


def document(endpoints: Sequence[Endpoint], *, title: str, version: str) -> Schema:
    """The document of a route table.

    Args:
        endpoints: as `add_routes` returned them.
        title: the product.
        version: of the product.

    Returns:
        A JSON object, valid by OpenAPI 3.1.
    """
    refs, schemas = _schemas(endpoints)
    paths: dict[str, Schema] = defaultdict(dict)
    for endpoint in endpoints:
        operation = _operation(endpoint, refs, schemas)
        paths[API_PREFIX + endpoint.route.path][endpoint.route.method.lower()] = operation
    for endpoint in endpoints:
        if endpoint.versioned:
            _let_the_header_name_the_version(schemas[_name(refs[endpoint.body_model, "validation"])])
    for model in {model for e in endpoints for model in (e.path_model, e.query_model)}:
        schemas.pop(_name(refs[model, "validation"]), None)  # shown as parameters already
    whole: Schema = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": dict(paths),
        "components": {"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES},
    }
    _say_that_nul_is_refused(whole)
    return whole


def _say_that_nul_is_refused(part: Any) -> None:
    """Give each free text the pattern that `gateway.api.reading` holds it to."""
    if isinstance(part, dict):
        if part.get("type") == "string" and not part.keys() & {"pattern", "enum", "const", "format", "name"}:
            part["pattern"] = r"^[^\u0000]*$"
        for inner in part.values():
            _say_that_nul_is_refused(inner)
    elif isinstance(part, list):
        for inner in part:
            _say_that_nul_is_refused(inner)


def add_document(app: web.Application, endpoints: Sequence[Endpoint], *, title: str, version: str) -> None:
    """Serve the document, and an explanation of each kind of problem at the address its `type` names."""
    made: list[str] = []
    kinds = {kind.slug: kind for kind in KINDS}

    def make() -> str:
        return json.dumps(document(endpoints, title=title, version=version), ensure_ascii=False)

    async def serve_document(_request: web.Request) -> web.Response:
        if not made:  # half a second of work that no start and no call should wait for
            made.append(await asyncio.to_thread(make))
        return web.json_response(text=made[0])

    async def serve_problem(request: web.Request) -> web.Response:
        kind = kinds.get(request.match_info["slug"])
        if kind is None:
            raise NotFoundError
        meaning = " ".join((kind.error.__doc__ or "").split())
        if kind.error is Exception:
            meaning = "The gateway failed; its log has the reason under the instance of the problem."
        return web.json_response({"title": kind.title, "status": kind.status, "meaning": meaning})

    app.router.add_get(DOCUMENT_PATH, serve_document)
    app.router.add_get(TYPE_PREFIX + "{slug}", serve_problem)


Refs = dict[tuple[type[BaseModel], JsonSchemaMode], Schema]


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Refs, dict[str, Schema]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for endpoint in endpoints:
        for model in (endpoint.path_model, endpoint.query_model, endpoint.body_model):
            wanted[model, "validation"] = None
        if endpoint.answer is not None:
            wanted[endpoint.answer, "serialization"] = None
    refs, shared = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    models = {(model, mode): ref for (model, mode), ref in refs.items() if issubclass(model, BaseModel)}
    return models, shared.get("$defs", {})


def _operation(endpoint: Endpoint, refs: Refs, schemas: dict[str, Schema]) -> Schema:
    route = endpoint.route
    public = route.right is Door.PUBLIC
    operation: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": route.summary,
        "tags": [route.tag],
        "security": [] if public else [{"session": []}, {"key": []}],
        "responses": _responses(endpoint, refs, schemas),
    }
    if not isinstance(route.right, Door):
        operation["description"] = f"Needs the right `{route.right}`."
    parameters = [
        *_parameters("path", schemas[_name(refs[endpoint.path_model, "validation"])]),
        *_parameters("query", schemas[_name(refs[endpoint.query_model, "validation"])]),
        *([_fields(endpoint.choice)] if endpoint.choice else ()),
        *([_idempotency_key()] if route.idempotent else ()),
        *([_if_match()] if endpoint.versioned else ()),
    ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body_model is not Nothing:
        schema = refs[endpoint.body_model, "validation"]
        content = {media: {"schema": schema} for media in ("application/json", *([FORM] if route.foreign else []))}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    if route.upload:
        file: Schema = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(route.upload, file)}
    return operation


def _name(ref: Schema) -> str:
    return str(ref["$ref"]).rpartition("/")[2]


def _parameters(place: str, schema: Schema) -> list[Schema]:
    parameters = []
    for name, field in schema.get("properties", {}).items():
        parameter = {
            "name": name,
            "in": place,
            "required": name in schema.get("required", ()),
            "schema": _without_null(field) if place == "query" else field,
        }
        if "description" in field:
            parameter["description"] = field["description"]
        parameters.append(parameter)
    return parameters


def _without_null(field: Schema) -> Schema:
    """A query cannot say null: an optional parameter is one that may be left out."""
    kept = {key: part for key, part in field.items() if not (key == "default" and part is None)}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**{key: part for key, part in kept.items() if key != "anyOf"}, **choices[0]}
    return {**kept, "anyOf": choices} if choices else kept


def _idempotency_key() -> Schema:
    return {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": True,
        "description": "New for each new request, the same when a request is repeated.",
        "schema": {"type": "string", "pattern": IDEMPOTENCY_PATTERN, "minLength": 1, "maxLength": 255},
    }


def _if_match() -> Schema:
    return {
        "name": versions.HEADER,
        "in": "header",
        "required": False,
        "description": "The ETag as it was read; it stands for `version` of the body.",
        "schema": {"type": "string", "pattern": versions.PATTERN},
    }


def _let_the_header_name_the_version(schema: Schema) -> None:
    """A version may come in the body or in the header, so the body alone need not have it."""
    schema["required"] = [name for name in schema.get("required", ()) if name != versions.FIELD]
    if not schema["required"]:
        del schema["required"]


def _fields(chosen_from: Choice) -> Schema:
    return {
        "name": choice.PARAMETER,
        "in": "query",
        "required": False,
        "description": "Only these fields of each entry, separated by commas; left out or empty: all.",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "string", "enum": [*chosen_from.names, ""]}, "maxItems": MOST},
    }


def _chosen(chosen_from: Choice, refs: Refs, schemas: dict[str, Schema]) -> Schema:
    """The schema of an answer of which only some fields were wanted."""
    whole = schemas[_name(refs[chosen_from.answer, "serialization"])]
    if chosen_from.entry is chosen_from.answer:
        return _part(_name(refs[chosen_from.answer, "serialization"]), schemas)
    part = _part(_name(whole["properties"][choice.ENTRIES]["items"]), schemas)
    entries = {**whole["properties"][choice.ENTRIES], "items": part}
    return {
        **whole,
        "title": f"{whole['title']} with chosen fields",
        "properties": {**whole["properties"], choice.ENTRIES: entries},
    }


def _part(name: str, schemas: dict[str, Schema]) -> Schema:
    """An entry of which any field may be left out, as a shared schema."""
    part = {key: value for key, value in schemas[name].items() if key != "required"}
    schemas[f"{name}_chosen"] = {**part, "title": f"{part['title']} with chosen fields"}
    return {"$ref": f"#/components/schemas/{name}_chosen"}


def _responses(endpoint: Endpoint, refs: Refs, schemas: dict[str, Schema]) -> Schema:
    route = endpoint.route
    content: Schema = {media: {} for media in route.media}
    if endpoint.answer is not None:
        schema = refs[endpoint.answer, "serialization"]
        if endpoint.choice is not None:
            schema = {"anyOf": [schema, _chosen(endpoint.choice, refs, schemas)]}
        content["application/json"] = {"schema": schema}
    status = HTTPStatus(route.status if content else HTTPStatus.NO_CONTENT)
    responses: Schema = {str(int(status)): {"description": status.phrase}}
    if content:
        responses[str(int(status))]["content"] = content
    for further in map(HTTPStatus, route.statuses):
        responses[str(int(further))] = {"description": further.phrase}
        if further is HTTPStatus.PARTIAL_CONTENT:
            responses[str(int(further))]["content"] = {media: {} for media in route.media}
    titles: dict[int, list[str]] = defaultdict(list)
    for error in _errors(endpoint):
        kind = kind_of(error)
        sentence = f"{kind.title} (`{kind.slug}`)."
        if sentence not in titles[kind.status]:
            titles[kind.status].append(sentence)
    problem = {MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}}
    for code in sorted(titles):
        responses[str(int(code))] = {"description": " ".join(titles[code]), "content": problem}
    return responses


def _errors(endpoint: Endpoint) -> Iterable[type[Exception]]:
    """What a route can answer beside success: the framework's own refusals, then those of its handler."""
    route = endpoint.route
    yield InvalidRequestError  # an unknown query parameter is refused everywhere
    yield MalformedBodyError  # so is a body that does not belong
    if route.right is not Door.PUBLIC:
        yield NotSignedInError
        yield NotAllowed
    if route.method not in SAFE_METHODS and not route.foreign:
        yield ForeignOriginError
    if endpoint.body_model is not Nothing or route.upload:
        yield from (BodyTooLargeError, MediaTypeError, SlowBodyError)
    if endpoint.path_model is not Nothing:
        yield NotFoundError
    if "cursor" in endpoint.query_model.model_fields:
        yield UnknownCursorError
    if route.idempotent:
        yield from (KeyReusedError, StillRunningError)
    if endpoint.versioned:
        yield PreconditionError
    yield from route.errors
