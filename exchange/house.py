"""The house: phones, lines and plans as the gateway configured them last, and what a brain may ask of it.

A configuration is kept on disk (mode 0600, it holds password hashes), so that an exchange which is started without a
gateway carries calls at once.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path

from exchange.brain import Brain
from exchange.call_orders import is_outside
from exchange.control import (
    Configure,
    Fallback,
    PhoneOf,
    SeenLock,
    SeenPhone,
    SeenPlace,
    SeenTrunk,
    TrunkOf,
    read_to_exchange,
    to_exchange,
)
from exchange.directory import WrongAccounts
from exchange.lines import BadLine
from exchange.options import Places
from exchange.parties import Door, PhoneAccount, Trunk
from exchange.pool import WorkerProcess
from exchange.sounds import ringing_tone
from exchange.switchboard import DialAnswer, Party, RouteAnswer, Sounds, Step, Target
from exchange.wire import Auth
from gateway.domain.dial_rules import DialPolicy, rules_for
from gateway.domain.dialling import DialPurpose, DialReason, DialVerdict, judge
from gateway.domain.phone import NumberPlan

EVERY_DID = "*"
_EMPTY = Configure(id=0)
_LETTERS = 100
"""Of what a phone says of itself; it may say anything."""
_MOST_LOCKS = 200


@dataclass(slots=True)
class House:
    """What stands in the house now."""

    places: Places
    door: Door
    told: Configure = _EMPTY
    sounds: Sounds = field(default_factory=Sounds)
    _endpoints: Mapping[str, str] = field(default_factory=dict)
    _extensions: Mapping[str, str] = field(default_factory=dict)
    _next: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    _mark: str = field(default_factory=lambda: f"{time.time_ns() // 1_000_000:x}")

    def open(self) -> None:
        """Make what is missing on disk, and furnish the house as it was."""
        for folder in (self.places.recordings, self.places.sounds):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.sounds = Sounds(ringing=ringing_tone(self.places.sounds))
        if self.places.house.exists():
            try:
                told = read_to_exchange(self.places.house.read_bytes())
                if isinstance(told, Configure):
                    self.furnish(told)
            except (BadLine, WrongAccounts):
                self.places.house.unlink()  # of another version; the gateway will say it again

    def configure(self, told: Configure) -> None:
        """Take a configuration, and keep it.

        Raises:
            WrongAccounts, PublicAddress: an account cannot be; nothing was changed.
        """
        self.furnish(told)
        kept = self.places.house.with_suffix(".new")
        kept.touch(mode=0o600)
        kept.chmod(0o600)
        kept.write_bytes(to_exchange(told))
        kept.replace(self.places.house)

    def furnish(self, told: Configure) -> None:
        """Use a configuration.

        Raises:
            WrongAccounts, PublicAddress: an account cannot be; nothing was changed.
        """
        phones = {
            p.endpoint: PhoneAccount(endpoint=p.endpoint, ha1=p.ha1, ha1_sha256=p.ha1_sha256 or None)
            for p in told.phones
        }
        self.door.configure(
            phones=list(phones.values()),
            trunks=[_trunk(t) for t in told.trunks],
            allowed=[IPv4Network(text) for text in told.allowed],
        )
        self.told = told
        self._endpoints = {p.extension: p.endpoint for p in told.phones}
        self._extensions = {p.endpoint: p.extension for p in told.phones}

    # who is who

    def endpoint_of(self, extension: str) -> str | None:
        """The phone of an extension; None: there is none."""
        return self._endpoints.get(extension)

    def extension_of(self, endpoint: str) -> str:
        """The extension of a phone; its own name where it has none."""
        return self._extensions.get(endpoint, endpoint)

    def phones(self, endpoint: str) -> list[Target]:
        """Where a phone is registered."""
        return [Target(party=Party.PHONE, name=endpoint, uri=c.uri) for c in self.door.contacts(endpoint)]

    def lines(self, number: str, *, caller_id: str = "", trunks: Sequence[str] = ()) -> list[Target]:
        """The lines to a number, those that answer first; a line that is known to be away is none."""
        away = {state.name for state in self.door.trunk_states() if state.reachable is False}
        return [
            Target(
                party=Party.TRUNK,
                name=trunk.name,
                uri=self.door.trunk_uri(trunk.name, number),
                number=number,
                caller_id=caller_id or trunk.from_user or trunk.user,
                domain=trunk.host,
                auth=Auth(user=trunk.user, password=trunk.password) if trunk.password else None,
            )
            for trunk in self.told.trunks
            if trunk.name not in away and (not trunks or trunk.name in trunks)
        ]

    def lines_may_dial(self, number: str) -> bool:
        """Whether a number is one that a line might reach."""
        return is_outside(number)

    def new_id(self) -> str:
        """An id that was never used, also not before a restart."""
        return f"{self._mark}.{self._next():x}"

    def new_channel(self, name: str) -> str:
        """Name of a channel."""
        return f"SIP/{name}-{self._next():08x}"

    def seen_phones(self) -> tuple[SeenPhone, ...]:
        """The phones, with their places."""
        return tuple(map(self._seen, self.told.phones))

    def _seen(self, phone: PhoneOf) -> SeenPhone:
        contacts = self.door.contacts(phone.endpoint)
        places = tuple(
            SeenPlace(
                address="{}:{}".format(*contact.source),
                user_agent=contact.user_agent[:_LETTERS],
                until=contact.expires_at.timestamp(),
            )
            for contact in contacts
        )
        return SeenPhone(endpoint=phone.endpoint, extension=phone.extension, contacts=len(contacts), places=places)

    def seen_locks(self) -> tuple[SeenLock, ...]:
        """Whose passwords are not looked at now; the longest first, a bounded number."""
        locks = sorted(self.door.locks(), key=lambda lock: -lock[2])[:_MOST_LOCKS]
        return tuple(SeenLock(host=host, account=account, seconds=left) for host, account, left in locks)

    def seen_trunks(self) -> tuple[SeenTrunk, ...]:
        """The lines, as they stand."""
        return tuple(
            SeenTrunk(
                name=s.name,
                registration=s.registration,
                reachable=s.reachable,
                text=s.text,
                code=s.code,
                until=s.until.timestamp() if s.until else None,
                round_trip=s.round_trip,
            )
            for s in self.door.trunk_states()
        )

    # where nobody answers

    def fallback(self, did: str) -> RouteAnswer:
        """What a call does while the gateway is away."""
        plan = self.told.office.get(did) or self.told.office.get(EVERY_DID) or Fallback()
        if not plan.endpoints:
            return RouteAnswer(step=Step.HANG_UP, last=True)
        return RouteAnswer(
            step=Step.DIAL,
            endpoints=plan.endpoints,
            seconds=self.told.ring_seconds * -(-len(plan.endpoints) // 3),
            record=plan.record and self.told.records,
            last=True,
        )

    def permission(self, number: str) -> DialAnswer:
        """Whether a phone may dial while the gateway is away: the home country only, nothing costly; help always."""
        verdict = self._judge(number)
        return DialAnswer(
            allowed=verdict.allowed or verdict.reason is DialReason.EMERGENCY,
            reason="" if verdict.reason is None else verdict.reason,
            number=number,
            record=self.told.records,
        )

    def is_emergency(self, number: str) -> bool:
        """Whether a number is one of help: it is dialled without a question."""
        return self._judge(number).reason is DialReason.EMERGENCY

    def _judge(self, number: str) -> DialVerdict:
        plan = NumberPlan(region=self.told.region, area_code=self.told.area_code)
        rules = rules_for(DialPolicy(), self.told.region, ())
        return judge(number, purpose=DialPurpose.CALL, rules=rules, plan=plan)

    def sound(self, name: str) -> Path | None:
        """The file of an announcement; None: there is none."""
        path = (self.places.sounds / f"{name}.wav").resolve()
        return path if path.is_relative_to(self.places.sounds.resolve()) and path.is_file() else None


def _trunk(told: TrunkOf) -> Trunk:
    return Trunk(
        name=told.name,
        host=told.host,
        port=told.port,
        user=told.user,
        password=told.password,
        register=told.register,
        from_user=told.from_user,
        dids=told.dids,
        hosts=told.hosts,
    )


@dataclass(slots=True)
class Board:
    """The house as one brain sees it: with the room of its own worker (`exchange.switchboard.Switchboard`)."""

    house: House
    worker: WorkerProcess
    brain: Brain | None = None

    @property
    def sounds(self) -> Sounds:
        """What there is to play."""
        return self.house.sounds

    @property
    def recordings(self) -> Path:
        """Folder of recordings."""
        return self.house.places.recordings

    @property
    def ring_seconds(self) -> float:
        """How long a phone rings where nobody said."""
        return self.house.told.ring_seconds

    @property
    def records(self) -> bool:
        """Whether calls are recorded of which no route says whether they are."""
        return self.house.told.records

    def phones(self, endpoint: str) -> Sequence[Target]:
        """Where an endpoint is registered now."""
        return self.house.phones(endpoint)

    def endpoint_of(self, extension: str) -> str | None:
        """The phone of an extension."""
        return self.house.endpoint_of(extension)

    def lines(self, number: str, *, caller_id: str = "", trunks: Sequence[str] = ()) -> Sequence[Target]:
        """The lines to a number."""
        return self.house.lines(number, caller_id=caller_id, trunks=trunks)

    def new_id(self) -> str:
        """An id that was never used."""
        return self.house.new_id()

    def new_channel(self, name: str) -> str:
        """Name of a channel."""
        return self.house.new_channel(name)

    def room(self) -> int:
        """Legs that the worker can take, less those which the brain has thought of and not told it yet."""
        legs = self.brain.open_legs() if self.brain is not None else []
        kept = self.worker.kept_for(leg.id for leg in legs)
        return self.worker.free + kept - sum(1 for leg in legs if leg.id not in self.worker.legs)
