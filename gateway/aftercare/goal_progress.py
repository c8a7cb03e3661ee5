"""How far everybody is with every goal, and the follower that tells it while it moves.

`standings` counts: the same figures as any report, read anew each time, so they are right after every correction.
`GoalProgress` follows the feed: after a call, an outcome, a task or a touch it counts the goals of those concerned and
tells `goal.progress` where something moved and `goal.reached` once for each period, to the person and to the heads of
his teams. A corrected call may take somebody's part away, so then everybody's goals of that day are counted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.domain.call_view import moment as written
from gateway.domain.goals import (
    Goal,
    GoalVersion,
    GoalWay,
    Hours,
    Rule,
    Standing,
    WorkingSeconds,
    elapsed_share,
    goal_of_settings,
    holders,
    running,
)
from gateway.domain.periods import Period, day_of
from gateway.domain.staff import zone_of
from gateway.domain.working_time import always
from gateway.settings import Settings
from gateway.store import goal_amounts, goals
from gateway.store.database import Connection, Pool
from gateway.store.facts import Fact, NewFact
from gateway.store.goals import Told
from gateway.store.teams import Team, Worker, list_teams, workers
from gateway.store.working_time import OfficeHours, office_hours

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Somebody's standing with a goal in one period."""

    goal: Goal
    version: GoalVersion
    period: Period
    user_id: int | None
    team_id: int | None
    """Of a goal that a team works on together."""
    standing: Standing

    @property
    def rule(self) -> Rule:
        """What is wanted."""
        return self.version.rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everybody and everything that standings need, read at one moment."""

    goals: Sequence[Goal]
    teams: Mapping[int, Team]
    people: Mapping[int, Worker]
    zone: ZoneInfo
    """The company's."""
    long_seconds: int
    hours: OfficeHours

    def zone_of(self, user: int) -> ZoneInfo:
        """A person's zone."""
        return zone_of(self.people[user].timezone, self.zone)

    @property
    def managers(self) -> tuple[int, ...]:
        """Who has the goals of everybody."""
        return tuple(p.id for p in self.people.values() if p.active and p.role == "manager")

    def heads_of(self, user: int, day: date) -> frozenset[int]:
        """The heads of his teams on a day."""
        heads = {t.head_id for t in self.teams.values() if t.archived_at is None and user in t.members_on(day)}
        return frozenset(h for h in heads if h is not None and h != user)

    def working(self, user: int | None) -> WorkingSeconds:
        """When he works; None: the company. Where nobody has entered hours, the usual ones."""
        hours = self.hours.company if user is None else self.hours.of_user(user)
        if hours == always(self.zone):
            return Hours(zone=self.zone if user is None else self.zone_of(user)).seconds
        return lambda begin, end: hours.between(begin, end).total_seconds()


def default_goal(settings: Settings) -> Goal:
    """The goal that the settings give."""
    of = settings.goals
    return goal_of_settings(count=of.count, seconds=of.seconds, way=GoalWay(of.direction.value))


async def read_office(source: Source, settings: Settings) -> Office:
    """Read goals, teams, people and working hours."""
    people = await workers(source)
    return Office(
        goals=await goals.goals_or_default(source, default_goal(settings)),
        teams={team.id: team for team in await list_teams(source, archived=True)},
        people=people,
        zone=settings.company.timezone,
        long_seconds=settings.goals.seconds,
        hours=await office_hours(source, settings.company.timezone, users=list(people)),
    )


async def standings(
    source: Source,
    office: Office,
    *,
    now: datetime,
    at: datetime | date | None = None,
    users: Iterable[int] | None = None,
    only: Callable[[Goal], bool] = lambda goal: True,
) -> list[Entry]:
    """How far everybody is.

    Args:
        source: where to read.
        office: from `read_office`.
        now: the present moment; the pace is measured by it.
        at: a moment or a day in the periods that are wanted; None: those that run.
        users: only theirs, and of the teams in which they are; None: everybody's.
        only: which goals.
    """
    wanted = None if users is None else frozenset(users)
    found: list[Entry] = []
    for goal in filter(only, office.goals):
        if goal.together:
            found += await _of_team(source, office, goal, now, at, wanted)
        else:
            found += await _of_each(source, office, goal, now, at, wanted)
    return found


