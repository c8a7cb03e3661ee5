"""Follows the calls: outcomes move with calls that are corrected or merged, and are asked for where a rule wants one.

A call that ended and for which a rule (`gateway.domain.outcomes.asking_rule`) wants an outcome stands on the list of
its manager until he chose one. A rule holds for calls that end or are corrected while it stands.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.outcomes import DispositionRule, EndedCall, asking_rule
from gateway.store.database import Connection
from gateway.store.dispositions import asking_rules
from gateway.store.facts import Fact, NewFact
from gateway.store.outcomes import Subject, ask_no_more, calls_with_outcome, follow_calls, subjects, want_outcome

KINDS = frozenset({"call.ended", "call.changed", "call.merged"})


class OutcomeRules:
    """The handler of a follower."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def __call__(self, connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
        """Write what follows from calls that ended, changed or were merged."""
        calls = list(dict.fromkeys(_calls_of(facts)))
        if not calls:
            return ()
        await follow_calls(connection, calls, self._zone)
        found = await subjects(connection, calls)
        standing = {s.id: s for s in found.values()}
        done = await calls_with_outcome(connection, list(standing))
        rules = await asking_rules(connection)
        wanted = {id_: rule for id_, s in standing.items() if id_ not in done and (rule := _rule_for(rules, s))}
        await ask_no_more(connection, [call for call in {*calls, *standing} if call not in wanted])
        asked = []
        for id_, rule in sorted(wanted.items()):
            subject = standing[id_]
            assert subject.user_id is not None
            if await want_outcome(connection, call=id_, user=subject.user_id, rule=rule.id, at=subject.at, now=now):
                asked.append(_asked(subject, rule))
        return asked


def _calls_of(facts: Iterable[Fact]) -> Iterable[UUID]:
    for fact in facts:
        if fact.kind in KINDS and fact.call_id is not None:
            yield fact.call_id
            if into := fact.body.get("merged_into"):
                yield UUID(str(into))


def _rule_for(rules: Sequence[DispositionRule], subject: Subject) -> DispositionRule | None:
    """The rule that wants an outcome of a call; None: none does, or it is nobody's call."""
    if subject.kind != "client" or subject.state != "ended" or subject.user_id is None or subject.role is None:
        return None
    call = EndedCall(
        direction=subject.direction,
        did=subject.did,
        talk=timedelta(microseconds=subject.talk_us),
        role=subject.role,
    )
    return asking_rule(rules, call)


def _asked(subject: Subject, rule: DispositionRule) -> NewFact:
    body: dict[str, object] = {
        "call_id": str(subject.id),
        "contact_id": subject.contact_id,
        "user_id": subject.user_id,
        "rule_id": rule.id,
        "wants": ["outcome"],
    }
    assert subject.user_id is not None
    return NewFact(
        kind="outcome.wanted", body=body, call_id=subject.id, contact_id=subject.contact_id, users=(subject.user_id,)
    )
