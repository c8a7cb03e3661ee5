"""Who should be paused in a PBX's own queues, and what the PBX was told last."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ports import OrderOutcome
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPause:
    """One phone of a manager, and whether the queues should leave it alone."""

    user_id: int
    extension: str
    endpoint: str
    """Without technology."""
    paused: bool
    reason: str
    """Like `break lunch`; empty where it is not paused."""


_WANTED = """select w.id as user_id, w.extension, w.pattern, w.state, w.reason, w.told from (
 select u.id, e.extension, p.pattern,
  case when s.state is null or b.chosen is null then 'available' when s.state = 'talking' then b.chosen
   when s.state = 'after_call' and s.ends_at <= $2 then 'available' else s.state end as state,
  case when s.state = 'talking' then coalesce(b.reason, '') else coalesce(s.reason, '') end as reason,
  s.state is not null and b.chosen is not null as known,
  coalesce((select paused from queue_pause q where q.pbx = e.pbx and q.user_id = u.id and q.paused limit 1), false)
   as told
 from users u
 join extension e on e.user_id = u.id and e.pbx = $1 and e.since <= $2 and $2 < e.until
 left join manager_state s on s.user_id = u.id and s.until is null
 left join endpoint p on p.pbx = e.pbx and p.kind = 'manager' and p.extension = e.extension and p.since <= $2
  and $2 < p.until and p.pattern !~ '^[+]|[*?[]'
 left join lateral (select chosen, reason from state_choice c where c.user_id = u.id
  and c.chosen in ('available', 'break', 'off') order by c.at desc, c.id desc limit 1) b on true) w
 where w.known or w.told order by w.id, w.extension, w.pattern"""
_PAUSING = frozenset({"break", "off", "after_call"})


async def wanted_pauses(source: Source, pbx: str, now: datetime) -> list[tuple[WantedPause, bool]]:
    """The phones of everybody for whom a state was ever chosen, and of who is paused still.

    A talk leaves the queues as they were; they know themselves that a phone is in use. The talks of who never used a
    state, and the time after them, are seen too, but pause nothing: nobody would end that pause.

    Args:
        source: where to read.
        pbx: whose queues.
        now: the present moment.

    Returns:
        Each with whether the PBX was told of a pause of his that it may still hold.
    """
    found: dict[str, tuple[WantedPause, bool]] = {}
    for row in await source.fetch(_WANTED, pbx, now):
        pattern = row["pattern"] or row["extension"]
        endpoint = pattern.partition("/")[2] or pattern
        paused = row["state"] in _PAUSING
        wanted = WantedPause(
            user_id=row["user_id"],
            extension=row["extension"],
            endpoint=endpoint,
            paused=paused,
            reason=" ".join(filter(None, (row["state"], row["reason"])))[:40] if paused else "",
        )
        found[endpoint] = (wanted, row["told"])
    return list(found.values())


async def save_pause(source: Source, pbx: str, wanted: WantedPause, outcome: OrderOutcome) -> None:
    """Keep what the PBX was told, and what it answered."""
    await source.execute(
        "insert into queue_pause (pbx, endpoint, extension, user_id, paused, reason, outcome, fault, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (pbx, endpoint) do update set"
        " extension = excluded.extension, user_id = excluded.user_id, paused = excluded.paused,"
        " reason = excluded.reason, outcome = excluded.outcome, fault = excluded.fault, at = excluded.at",
        pbx,
        wanted.endpoint,
        wanted.extension,
        wanted.user_id,
        wanted.paused,
        wanted.reason,
        outcome.state,
        outcome.reason[:200],
        outcome.at,
    )
