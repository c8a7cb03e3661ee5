"""How long a journal row takes from its writing to the reader's batch, and how fast the reader catches up.

Another process appends rows as `cel_custom` does (open, write, close), each with its time in it, at a steady
rate. Beside `sip.journal.tail` the same file is polled every 20 ms in the plainest way, and a plain `csv.reader`
reads the large file, so that the figures mean something on another machine. Prints JSON.

    python -m bench.journal_lag [--seconds 20] [--rows 200000]
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from sip.journal import tail

RATES = (20, 200)


def row(stamp: int) -> bytes:
    """A row of usual length with the clock all processes share in its application data."""
    columns = ["BRIDGE_ENTER", "1795301633.470881", "Client", "79161234567", "79161234567", "4950001"]
    columns += ["4950001", "from-trunk", "PJSIP/trunk-00000077", "Dial", str(stamp)]
    columns += ["pbx1-1795301633.335", "pbx1-1795301633.335", "PJSIP/101-00000078", "", ""]
    return ('"' + '","'.join(columns) + '","{""bridge_id"":""6c2f1a0e""}"\n').encode()


def stamp_of(data: bytes) -> int:
    """The time in a row, nanoseconds."""
    return int(data.split(b'","')[10])


def write(path: Path, rate: int, count: int) -> None:
    """The writer process: rows at a steady rate."""
    due = time.monotonic()
    for _ in range(count):
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, row(time.monotonic_ns()))
        os.close(file)


async def tailed(path: Path, count: int) -> list[float]:
    """Lags in milliseconds through `tail`."""
    lags: list[float] = []
    async with aclosing(tail(path, None)) as batches:
        async for batch in batches:
            now = time.monotonic_ns()
            lags += [(now - stamp_of(record.data)) / 1e6 for record in batch.records]
            if len(lags) >= count:
                break
    return lags


async def polled(path: Path, count: int) -> list[float]:
    """Lags in milliseconds of a plain reader that looks every 20 ms."""
    lags: list[float] = []
    path.touch()
    with path.open("rb") as file:
        while len(lags) < count:
            await asyncio.sleep(0.02)
            lines = file.readlines()
            now = time.monotonic_ns()
            lags += [(now - stamp_of(line)) / 1e6 for line in lines]
    return lags


Reading = Callable[[Path, int], Coroutine[None, None, list[float]]]


def measure(reading: Reading, rate: int, count: int) -> dict[str, float]:
    """One run of a writer and a reader."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trunkline.csv"
        writer = subprocess.Popen([sys.executable, "-m", "bench.journal_lag", "write", path, str(rate), str(count)])
        cpu = time.process_time()
        lags = asyncio.run(reading(path, count))
        cpu = time.process_time() - cpu
        writer.wait()
    points = quantiles(lags, n=100)
    return {
        "p50_ms": round(points[49], 3),
        "p99_ms": round(points[98], 3),
        "cpu_us_per_row": round(cpu / count * 1e6, 1),
    }


async def _drain(path: Path, rows: int) -> None:
    seen = 0
    async with aclosing(tail(path, None)) as batches:
        async for batch in batches:
            seen += len(batch.records)
            if seen == rows:
                return


def catching_up(rows: int) -> dict[str, float]:
    """Rows a second from a file that is already there."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trunkline.csv"
        path.write_bytes(row(time.monotonic_ns()) * rows)
        start = time.perf_counter()
        asyncio.run(_drain(path, rows))
        tail_rate = rows / (time.perf_counter() - start)
        start = time.perf_counter()
        with path.open(newline="") as file:
            sum(1 for _ in csv.reader(file))
        csv_rate = rows / (time.perf_counter() - start)
    return {
        "rows_per_second": round(tail_rate),
        "csv_reader_rows_per_second": round(csv_rate),
        "ratio": round(tail_rate / csv_rate, 2),
    }


def main() -> None:
    """Print the figures, or be the writer."""
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description="Lag and speed of the journal's reader, as JSON.")
    parser.add_argument("--seconds", type=int, default=20, help="length of each run at a steady rate")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the file to catch up with")
    options = parser.parse_args()
    report: dict[str, object] = {"catching_up": catching_up(options.rows)}
    for rate in RATES:
        ours = measure(tailed, rate, rate * options.seconds)
        plain = measure(polled, rate, rate * options.seconds)
        ratios = {key: round(plain[key] / ours[key], 1) for key in ("p50_ms", "p99_ms")}
        report[f"{rate}_rows_per_second"] = {"tail": ours, "polled_20_ms": plain, "times_faster": ratios}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
