"""`GET /exchange`: how the gateway's own exchange stands, for the administrator's page.

Its phones with the places where they are registered, its lines to providers, its workers, and whom it has locked out.
"""

from datetime import datetime

from pydantic import Field

from gateway import __version__
from gateway.api.fields import Nothing, Outgoing, Spoken
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.exchange_standing import ExchangePhone, ExchangeStanding, ExchangeTrunk, ExchangeView

_NONE = "This site has no exchange of its own: a PBX is configured, or [embedded] enabled = false."


class PhoneContactView(Outgoing):
    """Where a phone is registered."""

    address: str = Field(description="host and port the registration came from")
    user_agent: str = Field(description="how the phone calls itself; it may say anything")
    expires_at: datetime = Field(description="unless it is renewed")


class RegisteredPhoneView(Outgoing):
    """A phone that may register."""

    endpoint: str
    extension: str
    registered: bool
    places: tuple[PhoneContactView, ...] = Field(description="the newest first; a call rings at all of them")


class TrunkView(Outgoing):
    """A line to a provider."""

    name: str
    works: bool | None = Field(description="whether calls can go over it; null while nobody knows")
    registration: str = Field(description="none, registering, registered, refused, unreachable")
    reachable: bool | None
    code: int = Field(description="last SIP status of a registration; 0 before any")
    text: Spoken = Field(description="for people")
    registered_until: datetime | None
    round_trip_seconds: float | None


class WorkersView(Outgoing):
    """The processes that carry calls."""

    running: int
    idle: int
    room: int | None = Field(description="calls that they can take now; null: of a release that does not say so")
    most: int
    died: int = Field(description="since the exchange's start; each was replaced")


class LockOutView(Outgoing):
    """A host whose passwords are not looked at."""

    host: str
    account: str = Field(description="empty: nothing of the host is heard")
    until: datetime


class ExchangeStandingView(Outgoing):
    """What the exchange says."""

    at: datetime
    started_at: datetime
    release: str
    is_older: bool = Field(description="another release than the gateway's; it is started anew as soon as it is idle")
    bind: str
    port: int
    transport: str = Field(description="udp, nothing else")
    calls: int = Field(description="that stand now, ringing ones among them")
    legs: int
    phones: tuple[RegisteredPhoneView, ...]
    trunks: tuple[TrunkView, ...]
    workers: WorkersView
    lock_outs: tuple[LockOutView, ...]
    wrong_passwords: int = Field(description="since its start")
    strangers: int = Field(description="messages dropped since its start: their host is nobody's")


class ExchangeAnswer(Outgoing):
    """Whether there is an exchange, and how it stands."""

    has_exchange: bool = Field(description="whether the site has one")
    standing: ExchangeStandingView | None = Field(description="null: it does not run, or does not answer")
    trouble: Spoken = Field(description="why not, for people; empty: it does")
    code: str = Field(description="the same for programs: none, starting, port_taken, address_missing ...")


class Exchange:
    """The handler of `/exchange`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/exchange",
                handler=self.standing,
                summary="How the gateway's own exchange stands: phones, providers, workers, lock-outs",
                right=Right.DOCTOR_READ,
                tag="doctor",
            ),
        )

    async def standing(self, asked: Asked[Nothing, Nothing, Nothing]) -> ExchangeAnswer:
        """Ask it."""
        look = self._parts.look_at_exchange
        if look is None:
            return ExchangeAnswer(has_exchange=False, standing=None, trouble=_NONE, code="none")
        return _answer(await look())


def _answer(view: ExchangeView) -> ExchangeAnswer:
    standing = None if view.standing is None else _standing(view.standing)
    return ExchangeAnswer(has_exchange=True, standing=standing, trouble=view.trouble, code=view.code)


def _standing(told: ExchangeStanding) -> ExchangeStandingView:
    return ExchangeStandingView(
        at=told.at,
        started_at=told.started_at,
        release=told.release,
        is_older=told.release != __version__,
        bind=told.bind,
        port=told.port,
        transport="udp",
        calls=told.calls,
        legs=told.legs,
        phones=tuple(map(_phone, told.phones)),
        trunks=tuple(map(_trunk, told.trunks)),
        workers=WorkersView(
            running=told.workers,
            idle=told.idle_workers,
            room=told.room,
            most=told.most_workers,
            died=told.worker_deaths,
        ),
        lock_outs=tuple(LockOutView(host=o.host, account=o.account, until=o.until) for o in told.lock_outs),
        wrong_passwords=told.wrong_passwords,
        strangers=told.strangers,
    )


def _phone(phone: ExchangePhone) -> RegisteredPhoneView:
    return RegisteredPhoneView(
        endpoint=phone.endpoint,
        extension=phone.extension,
        registered=bool(phone.places),
        places=tuple(
            PhoneContactView(address=p.address, user_agent=p.user_agent, expires_at=p.expires_at) for p in phone.places
        ),
    )


def _trunk(trunk: ExchangeTrunk) -> TrunkView:
    return TrunkView(
        name=trunk.name,
        works=trunk.works,
        registration=trunk.registration,
        reachable=trunk.reachable,
        code=trunk.code,
        text=trunk.text,
        registered_until=trunk.registered_until,
        round_trip_seconds=trunk.round_trip,
    )
