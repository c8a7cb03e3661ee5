"""A busy site as a whole: ten calls a second for five minutes over a real Asterisk, and the gateway beside it.

    python -m bench.site_load [--rate 10] [--seconds 300] [--transcribe]

Asterisk is the lab's, with 180 phones and the trunk played by sipp on both sides, with sound in both directions. Of
twenty calls eight ring one manager (three of them recorded), two a pair, four a queue (one recorded), four go where the
gateway's route sends them (one recorded), and two are placed by managers (recorded); some are busy, refused, not
answered or given up. The gateway is `trunkline serve` in a process of its own with its PostgreSQL on disk, the manager
interface with queues paused in step with the managers' states, archive, and a screen on the live socket. What comes out
is compared call by call with what sipp's phones did.

- `wrong`: calls that the gateway tells otherwise than the phones: lost, doubled, another result or manager, or a talk
  or wait that differs by more than 0.25 s; an empty object means none.
- `screen`: from the client's INVITE to the message with its card, and from its last deed to `call.ended`.
- `memory_mb`: PSS, the mean of the first and of the last third of the run.
- `journal_lag_bytes`: looked at each second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import soundfile
from aiohttp import ClientSession

from bench.load_office import (
    EXTENSIONS,
    RECORDED_ROUTE_DID,
    ROUTE_DID,
    ROUTED,
    LoadOffice,
    open_load_office,
)
from bench.load_plan import Planned, plan
from bench.load_truth import Folded, Happened, happened, wrong
from bench.load_watch import Samples, Seen, points, sample, thirds, watch_screen
from bench.machine import Figures, Watch, cpu_seconds
from bench.served import Served, serving
from bench.sipp_phones import Sipp, called, caller, start_sipp
from gateway.api.security import new_api_key
from gateway.domain.access import Right, Role
from gateway.domain.routing import Strategy
from gateway.store import routing
from gateway.store.access import issue_key
from gateway.store.database import Pool, open_pool
from gateway.store.staff import add_user, give_extension
from lab.server import free_ports
from lab.speech import make_dialogue
from tests.database import open_folder
from tests.gateway.routing_site import DAY, group, keep_key, owner
from tests.gateway.site import figures, recounted

_ALWAYS = {"timezone": "UTC", "week": [["00:00-24:00"]] * 7, "exceptions": []}
_LONGEST = 40.0
"""Seconds that the last calls may take after the last one began."""
_SETTLE = 60.0
_ARCHIVE = 120.0


async def staffed(pool: Pool) -> None:
    """Enter everybody with his phone."""
    async with pool.acquire() as connection, connection.transaction():
        for x in EXTENSIONS:
            user = await add_user(connection, login=f"m{x}", name=f"Manager {x}", role="manager")
            await give_extension(connection, pbx="pbx1", extension=str(x), user_id=user, patterns=[str(x)])


async def routed(pool: Pool, calls: Sequence[Planned]) -> str:
    """Enter the routes, and a card with an owner for each third caller of them; gives the dialplan's key."""
    users = {r["login"]: r["id"] for r in await pool.fetch("select login, id from users where login like 'm%'")}
    members = [users[f"m{x}"] for x in ROUTED]
    callers = [c.client for c in calls if c.kind.startswith("route")][::3]
    async with pool.acquire() as connection, connection.transaction():
        body = {"name": "Sales", "strategy": Strategy.LONGEST_IDLE, "members": members}
        team = await routing.add_group(connection, body, by="bench", now=DAY)
        for did, record in ((ROUTE_DID, False), (RECORDED_ROUTE_DID, True)):
            route = {"name": did, "did": did, "record": record, "notice": False, "hours": _ALWAYS, "closed_steps": []}
            steps = [owner(10), group(team, 20, 20)]
            await routing.add_route(connection, {**route, "steps": steps}, by="bench", now=DAY)
        for n, client in enumerate(callers):
            await connection.execute(
                "with made as (insert into contact (name, owner_id) values ('Client', $1) returning id)"
                " insert into contact_number (number, contact_id) select $2, id from made",
                members[n % len(members)],
                f"+{client}",
            )
        key_id, key, digest = new_api_key()
        rights = [Right.ROUTE_ASK]
        await issue_key(connection, key_id=key_id, secret_digest=digest, name="PBX", role=Role.ADMIN, rights=rights)
    return key