def _day(at: datetime | date | None, now: datetime, zone: ZoneInfo) -> date:
    if at is None or isinstance(at, datetime):
        return day_of(at or now, zone)
    return at


async def _of_each(
    source: Source,
    office: Office,
    goal: Goal,
    now: datetime,
    at: datetime | date | None,
    wanted: frozenset[int] | None,
) -> list[Entry]:
    """Each holder's standing; people with the same days and values are counted in one statement."""
    alike: dict[tuple[date, int], list[int]] = {}
    for user in _holders(office, goal, now, at):
        if user not in office.people or (wanted is not None and user not in wanted):
            continue
        zone = office.zone_of(user)
        period = running(goal, _day(at, now, zone))
        version = goal.judged_by(period, day_of(now, zone))
        if version is not None:
            alike.setdefault((period.first, version.version), []).append(user)
    found = []
    for (first, number), people in alike.items():
        period = running(goal, first)
        version = next(v for v in goal.versions if v.version == number)
        zones = {user: office.zone_of(user) for user in people}
        amounts = await goal_amounts.each(
            source, version.rule, step=goal.period, span=period, zones=zones, long_seconds=office.long_seconds
        )
        found += [
            Entry(
                goal=goal,
                version=version,
                period=period,
                user_id=user,
                team_id=None,
                standing=_standing(office, version.rule, amounts.get((user, first), 0), period, now, user),
            )
            for user in people
        ]
    return found


def _holders(office: Office, goal: Goal, now: datetime, at: datetime | date | None) -> Sequence[int]:
    team = office.teams.get(goal.team_id or 0)
    members = team.members_on(_day(at, now, office.zone)) if team and team.archived_at is None else ()
    return holders(goal, managers=office.managers, members=members)


async def _of_team(
    source: Source,
    office: Office,
    goal: Goal,
    now: datetime,
    at: datetime | date | None,
    wanted: frozenset[int] | None,
) -> list[Entry]:
    team = office.teams.get(goal.team_id or 0)
    if team is None or team.archived_at is not None:
        return []
    period = running(goal, _day(at, now, office.zone))
    version = goal.judged_by(period, day_of(now, office.zone))
    members = members_of(team, period)
    if version is None or (wanted is not None and not wanted & {m.user_id for m in members}):
        return []
    zones = {m.user_id: office.zone_of(m.user_id) for m in members if m.user_id in office.people}
    amounts = await goal_amounts.together(
        source, version.rule, step=goal.period, span=period, members=members, zones=zones
    )
    amount = amounts.get(period.first, 0)
    standing = _standing(office, version.rule, amount, period, now, None)
    return [Entry(goal=goal, version=version, period=period, user_id=None, team_id=team.id, standing=standing)]


def members_of(team: Team, period: Period) -> list[goal_amounts.Member]:
    """A team's members in a period, each with the days that count."""
    spans = [
        goal_amounts.Member(
            user_id=m.user_id,
            since=max(m.since or date.min, period.first),
            until=min(m.until or date.max, period.last),
        )
        for m in team.members
    ]
    return [m for m in spans if m.since <= m.until]


def _standing(office: Office, rule: Rule, amount: int, period: Period, now: datetime, user: int | None) -> Standing:
    zone = office.zone if user is None else office.zone_of(user)
    share = elapsed_share(period, zone, now, office.working(user))
    target = rule.target_amount
    return Standing(amount=amount, target=target, expected=target * share)


