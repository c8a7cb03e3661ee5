"""`trunkline openapi`: write the OpenAPI document of the HTTP API, as the gateway serves it. Needs no database.

Typed clients are made from it. `make web-schema` makes that of the page, which always asks for whole entries: an answer
that may lack any of its fields is no help to a client's types.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import asyncpg

from gateway import __version__
from gateway.aftercare.importing import Importer
from gateway.api.choice import PARAMETER
from gateway.api.events import NewFacts
from gateway.api.openapi import Schema, document
from gateway.api.parts import ApiParts, OpenPart
from gateway.api.problems import MEDIA_TYPE, NotFoundError
from gateway.api.routing import Endpoint
from gateway.api.security import Doorkeeper
from gateway.api.server import route_table
from gateway.api.sockets import OpenSockets
from gateway.commands.desk import CommandDesk
from gateway.domain.errors import Rejected
from gateway.domain.recordings import RecordingKey, RecordingPart
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.access import AccessStore
from spreadsheets.process import Tables

_CHOSEN = "_chosen"
"""How `gateway.api.openapi` names the schema of an entry of which any field may be missing."""


class NoPlaceError(Rejected, OSError):
    """The document cannot be written there; name a file in a folder that exists and may be written to."""


class _NoRecordings:
    """An archive with nothing in it."""

    def open_for_reading(self, key: RecordingKey, part: RecordingPart) -> OpenPart:
        """There is none."""
        raise NotFoundError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--client", action="store_true", help="as a typed client wants it: whole entries, problems said once"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; without it, standard output")


def run(args: argparse.Namespace) -> int:
    """Write the document.

    Raises:
        NoPlaceError: the file cannot be written.
    """
    made = asyncio.run(_document())
    text = json.dumps(for_clients(made) if args.client else made, ensure_ascii=False, indent=1) + "\n"
    if args.out is None:
        sys.stdout.write(text)
        return 0
    try:
        args.out.write_text(text)
    except OSError as fault:
        raise NoPlaceError(f"{args.out} cannot be written: {fault.strerror}.") from fault
    return 0


def for_clients(made: Schema) -> Schema:
    """The document for a typed client that never asks for some fields alone: whole entries, and problems said once.

    Args:
        made: the whole document; stays as it is.
    """
    kept = json.loads(json.dumps(made))
    for operation in (operation for path in kept["paths"].values() for operation in path.values()):
        operation["parameters"] = [p for p in operation.get("parameters", ()) if p["name"] != PARAMETER]
        operation["responses"] = _with_one_problem(operation["responses"])
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                if any(_is_choice(schema) for schema in content.get("schema", {}).get("anyOf", ())):
                    content["schema"] = content["schema"]["anyOf"][0]
    schemas = kept["components"]["schemas"]
    kept["components"]["schemas"] = {name: schema for name, schema in schemas.items() if not name.endswith(_CHOSEN)}
    return dict(kept)


def _with_one_problem(responses: Schema) -> Schema:
    """Problems are the same document with every status; a client's types need it once."""
    problem = {status: response for status, response in responses.items() if MEDIA_TYPE in response.get("content", {})}
    kept = {status: response for status, response in responses.items() if status not in problem}
    return kept | {"default": next(iter(problem.values()))} if problem else kept


def _is_choice(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith(_CHOSEN) or str(schema.get("title", "")).endswith("with chosen fields")


async def _document() -> Schema:
    return document(_endpoints(), title="Trunkline", version=__version__)


def _endpoints() -> list[Endpoint]:
    """The route table over parts that are never asked: a pool without a connection, a site without a PBX."""
    settings, live = Settings(), Live()
    pool = asyncpg.create_pool("postgresql://127.0.0.1/none")
    tables = Tables()
    parts = ApiParts(
        pool=pool,
        live=live,
        settings=settings,
        tasks=asyncio.TaskGroup(),
        directories={},
        read_row={},
        telephony={},
        desk=CommandDesk(pool, live, {}, {}),
        recordings=_NoRecordings(),
        table_writer=tables,
        imports=Importer(pool, live, tables, settings.home / "imports"),
        tables_changed=_nothing,
    )
    store = AccessStore(pool)
    guard = Doorkeeper(sessions=store, keys=store, public_url=settings.public_url)
    return [Endpoint(route, guard) for route in route_table(parts, OpenSockets(), NewFacts(parts))]


async def _nothing() -> None:
    """Nobody changes a table here."""