def settings(office: LoadOffice, *, transcribe: bool) -> str:
    """The PBX as an administrator would enter it."""
    return (
        f'[log]\nformat = "json"\n[transcription]\nenabled = {str(transcribe).lower()}\nlanguages = ["en"]\n'
        f'[pbx.pbx1]\njournal.path = "{office.journal}"\nrecordings.folder = "{office.recordings}"\n'
        'originate.context = "from-managers"\ntrunks = [{ endpoint = "trunk", area_code = "495" }]\n'
        f'[pbx.pbx1.ami]\nport = {office.ports.ami}\nuser = "{office.gateway.user}"\n'
        f'secret = "{office.gateway.secret}"\n'
    )


@contextmanager
def phones(folder: Path, office: LoadOffice) -> Iterator[dict[str, Sipp]]:
    """The sipps that are called, for as long as the block lasts."""
    sip = office.ports.sip
    found = {
        "managers": start_sipp(
            "managers", folder, called("M", client_in="From"), "-rtp_echo", port=office.phones, pbx=sip
        ),
        "trunk": start_sipp(
            "trunk", folder, called("T", client_in="To"), "-rtp_echo", port=office.ports.trunk, pbx=sip
        ),
    }
    try:
        yield found
    finally:
        for sipp in found.values():
            sipp.end()


async def call_all(folder: Path, office: LoadOffice, calls: Sequence[Planned], rate: float, voice: Path) -> Sipp:
    """Place the calls; returns when all are over."""
    (folder / "calls.csv").write_text("SEQUENTIAL\n" + "".join(f"{c.line}\n" for c in calls))
    options = ("-inf", "calls.csv", "-r", f"{rate:g}", "-m", str(len(calls)))
    callers = start_sipp("callers", folder, caller(voice), *options, port=free_ports().sip, pbx=office.ports.sip)
    try:
        with suppress(subprocess.TimeoutExpired):  # a call whose end was lost on a busy machine; its phones tell of it
            await asyncio.to_thread(callers.process.wait, len(calls) / rate + _LONGEST)
    finally:
        callers.end()
    return callers


async def _until(done: Callable[[], Awaitable[bool]], seconds: float) -> float:
    """Wait until a question is answered with yes; gives the seconds it took, of the patience where it never was."""
    began = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await done():  # noqa: ASYNC110 - another process does the work
                await asyncio.sleep(0.2)
    return time.monotonic() - began


async def folded_calls(pool: Pool) -> list[Folded]:
    """Every call that the gateway has."""
    rows = await pool.fetch(
        "select c.*, array(select m.extension from call_manager m where m.call_id = c.id and m.rang) as rang"
        " from call c where c.merged_into is null"
    )
    return [
        Folded(
            client=(r["client_number"] or r["client_raw"] or "-").removeprefix("+"),
            direction=r["direction"],
            result=r["result"],
            missed_reason=r["reason"] if r["result"] == "missed" else None,
            answered_by=tuple(r["answered_by"]),
            rang=frozenset(r["rang"]) if r["direction"] == "inbound" else frozenset(),
            hung_up_by=r["hung_up_by"],
            talk_seconds=r["talk_us"] / 1e6,
            wait_seconds=None if r["wait_us"] is None else r["wait_us"] / 1e6,
        )
        for r in rows
    ]


def _talk_off(true: Mapping[str, Happened], folded: Sequence[Folded]) -> list[float]:
    talks = [(true[f.client], f) for f in folded if f.client in true and true[f.client].result == "answered"]
    return [abs(was.talk_seconds - told.talk_seconds) for was, told in talks]


