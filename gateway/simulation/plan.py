"""The plan of a synthetic day: who calls when, how patient he is, how managers take it. Pure, and the same for a seed.

The plan holds what people want and how they are, never what comes of it: whether a call is answered, missed or busy is
decided when it is carried out, by who is free at that moment. So the same day can be tried with one manager more.
Calls come as a Poisson stream whose rate swells twice in the day, as offices see it (before noon and in the afternoon);
talks are log-normal, patience and redialling exponential: the usual assumptions of call-centre planning (Erlang A).
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.errors import Rejected

FIRST_EXTENSION = 101
MOST_MANAGERS, MOST_CLIENTS, MOST_CALLS_PER_HOUR, MOST_MINUTES = 200, 100_000, 20_000, 1_440
_TALK_SPREAD = 0.7
_SHORTEST_TALK = 2.0


class WrongWish(Rejected, ValueError):
    """The day cannot be planned like this; correct it as the message says."""


class OutageKind(StrEnum):
    """What fails for a while."""

    PHONE = "phone"  # a manager's phone loses its registration
    PROVIDER = "provider"  # nobody can call in or out
    GATEWAY = "gateway"  # the gateway is killed, and started again
    WORKER = "worker"  # the process that carries calls is killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A failure in the plan; moments are seconds from the day's begin."""

    kind: OutageKind
    begins: float
    ends: float
    manager: int = 0
    """Whose phone it is."""

    def covers(self, moment: float) -> bool:
        """Whether it lasts at that moment."""
        return self.begins <= moment < self.ends


class Reaction(StrEnum):
    """What a manager does with his ringing phone when he is free."""

    TAKES = "takes"
    REFUSES = "refuses"  # his phone says busy (486)
    LETS_RING = "lets_ring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How a manager takes one call."""

    reaction: Reaction
    after: float
    """Seconds of ringing."""


