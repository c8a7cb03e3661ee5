"""The daily report as a letter: the figures of a day in the reader's language, as text and as HTML.

The figures are those of the reports (`gateway.aftercare.report_tables`) and open into the same rows. Templates are
filled in a sandbox that escapes every value in HTML: names come from people and from callers.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from gateway.aftercare import report_tables
from gateway.aftercare.goal_progress import Entry, Office, Source, members_of, standings
from gateway.domain.periods import Period, PeriodName, before
from gateway.domain.report_table import Cell, Table
from gateway.domain.report_words import FIGURES, LETTER, LINES, MEASURES, day_in_words, word
from gateway.store.report_subscriptions import Subscription, open_missed

_FOLDER = Path(__file__).parent / "letters"
_TEXT = SandboxedEnvironment(
    loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
)
_HTML = SandboxedEnvironment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=True)
COMPANY = ("calls", "answered", "missed", "missed_share", "lost", "talk_seconds")
MANAGER = ("calls_in", "calls_out", "answered", "missed", "talk_seconds", "numbers_long", "tasks_done", "tasks_overdue")
LINES_MAX = 300
"""Managers in one letter; more would be no letter."""


async def daily_letter(
    source: Source, office: Office, subscription: Subscription, day: Period, *, now: datetime, address: str
) -> dict[str, str]:
    """Subject, text and HTML of a reader's report.

    Args:
        source: where to read.
        office: from `read_office`.
        subscription: whose, of the company or of a team.
        day: the day it is about.
        now: the present moment.
        address: of the site, with which links begin.
    """
    reader = office.people[subscription.user_id]
    language = reader.language
    team = office.teams.get(subscription.team_id or 0)
    users = [m.user_id for m in members_of(team, day)] if team else list(office.managers)
    earlier = before(PeriodName.DATES, day)
    ratings = await report_tables.ratings(
        source, office, day, earlier, users[:LINES_MAX], by="calls", direction=None, now=now
    )
    company = None if team else await report_tables.company(source, office, day, earlier)
    goals = await standings(source, office, now=now, at=day.first, users=users)
    waiting = await open_missed(source) if team is None else 0
    title = _said("title", language, day=day_in_words(day.first, language))
    moment = now.astimezone(office.zone_of(reader.id)).strftime("%Y-%m-%d %H:%M")
    values: dict[str, object] = {
        "language": language,
        "title": title,
        "team": _said("team", language, team=team.name) if team else "",
        "as_of": _said("as_of", language, moment=moment),
        "nothing": _said("nothing", language),
        "words": {name: word({**LETTER, **LINES}, name, language) for name in _WORDS},
        "company": _company(company, language) if company else [],
        "managers": _managers(ratings, language, address),
        "goals": [_goal(office, entry, language) for entry in goals if entry.standing.amount or entry.team_id],
        "open_missed": _said("open_missed", language, count=str(waiting)) if waiting else "",
        "more": _said("more", language, address=f"{address}/"),
        "why": _said("why", language),
    }
    return {
        "subject": f"{title} · {team.name}" if team else title,
        "text": _TEXT.get_template("daily.txt").render(values),
        "html": _HTML.get_template("daily.html").render(values),
    }


_WORDS = ("company", "managers", "goals", "reached", "before")


def _said(name: str, language: str, **values: str) -> str:
    """A sentence with its values; nothing in a value is read as a place for another."""
    text = word(LETTER, name, language)
    for key, value in values.items():
        text = text.replace("{" + key + "}", " ".join(value.split()))
    return text


def _shown(figure: str, cell: Cell | float | None) -> str:
    """A figure as people read it: shares in percent, seconds as hours and minutes."""
    value = cell.value if isinstance(cell, Cell) else cell
    if value is None:
        return "–"
    if figure.endswith("_share"):
        return f"{value * 100:.0f}%"
    if figure.endswith("_seconds"):
        minutes = round(value / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    return f"{value:g}" if value < 1_000_000 else f"{value:.0f}"


def _title(figure: str, language: str) -> str:
    """Its name; talk is shown as hours and minutes here, so the unit goes."""
    return word(FIGURES, figure, language).removesuffix(", s").removesuffix(", с")


def _company(table: Table, language: str) -> list[tuple[str, str, str | None, str]]:
    cells = table.total.cells if table.total else {}
    inbound = next(line.cells for line in table.lines if line.key["direction"] == "inbound")
    found = []
    for name in COMPANY:
        cell = inbound[name] if name == "missed_share" else cells[name]
        earlier = None if cell.before is None else _shown(name, cell.before)
        percent = "" if cell.percent is None else f"{cell.percent:+g}%"
        found.append((_title(name, language), _shown(name, cell), earlier, percent))
    return found


def _managers(table: Table, language: str, address: str) -> Sequence[dict[str, object]]:
    """Those who had anything to do with a call or a task."""
    return [
        {
            "place": line.place,
            "name": line.name,
            "figures": [(_title(name, language), _shown(name, line.cells[name])) for name in MANAGER],
            "links": [f"{address}/api/v1{rows}" if (rows := line.cells[name].rows) else "" for name in MANAGER],
        }
        for line in table.lines
        if any(line.cells[name].value for name in MANAGER)
    ]


def _goal(office: Office, entry: Entry, language: str) -> dict[str, object]:
    rule = entry.rule
    who = office.people[entry.user_id].name if entry.user_id else office.teams[entry.team_id or 0].name
    measure = word(MEASURES, rule.measure.value, language)
    name = entry.version.name or (measure if rule.seconds is None else f"{measure} > {rule.seconds} s")
    done = _said("of", language, done=f"{rule.shown(entry.standing.amount):g}", target=str(rule.target))
    return {"who": who, "goal": name, "done": done, "reached": entry.standing.reached}
