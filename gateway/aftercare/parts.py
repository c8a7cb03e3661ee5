"""What is done after calls: every follower of the feed and every duty of the clock, in one list.

A module of the aftercare gives handlers and works as plain functions or small classes; here they get their names
(under which their places are kept: never change one) and their rhythm. `gateway/app.py` runs them.
"""

from collections.abc import Callable
from datetime import datetime

from gateway.aftercare.daily_report import DailyReports
from gateway.aftercare.dial_alarms import clear_dialling, tell_dial_alarms
from gateway.aftercare.distribution import Distribution
from gateway.aftercare.duplicates import EVERY_SECONDS, find_duplicates
from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import Follower, now
from gateway.aftercare.goal_progress import GoalProgress
from gateway.aftercare.handover_steps import HandoverSteps
from gateway.aftercare.handovers import Absences
from gateway.aftercare.help_asks import close_asks
from gateway.aftercare.last_touch import note_touches
from gateway.aftercare.manager_states import ManagerDays, follow_states, look_at_calls
from gateway.aftercare.missed_calls import MissedCalls
from gateway.aftercare.outcome_rules import OutcomeRules
from gateway.aftercare.scheduled_calls import ScheduledCalls
from gateway.aftercare.scheduled_dialling import Placer, ScheduledDialling
from gateway.aftercare.sources import follow_sources
from gateway.aftercare.task_clock import TaskClock, follow_series, remind, tell_overdue
from gateway.aftercare.webhooks import clear_log, queue_webhooks
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.database import Pool


def followers_of(settings: Settings, pool: Pool, live: Live, clock: Callable[[], datetime] = now) -> list[Follower]:
    """Everything that follows the feed."""
    return [
        Follower(pool, "last touch", note_touches, live, clock, history=True),
        Follower(pool, "missed calls", MissedCalls(settings.company.timezone).follow, live, clock),
        Follower(pool, "recurring tasks", follow_series, live, clock),
        Follower(pool, "distribution", Distribution(settings.company.timezone).follow, live, clock),
        Follower(pool, "outcomes", OutcomeRules(settings.company.timezone), live, clock),
        Follower(pool, "goals", GoalProgress(settings), live, clock),
        Follower(pool, "manager states", follow_states, live, clock),
        Follower(pool, "sources of clients", follow_sources, live, clock),
        Follower(pool, "webhooks", queue_webhooks, live, clock),
    ]


def duties_of(
    settings: Settings, pool: Pool, live: Live, clock: Callable[[], datetime] = now, *, placer: Placer | None = None
) -> list[Duty]:
    """Everything that is done at its time; `placer` places scheduled calls, None: they wait."""
    missed, tasks = MissedCalls(settings.company.timezone), TaskClock(settings.company.timezone)
    leads, absences = Distribution(settings.company.timezone), Absences(settings.company.timezone)
    states = ManagerDays(settings.company.timezone)
    calls = ScheduledCalls(settings.company.timezone, places=placer is not None)
    return [
        Duty(pool, "duplicates", find_duplicates, live, every=EVERY_SECONDS, clock=clock),
        Duty(pool, "missed calls given up", missed.give_up, live, every=15, clock=clock),
        Duty(pool, "missed calls escalated", missed.escalate, live, every=3, clock=clock),
        Duty(pool, "reminders", remind, live, every=3, clock=clock),
        Duty(pool, "overdue tasks", tell_overdue, live, every=3, clock=clock),
        Duty(pool, "frozen tasks", tasks.tell_frozen, live, every=60, clock=clock),
        Duty(pool, "recurring tasks", tasks.go_on, live, every=15, clock=clock),
        Duty(pool, "birthdays", tasks.birthdays, live, every=600, clock=clock),
        Duty(pool, "deadlines of leads", leads.deadlines, live, every=3, clock=clock),
        Duty(pool, "neglected leads", leads.neglected, live, every=30, clock=clock),
        Duty(pool, "manager states", look_at_calls, live, every=1, clock=clock),
        ScheduledDialling(pool, "scheduled calls", calls, live, placer, every=1, clock=clock),
        Duty(pool, "managers' days", states.look, live, every=5, clock=clock),
        Duty(pool, "asks for help", close_asks, live, every=1, clock=clock),
        Duty(pool, "forgotten breaks", states.tell_breaks, live, every=15, clock=clock),
        Duty(pool, "absences", absences.look, live, every=10, clock=clock),
        Duty(pool, "lent clients", absences.lent, live, every=10, clock=clock),
        Duty(pool, "handovers", HandoverSteps(settings.company.timezone).look, live, every=1, clock=clock),
        Duty(pool, "dismissals", absences.dismissals, live, every=10, clock=clock),
        Duty(pool, "daily reports", DailyReports(settings, clock), live, every=20, clock=clock),
        Duty(pool, "log of webhooks", clear_log, live, every=600, clock=clock),
        Duty(pool, "alarms of dialling", tell_dial_alarms, live, every=3, clock=clock),
        Duty(pool, "log of dialling", clear_dialling, live, every=600, clock=clock),
    ]