class Origin(StrEnum):
    """Who dials."""

    CLIENT = "client"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """What somebody is up to."""

    n: int
    begins: float
    """Seconds from the day's begin."""
    origin: Origin
    client: str
    """His number, E.164."""
    manager: int
    """Who dials, of a call out; of a call in nobody's."""
    patience: float
    """Seconds the caller lets it ring."""
    talk: float
    """Seconds, if somebody takes it."""
    client_ends: bool
    """Who hangs up."""
    responses: tuple[Response, ...]
    """How each manager takes it; of a call out the first is the client's."""
    transfer_after: float | None
    """Seconds of talk after which the client is sent on; None: he stays."""
    transfer_to: int
    """To whom."""
    calls_again_after: float | None
    """Seconds after which a client whom nobody took tries again; None: he gives up."""
    called_back_after: float | None
    """Seconds after which a manager calls such a client back; None: nobody does."""
    tries: int = 0
    """How often this client tried before."""

    def again(self, begins: float) -> "PlannedCall":
        """The client's next try."""
        later = None if self.calls_again_after is None or self.tries >= 2 else self.calls_again_after * 2
        return replace(self, begins=begins, tries=self.tries + 1, calls_again_after=later, called_back_after=None)

    def back(self, begins: float, manager: int) -> "PlannedCall":
        """A manager's call to the client."""
        return replace(
            self,
            begins=begins,
            origin=Origin.MANAGER,
            manager=manager,
            transfer_after=None,
            calls_again_after=None,
            called_back_after=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the day shall be like.

    Attributes:
        managers: How many phones there are.
        clients: How many numbers call; some call often.
        calls_per_hour: New calls of clients in the mean.
        minutes: How long the day is.
        seed: Another seed, another day.
        talk_seconds: A talk in the mean.
        outgoing: Share of calls that managers begin by themselves.
        outages: What fails, and when.
    """

    managers: int
    clients: int
    calls_per_hour: int
    minutes: float
    seed: int
    talk_seconds: float = 90.0
    outgoing: float = 0.2
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        for value, most, what in (
            (self.managers, MOST_MANAGERS, "managers"),
            (self.clients, MOST_CLIENTS, "clients"),
            (self.calls_per_hour, MOST_CALLS_PER_HOUR, "calls per hour"),
            (self.minutes, MOST_MINUTES, "minutes"),
        ):
            if not 0 < value <= most:
                raise WrongWish(f"{value} {what} cannot be simulated; allowed are more than 0, at most {most}")
        if not 2 <= self.talk_seconds <= 3600:
            raise WrongWish(f"a talk of {self.talk_seconds} seconds cannot be simulated; allowed are 2 to 3600")
        if not 0 <= self.outgoing <= 1:
            raise WrongWish(f"a share of {self.outgoing} calls out is none; allowed are 0 to 1")
        for outage in self.outages:
            if not 0 <= outage.begins < outage.ends or outage.begins >= self.minutes * 60:
                raise WrongWish(
                    f"the outage of the {outage.kind} does not lie within the day of {self.minutes} minutes"
                )
            if not 0 <= outage.manager < self.managers:
                raise WrongWish(f"there is no manager {outage.manager + 1}; there are {self.managers}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """A day, ready to be carried out."""

    wishes: Wishes
    calls: tuple[PlannedCall, ...]
    """In the order of their begin; those that follow from a missed call are not among them."""

    @property
    def seconds(self) -> float:
        """How long new calls come."""
        return self.wishes.minutes * 60

    def is_out(self, kind: OutageKind, moment: float, manager: int | None = None) -> bool:
        """Whether something fails at a moment."""
        return any(
            outage.kind is kind and outage.covers(moment) and (manager is None or outage.manager == manager)
            for outage in self.wishes.outages
        )


def extension_of(manager: int) -> str:
    """The extension of a manager, counted from 0."""
    return str(FIRST_EXTENSION + manager)


def number_of(client: int) -> str:
    """The number of a client, counted from 0, in E.164: of a range that is written like any other mobile number."""
    return f"+7916{1_000_000 + client:07d}"


def plan_day(wishes: Wishes) -> DayPlan:
    """The day that these wishes and their seed make.

    Returns:
        The same plan for the same wishes, on every machine.
    """
    rng = random.Random(f"{wishes.seed}")  # noqa: S311 - a day, no secret
    weights = [1 / (rank + 1) ** 0.6 for rank in range(wishes.clients)]
    total = list(_running(weights))
    calls = [_call(rng, wishes, n, begins, total) for n, begins in enumerate(_moments(rng, wishes))]
    return DayPlan(wishes=wishes, calls=tuple(calls))


def _moments(rng: random.Random, wishes: Wishes) -> Iterator[float]:
    """Begins of calls: a Poisson stream thinned to the day's course (Lewis and Shedler, 1979)."""
    seconds, busiest = wishes.minutes * 60, 1.4
    now = 0.0
    while (now := now + rng.expovariate(wishes.calls_per_hour * busiest / 3600)) < seconds:
        if rng.random() * busiest < course(now / seconds):
            yield now


def course(part: float) -> float:
    """How busy a moment is, 1 in the mean: two swells, at 30 and 70 hundredths of the day."""
    return 0.6 + 0.4 * (1 - math.cos(4 * math.pi * (part - 0.05)))


def _running(weights: Sequence[float]) -> Iterator[float]:
    total = 0.0
    for weight in weights:
        total += weight
        yield total


def _call(rng: random.Random, wishes: Wishes, n: int, begins: float, weights: Sequence[float]) -> PlannedCall:
    talk = max(_SHORTEST_TALK, rng.lognormvariate(math.log(wishes.talk_seconds) - _TALK_SPREAD**2 / 2, _TALK_SPREAD))
    is_out = rng.random() < wishes.outgoing
    client = rng.choices(range(wishes.clients), cum_weights=weights)[0]
    transferred = not is_out and wishes.managers > 1 and talk > 6 and rng.random() < 0.08
    missed = rng.random()
    return PlannedCall(
        n=n,
        begins=begins,
        origin=Origin.MANAGER if is_out else Origin.CLIENT,
        client=number_of(client),
        manager=rng.randrange(wishes.managers),
        patience=5 + rng.expovariate(1 / 25),
        talk=talk,
        client_ends=rng.random() < 0.6,
        responses=tuple(_response(rng) for _ in range(wishes.managers)),
        transfer_after=talk * 0.4 if transferred else None,
        transfer_to=rng.randrange(wishes.managers),
        calls_again_after=5 + rng.expovariate(1 / 60) if missed < 0.4 else None,
        called_back_after=10 + rng.expovariate(1 / 120) if missed >= 0.6 else None,
    )


def _response(rng: random.Random) -> Response:
    drawn = rng.random()
    reaction = Reaction.REFUSES if drawn < 0.04 else Reaction.LETS_RING if drawn < 0.10 else Reaction.TAKES
    return Response(reaction=reaction, after=1 + rng.expovariate(1 / 3))
