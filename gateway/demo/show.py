"""The demonstration in a running gateway: it brings a manager, his phone and a provider along, and places one call.

Two things stay at the site: a manager `demo` who cannot sign in, with an extension of his own, and the endpoint of the
provider, so that the call reads the same tomorrow. The provider is known to the engine for as
long as the call lasts, and its number rings the demonstration's phone alone, whatever the site's routes say.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import phonenumbers

from exchange import control
from exchange.digest import Algorithm, hash_password
from exchange.phones import LOOPBACK, check_phones, free_port
from gateway.demo.call import LOOK, DemoFailed, Stage, in_time, open_actors, play
from gateway.demo.steps import follow
from gateway.domain.access import Role
from gateway.domain.demonstration import Told
from gateway.domain.errors import GatewayError, GiveUp
from gateway.exchange_line import ExchangeLine
from gateway.settings import EMBEDDED, Settings
from gateway.store.database import DATABASE_AWAY, Connection, Pool
from gateway.store.phones import StoredPhone, keep_phone
from gateway.store.staff import add_user, give_extension

LOGIN = "demo"
TRUNK = "demo"
REALM = "trunkline"
_EXTENSIONS = tuple(str(number) for number in range(190, 200))
READY_SECONDS = 30.0


class NoExtensionLeft(GiveUp):
    """The extensions 190 to 199 are all taken; free one for the demonstration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The running gateway, as far as a demonstration needs it.

    Attributes:
        settings: The site's.
        pool: Its database.
        exchange: Its own exchange.
        tables_changed: To be called when people or endpoints were entered.
        patience: Seconds in which the exchange must run.
    """

    settings: Settings
    pool: Pool
    exchange: ExchangeLine
    tables_changed: Callable[[], Awaitable[None]]
    patience: float = READY_SECONDS


async def show(house: House, tell: Callable[[Told], None]) -> None:
    """Place the demonstration call, and tell each step until its figures.

    Args:
        house: runs.
        tell: given each step.

    Raises:
        NoPhones, NoExtensionLeft: it cannot be shown here; says what to do.
        DemoFailed, PhoneFailed: a step did not come; says which.
    """
    check_phones()
    exchange, settings = house.exchange, house.settings
    await _ready(exchange, house.patience)
    secret = secrets.token_hex(16)
    async with (
        in_time(READY_SECONDS, "The demonstration waited {seconds} s for the database."),
        house.pool.acquire() as connection,
        connection.transaction(),
    ):
        extension = await _cast(connection, secret)
    stage = Stage(
        server=(settings.embedded.bind, settings.embedded.port),
        extension=extension,
        secret=secret,
        switch_port=free_port(),
        did=_example(settings.company.region, phonenumbers.PhoneNumberType.FIXED_LINE),
        client=_example(settings.company.region, phonenumbers.PhoneNumberType.MOBILE),
    )
    exchange.guests = (control.TrunkOf(name=TRUNK, host=LOOPBACK, port=stage.switch_port, dids=(stage.did,)),)
    exchange.guest_plans = {stage.did: control.Fallback(endpoints=(extension,))}
    try:
        async with in_time(
            READY_SECONDS, "The demonstration waited {seconds} s for the gateway to know its manager and its provider."
        ):
            await house.tables_changed()
            await _furnished(exchange)
        since = datetime.now(UTC)
        async with open_actors(stage) as actors, asyncio.TaskGroup() as both:
            has_text = settings.transcription.enabled
            both.create_task(follow(house.pool, client=stage.client, since=since, has_text=has_text, tell=tell))
            await play(stage, actors, settings.home / "demo", tell)
    except ExceptionGroup as faults:
        raise _told_to_people(faults) from None
    except DATABASE_AWAY as fault:
        raise _broke_off(fault) from fault
    finally:
        exchange.guests, exchange.guest_plans = (), {}
        exchange.engine.configure()


async def _ready(exchange: ExchangeLine, seconds: float) -> None:
    try:
        await exchange.engine.ready(seconds)
    except TimeoutError:
        why = exchange.engine.state.trouble or "it does not take its configuration"
        raise DemoFailed(f"The gateway's own exchange is not ready: {why.rstrip('.')}.") from None


async def _cast(connection: Connection, secret: str) -> str:
    """The demonstration's manager with his phone; gives his extension."""
    user = await connection.fetchval("select id from users where login = $1", LOGIN)
    if user is None:
        user = await add_user(connection, login=LOGIN, name="Demo manager", role=Role.MANAGER)
    await connection.execute("update users set active = true where id = $1 and not active", user)
    now = "pbx = $1 and until > now() and since <= now()"
    extension: str | None = await connection.fetchval(
        f"select extension from extension where {now} and user_id = $2", EMBEDDED, user
    )
    if extension is None:
        taken = {
            row["extension"] for row in await connection.fetch(f"select extension from extension where {now}", EMBEDDED)
        }
        extension = next((one for one in reversed(_EXTENSIONS) if one not in taken), None)
        if extension is None:
            raise NoExtensionLeft
        await give_extension(connection, pbx=EMBEDDED, extension=extension, user_id=user, patterns=[extension])
    await connection.execute(
        "insert into endpoint (pbx, pattern, kind) select $1, $2, 'trunk'"
        " where not exists (select from endpoint where pbx = $1 and pattern = $2)",
        EMBEDDED,
        f"SIP/{TRUNK}",
    )
    phone = StoredPhone(
        endpoint=extension,
        extension=extension,
        ha1=hash_password(extension, REALM, secret),
        ha1_sha256=hash_password(extension, REALM, secret, Algorithm.SHA256),
    )
    await keep_phone(connection, pbx=EMBEDDED, phone=phone)
    return extension


def _example(region: str, kind: int) -> str:
    """A number of a country that looks like one and is kept for examples; E.164."""
    number = phonenumbers.example_number_for_type(region, kind) or phonenumbers.parse("+79123456789")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def _furnished(exchange: ExchangeLine) -> None:
    """Wait until the engine knows the demonstration's provider."""
    while True:
        seen = await exchange.engine.look()
        if seen is not None and any(trunk.name == TRUNK for trunk in seen.trunks):
            return
        await asyncio.sleep(0.1)


def _told_to_people(faults: ExceptionGroup[Exception]) -> Exception:
    """The first fault of the call and its steps that is for people; a defect of ours stays as it is."""
    fault: Exception = faults
    while isinstance(fault, ExceptionGroup):
        ours = fault.subgroup(GatewayError)
        fault = (ours or fault).exceptions[0]
    return _broke_off(fault) if isinstance(fault, DATABASE_AWAY) else fault


def _broke_off(fault: Exception) -> DemoFailed:
    words = getattr(fault, "strerror", None) or str(fault) or "the database did not answer"
    broke_off = f"The demonstration broke off: {words}."
    return DemoFailed(f"{broke_off} {LOOK}")
