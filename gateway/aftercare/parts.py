"""What is done after calls: every follower of the feed and every duty of the clock, in one list.

A module of the aftercare gives handlers and works as plain functions or small classes; here they get their names
(under which their places are kept: never change one) and their rhythm. `gateway/app.py` runs them.
"""

from collections.abc import Callable
from datetime import datetime

from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import Follower, now
from gateway.aftercare.outcome_rules import OutcomeRules
from gateway.aftercare.goal_progress import GoalProgress
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.database import Pool


def followers_of(settings: Settings, pool: Pool, live: Live, clock: Callable[[], datetime] = now) -> list[Follower]:
    """Everything that follows the feed."""
    return [
        Follower(pool, "outcomes", OutcomeRules(settings.company.timezone), live, clock),
        Follower(pool, "goals", GoalProgress(settings), live, clock),
    ]


def duties_of(settings: Settings, pool: Pool, live: Live, clock: Callable[[], datetime] = now) -> list[Duty]:
    """Everything that is done at its time."""
    return []
