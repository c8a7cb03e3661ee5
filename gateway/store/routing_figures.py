"""How many calls went through a route, and which of its steps ended each: what was decided, read beside the calls.

The lists of calls ask by the same two conditions (`ROUTED`, `STEP`), so that a figure and its list never differ.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection

ROUTED = (
    "exists (select from route_decision d where d.call_id = c.id and d.n = 0"
    " and d.body->'plan'->'routes' @> to_jsonb($::bigint))"
)
"""Whether a call `c` went through the route `$`: its own number's, or one that it led on to."""
STEP = """(select case when l.action = 'site' then 'site' when l.action = 'hangup' then 'hang_up' else
 concat_ws(':', s->>'kind', coalesce(s->>'group', s->>'user')) end
 from route_decision l join route_decision f on f.pbx = l.pbx and f.uniqueid = l.uniqueid and f.n = 0,
 lateral (select f.body->'plan'->'steps'->l.place as s) step
 where l.call_id = c.id order by l.at desc, l.n desc limit 1)"""
"""The step with which a call `c` ended: `owner`, `group:3`, `manager:7`, `announcement`, `site`, `hang_up`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCalls:
    """How many calls ended with a step."""

    step: str
    answered: int
    missed: int
    lost: int
    """Somebody answered, and the client was lost on the way to another one."""


async def calls_through(source: Source, route: int, since: datetime, until: datetime) -> list[StepCalls]:
    """Calls of clients that went through a route, by the step that ended them, the most frequent first.

    Args:
        source: where to read.
        route: which one.
        since: calls that began then or later.
        until: calls that began before.
    """
    rows = await source.fetch(
        f"select coalesce(step, '') as step, count(*) filter (where result = 'answered')::int as answered,"
        f" count(*) filter (where result = 'missed')::int as missed,"
        " count(*) filter (where result = 'lost_in_transfer')::int as lost"
        f" from (select {STEP} as step, c.result from call c"
        " where c.merged_into is null and c.kind = 'client' and c.state = 'ended' and c.started_at >= $2"
        f" and c.started_at < $3 and {ROUTED.replace('$', '$1')}) through group by 1 order by count(*) desc, 1",
        route,
        since,
        until,
    )
    return [StepCalls(**dict(r)) for r in rows]
