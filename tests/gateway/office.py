"""A site with all its aftercare and a clock that the test moves: a day can be played through in a moment.

    async with open_office(database) as office:
        await office.take("in_missed")            # a recorded scenario through the real pipeline
        await office.at(moment)                   # every follower to the end, every duty that is due

Followers and duties are the product's own list (gateway/aftercare/parts.py), run by hand instead of by tasks.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import Follower
from gateway.aftercare.parts import duties_of, followers_of
from gateway.settings import Settings
from gateway.store.database import Pool
from tests.gateway.site import Site, open_site, rows_of

MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Office:
    """The site, what follows its calls, and the moment."""

    site: Site
    settings: Settings
    moment: datetime
    followers: list[Follower] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)

    @property
    def pool(self) -> Pool:
        """The site's database."""
        return self.site.pool

    async def take(self, scenario: str) -> None:
        """A recorded call through the pipeline, and what follows it."""
        await self.take_rows(rows_of(scenario))

    async def take_rows(self, rows: Sequence[bytes]) -> None:
        """Rows of a journal through the pipeline, and what follows them."""
        await self.site.take_all(rows)
        await self.settle()

    async def settle(self) -> None:
        """Every follower to the end of the feed; what one writes another may follow."""
        for _ in range(5):
            for follower in self.followers:
                await follower.catch_up()

    async def at(self, moment: datetime) -> None:
        """Let the clock show a moment, do what is due then, and what follows from it."""
        self.moment = moment
        await self.settle()
        for duty in self.duties:
            await duty.look(moment)
        await self.settle()


async def office_over(site: Site, *, settings: Settings | None = None, moment: datetime = MORNING) -> Office:
    """What follows the calls of a site that is open already."""
    office = Office(site=site, settings=settings or Settings(), moment=moment)

    def clock() -> datetime:
        return office.moment

    office.followers = followers_of(office.settings, site.pool, site.live, clock)
    office.duties = duties_of(office.settings, site.pool, site.live, clock)
    for follower in office.followers:
        await follower.begin()
    return office


@asynccontextmanager
async def open_office(
    dsn: str, *, settings: Settings | None = None, moment: datetime = MORNING
) -> AsyncIterator[Office]:
    """A site with its people (tests/gateway/site.py), followed from its first call on."""
    async with open_site(dsn) as site:
        yield await office_over(site, settings=settings, moment=moment)
