"""The demonstration of a running gateway: one at a time, its steps kept for whoever asks and told live.

How it fits: the composition root makes it and hands it to the API, where a button begins it, and to `trunkline demo`.
What is kept lives in this process; the call itself stays in the database like every other one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from exchange.phones import NoPhones, check_phones
from gateway.demo.show import READY_SECONDS, House, show
from gateway.domain.demonstration import DemoObstacle, DemoStanding, DemoState, Hindered, Shown, Told
from gateway.domain.errors import GatewayError, Rejected
from gateway.exchange_line import ExchangeLine
from gateway.live import Happening, Live
from gateway.settings import Settings
from gateway.store.database import Pool

log = structlog.get_logger()

KIND = "demo.step"
"""Of what is told live: each step, and how it ends."""
_NO_ENGINE = (
    "The demonstration call needs the gateway's own exchange, and this site has none; place a call over your PBX, or"
    " write `enabled = true` under [embedded] in trunkline.toml."
)
_RUNS = "A demonstration call is being shown already; wait until it is over."
_BROKE = "The demonstration broke off; the gateway's log tells why."


class NoDemonstration(Rejected):
    """There can be no demonstration call now."""

    def __init__(self, hindered: Hindered) -> None:
        super().__init__(hindered.text)
        self.why = hindered.why


class Demonstration:
    """Shows the call, and knows how far it has come."""

    def __init__(
        self,
        *,
        settings: Settings,
        pool: Pool,
        live: Live,
        exchange: Callable[[], ExchangeLine | None],
        tables_changed: Callable[[], Awaitable[None]],
        patience: float = READY_SECONDS,
    ) -> None:
        """Args:
        settings: the site's.
        pool: its database.
        live: told of each step.
        exchange: the gateway's own exchange, at the moment; None: there is none.
        tables_changed: to be called when people or endpoints were entered.
        patience: seconds in which the exchange must run.
        """
        self._patience = patience
        self._settings = settings
        self._pool = pool
        self._live = live
        self._exchange = exchange
        self._tables_changed = tables_changed
        self.standing = DemoStanding()

    def hindered(self) -> Hindered | None:
        """What stands in the way of a demonstration; None: nothing does."""
        if self._exchange() is None:
            return Hindered(why=DemoObstacle.NO_ENGINE, text=_NO_ENGINE)
        try:
            check_phones()
        except NoPhones as fault:
            return Hindered(why=DemoObstacle.NO_PHONES, text=str(fault))
        if self.standing.state is DemoState.RUNNING:
            return Hindered(why=DemoObstacle.RUNS, text=_RUNS)
        return None

    def begin(self, tasks: asyncio.TaskGroup) -> DemoStanding:
        """Show the call in a task of its own.

        Args:
            tasks: the application's.

        Returns:
            How it stands at its begin.

        Raises:
            NoDemonstration: something stands in the way.
        """
        house = self._claim()
        tasks.create_task(self._by_itself(house), name="demonstration")
        return self.standing

    async def run(self, tell: Callable[[Told], None]) -> None:
        """Show the call, and tell each step here too.

        Args:
            tell: given each step.

        Raises:
            NoDemonstration: something stands in the way.
            GatewayError: it failed; says where.
        """
        await self._shown(self._claim(), tell)

    def _claim(self) -> House:
        hindered, exchange = self.hindered(), self._exchange()
        if hindered is not None or exchange is None:
            raise NoDemonstration(hindered or Hindered(why=DemoObstacle.NO_ENGINE, text=_NO_ENGINE))
        self.standing = DemoStanding(state=DemoState.RUNNING, began_at=datetime.now(UTC))
        return House(
            settings=self._settings,
            pool=self._pool,
            exchange=exchange,
            tables_changed=self._tables_changed,
            patience=self._patience,
        )

    async def _by_itself(self, house: House) -> None:
        try:
            await self._shown(house, lambda told: None)
        except GatewayError as fault:
            log.warning("the demonstration failed", reason=str(fault))
        except Exception:  # at a task's top: what a demonstration meets must not end the gateway
            log.exception("the demonstration broke off")

    async def _shown(self, house: House, tell: Callable[[Told], None]) -> None:
        def note(told: Told) -> None:
            shown = Shown(at=datetime.now(UTC), told=told)
            now = self.standing
            self.standing = replace(now, steps=(*now.steps, shown), call=told.call or now.call)
            self._publish(shown)
            tell(told)

        reason = _BROKE
        try:
            await show(house, note)
            reason = ""
        except GatewayError as fault:
            reason = str(fault)
            raise
        finally:
            state = DemoState.FAILED if reason else DemoState.DONE
            self.standing = replace(self.standing, state=state, ended_at=datetime.now(UTC), reason=reason)
            self._publish(None)

    def _publish(self, shown: Shown | None) -> None:
        now = self.standing
        body: dict[str, object] = {
            "state": now.state.value,
            "call_id": str(now.call) if now.call else None,
            "reason": now.reason,
            "step": None if shown is None else step_of(shown),
        }
        self._live.publish(Happening(kind=KIND, body=body))


def step_of(shown: Shown) -> dict[str, object]:
    """A step as programs read it."""
    told = shown.told
    return {"at": shown.at.isoformat(), "step": told.step.value, "text": told.text, "values": dict(told.values)}
