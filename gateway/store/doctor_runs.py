"""What the last check of each PBX found, and what has changed since the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts

_LOCKS = 7463


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRun:
    """One look at a PBX."""

    pbx: str
    kind: str | None
    """Whose configuration it is; None: it could not be asked."""
    at: datetime
    faults: int
    advice: int
    findings: Sequence[Mapping[str, object]]
    """As `trunkline doctor --json` prints them."""
    wrong: frozenset[str]
    """What names each fault, the same from look to look while the figures in its text change."""
    unwell_since: datetime | None = None
    """When the first look found a fault of those that last; None: none is found."""


async def save_run(pool: Pool, run: DoctorRun) -> tuple[DoctorRun, Sequence[NewFact]]:
    """Keep a look, and write the facts that follow from comparing it with the last one.

    `pbx.unwell` where there are faults that the last look did not find, `pbx.well` where none is left.

    Returns:
        The look with its `unwell_since`, and the facts, which have been written.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1, hashtext($2))", _LOCKS, run.pbx)
        before = await _run(connection, run.pbx)
        known = before.wrong if before else frozenset[str]()
        since = (before.unwell_since if before else None) or run.at
        saved = replace(run, unwell_since=since if run.wrong else None)
        facts = _facts(saved, known, before.unwell_since if before else None)
        await _write(connection, saved)
        await save_facts(connection, facts)
    return saved, facts


def _facts(run: DoctorRun, known: frozenset[str], unwell_since: datetime | None) -> list[NewFact]:
    at = run.at.isoformat()
    if run.wrong - known:
        faults = [finding for finding in run.findings if finding["level"] == "fault"]
        body: dict[str, object] = {"pbx": run.pbx, "kind": run.kind, "at": at, "faults": faults}
        return [NewFact(kind="pbx.unwell", body=body | {"new": sorted(run.wrong - known)})]
    if known and not run.wrong:
        since = unwell_since.isoformat() if unwell_since else None
        return [NewFact(kind="pbx.well", body={"pbx": run.pbx, "at": at, "since": since, "mended": sorted(known)})]
    return []


async def _write(connection: Connection, run: DoctorRun) -> None:
    await connection.execute(
        "insert into doctor_run (pbx, kind, at, faults, advice, findings, wrong, unwell_since)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (pbx) do update set kind = excluded.kind,"
        " at = excluded.at, faults = excluded.faults, advice = excluded.advice, findings = excluded.findings,"
        " wrong = excluded.wrong, unwell_since = excluded.unwell_since",
        run.pbx,
        run.kind,
        run.at,
        run.faults,
        run.advice,
        list(run.findings),
        sorted(run.wrong),
        run.unwell_since,
    )


async def _run(source: Pool | Connection, pbx: str) -> DoctorRun | None:
    row = await source.fetchrow("select * from doctor_run where pbx = $1", pbx)
    return None if row is None else DoctorRun(**{**dict(row), "wrong": frozenset(row["wrong"])})


async def last_runs(source: Pool | Connection) -> list[DoctorRun]:
    """The last look at each PBX, by name."""
    rows = await source.fetch("select * from doctor_run order by pbx")
    return [DoctorRun(**{**dict(row), "wrong": frozenset(row["wrong"])}) for row in rows]


async def has_routes(source: Pool | Connection) -> bool:
    """Whether anybody has entered a route for inbound calls."""
    return bool(await source.fetchval("select exists (select from inbound_route where archived_at is null)"))
