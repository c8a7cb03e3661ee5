"""What a PBX's host may send, and what it may not: bound keys, places, digests, garbage, pieces of recordings."""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from gateway.domain.access import Right, Role
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.own_rows import own_row
from gateway.domain.shipping import BATCH_ROWS, BrokenPiece, batch_digest, piece_text, row_text
from gateway.receiving import Receiving
from recordings.arrivals import GIVEN_UP, Arrivals
from sip.journal import JournalStatus
from tests.api.site import Api, open_api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
HOST, OTHER_HOST = "a" * 32, "b" * 32


@dataclass(frozen=True, slots=True)
class Pbx:
    """The API with a PBX whose host sends, and that host's key."""

    api: Api
    host: ClientSession
    arrivals: Arrivals


@pytest_asyncio.fixture
async def pbx(database: str, tmp_path: Path) -> AsyncIterator[Pbx]:
    async with open_api(database, tmp_path) as api:
        receiving = Receiving(api.site.pool, api.site.pipeline, JournalStatus())
        arrivals = Arrivals(tmp_path / "shipped")
        api.parts.receiving["pbx1"] = receiving  # type: ignore[index]
        api.parts.arrivals["pbx1"] = arrivals  # type: ignore[index]
        yield Pbx(api, await bound(api, "pbx1"), arrivals)


async def bound(api: Api, pbx: str | None) -> ClientSession:
    """A client with a key that may ship, bound to a PBX or to none."""
    session = await api.caller(Role.ADMIN, rights=[Right.JOURNAL_SHIP])
    key = session.headers["Authorization"].split("_")[1]
    await api.site.pool.execute("update api_key set pbx = $2 where key_id = $1", key, pbx)
    return session


def place(offset: int) -> dict[str, Any]:
    return {
        "device": 1,
        "inode": 2**63 + 5,
        "written_ns": 3,
        "head": "0" * 64,
        "offset": offset,
        "last_row_at": 0,
        "last_row": "1" * 64,
    }


def batch(rows: Sequence[bytes], since: int | None, until: int, **more: Any) -> dict[str, Any]:
    broken = [BrokenPiece(reason="quotes", data=data) for data in more.pop("broken", ())]
    return {
        "source": HOST,
        "condition": "reading",
        "lag_bytes": 0,
        "sent_at": datetime.now(UTC).isoformat(),
        "since": None if since is None else place(since),
        "until": place(until),
        "rows": [row_text(row) for row in rows],
        "broken": [{"reason": piece.reason, "data": piece_text(piece.data)} for piece in broken],
        "digest": batch_digest(rows, broken),
    } | more


async def test_rows_are_committed_with_their_place_before_the_answer(pbx: Pbx) -> None:
    rows = rows_of("in_answered")

    async with pbx.host.post("pbx/pbx1/journal", json=batch(rows, None, 900)) as answer:
        told = await answer.json()

    assert (answer.status, told["place"]) == (200, place(900))
    assert await pbx.api.site.pool.fetchval("select result from call") == "answered"
    assert await pbx.api.site.pool.fetchval("select cursor from journal_cursor") == place(900)


async def test_a_batch_that_begins_elsewhere_is_refused_and_changes_nothing(pbx: Pbx) -> None:
    rows = rows_of("in_answered")
    await pbx.host.post("pbx/pbx1/journal", json=batch(rows[:5], None, 100))

    answer = await pbx.host.post("pbx/pbx1/journal", json=batch(rows[5:], 90, 200))

    await problem(answer, 409, "conflict")
    async with pbx.host.get("pbx/pbx1/journal") as asked:
        assert (await asked.json())["place"] == place(100)


async def test_the_same_batch_sent_twice_is_refused_the_second_time_and_the_call_is_one(pbx: Pbx) -> None:
    body = batch(rows_of("in_answered"), None, 100)
    first = await pbx.host.post("pbx/pbx1/journal", json=body)
    second = await pbx.host.post("pbx/pbx1/journal", json=body)

    assert (first.status, second.status) == (200, 409)
    assert await pbx.api.site.pool.fetchval("select count(*) from call") == 1


