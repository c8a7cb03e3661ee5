"""Listening: ranges as RFC 9110 has them, one audit row for each listening, and nothing for those who only rang."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.api.ranges import wanted_span
from gateway.domain.access import Role
from gateway.domain.identity import recording_id
from tests.api.site import SOUND, Api, problem, store_sound
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
VTT = "WEBVTT\n\n00:00:00.500 --> 00:00:02.250\n<v client>счёт &amp; кровля</v>\n"


async def recorded(api: Api, scenario: str = "queue_answered") -> UUID:
    """A call with a stored recording and its transcript."""
    await api.site.take_all(rows_of(scenario))
    call: UUID = await api.site.pool.fetchval("select id from call where kind = 'client'")
    await store_sound(api, call)
    return call


async def audits(api: Api) -> list[Any]:
    """Who listened to what."""
    return await api.site.pool.fetch("select actor, object, detail from audit where action = 'recording.listened'")


async def test_the_whole_sound_comes_with_what_a_player_needs(api: Api) -> None:
    call = await recorded(api)
    boris = await api.caller(Role.MANAGER, "boris")

    response = await boris.get(f"calls/{call}/recording")

    assert (response.status, response.content_type) == (200, "audio/mpeg")
    assert await response.read() == SOUND + b"mp3"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["ETag"].startswith('"')
    assert "private" in response.headers["Cache-Control"]
    flac = await boris.get(f"calls/{call}/recording", params={"format": "flac"})
    assert (flac.content_type, (await flac.read())[-4:]) == ("audio/flac", b"flac")


@pytest.mark.parametrize(
    ("asked", "status", "start", "length"),
    [
        ("bytes=0-1", 206, 0, 2),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=1024000-", 206, 1024000, 3),
        ("bytes=-3", 206, 1024000, 3),
        ("bytes=-9999999999", 206, 0, 1024003),
        ("bytes=500-9999999999", 206, 500, 1023503),
        ("BYTES=5-6", 206, 5, 2),
        ("bytes=2-1", 200, 0, 1024003),
        ("bytes=0-1,5-6", 200, 0, 1024003),
        ("seconds=1-2", 200, 0, 1024003),
        ("bytes=a-b", 200, 0, 1024003),
        ("bytes=", 200, 0, 1024003),
    ],
)
async def test_ranges(api: Api, asked: str, status: int, start: int, length: int) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    whole = SOUND + b"mp3"

    response = await head.get(f"calls/{call}/recording", headers={"Range": asked})

    assert response.status == status
    assert await response.read() == whole[start : start + length]
    if status == 206:
        assert response.headers["Content-Range"] == f"bytes {start}-{start + length - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=1024003-", "bytes=99999999-99999999", "bytes=-0"])
async def test_a_range_behind_the_end_is_416_with_the_size(api: Api, asked: str) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    response = await head.get(f"calls/{call}/recording", headers={"Range": asked})

    assert response.status == 416
    assert response.headers["Content-Range"] == "bytes */1024003"
    assert await audits(api) == []


async def test_if_range_asks_for_a_part_of_the_very_same_sound_only(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    first = await head.get(f"calls/{call}/recording")
    assert await first.read()
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]

    for condition, status in (
        (etag, 206),
        (modified, 206),
        ('"another"', 200),
        (f"W/{etag}", 200),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("rubbish", 200),
    ):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        response = await head.get(f"calls/{call}/recording", headers=headers)
        assert (response.status, len(await response.read())) == (status, 10 if status == 206 else 1024003), condition
    unchanged = await head.get(f"calls/{call}/recording", headers={"If-None-Match": etag})
    assert (unchanged.status, await unchanged.read()) == (304, b"")


async def test_a_head_request_tells_the_size_and_sends_nothing(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    response = await head.head(f"calls/{call}/recording")

    assert (response.status, response.headers["Content-Length"]) == (200, "1024003")
    assert await audits(api) == []


async def test_one_listening_leaves_one_audit_row_however_many_ranges_it_takes(api: Api) -> None:
    call = await recorded(api)
    head, boris = await api.caller(Role.SUPERVISOR), await api.caller(Role.MANAGER, "boris")
    for asked in ("bytes=0-1", "bytes=0-", "bytes=5000-", "bytes=-100"):
        await (await head.get(f"calls/{call}/recording", headers={"Range": asked})).read()
    await (await boris.get(f"calls/{call}/recording", headers={"Range": "bytes=700-"})).read()

    rows = await audits(api)

    assert len({r["actor"] for r in rows}) == len(rows) == 2
    assert {r["object"] for r in rows} == {str(recording_id("pbx1", "x"))}
    await api.site.pool.execute("update audit set at = at - interval '11 minutes'")
    await (await head.get(f"calls/{call}/recording")).read()
    assert len(await audits(api)) == 3


async def test_sound_and_words_are_for_those_who_talked(api: Api) -> None:
    call = await recorded(api)
    only_rang = await api.caller(Role.MANAGER, "anna")

    assert (await only_rang.get(f"calls/{call}")).status == 200
    for what in ("recording", "peaks", "transcript"):
        await problem(await only_rang.get(f"calls/{call}/{what}"), 404, "not-found")
    assert await audits(api) == []


async def test_a_link_in_place_of_a_recording_is_not_followed(api: Api, tmp_path: Path) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    secret = tmp_path / "secret"
    secret.write_text("root:x:0:0")
    stored = next((tmp_path / "archive").rglob("*.mp3"))
    stored.unlink()
    stored.symlink_to(secret)

    await problem(await head.get(f"calls/{call}/recording"), 403, "not-allowed")
    stored.unlink()
    await problem(await head.get(f"calls/{call}/recording"), 404, "not-found")


async def test_the_picture_of_the_sound_is_sent_as_it_is_stored(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    response = await head.get(f"calls/{call}/peaks")

    assert (await response.read(), response.content_type) == (SOUND + b"peaks", "application/octet-stream")
    assert await audits(api) == []


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ({}, "*/*", "application/json"),
        ({}, "text/vtt", "text/vtt"),
        ({}, "text/vtt;q=0.5, application/json", "application/json"),
        ({}, "text/*, application/json;q=0.2", "text/vtt"),
        ({"format": "vtt"}, "application/json", "text/vtt"),
        ({"format": "json"}, "text/vtt", "application/json"),
    ],
)
async def test_words_come_as_json_or_captions(api: Api, query: dict[str, str], accept: str, media: str) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    response = await head.get(f"calls/{call}/transcript", params=query, headers={"Accept": accept})

    assert (response.status, response.content_type) == (200, media)
    if media == "text/vtt":
        assert await response.text() == VTT
    else:
        transcript = await response.json()
        assert transcript["segments"] == [{"speaker": "client", "start": 0.5, "end": 2.25, "text": "счёт & кровля"}]


async def test_what_is_not_there_yet_is_told_in_words(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    await api.site.pool.execute("delete from transcript")
    await api.site.pool.execute("update recording set state = 'wanted', transcript_state = 'claimed'")

    sound = await problem(await head.get(f"calls/{call}/recording"), 404, "not-found")
    words = await problem(await head.get(f"calls/{call}/transcript"), 404, "not-found")

    assert "not in the archive yet" in str(sound["detail"])
    assert "being written" in str(words["detail"])
    recording = (await (await head.get(f"calls/{call}")).json())["recording"]
    assert (recording["state"], recording["duration_seconds"]) == ("wanted", 1.5)


async def test_a_file_without_a_byte_has_no_range() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    assert wanted_span({"Range": "bytes=0-"}, size=0, etag='"a"', modified_at=moment) is None
