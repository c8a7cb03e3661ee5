"""Stored rows that were damaged in the database: that one call stays as it is, every other goes on."""

import asyncio
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.doctor.findings import Level
from gateway.doctor.storage import check_storage
from gateway.settings import Settings
from gateway.store.database import Pool
from gateway.store.journal import DamagedRows, family_of_call
from tests.faults.plant import calls_of, configured, served, truth, until
from tests.gateway.site import Site, figures, open_site, recounted, rows_of

pytestmark = pytest.mark.asyncio
Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "a byte in the middle": lambda value: value[:40] + bytes([value[40] ^ 255]) + value[41:],
    "cut off": lambda value: value[: len(value) // 2],
    "nothing": lambda value: b"",
    "something else": lambda value: b"something else",
    "rows that are cut off": lambda value: zlib.compress(zlib.decompress(value)[:-1]),
    "no row at all": lambda value: zlib.compress(b""),
    "rows of nobody": lambda value: zlib.compress(b"\0\0\0\4junk"),
}
FAMILY = "family_id from leg where role = 'client' order by started_at limit 1"


async def begun(site: Site, *, to: int = 6) -> tuple[list[bytes], list[bytes]]:
    """Two calls, begun: the one whose rows will be damaged, and another."""
    bad, good = rows_of("in_answered"), rows_of("blind_xfer_refer")
    await site.take_all([*bad[:to], *good[:to]])
    return bad, good


async def spoil(pool: Pool, damage: Damage) -> None:
    """Damage the rows of the first call's family."""
    row = await pool.fetchrow(f"select id, rows from family where id = (select {FAMILY})")
    await pool.execute("update family set rows = $2 where id = $1", row["id"], damage(row["rows"]))


async def everything(pool: Pool) -> list[object]:
    """All that is stored of the first call."""
    one = f"(select {FAMILY})"
    of = (f"select * from {t} where family_id = {one} order by id" for t in ("call", "leg"))
    return [tuple(r) for query in of for r in await pool.fetch(query)]


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_call_whose_rows_are_damaged_stays_and_the_others_go_on(database: str, kind: str) -> None:
    async with open_site(database) as site:
        bad, good = await begun(site)
        before = await everything(site.pool)
        await spoil(site.pool, DAMAGES[kind])
        await site.restart()
        await site.pipeline.reload()
        aside = site.pipeline.families_set_aside
        await site.take_all([*bad, *good, *rows_of("out_answered")])
        await site.restart()
        await site.take_all([*bad, *good])

        assert (aside, site.pipeline.families_set_aside) == (1, 1)
        assert await everything(site.pool) == before
        right = await truth(site.pool, [*good, *rows_of("out_answered")])
        assert [c for c in right if c not in await calls_of(site.pool)] == []
        assert len(await calls_of(site.pool)) == len(right) + 1
        assert await figures(site.pool) == await recounted(site.pool)
        kept = await site.pool.fetch("select reason, data from quarantine")
        assert {r["data"] for r in kept} == set(bad)
        assert len({r["reason"] for r in kept}) == 1


async def test_a_late_row_of_an_ended_call_whose_rows_are_damaged_goes_to_quarantine(database: str) -> None:
    async with open_site(database) as site:
        bad = rows_of("in_answered")
        await site.take_all(bad[:-1] + rows_of("out_answered"))
        await site.pool.execute("update family set open = false")
        before = await everything(site.pool)
        await spoil(site.pool, DAMAGES["cut off"])
        await site.restart()
        await site.take_all([bad[-1], *rows_of("blind_xfer_refer")])

        assert site.pipeline.families_set_aside == 1
        assert await everything(site.pool) == before
        assert [r["data"] for r in await site.pool.fetch("select data from quarantine")] == [bad[-1]]


async def test_a_call_whose_rows_are_damaged_comes_back_with_them(database: str) -> None:
    async with open_site(database) as site:
        bad, _ = await begun(site)
        whole = await site.pool.fetchval(f"select rows from family where id = (select {FAMILY})")
        await spoil(site.pool, DAMAGES["nothing"])
        await site.restart()
        await site.pipeline.reload()
        await site.pool.execute(f"update family set rows = $1 where id = (select {FAMILY})", whole)
        await site.pipeline.reload()
        await site.take_all(bad)

        assert site.pipeline.families_set_aside == 0
        assert [c for c in await truth(site.pool, bad) if c not in await calls_of(site.pool)] == []


async def test_an_administrator_is_told_which_call_is_damaged(database: str) -> None:
    async with open_site(database) as site:
        await begun(site)
        await spoil(site.pool, DAMAGES["cut off"])
        family, call = await site.pool.fetchrow(
            "select family_id, id from call where family_id = (select " + FAMILY + ")"
        )
        settings = Settings(pbx={"pbx1": {}})  # type: ignore[dict-item]
        (found,) = [f async for f in check_storage(settings, site.pool) if f.level is Level.FAULT]

        assert "1 open calls are damaged" in found.text
        assert found.remedy[-1] == str(family)
        with pytest.raises(DamagedRows, match="restore"):
            await family_of_call(site.pool, call)


async def test_a_gateway_starts_over_damaged_rows_and_says_so(database: str, tmp_path: Path) -> None:
    async with open_site(database) as site:
        _, good = await begun(site)
        await spoil(site.pool, DAMAGES["cut off"])
        family = await site.pool.fetchval(f"select {FAMILY}")
        config = configured(tmp_path, database=database)
        (tmp_path / "journal.csv").write_bytes(b"".join(row + b"\n" for row in good))
        with served(config) as gateway:

            async def ended() -> bool:
                return bool(await site.pool.fetchval("select count(*) from call where state = 'ended'"))

            await until(ended)
            reader, writer = await asyncio.open_connection("127.0.0.1", int(config.stem))
            writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
            shown = (await reader.read()).decode()
            writer.close()
            assert await gateway.stop() == 0

        assert 'trunkline_families_set_aside{pbx="pbx1"} 1.0' in shown
        assert str(family) in gateway.words
        assert "7916" not in gateway.words
