"""A running gateway looked at from outside while calls go on: its metrics, its memory, and what a screen is told."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean, quantiles

from aiohttp import ClientSession, ClientWebSocketResponse

from bench.load_office import LoadOffice
from bench.machine import Figures, pss_bytes, tree
from bench.served import Served


@dataclass(slots=True)
class Seen:
    """When the screen was told what, by client's number, in seconds since the epoch."""

    card: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)


async def watch_screen(socket: ClientWebSocketResponse, seen: Seen) -> None:
    """Note what the live socket tells, until it is closed."""
    async for message in socket:
        now = time.time()
        told = json.loads(message.data)
        seen.messages[told["kind"]] += 1
        if not told["kind"].startswith("call.") or not (number := told["body"].get("client", {}).get("number")):
            continue
        if told["body"].get("contact_id") is not None:
            seen.card.setdefault(number[1:], now)
        if told["kind"] == "call.ended":
            seen.ended.setdefault(number[1:], now)


@dataclass(slots=True)
class Samples:
    """What was seen of the running gateway, each second or each five."""

    gateway_mb: list[float] = field(default_factory=list)
    children_mb: list[float] = field(default_factory=list)
    postgres_mb: list[float] = field(default_factory=list)
    asterisk_mb: list[float] = field(default_factory=list)
    lag_bytes: list[float] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)
    open_legs: list[float] = field(default_factory=list)
    followers_behind_seconds: list[float] = field(default_factory=list)


async def sample(gateway: Served, office: LoadOffice, client: ClientSession, samples: Samples) -> None:
    """Look until cancelled."""
    database, n = set(tree(gateway.database_pid)), 0
    while True:
        began = time.monotonic()
        async with client.get(f"{gateway.origin}/metrics") as answer:
            told = await answer.text()
        samples.lag_bytes += _metric(told, "trunkline_journal_lag_bytes")
        samples.connected += _metric(told, "trunkline_ami_connected")
        samples.open_legs += _metric(told, "trunkline_open_legs")
        samples.followers_behind_seconds.append(max(_metric(told, "trunkline_follower_behind_seconds"), default=0.0))
        if n % 5 == 0:
            database = set(tree(gateway.database_pid))
            others = [p for p in tree(gateway.pid) if p not in database and p != gateway.pid]
            samples.gateway_mb.append(pss_bytes(gateway.pid) / 1e6)
            samples.children_mb.append(sum(pss_bytes(p) for p in others) / 1e6)
            samples.postgres_mb.append(sum(pss_bytes(p) for p in database) / 1e6)
            samples.asterisk_mb.append(pss_bytes(office.pid) / 1e6)
        n += 1
        await asyncio.sleep(max(0.1, 1.0 - (time.monotonic() - began)))


def _metric(told: str, name: str) -> list[float]:
    return [float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", told, re.MULTILINE)]


def points(found: Sequence[float], scale: float = 1.0) -> Figures:
    if len(found) < 2:
        return {"n": len(found)}
    cuts = quantiles([f * scale for f in found], n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 2),
        "p95": round(cuts[94], 2),
        "p99": round(cuts[98], 2),
        "max": round(max(found) * scale, 2),
        "n": len(found),
    }


def thirds(found: Sequence[float]) -> Figures:
    third = max(1, len(found) // 3)
    return {
        "first_third": round(mean(found[:third]), 1),
        "middle_third": round(mean(found[third : 2 * third] or found), 1),
        "last_third": round(mean(found[-third:]), 1),
        "highest": round(max(found), 1),
    }
