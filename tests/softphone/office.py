"""The whole way of a call over a browser: the lab's Asterisk, the gateway with its page, real Chromium whose microphone
plays a file, and phones of clients and colleagues.

Time limits are long, for other tests may have the machine; nothing here asserts how quick something was.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import asyncpg
import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.api.security import Passwords
from gateway.api.server import make_app
from gateway.app import Gateway, open_database, serving
from gateway.settings import Settings
from gateway.store.staff import add_user, give_extension
from lab.server import AsteriskServer
from tests.gateway.test_real_calls import settings_for

PASSWORD = "correct horse battery"
DID, DID_WITH_DESK = "4950030", "4950031"
PEOPLE = {"anna": "101", "boris": "102"}
RATE = 8000
PATIENCE = 60.0
"""Seconds that anything may take here."""
_FLAGS = (
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
_RAW = '{"microphone":"","speaker":"","ringer":"","ringVolume":0,"isCleaned":false}'
"""A headset that cleans sound itself: what is spoken arrives as it was."""


def flags(microphone: Path) -> tuple[str, ...]:
    """What Chromium is told so that its microphone plays a file, again and again."""
    return (*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}")


def office_settings(server: AsteriskServer, database: str, **softphone: object) -> Settings:
    """The lab's Asterisk with phones in browsers."""
    plain = settings_for(server, database)
    pbx: dict[str, object] = plain.pbx["lab"].model_dump(mode="json", exclude_defaults=True)
    place = f"http://127.0.0.1:{server.ports.http}"
    pbx |= {
        "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
        "ari": {"url": f"{place}/ari", "user": server.gateway.user, "password": server.gateway.secret},
        "softphone": {"url": f"ws://127.0.0.1:{server.ports.http}/ws", "media_address": "127.0.0.1", **softphone},
    }
    del pbx["name"]
    values = {"http": {"port": plain.http.port}, "database": {"url": database}, "home": str(plain.home)}
    return Settings.model_validate({**values, "pbx": {"lab": pbx}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everything a test needs."""

    server: AsteriskServer
    gateway: Gateway
    browser: Browser
    origin: str
    microphone: Path
    """What managers say."""

    async def person(self, login: str = "anna") -> BrowserContext:
        """A browser of its own in which a person has signed in."""
        context = await self.browser.new_context(
            base_url=self.origin, locale="en-GB", viewport={"width": 1280, "height": 800}
        )
        await context.add_init_script(f"localStorage.setItem('trunkline.sound', '{_RAW}')")
        answer = await context.request.post(
            "/api/v1/session", data={"login": login, "password": PASSWORD}, headers={"X-CSRF": "1"}
        )
        assert answer.status == 200, await answer.text()
        return context

    async def phone(self, context: BrowserContext) -> Page:
        """The page of the phone, registered."""
        page = await context.new_page()
        await page.goto("/phone")
        await ready(page)
        return page

    async def ended_call(self, since: datetime, seconds: float = PATIENCE) -> asyncpg.Record:
        """The first call that began after a moment, once it has ended."""
        query = (
            "select * from call where state = 'ended' and merged_into is null and started_at > $1 order by started_at"
        )
        async with asyncio.timeout(seconds):
            while (row := await self.gateway.pool.fetchrow(query, since)) is None:
                await asyncio.sleep(0.05)
            return row


async def ready(page: Page, seconds: float = PATIENCE) -> None:
    """Wait until the page's phone is registered."""
    await expect(page.locator("#main [data-line]")).to_have_attribute("data-line", "ready", timeout=seconds * 1000)


async def wait_call(page: Page, state: str, seconds: float = PATIENCE) -> None:
    """Wait until the page shows a call in a state: ringing, dialling, talking, held."""
    await page.locator(f'#main li[data-state="{state}"]').wait_for(timeout=seconds * 1000)


async def press(page: Page, name: str) -> None:
    """Press a button of the page's phone."""
    await page.locator("#main").get_by_role("button", name=name, exact=True).click()


@asynccontextmanager
async def open_gateway(settings: Settings, static: Path) -> AsyncIterator[Gateway]:
    """The gateway in this process, with the page of a folder; can be opened again over the same database."""
    stop = asyncio.Event()
    async with open_database(settings) as (pool, api_pool, after_pool, _), AsyncExitStack() as stack:
        gateway = Gateway(settings, pool, api_pool, after_pool, stop)
        await gateway.build(stack)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(task, name=name) for name, task in gateway.tasks().items()]
            parts = replace(gateway.api_parts(group), page=static)
            async with serving(make_app(parts), settings.http):
                yield gateway
            for task in running:
                task.cancel()


async def enter_people(dsn: str) -> None:
    """Anna at 101 and Boris at 102, each with a desk phone and a password."""
    hashed = await Passwords().hash(PASSWORD)
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        for login, extension in PEOPLE.items():
            user = await add_user(connection, login=login, name=login.title(), role="manager", password_hash=hashed)
            await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])
    await connection.close()


def write_speech(source: Path, target: Path, rate: int = 48_000) -> Path:
    """Speech as a fake microphone takes it: mono, 16 bit, 48 kHz."""
    sound, found = soundfile.read(source, dtype="float32")
    soundfile.write(target, soxr.resample(sound, found, rate), rate, subtype="PCM_16")
    return target


def correlation(said: Path, heard: Path, *, piece: float = 0.3) -> float:
    """How like what was said a recording is: the highest correlation of a piece of speech with any place of it."""
    words, sound = _read(said), _read(heard)
    length = int(piece * RATE)
    best = 0.0
    for begin in range(0, len(words) - length, length):
        part = words[begin : begin + length]
        if float(np.sqrt(np.mean(part**2))) < 0.02 or len(sound) < length:
            continue
        best = max(best, _highest(part, sound))
    return best


def _highest(part: npt.NDArray[np.float64], sound: npt.NDArray[np.float64]) -> float:
    """The highest normalised correlation of a piece with any place of a sound."""
    length = len(part)
    part = part - part.mean()
    size = 1 << (len(sound) + length).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[: len(sound) - length + 1]
    sums = np.concatenate(([0.0], np.cumsum(sound)))
    squares = np.concatenate(([0.0], np.cumsum(sound**2)))
    mean = (sums[length:] - sums[:-length]) / length
    energy = (squares[length:] - squares[:-length]) - length * mean**2
    loud = energy > 1e-3
    if not loud.any():
        return 0.0
    return float(np.max(product[loud] / np.sqrt(energy[loud] * np.sum(part**2))))


def _read(path: Path) -> npt.NDArray[np.float64]:
    sound, rate = soundfile.read(path, dtype="float64")
    with contextlib.suppress(IndexError):
        sound = sound[:, 0]
    return sound if rate == RATE else np.asarray(soxr.resample(sound, rate, RATE))