@pytest.mark.parametrize("bound_to", [None, "pbx2"])
async def test_a_key_that_is_not_bound_to_the_pbx_ships_nothing(pbx: Pbx, bound_to: str | None) -> None:
    other = await bound(pbx.api, bound_to)

    for answer in (
        await other.get("pbx/pbx1/journal"),
        await other.post("pbx/pbx1/journal", json=batch([], None, 1)),
        await other.post("pbx/pbx1/recordings/standings", json={"names": ["a"]}),
        await other.put(f"pbx/pbx1/recordings/a.wav?offset=0&total=1&sha256={'0' * 64}", data=b"x", headers=OCTETS),
    ):
        await problem(answer, 403, "not-allowed")


async def test_the_hosts_key_can_do_nothing_else(pbx: Pbx) -> None:
    for path in ("calls", "users", "keys", "contacts", "events", "endpoints", "statistics/managers"):
        assert (await pbx.host.get(path)).status in (403, 404), path
    assert (await pbx.host.get("pbx/pbx2/journal")).status == 403
    assert (await pbx.host.get("pbx/none/journal")).status == 403


async def test_a_revoked_key_is_nobody(pbx: Pbx) -> None:
    await pbx.api.site.pool.execute("update api_key set revoked_at = now() where pbx = 'pbx1'")

    await problem(await pbx.host.get("pbx/pbx1/journal"), 401, "not-signed-in")


async def test_a_key_is_bound_only_with_the_rights_of_a_host(pbx: Pbx) -> None:
    admin = await pbx.api.caller(Role.ADMIN)
    new = {"name": "host", "role": "admin", "pbx": "pbx1"}

    for rights in (None, ["journal.ship", "calls.read_all"]):
        answer = await admin.post("keys", json=new | {"rights": rights}, headers={"Idempotency-Key": str(rights)})
        await problem(answer, 422, "invalid-request")
    answer = await admin.post("keys", json=new | {"rights": ["journal.ship"]}, headers={"Idempotency-Key": "3"})
    assert (answer.status, (await answer.json())["pbx"]) == (201, "pbx1")
    unknown = await admin.post(
        "keys", json=new | {"rights": ["journal.ship"], "pbx": "x"}, headers={"Idempotency-Key": "4"}
    )
    await problem(unknown, 422, "invalid-request")


async def test_a_second_host_is_refused_until_the_first_is_silent(pbx: Pbx) -> None:
    await pbx.host.post("pbx/pbx1/journal", json=batch([], None, 10))
    second = batch([], 10, 20, source=OTHER_HOST)

    await problem(await pbx.host.post("pbx/pbx1/journal", json=second), 409, "conflict")
    await pbx.api.site.pool.execute("update shipped_journal set heard_at = heard_at - interval '30 seconds'")
    assert (await pbx.host.post("pbx/pbx1/journal", json=second)).status == 200


async def test_damaged_rows_are_refused_by_their_digest(pbx: Pbx) -> None:
    body = batch(rows_of("in_answered"), None, 10)
    body["rows"][3] = body["rows"][3].replace("7", "8")

    await problem(await pbx.host.post("pbx/pbx1/journal", json=body), 422, "rejected")
    assert await pbx.api.site.pool.fetchval("select count(*) from journal_cursor") == 0


async def test_garbage_goes_to_quarantine_and_the_rows_around_it_are_taken(pbx: Pbx) -> None:
    rows = rows_of("in_answered")
    body = batch([*rows[:3], b"\xff\xfenot a row", *rows[3:]], None, 10, broken=[b"zero\0zero"])

    assert (await pbx.host.post("pbx/pbx1/journal", json=body)).status == 200
    kept = {r["data"] for r in await pbx.api.site.pool.fetch("select data from quarantine")}
    assert kept == {b"\xff\xfenot a row", b"zero\0zero"}
    assert await pbx.api.site.pool.fetchval("select result from call") == "answered"


async def test_a_host_does_not_speak_in_the_gateways_name(pbx: Pbx) -> None:
    """What the gateway notes itself (a hold, a refused order) is no row of a journal."""
    rows = rows_of("in_answered")
    leg = rows[0].split(b'","')[11].decode()
    forged = own_row(LegEvent(at=datetime.now(UTC), kind=LegEventKind.REFUSED, leg=leg, family=leg, reason="busy"))

    answer = await pbx.host.post("pbx/pbx1/journal", json=batch([*rows[:3], forged, *rows[3:]], None, 100))

    assert answer.status == 200, await answer.text()
    assert await pbx.api.site.pool.fetchval("select data from quarantine") == forged
    assert await pbx.api.site.pool.fetchval("select result from call") == "answered"


