"""A house around a brain, for tests without SIP: phones and lines as data, rows folded as the gateway folds them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from exchange import wire
from exchange.brain import Brain
from exchange.family import Channel, Out
from exchange.rows import read_row, row_of
from exchange.switchboard import AskDial, AskRoute, DialAnswer, Party, RouteAnswer, Sounds, Step, Target, Untaken
from gateway.domain.call import Call, Command
from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import LegEvent
from gateway.domain.phone import NumberKind, NumberPlan, PhoneNumber

CLIENT = "79161234567"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OFFICE = Directory(
    pbx="embedded",
    plan=NumberPlan(region="RU", area_code="495"),
    entries=(
        *(Entry(pattern=f"SIP/{x}", kind=PartyKind.TRUNK) for x in ("trunk", "second")),
        *(Entry(pattern=f"SIP/{x}", kind=PartyKind.MANAGER, extension=x) for x in ("100", "101", "102", "103", "104")),
    ),
)
OUTSIDE = DialAnswer(allowed=True, number=CLIENT, caller_id="74957770001")
RING_101 = RouteAnswer(step=Step.DIAL, endpoints=("101",), seconds=20, record=True)


@dataclass
class House:
    """Phones that are registered, lines that stand, and how much the worker carries."""

    online: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("100", "101", "102", "103", "104"), 1))
    """Contacts by endpoint."""
    up: tuple[str, ...] = ("trunk",)
    capacity: int = 4
    records: bool = True
    ring_seconds: float = 30.0
    recordings: Path = Path("/rec")
    sounds: Sounds = field(default_factory=lambda: Sounds(ringing=Path("/ring.wav")))
    brain: Brain | None = None
    ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def phones(self, endpoint: str) -> Sequence[Target]:
        contacts = range(self.online.get(endpoint, 0))
        return [Target(party=Party.PHONE, name=endpoint, uri=f"sip:{endpoint}@phones.invalid;c={n}") for n in contacts]

    def endpoint_of(self, extension: str) -> str | None:
        return extension if extension in ("100", "101", "102", "103", "104") else None

    def lines(self, number: str, *, caller_id: str = "", trunks: Sequence[str] = ()) -> Sequence[Target]:
        return [
            Target(
                party=Party.TRUNK,
                name=name,
                uri=f"sip:{number}@{name}.invalid",
                number=number,
                caller_id=caller_id or "74950000",
            )
            for name in self.up
        ]

    def new_id(self) -> str:
        return f"x{self.ids()}"

    def new_channel(self, name: str) -> str:
        return f"SIP/{name}-{self.ids():08x}"

    def room(self) -> int:
        return self.capacity - len(self.brain.open_legs() if self.brain else ())


class Play:
    """One family with its clock, its worker that does as it is told, and its journal."""

    def __init__(self, **house: object) -> None:
        self.house = House(**house)  # type: ignore[arg-type]
        self.brain = Brain(self.house)
        self.house.brain = self.brain
        self.now = START
        self.told: list[wire.Command] = []
        self.asked: list[AskRoute | AskDial] = []
        self.untaken: list[Untaken] = []
        self.rows: list[bytes] = []
        self.commands: dict[str, Command] = {}

    def take(self, out: Iterable[Out]) -> None:
        """Keep what the brain gave; the worker ends what it is told to end."""
        for one in out:
            match one:
                case LegEvent():
                    self.rows.append(row_of(one))
                case AskRoute() | AskDial():
                    self.asked.append(one)
                case Untaken():
                    self.untaken.append(one)
                case _:
                    self.told.append(one)
                    self._obey(one)

    def _obey(self, command: wire.Command) -> None:
        if isinstance(command, wire.HangUp | wire.Refuse):
            self.pending.append(command.leg)

    @property
    def pending(self) -> list[str]:
        return self.__dict__.setdefault("_pending", [])  # type: ignore[no-any-return]

    def settle(self) -> None:
        """Let the worker tell of the ends it was ordered."""
        while self.pending:
            leg = self.pending.pop(0)
            self.event(wire.Ended(at=0, leg=leg, code=487, by=wire.EndedBy.US), settle=False)

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def event(self, event: wire.Event, *, settle: bool = True) -> None:
        self.take(self.brain.take(event, self.now))
        if settle:
            self.after(0.01)
            self.settle()

    def call(self, *, did: str = "4950005", caller: str = CLIENT, name: str = "") -> str:
        """A client's call arrives over the trunk."""
        return self.arrive(Party.TRUNK, "trunk", did, caller, name)

    def dial(self, endpoint: str, number: str) -> str:
        """A phone dials."""
        return self.arrive(Party.PHONE, endpoint, number, endpoint)

    def arrive(self, party: Party, who: str, dialled: str, number: str, name: str = "") -> str:
        id = self.house.new_id()
        leg = Channel(
            id=id,
            channel=self.house.new_channel(who),
            party=party,
            name=who,
            family=id,
            arrived=True,
            number=number,
            display=name,
            dialled=dialled,
        )
        self.take(self.brain.arrive(leg, self.now))
        return id

    def route(self, leg: str, answer: RouteAnswer = RING_101) -> None:
        self.take(self.brain.routed(leg, answer, self.now))
        self.settle()

    def ringing(self) -> list[str]:
        """Legs that were dialled and have not answered, oldest first."""
        return [x.id for x in self.brain.open_legs() if not x.arrived and x.state != "up" and not x.leaving]

    def answer(self, leg: str | None = None) -> str:
        id = leg or self.ringing()[0]
        self.event(wire.Ringing(at=0, leg=id))
        self.event(wire.Answered(at=0, leg=id))
        return id

    def hang_up(self, leg: str) -> None:
        """Its own phone hangs up, or gives up."""
        self.event(wire.Ended(at=0, leg=leg, code=200, by=wire.EndedBy.FAR))

    def refuse(self, leg: str, code: int) -> None:
        self.event(wire.Ended(at=0, leg=leg, code=code, by=wire.EndedBy.FAR))

    def tick(self, seconds: float) -> None:
        self.after(seconds)
        self.take(self.brain.tick(self.now))
        self.settle()

    def order(self, name: str, *args: str) -> str:
        """An order to the call; its reason, empty for done."""
        verdict, out = getattr(self.brain, name)(*args, now=self.now)
        self.take(out)
        self.after(0.01)
        self.settle()
        return str(verdict.reason)

    def click(self, order: str = "tl-1", endpoint: str = "101", number: str = CLIENT) -> None:
        client = PhoneNumber(raw=number, kind=NumberKind.CLIENT, e164=f"+{number}")
        self.commands[order] = Command(id=order, extension=endpoint, client=client, ordered_at=self.now)
        out = self.brain.originate(
            order_id=order,
            endpoint=endpoint,
            number=number,
            shown=number,
            display="Ivan",
            client_caller_id="74957770001",
            ring_seconds=None,
            now=self.now,
        )
        self.take(out)
        self.settle()

    def of(self, kind: type) -> list[object]:
        return [command for command in self.told if isinstance(command, kind)]

    def calls(self) -> list[Call]:
        events = [event for row in self.rows if (event := read_row(row)) is not None]
        return fold(events, OFFICE, commands=self.commands, holds_seen=True)

    def folded(self) -> Call:
        assert self.brain.over, self.brain.open_legs()
        (call,) = [call for call in self.calls() if call.kind != "service"]
        return call


def talking(**house: object) -> tuple[Play, str, str]:
    """A client who talks with 101."""
    play = Play(**house)
    client = play.call()
    play.route(client)
    play.after(3)
    return play, client, play.answer()
