"""A call that goes on before the page: told from a recorded journal, part by part."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page

from tests.web.day import Day, told

BEGAN_AGO = timedelta(seconds=2)


@dataclass(kw_only=True)
class RunningCall:
    """A client who calls Anna at 101: `ring`, `answer`, `hang_up`, one after the other; it ends with its test."""

    day: Day
    number: str
    name: str = ""
    scenario: str = "in_answered"
    rows: list[bytes] = field(default_factory=list)
    _told: int = 0

    def __post_init__(self) -> None:
        self.day.calls.append(self)

    async def ring(self) -> None:
        """His call rings."""
        await self._until(b'"ANSWER"')

    async def answer(self) -> None:
        """Anna takes it."""
        await self._until(b'"BRIDGE_EXIT"')

    async def hang_up(self) -> None:
        """It is over."""
        await self._until(None)

    async def routed(self, n: int, *, record: bool) -> None:
        """A route of ours was asked for it, for the nth time."""
        await self.day.api.site.pool.execute(
            "insert into route_decision (pbx, uniqueid, call_id, n, at, action, place, resume, answer, body)"
            " values ('pbx1', $1::text, $1::uuid, $2, now(), 'dial', 0, 1, '', jsonb_build_object('record', $3::bool))",
            await self.id(),
            n,
            record,
        )

    async def _begin(self) -> None:
        """Two seconds ago, and after people were set free: that would end what the call leaves them with."""
        await asyncio.sleep((self.day.freed_at + BEGAN_AGO - datetime.now(UTC)).total_seconds())
        begin = datetime.now(UTC) - BEGAN_AGO
        self.rows = told(self.scenario, begin=begin, number=self.number, name=self.name)

    async def _until(self, event: bytes | None) -> None:
        if event is not None and not self.rows:
            await self._begin()
        end = len(self.rows)
        if self._told == end:
            return
        if event is not None:
            end = next(at for at, row in enumerate(self.rows) if at >= self._told and row.startswith(event))
        await self.day.api.site.take_all(self.rows[self._told : end])
        self._told = end

    async def id(self) -> str:
        """Of the call."""
        found = await self.day.api.site.pool.fetchval(
            "select id from call where client_number = $1 order by started_at desc limit 1", f"+{self.number}"
        )
        return str(found)


def band(page: Page) -> Locator:
    """The phone's one place."""
    return page.get_by_role("region", name="Phone", exact=True)


async def rule_after_call(day: Day, seconds: int) -> None:
    """So long one is left alone after a call."""
    await day.api.site.pool.execute("update manager_state_rule set after_call_seconds = $1", seconds)
