"""The report of a synthetic day, for a terminal and for a program."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.simulation.account import OVERLOADED, Account, Entered, Load, Outlook, Seen
from gateway.simulation.plan import DayPlan

_LISTED = 10
_FAULTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """A day that is over."""

    plan: DayPlan
    begins: datetime
    account: Account
    outlook: Outlook
    skipped: int
    """Planned calls that never began: their caller was talking, or his phone or provider was out."""
    way: str
    """How it was carried out, in one sentence."""


def as_text(report: DayReport) -> str:
    """The report for a terminal; managers by extension, clients by number."""
    return "\n".join(_lines(report))


def _lines(report: DayReport) -> Iterator[str]:
    outlook, account, wishes = report.outlook, report.account, report.plan.wishes
    yield report.way
    yield (
        f"{wishes.managers} managers, {wishes.clients} clients, {wishes.calls_per_hour} calls an hour,"
        f" {wishes.minutes:g} minutes, seed {wishes.seed}"
    )
    yield ""
    came = f"{outlook.answered} answered, {outlook.missed} missed ({_share(outlook)})"
    yield f"Clients called {outlook.inbound} times: {came}."
    if outlook.missed:
        yield f"  while every manager was talking: {outlook.all_busy}; turned away without room: {outlook.turned_away}"
    sent_on = f"{outlook.transferred} taken, {outlook.lost_in_transfer} lost on the way"
    yield f"  sent on to a colleague: {sent_on}; longest wait {outlook.longest_wait.total_seconds():.0f} s"
    yield f"Managers called {outlook.outbound} times, {outlook.reached} reached."
    if report.skipped:
        yield f"Planned calls that never began (caller talking, phone or provider out): {report.skipped}."
    if len(outlook.hours) > 1:
        yield "Hour by hour (calls of clients, missed):"
        yield from (f"  {hour + 1:>3}   {calls:>5}   {missed:>5}" for hour, calls, missed in outlook.hours)
    yield ""
    yield from _never(outlook)
    yield from _managers(outlook)
    yield ""
    yield from _accounted(account)


def _share(outlook: Outlook) -> str:
    return f"{100 * outlook.missed / outlook.inbound:.1f} %" if outlook.inbound else "none"


def _never(outlook: Outlook) -> Iterator[str]:
    never = outlook.never_reached
    if not never:
        yield "Would be missed for good: nobody."
        return
    yield f"Would be missed for good (called, and talked with nobody afterwards): {len(never)}"
    more = "" if len(never) <= _LISTED else f" and {len(never) - _LISTED} more"
    yield f"  {', '.join(never[:_LISTED])}{more}"


def _managers(outlook: Outlook) -> Iterator[str]:
    over = [load.extension for load in outlook.loads if load.overloaded]
    if over:
        yield f"Overloaded (talking {OVERLOADED:.0%} of the day or more): {', '.join(over)}"
    else:
        yield f"Overloaded (talking {OVERLOADED:.0%} of the day or more): nobody."
    yield "  MANAGER  TAKEN  MINUTES  OF THE DAY  RANG AND MISSED"
    yield from map(_manager, outlook.loads)


def _manager(load: Load) -> str:
    minutes = load.talk.total_seconds() / 60
    return f"  {load.extension:<7}  {load.taken:>5}  {minutes:>7.1f}  {load.share:>10.0%}  {load.missed:>15}"


def _accounted(account: Account) -> Iterator[str]:
    if account.whole:
        yield f"Every call is accounted for: {account.right} of {account.calls} in the database once, and right."
        return
    yield (
        f"NOT every call is accounted for: {account.right} of {account.calls} right,"
        f" {len(account.wrong)} wrong, {len(account.lost)} lost, {len(account.extra)} that nobody placed."
    )
    yield from (f"  wrong  {_seen(seen)}: {words}" for seen, _, words in account.wrong[:_FAULTS])
    yield from (f"  lost   {_seen(seen)}" for seen in account.lost[:_FAULTS])
    yield from (f"  extra  {_entered(entered)}" for entered in account.extra[:_FAULTS])


def _seen(call: Seen) -> str:
    return f"{call.begins:%H:%M:%S} {call.client} ({call.origin} dials, status {call.code})"


def _entered(call: Entered) -> str:
    return f"{call.began:%H:%M:%S} {call.client} {call.direction} {call.result}"


def as_value(report: DayReport) -> dict[str, object]:
    """The report for a program; times in seconds."""
    outlook, account, wishes = report.outlook, report.account, report.plan.wishes
    return {
        "way": report.way,
        "begins": report.begins.isoformat(),
        "managers": wishes.managers,
        "clients": wishes.clients,
        "calls_per_hour": wishes.calls_per_hour,
        "minutes": wishes.minutes,
        "seed": wishes.seed,
        "inbound": outlook.inbound,
        "answered": outlook.answered,
        "missed": outlook.missed,
        "missed_all_busy": outlook.all_busy,
        "turned_away": outlook.turned_away,
        "outbound": outlook.outbound,
        "reached": outlook.reached,
        "transferred": outlook.transferred,
        "lost_in_transfer": outlook.lost_in_transfer,
        "skipped": report.skipped,
        "missed_calls": [
            {
                "at": call.begins.isoformat(),
                "client": call.client,
                "rang": list(call.rang),
                "all_busy": call.all_busy,
                "waited_seconds": _seconds(call.ends - call.begins),
                "status": call.code,
            }
            for call in outlook.missed_calls
        ],
        "never_reached": list(outlook.never_reached),
        "longest_wait_seconds": _seconds(outlook.longest_wait),
        "overloaded": [load.extension for load in outlook.loads if load.overloaded],
        "loads": [
            {
                "extension": load.extension,
                "taken": load.taken,
                "talk_seconds": _seconds(load.talk),
                "share": round(load.share, 3),
                "missed": load.missed,
            }
            for load in outlook.loads
        ],
        "accounted": {
            "calls": account.calls,
            "right": account.right,
            "wrong": len(account.wrong),
            "lost": len(account.lost),
            "extra": len(account.extra),
            "whole": account.whole,
        },
    }


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 1)
