"""Whose a new lead becomes: rules with conditions, members with limits, and the ways of choosing among them.

In turn: every time one of several gets a lead, each of them is owed his share of it (weight by the sum of weights of
those who could have had it), and whoever is owed most gets it. It is the greedy rule of the carpool problem (Fagin and
Williams, "A fair carpool scheduling algorithm", 1983): with the same people present it is plain turn by weight, and
whoever is absent neither loses his turn nor comes back to a heap of leads. The other ways narrow who may get it, or
put the least loaded first; ties go by what is owed.

Everything here takes values and returns values; who is present, loaded and rated is read by `gateway.store`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import phonenumbers

from gateway.domain.cards import Heat
from gateway.domain.working_time import WorkingTime


class Way(StrEnum):
    """How one of the members is chosen."""

    TURN = "turn"
    LOAD = "load"
    SKILL = "skill"
    HEAT = "heat"


class Rating(StrEnum):
    """The figure by which managers are compared."""

    CONVERSION = "conversion"
    ANSWERED = "answered"
    TALK_SECONDS = "talk_seconds"
    NUMBERS_LONG = "numbers_long"


class AnswerBy(StrEnum):
    """What counts as the first answer."""

    ATTEMPT = "attempt"  # he dialled the client, wrote to him, or talked
    TALK = "talk"


class Why(StrEnum):
    """Why a rule or a member was not taken; the screen words it."""

    DID = "did"
    SOURCE = "source"
    CITY = "city"
    COUNTRY = "country"
    LANGUAGE = "language"
    HEAT = "heat"
    HOURS = "hours"
    NO_MEMBER = "no_member"
    DISMISSED = "dismissed"
    ABSENT = "absent"
    OFF = "off"
    BREAK = "break"
    HAD_IT = "had_it"
    OPEN_MAX = "open_max"
    DAY_MAX = "day_max"
    SKILL = "skill"
    RATING = "rating"
    LATER = "later"  # he could have got it, another one's turn came first
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """What the rules ask of a lead."""

    contact_id: int | None = None
    """None: it is only tried."""
    did: str | None = None
    source_kind: str | None = None
    source_name: str | None = None
    city: str = ""
    country: str | None = None
    """ISO 3166 region of its number; None: not known."""
    language: str | None = None
    heat: Heat | None = None
    at: datetime
    """When it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Which leads a rule takes; an empty condition holds for all."""

    dids: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    """Kinds or names of sources."""
    cities: frozenset[str] = frozenset()
    """Casefolded."""
    countries: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    heats: frozenset[Heat] = frozenset()
    hours: WorkingTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A manager who may get leads of a rule, as he is now."""

    user_id: int
    weight: int = 1
    skills: frozenset[str] = frozenset()
    open_max: int | None = None
    day_max: int | None = None
    credit: float = 0.0
    """Leads he is owed."""
    active: bool = True
    absent: bool = False
    off: bool = False
    """He went off himself, or his head sent him."""
    day_over: bool = False
    """He is off because his hours are over; a lead that comes then waits for his next day, if nobody is at work."""
    on_break: bool = False
    """And the rules give him no leads meanwhile, as long as somebody else can have them."""
    open_leads: int = 0
    open_tasks: int = 0
    given_today: int = 0
    rating: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the company."""

    id: int
    name: str = ""
    conditions: Conditions = field(default_factory=Conditions)
    way: Way = Way.TURN
    skill: str | None = None
    """The one that is needed; None: the lead's language, as `pl`."""
    answer_minutes: int | None = None
    """Of working time until the first answer; None: no deadline."""
    answer_by: AnswerBy = AnswerBy.ATTEMPT
    rounds: int = 1
    """So often every member may get the same lead."""
    changes: int | None = None
    """So often the voice is changed at most; None: as the rounds say."""
    overdue_minutes: int | None = None
    head_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A member and what came of him."""

    member: Member
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who gets a lead, and why nobody else."""

    user_id: int | None
    seen: tuple[Seen, ...]
    credits: Mapping[int, float]
    """What each is owed after it; empty: nothing changed."""


def mismatch(conditions: Conditions, lead: Lead) -> Why | None:
    """The first condition that does not hold for a lead; None: the rule takes it."""
    sources = {lead.source_kind, lead.source_name} - {None}
    checks = (
        (Why.DID, not conditions.dids or lead.did in conditions.dids),
        (Why.SOURCE, not conditions.sources or bool(conditions.sources & sources)),
        (Why.CITY, not conditions.cities or lead.city.casefold().strip() in conditions.cities),
        (Why.COUNTRY, not conditions.countries or lead.country in conditions.countries),
        (Why.LANGUAGE, not conditions.languages or lead.language in conditions.languages),
        (Why.HEAT, not conditions.heats or lead.heat in conditions.heats),
        (Why.HOURS, conditions.hours is None or conditions.hours.includes(lead.at)),
    )
    return next((why for why, holds in checks if not holds), None)


def choose(rule: Rule, members: Sequence[Member], lead: Lead, barred: Collection[int] = ()) -> Verdict:
    """Choose who gets a lead.

    Args:
        rule: one whose conditions hold.
        members: of the rule, as they are now.
        lead: what is given.
        barred: who must not get it, because he had it.

    Returns:
        `user_id` None where nobody fits.
    """
    reasons = {m.user_id: _unfit(rule, m, lead, barred) for m in members}
    if all(reasons.values()):  # nobody is at work: those who only are not there at the moment
        reasons = {m.user_id: _unfit(rule, m, lead, barred, here=False) for m in members}
    fit = [m for m in members if reasons[m.user_id] is None]
    best = _best(rule, fit, lead)
    if not best:
        return Verdict(user_id=None, seen=_seen(members, reasons, {}), credits={})
    owed = {m.user_id: m.credit for m in members} | shares(best)
    chosen = min(best, key=lambda m: _order(rule, m, owed))
    owed[chosen.user_id] -= 1
    verdicts = {m.user_id: Why.RATING for m in fit} | {m.user_id: Why.LATER for m in best}
    return Verdict(
        user_id=chosen.user_id,
        seen=_seen(members, reasons, verdicts | {chosen.user_id: Why.CHOSEN}),
        credits={m.user_id: round(owed[m.user_id], 12) for m in best},
    )


