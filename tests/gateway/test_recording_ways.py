"""Calls of a real Asterisk whose dialplan records nothing: by ARI, by MixMonitor in mid call, and the site's own files.

The gateway is the whole one, with journal, manager interface and archive; what two phones say is looked for in what was
stored, on the channel where it belongs.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import numpy as np
import pytest
import soundfile

from gateway.app import Gateway
from gateway.domain.recordings import IntakeRules, RecordingPart, RecordingWay, parse_location
from gateway.recording_upkeep import RecordingUpkeep
from gateway.settings import Settings
from lab.phone_calls import PhoneCall
from lab.phones import Phone, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from recordings.site_folder import SiteFolder
from tests.gateway.test_real_calls import running, settings_for
from tests.recordings.sounds import RATE, Mono, voice

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]
PLAIN = "4950001"
"""Rings Anna; the dialplan records nothing."""
CLIENT, ANNA, BORIS = 21, 22, 23
"""Seeds of their voices."""


def settings_with(asterisk: AsteriskServer, database: str, home: Path, way: str, **recordings: str) -> Settings:
    """The lab's Asterisk, recorded in one of the ways."""
    account = {"user": asterisk.gateway.user, "password": asterisk.gateway.secret}
    user = "recorder" if way == "bridge" else asterisk.gateway.user
    plain = settings_for(asterisk, database)
    pbx = {
        "journal": {"path": str(asterisk.journal)},
        "ami": {"port": asterisk.ports.ami, "user": user, "secret": asterisk.gateway.secret},
        "ari": {"url": f"http://127.0.0.1:{asterisk.ports.http}/ari", **account} if way == "ari" else None,
        "recordings": {"way": way, **recordings},
        "originate": {"context": "from-managers"},
        "trunks": [{"endpoint": "trunk", "area_code": "495"}],
    }
    return Settings(
        http={"port": plain.http.port},
        database={"url": database},
        pbx={"lab": pbx},
        home=str(home),
        transcription={"enabled": False},
    )


@pytest.fixture
def sayings(tmp_path: Path) -> dict[int, Path]:
    """What each of them says, as a file to play."""
    paths = {seed: tmp_path / f"{seed}.wav" for seed in (CLIENT, ANNA, BORIS)}
    for seed, path in paths.items():
        soundfile.write(path, voice(seed, 30.0), RATE, subtype="PCM_16")
    return paths


@asynccontextmanager
async def conversation(
    server: AsteriskServer, sayings: dict[int, Path]
) -> AsyncIterator[tuple[PhoneCall, PhoneCall, Phone]]:
    """The client talks with Anna: his call, hers, and Boris' phone, who says his words when he answers."""
    async with (
        open_manager_phone(server, "101") as anna,
        open_manager_phone(server, "102") as boris,
        open_client_phone(server) as client,
    ):
        await anna.script(answer_after=0.1, play=sayings[ANNA])
        await boris.script(answer_after=0.1, play=sayings[BORIS])
        call = await client.dial(PLAIN, play=sayings[CLIENT])
        await call.connected()
        yield call, await anna.next_call(), boris


async def stored(gateway: Gateway, since: datetime, seconds: float = 60.0) -> asyncpg.Record:
    """The recording of the call that began after a moment, once it is in the archive."""
    query = (
        "select r.*, c.talk_us, c.hold_us, c.answered_by, c.transfers from recording r join call c on c.id = r.call_id"
        " where r.state = 'stored' and c.state = 'ended' and c.started_at > $1"
    )
    async with asyncio.timeout(seconds):
        while (row := await gateway.pool.fetchrow(query, since)) is None:
            await asyncio.sleep(0.1)
    return row


def sound_of(gateway: Gateway, recording: asyncpg.Record) -> Mono:
    """`(frames, channels)` of the archive."""
    key = parse_location(recording["archive"])
    assert key is not None
    assert gateway.sound is not None
    sound: Mono = soundfile.read(gateway.sound.storage.path_of(key, RecordingPart.FLAC), dtype="int16", always_2d=True)[
        0
    ]
    return sound