class GoalProgress:
    """The follower's handler."""

    def __init__(self, settings: Settings) -> None:
        """Args:
        settings: the goal that holds until one was made, the company's zone, and what a long talk is.
        """
        self._settings = settings

    async def __call__(self, connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
        """Tell what moved by these facts."""
        touched = await self._touched(connection, facts, now)
        if not touched:
            return ()
        office = await read_office(connection, self._settings)
        told: dict[tuple[int, date, int, int], tuple[Entry, datetime]] = {}
        for at, users in touched:
            for entry in await standings(connection, office, now=now, at=at, users=users):
                told[_key(entry)] = (entry, now)
        return await self._told(connection, office, [entry for entry, _ in told.values()], now)

    async def _touched(
        self, connection: Connection, facts: Sequence[Fact], now: datetime
    ) -> list[tuple[datetime, frozenset[int] | None]]:
        """Moments whose periods may have moved, with those concerned; None: everybody."""
        moving = [fact for fact in facts if _moves(fact)]
        calls = sorted({fact.call_id for fact in moving if fact.call_id is not None})
        rows = await connection.fetch("select id, started_at from call where id = any($1::uuid[])", calls)
        started = {r["id"]: r["started_at"] for r in rows}
        users: dict[datetime, set[int]] = {}
        all_of: set[datetime] = set()
        for fact in moving:
            at = started.get(fact.call_id, now) if fact.call_id else now
            hour = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)  # no zone's day begins in between
            if fact.kind in _OF_EVERYBODY:
                all_of.add(hour)
            else:
                users.setdefault(hour, set()).update(fact.users)
        found: list[tuple[datetime, frozenset[int] | None]] = [(at, None) for at in sorted(all_of)]
        return found + [(at, frozenset(who)) for at, who in sorted(users.items()) if who and at not in all_of]

    async def _told(
        self, connection: Connection, office: Office, entries: Sequence[Entry], now: datetime
    ) -> list[NewFact]:
        before = await goals.read_told(connection, [entry.period.first for entry in entries])
        facts: list[NewFact] = []
        changed: list[Told] = []
        for entry in entries:
            last, standing = before.get(_key(entry)), entry.standing
            if last is None and standing.amount == 0:
                continue
            if last is not None and (last.amount, last.target) == (standing.amount, standing.target):
                continue
            first_time = standing.reached and (last is None or last.reached_at is None)
            told = Told(
                goal_id=entry.goal.id,
                first=entry.period.first,
                user_id=entry.user_id or 0,
                team_id=entry.team_id or 0,
                amount=standing.amount,
                target=standing.target,
                reached_at=now if first_time else None,
            )
            changed.append(told)
            fact = NewFact(kind="goal.progress", body=view(entry), users=_concerned(office, entry))
            facts.append(fact)
            if first_time:
                facts.append(replace(fact, kind="goal.reached", body={**fact.body, "reached_at": written(now)}))
        await goals.save_told(connection, changed, now)
        return facts


_OF_EVERYBODY = frozenset({"call.changed", "call.merged", "goal.created", "goal.changed", "team.changed"})
"""Facts after which more people's goals may stand otherwise than the fact names."""
_WORDS = frozenset({"outcome", "task", "touch"})


def _moves(fact: Fact) -> bool:
    """Whether a goal may stand otherwise after this."""
    if fact.kind in _OF_EVERYBODY:
        return fact.kind != "call.changed" or fact.body.get("state") == "ended"
    return fact.kind == "call.ended" or fact.kind.partition(".")[0] in _WORDS


def _key(entry: Entry) -> tuple[int, date, int, int]:
    return entry.goal.id, entry.period.first, entry.user_id or 0, entry.team_id or 0


def _concerned(office: Office, entry: Entry) -> tuple[int, ...]:
    """The person and the heads of his teams; of a team its members and its head."""
    if entry.user_id is not None:
        return tuple(sorted({entry.user_id} | office.heads_of(entry.user_id, entry.period.last)))
    team = office.teams[entry.team_id or 0]
    members = {m.user_id for m in members_of(team, entry.period)}
    return tuple(sorted(members | ({team.head_id} if team.head_id is not None else set())))


def view(entry: Entry) -> dict[str, object]:
    """Somebody's standing as it is told; amounts as people read them."""
    rule, standing = entry.rule, entry.standing
    return {
        "goal": entry.goal.id,
        "name": entry.version.name,
        "version": entry.version.version,
        "period": entry.goal.period.value,
        "since": entry.period.first.isoformat(),
        "until": entry.period.last.isoformat(),
        "user": entry.user_id,
        "team": entry.team_id,
        "measure": rule.measure.value,
        "direction": rule.way.value,
        "seconds": rule.seconds,
        "kind": rule.kind,
        "done": rule.shown(standing.amount),
        "target": rule.target,
        "left": rule.shown(standing.left),
        "expected": round(rule.shown(round(standing.expected)), 2),
        "pace": standing.pace,
        "reached": standing.reached,
    }
