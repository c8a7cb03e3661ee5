"""docs/monitoring.md names every metric of a gateway that serves everything, and nothing else."""

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.api.server import make_app
from gateway.app import Gateway
from gateway.config import load
from gateway.store.database import open_pool

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(trunkline_\w+)` \|", PAGE, re.MULTILINE)
SITE = """
home = "{folder}/home"
database.url = "{database}"
[pbx.main]
journal.path = "{folder}/journal.csv"
recordings.folder = "{folder}"
ami.secret = "s"
"""


async def shown(database: str, folder: Path) -> dict[str, list[float]]:
    """The metrics as they are served, each with its values."""
    file = folder / "trunkline.toml"
    file.write_text(SITE.format(folder=folder, database=database))
    async with AsyncExitStack() as stack, open_pool(database) as pool, asyncio.TaskGroup() as group:
        gateway = Gateway(load(file), pool, pool, pool, asyncio.Event())
        await gateway.build(stack)
        parts = gateway.api_parts(group)
        make_app(parts)
        assert gateway.sound is not None
        await gateway.sound.backlog.count()
        await gateway.aftercare.count()
        await gateway.sound.upkeeps["main"].round()
        text = await asyncio.to_thread(generate_latest, parts.registry)
    families = text_string_to_metric_families(text.decode())
    return {f"{f.name}{'_total' * (f.type == 'counter')}": [s.value for s in f.samples] for f in families}


async def test_every_metric_is_documented_once_and_nothing_else_is(database: str, tmp_path: Path) -> None:
    found = await shown(database, tmp_path)

    assert sorted(ROWS) == sorted(name for name in found if not name.endswith("_created"))


async def test_the_upkeep_shows_when_it_last_looked_and_what_waits(database: str, tmp_path: Path) -> None:
    async with open_pool(database) as pool:
        await pool.execute(
            "insert into recording (id, pbx, name, state, day, found_at)"
            " values (gen_random_uuid(), 'main', 'x', 'wanted', current_date, now() - interval '2 hours')"
        )
    found = await shown(database, tmp_path)

    assert found["trunkline_recordings_waiting"] == [1.0]
    assert 7200 <= found["trunkline_recordings_oldest_waiting_seconds"][0] < 7300
    assert found["trunkline_recordings_without_call"] == [1.0]
    assert abs(found["trunkline_recordings_looked_at_seconds"][0] - datetime.now(UTC).timestamp()) < 60
    assert found["trunkline_recording_copies_deleted_total"] == [0.0]


async def test_the_work_after_calls_shows_what_is_behind_and_what_was_left_out(database: str, tmp_path: Path) -> None:
    async with open_pool(database) as pool:
        await pool.execute("insert into follower (name, position) values ('notes', '0-0')")
        await pool.execute("insert into fact (kind, body, at) values ('said', '{}', now() - interval '1 hour')")
        await pool.execute(
            "insert into follower_refused (follower, position, kind, fault) values ('notes', '1-1', 'said', 'KeyError')"
        )
    found = await shown(database, tmp_path)

    assert max(found["trunkline_follower_behind"]) == 1.0
    assert 3600 <= max(found["trunkline_follower_behind_seconds"]) < 3700
    assert found["trunkline_facts_left_out"] == [1.0]
    assert len(found["trunkline_duty_faults_total"]) > 10