def shares(present: Sequence[Member]) -> dict[int, float]:
    """What each of those present is owed once one more lead is to be given."""
    total = sum(m.weight for m in present)
    return {m.user_id: m.credit + m.weight / total for m in present}


def _unfit(rule: Rule, member: Member, lead: Lead, barred: Collection[int], *, here: bool = True) -> Why | None:
    """Why somebody cannot get a lead; with `here` also because he is not at his place just now."""
    needed = rule.skill or lead.language
    checks = (
        (Why.DISMISSED, not member.active),
        (Why.ABSENT, member.absent),
        (Why.OFF, member.off or (here and member.day_over)),
        (Why.BREAK, here and member.on_break),
        (Why.HAD_IT, member.user_id in barred),
        (Why.OPEN_MAX, member.open_max is not None and member.open_leads >= member.open_max),
        (Why.DAY_MAX, member.day_max is not None and member.given_today >= member.day_max),
        (Why.SKILL, rule.way is Way.SKILL and needed is not None and needed not in member.skills),
    )
    return next((why for why, holds in checks if holds), None)


def _best(rule: Rule, fit: Sequence[Member], lead: Lead) -> Sequence[Member]:
    """By heat: hot leads to the best third, warm ones to the best two, the others to all."""
    if rule.way is not Way.HEAT or lead.heat not in (Heat.HOT, Heat.WARM):
        return fit
    thirds = 1 if lead.heat is Heat.HOT else 2
    ranked = sorted(fit, key=lambda m: (-m.rating, m.user_id))
    return ranked[: -(-len(ranked) * thirds // 3)]


def _order(rule: Rule, member: Member, owed: Mapping[int, float]) -> tuple[float, float, int]:
    load = (member.open_leads + member.open_tasks) / member.weight if rule.way is Way.LOAD else 0.0
    return (load, -round(owed[member.user_id], 9), member.user_id)


def _seen(
    members: Iterable[Member], reasons: Mapping[int, Why | None], verdicts: Mapping[int, Why]
) -> tuple[Seen, ...]:
    return tuple(Seen(member=m, why=reasons[m.user_id] or verdicts[m.user_id]) for m in members)


def given(members: Sequence[Member], verdict: Verdict) -> list[Member]:
    """The members after a lead was given, for the next one of many."""
    found = []
    for member in members:
        credit = verdict.credits.get(member.user_id, member.credit)
        more = int(member.user_id == verdict.user_id)
        found.append(
            replace(
                member,
                credit=credit,
                open_leads=member.open_leads + more,
                given_today=member.given_today + more,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One manager's turn with a lead, as far as the next one depends on it."""

    user_id: int | None
    round: int = 1
    changes: int = 0
    tried: tuple[int, ...] = ()
    """Who had it in this round, he among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The next turn of a lead whose deadline has passed."""

    verdict: Verdict | None
    """None: the changes are used up."""
    turn: Turn
    """With `user_id` None the head decides."""


def change_voice(rule: Rule, members: Sequence[Member], lead: Lead, last: Turn) -> Voice:
    """Who gets a lead next whose deadline has passed: another voice, never one who had it in this round.

    When all had it, a further round begins, if the rule has one; not with the one who had it last. After the last
    round, or the last change, the head decides.
    """
    if rule.changes is not None and last.changes >= rule.changes:
        return Voice(verdict=None, turn=replace(last, user_id=None))
    had = set(last.tried) | ({last.user_id} if last.user_id is not None else set())
    verdict = choose(rule, members, lead, had)
    if verdict.user_id is not None:
        tried = (*sorted(had), verdict.user_id)
        turn = Turn(user_id=verdict.user_id, round=last.round, changes=last.changes + 1, tried=tried)
        return Voice(verdict=verdict, turn=turn)
    if last.round < rule.rounds and last.user_id is not None:
        verdict = choose(rule, members, lead, {last.user_id})
        if verdict.user_id is not None:
            tried = (last.user_id, verdict.user_id)
            turn = Turn(user_id=verdict.user_id, round=last.round + 1, changes=last.changes + 1, tried=tried)
            return Voice(verdict=verdict, turn=turn)
    return Voice(verdict=verdict, turn=replace(last, user_id=None))


_LANGUAGES = {
    "RU": "ru", "BY": "ru", "KZ": "ru", "KG": "ru", "UA": "uk", "PL": "pl", "DE": "de", "AT": "de", "CH": "de",
    "FR": "fr", "BE": "fr", "IT": "it", "ES": "es", "MX": "es", "AR": "es", "PT": "pt", "BR": "pt", "NL": "nl",
    "CZ": "cs", "SK": "sk", "LT": "lt", "LV": "lv", "EE": "et", "TR": "tr", "GE": "ka", "AM": "hy", "AZ": "az",
    "UZ": "uz", "TJ": "tg", "CN": "zh", "GB": "en", "US": "en", "CA": "en", "AU": "en", "IE": "en", "IN": "en",
}  # fmt: skip


def language_of(country: str | None) -> str | None:
    """The language most people of a number's country are spoken to in; None: not known."""
    return _LANGUAGES.get(country or "")


def country_of(number: str) -> str | None:
    """The ISO 3166 region of a number in E.164; None: no plan knows it."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
