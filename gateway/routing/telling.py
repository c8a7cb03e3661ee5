"""Plans, reasons and decisions as JSON: what the database keeps and what facts tell.

No caller's number is in any of it: the call and its card say who called, to whom may see them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from gateway.domain.routing import SENTENCES, Client, Person, Plan, Seen
from gateway.store.database import Row
from gateway.store.facts import NewFact
from gateway.store.routing import step_of, step_row
from gateway.store.routing_calls import Made


def plan_row(plan: Plan) -> Row:
    """A plan as its call's first decision keeps it."""
    return {
        "steps": [step_row(step) for step in plan.steps],
        "record": plan.record,
        "notice": plan.notice,
        "sound": plan.sound,
        "open": plan.open,
        "routes": list(plan.routes),
        "version": plan.version,
    }


def plan_from(body: Mapping[str, object]) -> Plan:
    """The plan that a call's first decision kept."""
    row = cast(Row, body["plan"])
    return Plan(
        steps=tuple(step_of(s) for s in cast(Sequence[Row], row["steps"])),
        record=bool(row["record"]),
        notice=bool(row["notice"]),
        sound=str(row["sound"]),
        open=bool(row["open"]),
        routes=tuple(cast(Sequence[int], row["routes"])),
        version=cast(int, row["version"]),
    )


def client_row(client: Client) -> Row:
    """Who calls, as a decision keeps it."""
    return {
        "contact_id": client.contact_id,
        "owner_id": client.owner_id,
        "last_id": client.last_id,
        "shared": client.shared,
    }


def client_from(body: Mapping[str, object]) -> Client:
    """Who calls, as a decision kept it."""
    return Client(**cast(dict[str, int], body["client"]))  # type: ignore[arg-type]


def seen_rows(seen: Sequence[Seen], people: Mapping[int, Person]) -> list[Row]:
    """Reasons with a sentence each."""
    return [{"step": s.place, "user": s.user_id, "why": s.why, "text": _sentence(s, people)} for s in seen]


def _sentence(seen: Seen, people: Mapping[int, Person]) -> str:
    person = people.get(seen.user_id) if seen.user_id is not None else None
    return SENTENCES[seen.why].format(step=seen.place + 1, name=person.name if person else "Somebody")


def routed_fact(pbx: str, call: UUID, plan: Plan, made: Made, contact_id: int | None) -> NewFact:
    """That a question of the dialplan was answered, and why so."""
    body: dict[str, object] = {
        "id": str(call),
        "pbx": pbx,
        "did": made.body["did"],
        "contact_id": contact_id,
        "n": made.n,
        "route": plan.routes[0],
        "version": plan.version,
        "open": plan.open,
        "step": made.place,
        "action": made.action,
        "users": list(made.users),
        "group": made.body["group"],
        "sound": made.body["sound"],
        "record": made.body["record"],
        "seconds": made.body["seconds"],
        "before": made.body["status"],
        "reasons": made.body["seen"],
    }
    return NewFact(kind="call.routed", body=body, call_id=call, contact_id=contact_id, users=made.users)


def notice_fact(pbx: str, call: UUID, sound: str, contact_id: int | None, at: datetime) -> NewFact:
    """That the client heard the notice of the recording to its end."""
    body: dict[str, object] = {
        "id": str(call),
        "pbx": pbx,
        "contact_id": contact_id,
        "sound": sound,
        "at": at.isoformat(),
    }
    return NewFact(kind="recording.notice_played", body=body, call_id=call, contact_id=contact_id)