def likeness(sound: Mono, seed: int) -> float:
    """Highest correlation of any half second of somebody's words with any place of the sound."""
    saying, heard, length = voice(seed, 30.0).astype(float), sound.astype(float), RATE // 2
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (heard, heard**2)]
    mean, square = ((s[length:] - s[:-length]) / length for s in sums)
    spread = np.sqrt(np.maximum(square - mean**2, 1e-9)) * length
    size = 1 << (len(heard) + length).bit_length()
    spectrum = np.fft.rfft(heard, size)
    best = 0.0
    for start in range(RATE // 2, 4 * RATE, RATE):
        wanted = saying[start : start + length]
        centred = wanted - wanted.mean()
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(centred, size)), size)[: len(spread)]
        best = max(best, float(np.max(product / np.maximum(spread * wanted.std(), length))))
    return best


async def test_ari_records_both_sides_and_goes_on_after_a_transfer(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    began = datetime.now(UTC)
    async with running(settings_with(asterisk, database, tmp_path, "ari")) as gateway:
        await until_recording(gateway)
        async with conversation(asterisk, sayings) as (call, with_anna, boris):
            await asyncio.sleep(2.5)
            await with_anna.blind_transfer("102")
            with_boris = await boris.next_call()
            await with_boris.connected()
            await asyncio.sleep(3.0)
            await call.hang_up()
        recording = await stored(gateway, began)
        sound = sound_of(gateway, recording)

        assert (recording["way"], recording["has_speakers"], recording["answered_by"]) == ("ari", True, ["101", "102"])
        manager, client = sound[:, 0], sound[:, 1]
        half = len(sound) // 2
        assert likeness(manager[:half], ANNA) > 0.9
        assert likeness(manager[half:], BORIS) > 0.9
        assert likeness(client, CLIENT) > 0.9
        assert likeness(client, ANNA) < 0.6
        assert abs(len(sound) / RATE - recording["talk_us"] / 1e6) < 1.5
        assert await gateway.pool.fetchval("select count(*) from call where kind <> 'client'") == 0
        await until_gone(asterisk.directory / "spool" / "recording")


async def until_recording(gateway: Gateway) -> None:
    """Wait for the recorder to have its session."""
    recording = gateway.lines["lab"].recording
    assert recording is not None
    async with asyncio.timeout(60):
        while recording.calls.status.rounds == 0 or recording.calls.status.fault is not None:
            await asyncio.sleep(0.05)
        while not getattr(getattr(recording.by, "state", None), "connected", True):
            await asyncio.sleep(0.05)


async def until_gone(folder: Path) -> None:
    """Asterisk's copies are removed once the archive has them."""
    async with asyncio.timeout(60):
        while list(folder.glob("trunkline-*")):
            await asyncio.sleep(0.1)


async def test_a_gateway_that_was_ended_in_mid_call_goes_on_with_the_same_recording(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    began = datetime.now(UTC)
    settings = settings_with(asterisk, database, tmp_path, "ari")
    async with running(settings) as gateway:
        await until_recording(gateway)
        async with conversation(asterisk, sayings) as (call, _, _):
            await asyncio.sleep(2.0)
            gateway.stop()
            await asyncio.sleep(2.0)
            await call.hang_up()
    async with running(settings, people=False) as gateway:
        recording = await stored(gateway, began)

        assert abs(recording["duration_us"] - recording["talk_us"]) < 1_500_000
        assert await gateway.pool.fetchval("select count(*) from recording") == 1


async def test_silence_during_a_pause_keeps_the_time_line(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    began = datetime.now(UTC)
    async with running(settings_with(asterisk, database, tmp_path, "ari")) as gateway:
        await until_recording(gateway)
        async with conversation(asterisk, sayings) as (call, _, _):
            await asyncio.sleep(1.5)
            leg = await gateway.pool.fetchval("select id from leg where role = 'client' and started_at > $1", began)
            line = gateway.lines["lab"]
            assert line.asterisk is not None
            for paused in (True, False):
                outcome = await line.asterisk.pause_recording(order_id="tl-pause", leg=leg, paused=paused)
                assert outcome.state == "accepted", outcome
                await asyncio.sleep(1.5)
            await call.hang_up()
        recording = await stored(gateway, began)
        sound = sound_of(gateway, recording)

        quiet = np.abs(sound).max(axis=1) <= 8
        edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(int), [0]])))
        assert max(edges[1::2] - edges[::2]) / RATE == pytest.approx(1.5, abs=0.4)
        assert len(sound) / RATE == pytest.approx(recording["talk_us"] / 1e6, abs=1.0)


