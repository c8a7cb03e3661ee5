"""The journal's reader killed at random points, while rows are written and files rotated by other processes."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.sip.journal_reading import hostile_row

ROOT = Path(__file__).parents[2]
ROWS = 2500
KILLS = 8
"""Before the last run; each run takes less than a tenth of the rows until it is killed."""
WRITER = "from tests.sip.journal_reading import *; write_as_asterisk(Path({0!r}), {1}, 0.001)"
READER = (
    "from tests.sip.journal_reading import *; asyncio.run(record_until_killed(Path({0!r}), {1!r}, Path({2!r}), {3}))"
)


def start(program: str, *values: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program.format(*values)], cwd=ROOT)


def recorded(out: Path) -> tuple[list[str], str]:
    """Rows and last cursor of the lines that were written whole."""
    lines = [json.loads(line) for line in out.read_bytes().splitlines()] if out.exists() else []
    return [row for rows, _ in lines for row in rows], json.dumps(lines[-1][1]) if lines else ""


def test_killed_at_random_under_load_and_rotation_no_row_is_lost_doubled_or_invented(tmp_path: Path) -> None:
    journal, chance = tmp_path / "trunkline.csv", random.Random(20261122)
    taken: list[str] = []
    cursor, kills, rotations = "", 0, 0
    writer = start(WRITER, str(journal), ROWS)
    deadline = time.monotonic() + 60
    while len(taken) < ROWS and time.monotonic() < deadline:
        out = tmp_path / f"out.{kills}"
        batches = chance.randrange(1, 25) if kills < KILLS else 10**6
        reader = start(READER, str(journal), cursor, str(out), batches)
        while reader.poll() is None and len(taken) + len(recorded(out)[0]) < ROWS and time.monotonic() < deadline:
            time.sleep(0.05)
            if writer.poll() is None and chance.random() < 0.2 and journal.exists():
                journal.rename(journal.with_name(f"{journal.name}.{rotations}"))
                rotations += 1
        reader.kill()
        reader.wait()
        rows, saved = recorded(out)
        taken, cursor, kills = taken + rows, saved or cursor, kills + 1
    writer.wait(timeout=30)

    assert taken == [hostile_row(number).decode() for number in range(ROWS)]
    assert kills > KILLS
    assert rotations > 2
