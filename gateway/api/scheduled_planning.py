"""Whether a call may be planned: who the client is, which moment is meant, and what stands in its way.

Where nobody can know in which zone a time is meant, the zones in question are given back; where the manager's time is
taken, the other call and the nearest free times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, refused_value
from gateway.api.tasks import FullHourError
from gateway.api.visibility import own_user
from gateway.domain.access import Principal
from gateway.domain.cards import card_reach, is_zone
from gateway.domain.dialling import LIMITS, DialPurpose, DialVerdict
from gateway.domain.local_time import ClientHours, instant_of, one_zone, zones_of_number
from gateway.domain.scheduled import Free, ScheduleRule, ZoneFrom
from gateway.domain.staff import zone_of
from gateway.store import people
from gateway.store import scheduled as store
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.dial_permissions import note_refusal, would_dial
from gateway.store.queue import load_of
from gateway.store.scheduled import Clientele, Overlap
from gateway.store.scheduled_clock import away_until
from gateway.store.tasks import read_rule

AHEAD_MAX = timedelta(days=400)


class OverlapError(ConflictError):
    """This manager has another call planned at that time; take one of the free times."""


class AwayError(ConflictError):
    """This manager is entered as absent at that moment; choose another time or person."""


class ForbiddenNumberError(InvalidRequestError):
    """This number may not be dialled; the rule that says so stands in `errors`."""

    def __init__(self, verdict: DialVerdict, *, user: int, key: str | None, number: str, at: datetime) -> None:
        fault = FieldFault(place="body", pointer="#/number", code=str(verdict.reason), detail=verdict.sentence)
        super().__init__([fault])
        self.verdict = verdict
        self.user, self.key, self.number, self.at = user, key, number, at


def key_of(who: Principal) -> str | None:
    """The id of the API key by which somebody asks; None: he is signed in himself."""
    return who.id.removeprefix("key:") if who.id.startswith("key:") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment by somebody's clock, read and checked."""

    at: datetime
    wall: datetime
    zone: str
    zone_from: ZoneFrom


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What is planned, apart from its moment."""

    user: people.Person
    number: str
    minutes: int
    any_hour: bool
    client: Clientele
    rule: ScheduleRule
    now: datetime


class Planner:
    """Looks at what is to be planned."""

    def __init__(self, parts: ApiParts) -> None:
        """Args:
        parts: the API's.
        """
        self._parts = parts

    @property
    def company(self) -> ZoneInfo:
        """The company's zone."""
        return self._parts.settings.company.timezone

    async def client(
        self, connection: Connection, who: Principal, contact: int | None, typed: str | None, *, place: str = "body"
    ) -> tuple[Clientele, str]:
        """The client and his number."""
        if contact is None and typed is None:
            raise refused_value("contact", "Name the client's card or his number.", place=place)
        number = None
        if typed is not None:
            number = self._parts.plan.parse(typed).e164
            if number is None:
                detail = "This is no full number; write it with its code, like +7 916 123-45-67."
                raise refused_value("number", detail, place=place)
        client = await store.clientele_of(connection, contact=contact, number=number)
        seen = await visible_ids(connection, {client.contact_id} - {None}, card_reach(who))  # type: ignore[arg-type]
        if contact is not None and (client.contact_id is None or client.contact_id not in seen):
            raise refused_value("contact", "There is no card of this id that you may see.", place=place)
        number = number or client.number
        if number is None:
            raise refused_value("number", "This card has no number; give one.", place=place)
        return client, number

    def moment(
        self, text: str, zone: str | None, client: Clientele, number: str, *, second: bool, place: str = "body"
    ) -> Moment:
        """When a clock shows a time; the clock is the one that is named, else the client's.

        Raises:
            InvalidRequestError: nobody can know where he is; with the zones in question.
        """
        try:
            wall = datetime.fromisoformat(text)
        except ValueError:
            raise refused_value("at", "There is no such day.", place=place) from None
        if zone is not None:
            if not is_zone(zone):
                raise refused_value(
                    "zone", "No time zone of this name is known; write one like Europe/Warsaw.", place=place
                )
            found, source = zone, ZoneFrom.ASKED
        elif client.zone is not None and is_zone(client.zone):
            found, source = client.zone, ZoneFrom.CARD
        else:
            candidates = zones_of_number(number)
            one = one_zone(candidates, wall, self.company.key)
            if one is None:
                raise _ask_zone(candidates, place)
            found, source = one, ZoneFrom.NUMBER
        at = instant_of(wall, ZoneInfo(found), second=second).at
        return Moment(at=at, wall=wall, zone=found, zone_from=source)

    async def finder(self, connection: Connection, planning: Planning, when: Moment, but: int) -> Free:
        return await store.free_for(
            connection,
            planning.rule,
            user=planning.user.id,
            minutes=planning.minutes,
            zone=self._client_zone(planning, when),
            any_hour=planning.any_hour,
            at=when.at,
            company=self.company,
            but=but,
        )

    def _client_zone(self, planning: Planning, when: Moment) -> ZoneInfo:
        return zone_of(planning.client.zone, zone_of(when.zone, self.company))

    async def check_number(self, connection: Connection, who: Principal, user: int, number: str, now: datetime) -> None:
        """Whether a manager may have a number dialled; limits of the moment do not count for a later one.

        Raises:
            ForbiddenNumberError: he may not; with the rule that says so.
        """
        verdict = await would_dial(
            connection,
            user_id=user,
            key_id=key_of(who),
            number=number,
            purpose=DialPurpose.SCHEDULED,
            now=now,
            plan=self._parts.plan,
            ordered_by=own_user(who),
        )
        if not verdict.allowed and verdict.reason not in LIMITS:
            raise ForbiddenNumberError(verdict, user=user, key=key_of(who), number=number, at=now)

    async def keep_refusal(self, fault: ForbiddenNumberError) -> None:
        """Keep that a number was forbidden, after the planning was given up; bursts of it raise an alarm."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await note_refusal(
                connection,
                fault.verdict,
                user_id=fault.user,
                key_id=fault.key,
                number=fault.number,
                purpose=DialPurpose.SCHEDULED,
                now=fault.at,
            )

    def check_phone(self, user: people.Person, pbx: str | None) -> None:
        """Whether there is one phone that can ring for a manager.

        Raises:
            InvalidRequestError: there is none, or there are some on several PBXs.
        """
        held = {e.pbx for e in user.extensions if e.pbx in self._parts.directories and pbx in (None, e.pbx)}
        if not held:
            raise refused_value("user", _no_phone(user.name, pbx))
        if len(held) > 1:
            raise refused_value(
                "pbx", f"{user.name} has extensions on several PBXs; name one: {', '.join(sorted(held))}."
            )

    async def check(self, connection: Connection, planning: Planning, when: Moment, *, but: int = 0) -> None:
        """Whether a call may be planned for a moment, but for others that are planned."""
        if not planning.now < when.at < planning.now + AHEAD_MAX:
            raise refused_value("at", "Choose a moment that is still to come, within 400 days.")
        zone, hours = self._client_zone(planning, when), planning.rule.hours
        if not planning.any_hour and not hours.includes(when.at, zone):
            raise refused_value("at", _not_then(when.at, zone, hours), code="client_hours")
        away, until = await away_until(connection, planning.user.id, when.at)
        if away:
            raise AwayError(_absent(planning.user.name, until))
        most = (await read_rule(connection)).hour_max
        if most is not None:
            hour = when.at.replace(minute=0, second=0, microsecond=0)
            loads = await load_of(connection, planning.user.id, hour, hour + timedelta(hours=1), but_scheduled=but)
            if sum(load.tasks for load in loads) >= most:
                raise FullHourError

    async def overlap(
        self, connection: Connection, planning: Planning, when: Moment, overlap: Overlap, *, but: int = 0
    ) -> OverlapError:
        """The refusal, with the other call and the nearest free times."""
        finder = await self.finder(connection, planning, when, but)
        zone = zone_of(when.zone, self.company)
        free = ", ".join(_clock(moment, zone) for moment in finder.around(when.at, planning.now))
        other = overlap.other
        since, until = _clock(other.at, zone), _clock(other.ends_at, zone)
        name = planning.user.name
        if not free:
            return OverlapError(
                f"{name} has the scheduled call {other.id} from {since} to {until} by the clock of {zone.key}; no time"
                " within two weeks is free."
            )
        return OverlapError(
            f"{name} has the scheduled call {other.id} from {since} to {until} by the clock of {zone.key}; the nearest"
            f" free times are: {free}."
        )


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _no_phone(name: str, pbx: str | None) -> str:
    if pbx is None:
        return f"{name} has no extension that could ring; give one first."
    return f"{name} has no extension on {pbx} that could ring; give one first."


def _not_then(at: datetime, zone: ZoneInfo, hours: ClientHours) -> str:
    """Why clients may not be called at a moment, and when they may."""
    shown, after = _clock(at, zone), _clock(hours.after(at, zone), zone)
    if at.astimezone(zone).weekday() not in hours.weekdays:
        why = f"By the client's clock in {zone.key} it is {shown} then, and clients are not called on that weekday."
    else:
        day = hours.clock()
        why = f"By the client's clock in {zone.key} it is {shown} then, and clients may be called {day}."
    return " ".join((why, f"The next permitted moment is {after}.", "If the client wished this one, set `any_hour`."))


def _absent(name: str, until: datetime | None) -> str:
    if until is None:
        return f"{name} is absent then; choose another time or person."
    return f"{name} is absent then, until {until:%Y-%m-%d %H:%M} UTC; choose another time or person."


def _ask_zone(candidates: Sequence[str], place: str) -> InvalidRequestError:
    """Nobody can know where the client is: the zones in question, each as a fault that programs can read."""
    if not candidates:
        detail = "Nobody knows this client's time zone; name one, like Europe/Warsaw, or enter it on his card."
    else:
        detail = f"This number may be in {len(candidates)} time zones; name one of them, or enter it on his card."
    faults = [FieldFault(place=place, pointer="#/zone", code="zone_unknown", detail=detail)]
    faults += [FieldFault(place=place, pointer="#/zone", code="candidate", detail=name) for name in candidates]
    return InvalidRequestError(faults)
