"""The process that reads and writes tables: one job, told on its standard input, answered on its output, then it ends.

It is a process of its own because a file can make a native library eat all memory, or a parser run for minutes; then
the kernel ends this process and the gateway goes on (memory and time are limited, RLIMIT_DATA and RLIMIT_CPU). Jobs and
answers are lines of JSON: `look` has one answer, `read` one a batch of rows, `write` takes rows until its input ends.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from gateway.domain.errors import GatewayError
from gateway.domain.import_columns import FieldKind
from gateway.domain.import_files import Value, Writing
from gateway.domain.import_rows import RowReader, recipe_from_json
from spreadsheets.errors import UnreadableFileError
from spreadsheets.looking import look, rows_of
from spreadsheets.separated import RawRow
from spreadsheets.writing import Workbook

BATCH = 1000
MEMORY = 1 << 30
CPU_SECONDS = 900
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Do one job; 0 also where the file cannot be read, for that is an answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches us too; our owner ends us in order
    _limit()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = json.loads(sys.stdin.buffer.readline())
    try:
        match job["do"]:
            case "look":
                _answer(answers, {"found": asdict(_look(job))})
            case "read":
                _read(job, answers)
            case _:
                _write(job, sys.stdin.buffer, answers)
    except UnreadableFileError as fault:
        _answer(answers, {"fault": str(fault), "code": fault.code})
    except GatewayError as fault:
        _answer(answers, {"fault": str(fault), "code": "unreadable"})
    except MemoryError:
        _answer(answers, {"fault": "", "code": "too_large"})
    except Exception as fault:  # noqa: BLE001 - at the process's top: a library's own fault on a bad file is an answer too
        _answer(answers, {"fault": "", "code": "unreadable", "kind": type(fault).__name__})
    return 0


def _limit() -> None:
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _answer(answers: BinaryIO, said: Mapping[str, object]) -> None:
    answers.write(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n")
    answers.flush()


def _look(job: Mapping[str, Any]) -> Any:
    fields = [FieldKind(**{**f, "choices": tuple(f["choices"])}) for f in job["fields"]]
    return look(Path(job["path"]), Writing(**job["writing"]), fields)


def _read(job: Mapping[str, Any], answers: BinaryIO) -> None:
    """Read rows and answer in batches; the reader of our answers sets the pace."""
    writing, reader = Writing(**job["writing"]), RowReader(recipe_from_json(job["recipe"]))
    place = int(job["skip"])
    data = (row for row in rows_of(Path(job["path"]), writing) if row.line > (writing.header or 0))
    rows = islice(data, place, None)
    while batch := list(islice(rows, BATCH)):
        place += len(batch)
        _answer(answers, {"rows": [_row(reader, row) for row in batch], "place": place})
    _answer(answers, {"end": place})


def _row(reader: RowReader, row: RawRow) -> Mapping[str, object]:
    return reader.read(row.line, row.cells, row.broken)


def _write(job: Mapping[str, Any], rows: BinaryIO, answers: BinaryIO) -> None:
    book = Workbook(Path(job["path"]))
    for line in rows:
        book.write([_value(cell) for cell in json.loads(line)])
    book.close()
    _answer(answers, {"written": True})


def _value(cell: Any) -> Value:
    """A cell from JSON; days and moments come as `{"day": ...}` and `{"at": ...}`."""
    match cell:
        case {"day": str(day)}:
            return date.fromisoformat(day)
        case {"at": str(at)}:
            return datetime.fromisoformat(at)
    value: Value = cell
    return value


if __name__ == "__main__":
    sys.exit(main())
