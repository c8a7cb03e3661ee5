"""A report as a file: CSV or a workbook, with an audit row, for those who may read everybody's figures."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import web

from gateway.api.parts import ApiParts
from gateway.api.report_views import Format
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.domain.import_files import Value
from gateway.domain.report_table import Table
from gateway.domain.report_words import file_rows
from gateway.settings import Language
from gateway.store.access import write_audit

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = (CSV, XLSX)


async def report_file(
    parts: ApiParts, who: Principal, table: Table, wanted: Format, language: Language | None
) -> web.Response:
    """Write a report into a file.

    Args:
        parts: the API's.
        who: asks for it.
        table: the report.
        wanted: CSV or XLSX.
        language: of the header; None: the company's.

    Raises:
        NotAllowed: he may not read everybody's figures.
    """
    if not allowed(who, Right.STATISTICS_READ_ALL):
        raise NotAllowed("Files of figures need the right statistics.read_all; ask an administrator for it.")
    rows = file_rows(table, str(language or parts.settings.company.language))
    if wanted is Format.CSV:
        body, media = parts.table_writer.csv(rows, begin=True), CSV
    else:
        body, media = await _workbook(parts, rows), XLSX
    period = {"since": str(table.period.first), "until": str(table.period.last)}
    await write_audit(
        parts.pool,
        actor=who.id,
        action="report.exported",
        object=f"report:{table.report}",
        detail={**period, "format": wanted.value, "lines": len(table.lines)},
    )
    name = f"{table.report}-{table.period.first}-{table.period.last}.{wanted}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body, headers={**headers, "Content-Type": media})


async def _workbook(parts: ApiParts, rows: Sequence[Sequence[Value]]) -> bytes:
    async def each() -> AsyncIterator[Sequence[Value]]:
        for row in rows:
            yield row

    with tempfile.TemporaryDirectory(prefix="trunkline-report-") as folder:
        path = Path(folder) / "report.xlsx"
        await parts.table_writer.xlsx(each(), path)
        return await asyncio.to_thread(path.read_bytes)
