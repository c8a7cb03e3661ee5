"""How the gateway's own exchange stands, for administrators: its phones, lines, workers and lock-outs."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePlace:
    """Where a phone is registered.

    Attributes:
        address: Host and port the registration came from.
        user_agent: How the phone calls itself; it may say anything.
        expires_at: When the registration ends unless it is renewed.
    """

    address: str
    user_agent: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangePhone:
    """A phone that may register.

    Attributes:
        endpoint: Its name, also its SIP user.
        extension: Of its person.
        places: Where it is registered, the newest first.
    """

    endpoint: str
    extension: str
    places: tuple[PhonePlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTrunk:
    """A line to a provider.

    Attributes:
        name: Of the settings.
        registration: none, registering, registered, refused or unreachable.
        reachable: Whether the provider answers; None while nobody knows.
        code: The last SIP status of a registration; 0 before any.
        text: One sentence for people.
        registered_until: None without a registration.
        round_trip: Seconds the last answer took; None before any.
    """

    name: str
    registration: str
    reachable: bool | None
    code: int
    text: str
    registered_until: datetime | None
    round_trip: float | None

    @property
    def works(self) -> bool | None:
        """Whether calls can go over it; None while nobody knows."""
        match self.registration:
            case "refused" | "unreachable":
                return False
            case "registering":
                return None if self.reachable is not False else False
        return self.reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOut:
    """A host whose passwords are not looked at now.

    Attributes:
        host: Its address.
        account: Of which; empty: nothing of the host is heard at all.
        until: When it ends.
    """

    host: str
    account: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeStanding:
    """How it stands at a moment.

    Attributes:
        at: The moment, by its own clock.
        started_at: Its start.
        release: Of the program that it runs; empty: of one that does not say so.
        retiring: It ends as soon as it carries no call, and is started anew.
        bind: Where phones and providers reach it.
        port: Its UDP port.
        calls: That stand now, ringing ones among them.
        legs: Their legs.
        phones: Those that may register.
        trunks: The lines to providers.
        workers: Processes that carry calls, or stand ready.
        idle_workers: Of those, without a call.
        room: Calls that they can take now; None: of a release that does not say so.
        most_workers: More are not started.
        worker_deaths: Since its start; each was replaced.
        lock_outs: That hold now.
        wrong_passwords: Since its start.
        strangers: Messages that were dropped since its start: their host is nobody's.
    """

    at: datetime
    started_at: datetime
    release: str
    retiring: bool
    bind: str
    port: int
    calls: int
    legs: int
    phones: tuple[ExchangePhone, ...]
    trunks: tuple[ExchangeTrunk, ...]
    workers: int
    idle_workers: int
    room: int | None
    most_workers: int
    worker_deaths: int
    lock_outs: tuple[LockOut, ...]
    wrong_passwords: int
    strangers: int

    @property
    def registered(self) -> int:
        """How many phones are registered somewhere."""
        return sum(1 for phone in self.phones if phone.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeView:
    """What the gateway knows of its exchange.

    Attributes:
        standing: What it says; None: it does not run, or does not answer.
        trouble: Why not, in a sentence; empty: it does.
        code: The same for programs: starting, port_taken, address_missing, engine_missing ...
    """

    standing: ExchangeStanding | None
    trouble: str = ""
    code: str = ""
