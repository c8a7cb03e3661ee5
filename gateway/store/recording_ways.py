"""What those who record by order ask of the database: whose leg talks, and what became of recordings."""

from collections.abc import Sequence

from gateway.domain.recordings import RecordingState
from gateway.store.database import Connection, Pool


def routed_to_record(call: str) -> str:
    """SQL: whether our routes have a call recorded; null: no route of ours was asked, so the site decides.

    Args:
        call: an SQL expression, the id of the call; calls that were merged into it count as it.
    """
    return (
        "(select bool_or((d.body->>'record')::boolean) from route_decision d"
        f" where d.call_id = {call} or d.call_id in (select m.id from call m where m.merged_into = {call}))"
    )


async def talking_client_legs(source: Pool | Connection, pbx: str) -> list[str]:
    """Ids of the legs to record: open ones of clients who talk with one of us now, the oldest call first.

    A call whose route says that it is not recorded, or whose client did not hear the notice to its end, is none.
    """
    rows = await source.fetch(
        "select l.id from call c join leg l on l.call_id = c.id where c.pbx = $1 and c.state = 'talking'"
        " and c.kind = 'client' and c.merged_into is null and l.role = 'client' and l.ended_at is null"
        f" and coalesce({routed_to_record('c.id')}, true)"
        " order by c.started_at, l.started_at limit 5000",
        pbx,
    )
    return [row["id"] for row in rows]


async def states_of_names(source: Pool | Connection, pbx: str, names: Sequence[str]) -> dict[str, RecordingState]:
    """States of recordings by name; names that were never found are left out."""
    rows = await source.fetch(
        "select name, state from recording where pbx = $1 and name = any($2::text[])", pbx, list(names)
    )
    return {row["name"]: RecordingState(row["state"]) for row in rows}
