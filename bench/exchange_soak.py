"""Twenty calls at once through the whole embedded engine for half an hour: what it costs, whether anything grows, and
whether every call and every recording is there afterwards.

    python -m bench.exchange_soak [--minutes 30] [--calls 20] [--talk 60 90]

The gateway is served as a site serves it, with a database on disk and an inbound route for every manager; its exchange,
workers and journal are the real ones. The provider and the phones are sipp's (bench/exchange_phones.py) with sound in
both directions, and are not counted; nor is PostgreSQL. Calls turn over: each ends after its time and the next begins.
`engine` is the exchange and its workers, the issue's limits are on it (30 % of one core, 300 MB); the gateway, which
routes, tells screens, stores and archives, stands beside it. Memory is PSS, a page that several share counted once.
Samples are of every twenty seconds after the first two and a half minutes; `slope` is the straight line through them.
Afterwards what the provider's phone did is compared with the database, call by call. Prints one JSON object.
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import mean

import asyncpg
import numpy as np
from aiohttp import ClientSession

from bench.exchange_phones import register_all, start_office, start_provider
from bench.load_watch import points
from bench.machine import Figures, Watch, cpu_seconds, pss_bytes, tree
from bench.served import Served, free_port, serving
from bench.sipp_phones import Deed, Sipp
from exchange.digest import Algorithm, hash_password
from gateway.store.database import Pool, open_pool
from gateway.store.phones import StoredPhone, keep_phone
from gateway.store.staff import add_user, give_extension
from lab.server import free_ports
from tests.database import open_folder
from tests.gateway.embedded_site import exchange_ends, exchanges, workers

CPU_LIMIT_PERCENT, MEMORY_LIMIT_MB = 30.0, 300.0
WARM_UP_SECONDS = 150.0
SAMPLE_SECONDS = 20.0
PHONES = tuple(str(x) for x in range(201, 241))
"""Twice as many as calls at once: when a number's turn comes again, its phone is free."""
DIDS = tuple(f"7495777{x}" for x in PHONES)
SECRET = "of-the-phones"
_ARCHIVE_SECONDS = 120.0
_MOST_WRONG = 10
"""As many calls that were not folded as they were are told one by one."""
_PARTS = ("exchange", "workers", "gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at the product's processes."""

    at: float
    processes: int
    """The exchange and its workers."""
    threads: int
    descriptors: dict[str, int]
    memory_mb: dict[str, float]
    cpu_seconds: dict[str, float]
    load: float


@dataclass(slots=True)
class Soak:
    """What is known of a run."""

    gateway: Served
    home: Path
    samples: list[Sample] = field(default_factory=list)
    worker_pids: set[int] = field(default_factory=set)
    """All that ever were."""

    def look(self) -> Sample:
        """Look at every process once."""
        (exchange,) = exchanges(self.home)
        at_work = workers(exchange)
        self.worker_pids.update(at_work)
        database = set(tree(self.gateway.database_pid))
        groups = {
            "exchange": [exchange],
            "workers": at_work,
            "gateway": [pid for pid in tree(self.gateway.pid) if pid not in database],
        }
        sample = Sample(
            at=time.monotonic(),
            processes=1 + len(at_work),
            threads=sum(_count(pid, "task") for pid in (exchange, *at_work)),
            descriptors={name: sum(_count(pid, "fd") for pid in pids) for name, pids in groups.items()},
            memory_mb={name: sum(pss_bytes(pid) for pid in pids) / 1e6 for name, pids in groups.items()},
            cpu_seconds={
                "exchange": cpu_seconds(exchange) - sum(cpu_seconds(pid) for pid in at_work),
                "workers": sum(cpu_seconds(pid) for pid in at_work),
                "gateway": cpu_seconds(self.gateway.pid) - cpu_seconds(self.gateway.database_pid),
            },
            load=os.getloadavg()[0],
        )
        self.samples.append(sample)
        return sample


def _told(row: asyncpg.Record) -> dict[str, object]:
    """A call that is not as the phones had it, without its number."""
    return {name: row[name] for name in ("result", "complete", "answered_by", "did", "talk_us", "unmapped")}


def _count(pid: int, what: str) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/{what}").iterdir()))
    except OSError:
        return 0


async def people(pool: Pool) -> None:
    """A manager with a phone for each number."""
    async with pool.acquire() as connection, connection.transaction():
        for x in PHONES:
            user = await add_user(connection, login=f"m{x}", name=f"M{x}", role="manager")
            await give_extension(connection, pbx="embedded", extension=x, user_id=user, patterns=[x])
            hashes = [hash_password(x, "trunkline", SECRET, kind) for kind in (Algorithm.MD5, Algorithm.SHA256)]
            phone = StoredPhone(endpoint=x, extension=x, ha1=hashes[0], ha1_sha256=hashes[1])
            await keep_phone(connection, pbx="embedded", phone=phone)


def site(sip: int, trunk: int, at_once: int) -> str:
    """The engine as an administrator enters it; two workers more than the calls need, since calls end and begin."""
    dids = json.dumps(DIDS)
    return (
        f'[log]\nformat = "json"\n[transcription]\nenabled = false\n[embedded]\nenabled = true\nport = {sip}\n'
        f'workers = {-(-at_once // 2) + 2}\n[[embedded.trunks]]\nname = "operator"\nhost = "127.0.0.1"\n'
        f"port = {trunk}\ndids = {dids}\n"
    )


async def enter_routes(pool: Pool, gateway: Served) -> None:
    """Each number rings its manager, recorded."""
    ids = {row["login"]: row["id"] for row in await pool.fetch("select id, login from users")}
    async with ClientSession(headers={"Authorization": f"Bearer {gateway.key}"}) as client:
        for x, did in zip(PHONES, DIDS, strict=True):
            steps = [{"kind": "manager", "user": ids[f"m{x}"]}, {"kind": "hang_up"}]
            body = {"name": f"To {x}", "did": did, "record": True, "steps": steps}
            address = f"{gateway.origin}/api/v1/inbound-routes"
            async with client.post(address, json=body, headers={"Idempotency-Key": f"r{x}"}) as answer:
                assert answer.status == 201, await answer.text()


async def load(soak: Soak, provider: Sipp, seconds: float) -> None:
    """Look now and then while calls go on; then let the last ones end."""
    began = time.monotonic()
    await asyncio.sleep(min(WARM_UP_SECONDS, seconds / 3))
    while time.monotonic() - began < seconds:
        soak.look()
        await asyncio.sleep(min(SAMPLE_SECONDS, seconds / 3))
    provider.process.send_signal(signal.SIGUSR1)
    await asyncio.to_thread(provider.process.wait, 180)


async def compared(pool: Pool, deeds: Sequence[Deed]) -> Figures:
    """The provider's calls beside those of the database, one by one."""
    true: dict[str, dict[str, Deed]] = {}
    for deed in deeds:
        true.setdefault(deed.client, {}).setdefault(deed.did, deed)
    talked = {client: did for client, did in true.items() if "answered" in did and "ended" in did}
    rows = {
        row["client"]: row
        for row in await pool.fetch(
            "select ltrim(client_number, '+') as client, result, complete, talk_us, answered_by, did, unmapped,"
            " (select array[duration_us, (state = 'stored')::int] from recording where call_id = call.id) as recording"
            " from call where merged_into is null and state = 'ended'"
        )
    }
    found = {client: rows[client] for client in talked if client in rows}
    right = {
        client: row
        for client, row in found.items()
        if (row["result"], row["complete"], list(row["answered_by"])) == ("answered", True, [row["did"][-3:]])
    }
    whole = {client: row for client, row in right.items() if row["recording"] and row["recording"][1] == 1}
    talk = [abs(row["talk_us"] / 1e6 - _talk(talked[client])) for client, row in right.items()]
    recorded = [abs(row["recording"][0] - row["talk_us"]) / 1e6 for row in whole.values()]
    return {
        "dialled": len(true),
        "talked": len(talked),
        "failed": dict(Counter(d["failed"].by for d in true.values() if "failed" in d)),
        "in_the_database": len(found),
        "folded_right": len(right),
        "folded_wrong": [_told(row) for client, row in found.items() if client not in right][:_MOST_WRONG],
        "rows_beyond": len(rows) - len(found),
        "recordings_stored": len(whole),
        "recordings_off_talk_seconds": points(recorded),
        "talk_off_seconds": points(talk),
        "routed_by_the_gateway": await pool.fetchval("select count(distinct uniqueid) from route_decision"),
        "all_accounted_for": len(true) == len(talked) == len(right) == len(whole) == len(rows),
    }


def _talk(deeds: dict[str, Deed]) -> float:
    return deeds["ended"].at - deeds["answered"].at


async def _archived(pool: Pool) -> None:
    """Wait until no recording is on its way."""
    until = time.monotonic() + _ARCHIVE_SECONDS
    while time.monotonic() < until:
        open_ones = await pool.fetchval("select count(*) from call where state <> 'ended'")
        without = await pool.fetchval(
            "select count(*) from call c where result = 'answered' and merged_into is null and not exists"
            " (select from recording r where r.call_id = c.id and r.state = 'stored')"
        )
        if open_ones == without == 0:
            return
        await asyncio.sleep(1.0)


def course(values: Sequence[float], moments: Sequence[float]) -> Figures:
    """How something went: its mean over the first, middle and last fifth, and the line through all of it."""
    fifth = max(1, len(values) // 5)
    middle = (len(values) - fifth) // 2
    slope = float(np.polyfit(moments, values, 1)[0]) * 1800 if len(values) > 2 else 0.0
    return {
        "start": round(mean(values[:fifth]), 2),
        "middle": round(mean(values[middle : middle + fifth]), 2),
        "end": round(mean(values[-fifth:]), 2),
        "highest": round(max(values), 2),
        "slope_in_half_an_hour": round(slope, 2),
    }


def courses(samples: Sequence[Sample]) -> Figures:
    """Everything that could grow."""
    moments = [sample.at - samples[0].at for sample in samples]
    engine = [sample.memory_mb["exchange"] + sample.memory_mb["workers"] for sample in samples]
    return {
        "memory_mb": {"engine": course(engine, moments)}
        | {name: course([s.memory_mb[name] for s in samples], moments) for name in _PARTS},
        "descriptors": {name: course([s.descriptors[name] for s in samples], moments) for name in _PARTS},
        "processes": course([s.processes for s in samples], moments),
        "threads": course([s.threads for s in samples], moments),
    }


def cpu(samples: Sequence[Sample]) -> Figures:
    """Percent of one core, over the whole of it and in the worst twenty seconds."""

    def percent(first: Sample, last: Sample, *names: str) -> float:
        spent = sum(last.cpu_seconds[name] - first.cpu_seconds[name] for name in names)
        return spent / (last.at - first.at) * 100

    first, last = samples[0], samples[-1]
    each = {name: round(percent(first, last, name), 2) for name in _PARTS}
    worst = max(percent(one, other, "exchange", "workers") for one, other in pairwise(samples))
    engine = round(percent(first, last, "exchange", "workers"), 2)
    return each | {"engine": engine, "engine_worst": round(worst, 2), "limit": CPU_LIMIT_PERCENT}


async def measure(minutes: float, at_once: int, talk: tuple[float, float]) -> Figures:
    """All of one run."""
    watch, ports = Watch.begin(), free_ports()
    office_port, phones = free_port(), {"office": 0, "provider": 0}
    most = int(minutes * 60 * at_once / talk[0]) + 10 * at_once
    with open_folder(on_disk=True) as folder:
        async with (
            exchange_ends(folder / "home"),
            serving(folder, people=people, pbx=site(ports.sip, ports.trunk, at_once)) as gateway,
            open_pool(gateway.dsn, size=1) as pool,
        ):
            await enter_routes(pool, gateway)
            await asyncio.to_thread(register_all, office_port, ports.sip, PHONES, SECRET)
            office = start_office(folder, port=office_port, exchange=ports.sip)
            provider = start_provider(
                folder, port=ports.trunk, exchange=ports.sip, dids=DIDS, at_once=at_once, talk=talk, most=most
            )
            soak = Soak(gateway=gateway, home=folder / "home")
            try:
                await load(soak, provider, minutes * 60)
            finally:
                for sipp in (provider, office):
                    sipp.end()
            await _archived(pool)
            calls = await compared(pool, provider.deeds())
            phones = {"office": office.aborted(), "provider": provider.aborted()}
            said = _said(folder / "home/exchange/exchange.log")
    told = cpu(soak.samples)
    grown = courses(soak.samples)
    highest = max(s.memory_mb["exchange"] + s.memory_mb["workers"] for s in soak.samples)
    return {
        "minutes": minutes,
        "calls_at_once": at_once,
        "cpu_percent_of_one_core": told,
        **grown,
        "memory_limit_mb": MEMORY_LIMIT_MB,
        "workers_that_were": len(soak.worker_pids),
        "calls": calls,
        "aborted_by_sipp": phones,
        "exchange_said": said,
        "load": points([s.load for s in soak.samples]),
        "within_limits": told["engine"] <= CPU_LIMIT_PERCENT and highest <= MEMORY_LIMIT_MB,
        "machine": watch.told(),
    }


def _said(log: Path) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told.get("level") in ("warning", "error", "critical"):
            found[f"{told['level']}: {told.get('event')} {told.get('trouble', '')}".strip()] += 1
    return dict(found)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--calls", type=int, default=20, help="calls at once")
    parser.add_argument("--talk", type=float, nargs=2, default=(60.0, 90.0), help="shortest and longest talk, seconds")
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(measure(asked.minutes, asked.calls, tuple(asked.talk))), indent=1))


if __name__ == "__main__":
    main()