async def test_mixmonitor_by_order_records_both_sides_once(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    began = datetime.now(UTC)
    settings = settings_with(asterisk, database, tmp_path, "bridge", folder=str(asterisk.recordings))
    async with running(settings) as gateway:
        await until_recording(gateway)
        async with conversation(asterisk, sayings) as (call, with_anna, boris):
            await asyncio.sleep(2.5)
            recording_of = gateway.lines["lab"].recording
            assert recording_of is not None
            leg = await gateway.pool.fetchval("select id from leg where role = 'client' and started_at > $1", began)
            assert await recording_of.by.begin(leg)
            channel = await gateway.pool.fetchval("select channel from leg where id = $1", leg)
            assert asterisk.command(f"mixmonitor list {channel}").count(leg) == 2
            await with_anna.blind_transfer("102")
            with_boris = await boris.next_call()
            await with_boris.connected()
            await asyncio.sleep(3.0)
            await call.hang_up()
        recording = await stored(gateway, began)
        sound = sound_of(gateway, recording)

        assert (recording["way"], recording["has_speakers"]) == ("bridge", True)
        half = len(sound) // 2
        assert likeness(sound[:half, 0], ANNA) > 0.9
        assert likeness(sound[:, 1], CLIENT) > 0.9
        assert abs(len(sound) / RATE - recording["talk_us"] / 1e6) < 1.5


async def test_mixmonitor_by_order_without_the_right_says_which_is_missing(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    settings = settings_with(asterisk, database, tmp_path, "bridge", folder=str(asterisk.recordings))
    pbx = settings.pbx["lab"]
    assert pbx.ami is not None
    plain = pbx.model_copy(update={"ami": pbx.ami.model_copy(update={"user": asterisk.gateway.user})})
    async with running(settings.model_copy(update={"pbx": {"lab": plain}})) as gateway:
        async with conversation(asterisk, sayings) as (call, _, _):
            recording = gateway.lines["lab"].recording
            assert recording is not None
            async with asyncio.timeout(60):
                while (fault := recording.calls.status.fault) is None:
                    await asyncio.sleep(0.05)
            await call.hang_up()

        assert "`system`" in fault


async def test_the_sites_own_mono_file_becomes_the_calls_recording_once_and_stays(
    asterisk: AsteriskServer, database: str, tmp_path: Path, sayings: dict[int, Path]
) -> None:
    began = datetime.now(UTC)
    monitor = asterisk.directory / "recordings" / "monitor"
    settings = settings_with(asterisk, database, tmp_path, "site", site_folder=str(monitor), systemname="pbx1")
    async with running(settings) as gateway:
        day = monitor / f"{began:%Y}" / f"{began:%m}" / f"{began:%d}"
        day.mkdir(parents=True)
        for folder in (monitor, *monitor.glob("**")):
            os.chown(folder, asterisk.home.uid, asterisk.home.gid)
        async with conversation(asterisk, sayings) as (call, _, _):
            async with asyncio.timeout(60):
                while not (leg := await client_leg(gateway, began)):
                    await asyncio.sleep(0.05)
            file = day / f"in-4950001-79161234567-{began:%Y%m%d-%H%M%S}-{leg['id']}.wav"
            asterisk.command(f"mixmonitor start {leg['channel']} {file}")
            await asyncio.sleep(3.0)
            await call.hang_up()
        async with asyncio.timeout(60):
            while await gateway.pool.fetchval("select state from call where started_at > $1", began) != "ended":
                await asyncio.sleep(0.05)
        before = file.stat()
        assert gateway.sound is not None
        upkeep = RecordingUpkeep(
            gateway.pool,
            gateway.live,
            SiteFolder(monitor, gateway.sound.storage, systemname="pbx1"),
            gateway.sound.space,
            pbx="lab",
            way=RecordingWay.SITE,
            turn=asyncio.Semaphore(1),
            rules=IntakeRules(settle=timedelta(0)),
        )
        assert [await upkeep.round() for _ in range(3)] == [1, 0, 0]
        recording = await stored(gateway, began)
        sound = sound_of(gateway, recording)

        assert (recording["way"], recording["has_speakers"], recording["source_deleted_at"]) == ("site", False, None)
        assert sound.shape[1] == 1
        assert likeness(sound[:, 0], CLIENT) > 0.5
        assert likeness(sound[:, 0], ANNA) > 0.5
        assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def client_leg(gateway: Gateway, since: datetime) -> asyncpg.Record | None:
    """The client's leg of the call that began after a moment; None: there is none yet."""
    return await gateway.pool.fetchrow("select id, channel from leg where role = 'client' and started_at > $1", since)
