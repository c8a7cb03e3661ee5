"""Sends a table as a file: CSV as it is read from the database, XLSX when it is written whole. No cell is a formula."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from aiohttp import web

from gateway.api.parts import ApiParts
from gateway.domain.import_files import Value

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = (CSV, XLSX)
_PIECE = 1 << 18
Pages = AsyncIterator[Sequence[Sequence[Value]]]


async def send_table(
    parts: ApiParts, request: web.Request, pages: Pages, *, name: str, format: Literal["csv", "xlsx"]
) -> web.StreamResponse:
    """Send a table.

    Args:
        parts: the API's.
        request: that asks for it.
        pages: rows in portions, the first row of the first portion is the header; read while it is sent.
        name: of the file, without its ending: letters, digits and dashes; the day is added.
        format: of the file.
    """
    response = web.StreamResponse(
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{datetime.now(UTC):%Y-%m-%d}.{format}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    response.content_type = CSV if format == "csv" else XLSX
    if format == "csv":
        response.charset = "utf-8"
        await _send_csv(parts, request, response, pages)
    else:
        await _send_xlsx(parts, request, response, pages)
    await response.write_eof()
    return response


async def _send_csv(parts: ApiParts, request: web.Request, response: web.StreamResponse, pages: Pages) -> None:
    begin = True
    async for rows in pages:
        if begin:  # only now: what fails before the first rows is still answered as a problem
            await response.prepare(request)
        await response.write(parts.table_writer.csv(rows, begin=begin))
        begin = False


async def _send_xlsx(parts: ApiParts, request: web.Request, response: web.StreamResponse, pages: Pages) -> None:
    async def rows() -> AsyncIterator[Sequence[Value]]:
        async for portion in pages:
            for row in portion:
                yield row

    path = _place(parts)
    try:
        await parts.table_writer.xlsx(rows(), path)
        await response.prepare(request)
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                await response.write(piece)
    finally:
        path.unlink(missing_ok=True)


def _place(parts: ApiParts) -> Path:
    folder = parts.imports.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{uuid4().hex}.part"