def _said(log: Path) -> dict[str, int]:
    """Texts of the gateway's log worth a look, each with how often it came."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if record.get("level") in ("warning", "error", "critical") or "AMI" in str(record.get("event")):
                found[f"{record.get('level')}: {record.get('event')}"] += 1
    return dict(found)


def _setup(
    true: Mapping[str, Happened], rings: Mapping[str, float], kinds: Mapping[str, str], start: str
) -> list[float]:
    return [rings[c] - true[c].began for c in true if c in rings and kinds.get(c, "").startswith(start)]


async def one_run(folder: Path, office: LoadOffice, rate: float, seconds: float, *, transcribe: bool) -> Figures:
    """Everything, with an Asterisk that runs."""
    calls = plan(int(rate * seconds))
    voice = _voice(folder, office)
    samples, seen = Samples(), Seen()
    async with (
        serving(folder, people=staffed, pbx=settings(office, transcribe=transcribe)) as gateway,
        open_pool(gateway.dsn, size=2) as pool,
        ClientSession(headers={"Authorization": f"Bearer {gateway.key}"}) as client,
    ):
        await _tell_asterisk(office, gateway, await routed(pool, calls))
        await _all_available(pool, gateway, client)
        pids = {"gateway": gateway.pid, "postgres": gateway.database_pid, "asterisk": office.pid}
        async with client.ws_connect(f"{gateway.origin}/api/v1/live") as socket, asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_screen(socket, seen))
            with phones(folder, office) as sides:
                await asyncio.sleep(1.0)
                looking = tasks.create_task(sample(gateway, office, client, samples))
                cpu, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
                callers = await call_all(folder, office, calls, rate, voice)
                took = time.monotonic() - began
                cpu = {name: cpu_seconds(pid) - cpu[name] for name, pid in pids.items()}
                settled = await _until(lambda: _all_ended(pool, office, len(calls)), _SETTLE)
                looking.cancel()
            true = happened([d for s in (*sides.values(), callers) for d in s.deeds()])
            rings = {d.client: d.at for d in reversed(callers.deeds()) if d.did == "rings"}
            await asyncio.sleep(1.0)
            await socket.close()
        archived = await _until(lambda: _archived(pool, office), _ARCHIVE)
        folded = await folded_calls(pool)
        mistakes = wrong(true, folded)
        kinds = {c.client: c.kind for c in calls}
        return {
            "calls": len(calls),
            "seconds": round(took, 1),
            "most_at_once": max(samples.open_legs),
            "results": dict(Counter(f"{h.direction} {h.result}" for h in true.values())),
            "wrong": {kind: {"calls": len(cases), "like": cases[:3]} for kind, cases in mistakes.items()},
            "talk_off_by_ms": points(_talk_off(true, folded), 1e3),
            "figures_equal_recount": await figures(pool) == await recounted(pool),
            "sipp_faults": {s.name: s.aborted() for s in (*sides.values(), callers)},
            "ami": {"looks": len(samples.connected), "down": samples.connected.count(0.0)},
            "screen_ms": {
                "card": points([at - true[c].began for c, at in seen.card.items() if c in true], 1e3),
                "ended": points([at - true[c].ended for c, at in seen.ended.items() if c in true], 1e3),
            },
            "ringing_ms": {
                "routed": points(_setup(true, rings, kinds, "route"), 1e3),
                "not_routed": points(_setup(true, rings, kinds, "direct"), 1e3),
            },
            "route": await _routes(pool, true, kinds),
            "journal_lag_bytes": points(samples.lag_bytes),
            "followers_behind_seconds": max(samples.followers_behind_seconds),
            "settled_seconds": round(settled, 1),
            "recordings": await _recordings(pool) | {"all_after_seconds": round(archived, 1)},
            "memory_mb": {
                name.removesuffix("_mb"): thirds(getattr(samples, name))
                for name in ("gateway_mb", "children_mb", "postgres_mb", "asterisk_mb")
            },
            "cores": {name: round(spent / took, 2) for name, spent in cpu.items()},
            "gateway_cpu_ms_per_call": round(cpu["gateway"] / len(calls) * 1e3, 1),
            "messages": dict(seen.messages.most_common(12)),
            "gateway_said": _said(gateway.log),
        }


def _voice(folder: Path, office: LoadOffice) -> Path:
    """A human voice as A-law without a header, which sipp sends again and again."""
    sound, rate = soundfile.read(make_dialogue(office.home, folder / "speech", "en").client, dtype="int16")
    soundfile.write(folder / "voice.raw", sound, rate, format="RAW", subtype="ALAW")
    return folder / "voice.raw"


async def _tell_asterisk(office: LoadOffice, gateway: Served, key: str) -> None:
    keep_key(office, key)
    values = {"TRUNKLINE_ROUTE_URL": f"{gateway.origin}/api/v1/route", "TRUNKLINE_ROUTE_PBX": "pbx1"}
    for name, value in values.items():
        await asyncio.to_thread(office.command, f"dialplan set global {name} {value}")


async def _all_available(pool: Pool, gateway: Served, client: ClientSession) -> None:
    for row in await pool.fetch("select id from users where login like 'm%'"):
        address = f"{gateway.origin}/api/v1/states/{row['id']}"
        async with client.put(
            address, json={"state": "available"}, headers={"Idempotency-Key": f"on-{row['id']}"}
        ) as answer:
            assert answer.ok, await answer.text()


async def _all_ended(pool: Pool, office: LoadOffice, count: int) -> bool:
    offset = await pool.fetchval("select (cursor->>'offset')::bigint from journal_cursor where pbx = 'pbx1'")
    ended = await pool.fetchval("select count(*) from call where state = 'ended'")
    return bool(offset == office.journal.stat().st_size and ended >= count)


async def _archived(pool: Pool, office: LoadOffice) -> bool:
    stored = await pool.fetchval("select count(*) from recording where state <> 'wanted'")
    return bool(stored >= len(list(office.recordings.glob("*.done"))))


async def _recordings(pool: Pool) -> Figures:
    rows = await pool.fetch(
        "select r.state, r.reason, r.call_id, r.duration_us, c.talk_us from recording r"
        " left join call c on c.id = r.call_id"
    )
    off = [abs(r["duration_us"] - r["talk_us"]) / 1e3 for r in rows if r["duration_us"] and r["talk_us"]]
    return {
        "states": dict(Counter(r["state"] for r in rows)),
        "reasons": dict(Counter(r["reason"] for r in rows if r["reason"])),
        "without_call": sum(r["call_id"] is None for r in rows),
        "length_off_talk_ms": points(off),
    }


async def _routes(pool: Pool, true: Mapping[str, Happened], kinds: Mapping[str, str]) -> Figures:
    asked = await pool.fetchval("select count(distinct uniqueid) from route_decision where uniqueid <> 'warm-up'")
    own = [h for c, h in true.items() if kinds.get(c, "").startswith("route") and not h.rang]
    return {
        "calls": sum(k.startswith("route") for k in kinds.values()),
        "decided": asked,
        "took_the_site_s_own_way": len(own),
    }


async def measure(rate: float, seconds: float, *, transcribe: bool, keep: Path | None) -> Figures:
    """All of one run."""
    watch = Watch.begin()
    with open_folder(on_disk=True) as folder, open_load_office(folder / "asterisk") as office:
        found = await one_run(folder, office, rate, seconds, transcribe=transcribe)
        if keep is not None:
            _keep(folder, office, keep)
    return found | {"machine": watch.told()}


def _keep(folder: Path, office: LoadOffice, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for path in (
        *folder.glob("*.log"),
        office.directory / "log/full",
        *folder.glob("*.errors"),
        folder / "calls.csv",
        office.journal,
    ):
        (keep / path.name).write_bytes(path.read_bytes())


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10.0, help="calls a second")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long calls begin")
    parser.add_argument("--transcribe", action="store_true", help="write the recordings down meanwhile")
    parser.add_argument("--keep", type=Path, help="a folder for the logs of both sides and the journal")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rate, options.seconds, transcribe=options.transcribe, keep=options.keep))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
