"""The demonstration's call itself: a client's phone calls in, a manager's phone rings, is answered, both speak.

Both phones are processes on loopback (`exchange.phones`) that do what any phone does; the embedded engine cannot tell
them from others, and nothing in the gateway knows that it is a demonstration.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exchange.phones import LoopbackPhone, open_phone
from gateway.demo.speech import SECONDS, lay_out
from gateway.domain.demonstration import DemoStep, Told
from gateway.domain.errors import TryAgain

RING_SECONDS = 2.0
CONNECT_SECONDS = 10.0
CLIENT = "+79161234567"
LOOK = "Look with `trunkline doctor`."


class DemoFailed(TryAgain, RuntimeError):
    """The demonstration call did not come about."""


@asynccontextmanager
async def in_time(seconds: float, late: str) -> AsyncIterator[None]:
    """What must be done by then; `late` is what people are told else, with a slot for the seconds.

    Raises:
        DemoFailed: it was not.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise DemoFailed(f"{late.format(seconds=round(seconds))} {LOOK}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the call is played.

    Attributes:
        server: Host and port of the embedded engine's SIP.
        extension: Of the manager, and the name of his phone.
        secret: His phone's password.
        switch_port: UDP port on loopback that the engine knows as the provider's.
        did: The number that the client calls.
        client: The client's number.
    """

    server: tuple[str, int]
    extension: str
    secret: str = field(repr=False)
    switch_port: int
    did: str
    client: str = CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """The two phones, ready."""

    manager: LoopbackPhone
    client: LoopbackPhone


@asynccontextmanager
async def open_actors(stage: Stage) -> AsyncIterator[Actors]:
    """Run both phones; the manager's is registered.

    Raises:
        NoPhones: there are none for this machine.
        PhoneFailed: one does not start, or the engine does not take its registration.
    """
    async with (
        open_phone(user=stage.extension, server=stage.server, secret=stage.secret) as manager,
        open_phone(user="provider", server=stage.server, port=stage.switch_port) as client,
    ):
        await manager.register()
        yield Actors(manager=manager, client=client)


async def play(stage: Stage, actors: Actors, folder: Path, tell: Callable[[Told], None]) -> None:
    """Place the call and wait until it is over.

    Args:
        stage: where.
        actors: who.
        folder: for the sound files.
        tell: given each step that a phone sees.

    Raises:
        DemoFailed: nobody was rung, or nobody could answer; in words.
    """

    def say(step: DemoStep, text: str, **values: str | float) -> None:
        tell(Told(step=step, text=text, values=values))

    sides = lay_out(folder)
    call = await actors.client.dial(stage.did, caller=stage.client, play=sides.client)
    say(DemoStep.CALLS, f"A client ({stage.client}) calls {stage.did}.", client=stage.client, did=stage.did)
    if not await call.until("ringing", CONNECT_SECONDS):
        raise DemoFailed(
            f"The call was not put through: SIP status {call.code or 'none'}. Look into the gateway's log."
        )
    async with in_time(CONNECT_SECONDS, "The demonstration waited {seconds} s for the manager's phone to ring."):
        arrived = await actors.manager.arrived.get()
    rings = f"The manager's phone {stage.extension} rings and shows {arrived.caller}."
    say(DemoStep.RINGS, rings, extension=stage.extension, shown=arrived.caller)
    await arrived.until("ended", RING_SECONDS)
    await arrived.answer(play=sides.manager)
    if not await call.until("answered", CONNECT_SECONDS):
        raise DemoFailed(f"The call was not answered: SIP status {call.code or 'none'}. Look into the gateway's log.")
    say(DemoStep.ANSWERS, f"The manager answers; both speak, {SECONDS:.0f} seconds.", seconds=round(SECONDS))
    await call.until("ended", SECONDS)
    await call.hang_up()
    if not await call.until("ended", CONNECT_SECONDS):
        raise DemoFailed("The call did not end. Look into the gateway's log.")
    say(DemoStep.HANGS_UP, "The client hangs up.")
