"""What a caller says of an import and what he is shown: options, mapping, progress, verdicts in plain words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gateway.aftercare.importing import progress_of
from gateway.api.fields import CursorText, Incoming, Limit, Outgoing, RowId, Spoken
from gateway.domain.cards import Stage
from gateway.domain.import_cells import PLAIN_WORDS
from gateway.domain.import_columns import FIELD, Target
from gateway.domain.import_plan import By, OnMatch, Verdict
from gateway.store.imports import Import, StoredRow

COLUMNS_MAX = 500
_LINE = r"^[^\x00-\x1f\x7f]*$"
_TARGETS = "|".join(Target)
TargetText = Annotated[str, Field(max_length=50, pattern=rf"^({_TARGETS}|{FIELD}[a-z][a-z0-9_]{{0,39}})$")]
Encoding = Literal[
    "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1251", "koi8_r", "cp866", "cp1250", "iso8859_2"
]


class ImportPath(Incoming):
    """Which import."""

    import_id: RowId


class UploadQuery(Incoming):
    """What is sent."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)] = Field(
        description="the file's name, only ever shown"
    )


class ImportQuery(Incoming):
    """A page of imports."""

    limit: Limit = 50
    cursor: CursorText | None = None


class RowQuery(Incoming):
    """Which verdicts."""

    verdict: Verdict | None = None
    told: bool | None = Field(default=None, description="true: only rows of which something was left out")
    limit: Limit = 50
    cursor: CursorText | None = None


class FileQuery(Incoming):
    """Which verdicts, and in which kind of file."""

    format: Literal["csv", "xlsx"] = "csv"
    verdict: Verdict | None = None
    told: bool | None = None


class KeptQuery(Incoming):
    """A page of cards."""

    limit: Limit = 50
    cursor: CursorText | None = None


class ImportPlace(Incoming):
    """Where a page ends."""

    id: int


class Options(Incoming):
    """How the rows are read and what they do."""

    region: Annotated[str, Field(pattern="^[A-Z]{2}$", description="the country whose national numbers are understood")]
    area_code: Annotated[str, Field(pattern="^[0-9]{0,8}$", description="of local numbers, like 495")] = ""
    day_first: bool = Field(default=True, description="whether 02/03 is the second of March")
    on_match: OnMatch = OnMatch.FILL
    strict: bool = Field(default=False, description="refuse a row of which one value is not understood")
    need_contact: bool = Field(default=True, description="refuse a row without number, e-mail address and identifier")
    use_emails: bool = Field(default=True, description="a row may join a card by its e-mail address")
    system: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$", description="whose identifiers the rows bear")] = (
        "import"
    )
    stage: Stage = Field(default=Stage.CLIENT, description="of new cards, where the row says nothing")
    owner: RowId | None = Field(default=None, description="of new cards, where the row says nothing")
    source: Annotated[str, Field(max_length=200, pattern=_LINE)] = Field(
        default="", description="of new cards; empty: the file's name"
    )


class WritingChange(Incoming):
    """How the file is written, where it was not found rightly; what is left out is found anew."""

    encoding: Encoding | None = None
    delimiter: Annotated[str, Field(max_length=1, pattern=r"^[^\r\n\x00\"]?$")] | None = Field(
        default=None, description="one sign; empty: there is one column"
    )
    sheet: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    header: Annotated[int, Field(ge=0, le=1_048_576)] | None = Field(
        default=None, description="the row that names the columns; 0: none does"
    )


class ImportChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(description="of the import as it was read")
    writing: WritingChange | None = Field(default=None, description="the mapping is proposed anew, unless it is given")
    targets: Annotated[tuple[TargetText, ...], Field(max_length=COLUMNS_MAX)] | None = Field(
        default=None, description="what each column becomes, in their order"
    )
    options: Options | None = None


class RunOrder(Incoming):
    """An order to import."""

    again: bool = Field(default=False, description="true: also where the same file was imported before")


class UndoOrder(Incoming):
    """An order to undo."""

    force: bool = Field(default=False, description="true: also what people changed since")


class ColumnView(Outgoing):
    """A column of the file."""

    index: int
    header: str
    samples: tuple[str, ...]
    filled: float = Field(description="share of the looked-at rows that have a value")
    looks: dict[str, float] = Field(description="what the values look like, as shares")
    proposal: str
    because: str = Field(description="header, content, or empty for a column that nothing is known of")


class WritingView(Outgoing):
    """How the file is written."""

    encoding: str | None
    delimiter: str | None
    sheet: str | None
    header: int | None


class SameFile(Outgoing):
    """An earlier import of the same file."""

    id: int
    state: str
    made_at: datetime