async def test_too_many_rows_and_characters_that_are_no_bytes_are_refused(pbx: Pbx) -> None:
    await problem(
        await pbx.host.post("pbx/pbx1/journal", json=batch([b"x"] * (BATCH_ROWS + 1), None, 1)), 422, "invalid-request"
    )
    body = batch([], None, 1) | {"rows": ["ж"]}
    await problem(await pbx.host.post("pbx/pbx1/journal", json=body), 422, "rejected")


OCTETS = {"Content-Type": "application/octet-stream"}


async def send(pbx: Pbx, file: str, data: bytes, offset: int, piece: bytes) -> Any:
    digest = hashlib.sha256(data).hexdigest()
    path = f"pbx/pbx1/recordings/{file}?offset={offset}&total={len(data)}&sha256={digest}"
    return await pbx.host.put(path, data=piece, headers=OCTETS)


async def test_a_recording_comes_in_pieces_and_is_shown_when_its_marker_is_here(pbx: Pbx) -> None:
    sound = bytes(range(256)) * 40
    await send(pbx, "1.2-rx.wav", sound, 0, sound[:4000])
    cut = await send(pbx, "1.2-rx.wav", sound, 5000, sound[5000:])
    await problem(cut, 409, "conflict")
    async with pbx.host.get(f"pbx/pbx1/recordings/1.2-rx.wav?sha256={hashlib.sha256(sound).hexdigest()}") as asked:
        assert await asked.json() == {"offset": 4000, "whole": False}
    whole = await send(pbx, "1.2-rx.wav", sound, 4000, sound[4000:])

    assert await whole.json() == {"offset": len(sound), "whole": True}
    assert list(pbx.arrivals.spool.iterdir()) == []
    await send(pbx, "1.2.done", b"", 0, b"")
    assert (pbx.arrivals.spool / "1.2-rx.wav").read_bytes() == sound
    async with pbx.host.post("pbx/pbx1/recordings/standings", json={"names": ["1.2", "9.9"]}) as asked:
        assert [i["standing"] for i in (await asked.json())["items"]] == ["received", "unknown"]


async def test_what_nobody_goes_on_sending_does_not_stay_for_ever(pbx: Pbx) -> None:
    old = pbx.arrivals.spool.parent / "arriving" / f"b.wav.{'0' * 32}.part"
    old.write_bytes(b"half")
    week = (datetime.now(UTC) - GIVEN_UP).timestamp() - 60
    os.utime(old, (week, week))
    url = f"pbx/pbx1/recordings/a.wav?offset=0&total=2&sha256={'0' * 64}"

    assert (await pbx.host.put(url, data=b"x", headers=OCTETS)).status == 200
    assert [path.name[:5] for path in old.parent.iterdir()] == ["a.wav"]


async def test_a_file_that_is_not_what_was_told_is_thrown_away(pbx: Pbx) -> None:
    answer = await send(pbx, "1.2-rx.wav", b"what was told", 0, b"something els")

    await problem(answer, 422, "rejected")
    assert (await (await send(pbx, "1.2-rx.wav", b"what was told", 0, b"what was told")).json())["whole"] is True


@pytest.mark.parametrize(
    "name", ["..%2Fx.wav", "%2e%2e", "a%2Fb.wav", "x.mp3", "-x.wav", ".x.wav", "x%00.wav", "ж.wav"]
)
async def test_a_name_that_no_recording_has_is_refused(pbx: Pbx, name: str) -> None:
    answer = await pbx.host.put(
        f"pbx/pbx1/recordings/{name}?offset=0&total=1&sha256={'0' * 64}", data=b"x", headers=OCTETS
    )

    assert answer.status in (404, 422)


async def test_a_full_disk_is_said_and_may_be_tried_again(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        api.parts.receiving["pbx1"] = Receiving(api.site.pool, api.site.pipeline, JournalStatus())  # type: ignore[index]
        api.parts.arrivals["pbx1"] = Arrivals(tmp_path / "shipped", free_space_limit=1 << 60)  # type: ignore[index]
        full = Pbx(api, await bound(api, "pbx1"), Arrivals(tmp_path / "shipped"))

        told = await problem(await send(full, "1.2-rx.wav", b"x", 0, b"x"), 503, "try-again")

        assert "disk" in str(told["detail"])