class Progress(Outgoing):
    """How far it is."""

    done: int = Field(description="rows; cards, where it is undone")
    total: int
    rate: float | None = Field(description="a second; null: not known yet, or nothing is going on")
    seconds_left: float | None


class ImportView(Outgoing):
    """An import."""

    id: int
    name: str
    size: int
    state: str
    made_by: str
    made_at: datetime
    version: int
    format: str
    writing: WritingView
    mixed: bool = Field(description="some lines have another encoding, and are read by it")
    sheets: tuple[str, ...]
    columns: tuple[ColumnView, ...]
    targets: tuple[str, ...]
    options: dict[str, str | int | bool | None]
    counts: dict[str, int] = Field(description="rows by verdict, of the dry run until the real one")
    progress: Progress
    fault: Spoken | None
    same: tuple[SameFile, ...] = Field(description="earlier imports of the same file")
    begun_at: datetime | None
    ended_at: datetime | None


class FaultView(Outgoing):
    """A value that was not taken."""

    code: str
    column: str
    value: str
    words: Spoken


class ImportRowView(Outgoing):
    """What became of a row."""

    line: int = Field(description="row of the file, from 1")
    verdict: str
    contact: int | None = Field(description="the card; null: none, or a dry run would make it")
    by: str = Field(description="why it joined: external_id, number or email")
    value: str
    twin: int | None = Field(description="the row of this file that made the card")
    code: str = Field(description="why it was refused")
    column: str
    words: Spoken = Field(description="the verdict in plain words")
    faults: tuple[FaultView, ...] = Field(description="values that were left out")
    cells: tuple[str, ...] = Field(description="the row itself, where something was left out or all was refused")


class KeptView(Outgoing):
    """A card of which an undo left something."""

    contact: int
    what: tuple[str, ...] = Field(description="changed, merged, or the names of values that people changed since")


def import_view(found: Import, same: Sequence[Import], moment: datetime) -> ImportView:
    """An import as it is shown."""
    said = found.found
    columns: Sequence[Mapping[str, object]] = said["columns"]  # type: ignore[assignment]
    proposals: Sequence[Mapping[str, object]] = said["proposals"]  # type: ignore[assignment]
    return ImportView.model_validate(
        {
            "id": found.id,
            "name": found.name,
            "size": found.size,
            "state": str(found.state),
            "made_by": found.made_by,
            "made_at": found.made_at,
            "version": found.version,
            "format": said["format"],
            "writing": said["writing"],
            "mixed": said["mixed"],
            "sheets": said["sheets"],
            "columns": [
                {**column, "proposal": proposal["target"], "because": proposal["because"]}
                for column, proposal in zip(columns, proposals, strict=True)
            ],
            "targets": found.targets,
            "options": {name: value for name, value in found.options.items() if name != "own"},
            "counts": found.counts,
            "progress": progress_of(found, moment),
            "fault": found.fault,
            "same": [{"id": s.id, "state": str(s.state), "made_at": s.made_at} for s in same],
            "begun_at": found.begun_at,
            "ended_at": found.ended_at,
        }
    )


_BY = {By.EXTERNAL_ID: "identifier", By.NUMBER: "number", By.EMAIL: "e-mail address"}


def words_of(row: StoredRow) -> str:
    """A verdict in plain words."""
    faults = "".join(f"; left out: {_fault(*f)}" for f in row.faults)
    card = f"card {row.contact_id}" if row.contact_id else "the card"
    twin = f" that row {row.twin} made" if row.twin else ""
    match row.verdict:
        case Verdict.CREATED:
            return f"a new card{faults}"
        case Verdict.JOINED:
            return f"joined to {card}{twin} by the same {_BY.get(By(row.by), row.by)} {row.value}{faults}"
        case _:
            return _fault(row.code, row.column, row.value) + (f" ({card}{twin})" if row.contact_id or twin else "")


def _fault(code: str, column: str, value: str) -> str:
    where = f"{column}: " if column else ""
    what = f"{value!r}: " if value else ""
    return f"{where}{what}{PLAIN_WORDS.get(code, code)}"


def row_view(row: StoredRow) -> ImportRowView:
    """A verdict as it is shown."""
    return ImportRowView(
        line=row.line,
        verdict=row.verdict,
        contact=row.contact_id,
        by=row.by,
        value=row.value,
        twin=row.twin,
        code=row.code,
        column=row.column,
        words=words_of(row),
        faults=tuple(
            FaultView(code=code, column=column, value=value, words=PLAIN_WORDS.get(code, code))
            for code, column, value in row.faults
        ),
        cells=tuple(row.cells),
    )
