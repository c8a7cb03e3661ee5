"""Distribution of leads: new ones are given when they come in, and given on when nobody answers.

A lead is a card that nobody has sorted and nobody owns, of which something came in: a call that nobody took, a form.
Whoever talked with a new client keeps him, if the policy says so. Where no rule is entered nothing is done at all.
The first answer ends a turn: a talk by anybody of ours, or, where the rule says so, the manager's attempt; so does an
outcome, and another owner by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.aftercare.giving import Giver
from gateway.domain.distribution import AnswerBy
from gateway.domain.missed import STALE
from gateway.store import distribution as store
from gateway.store.database import Connection
from gateway.store.distribution import Assignment, Card
from gateway.store.facts import Fact, NewFact
from gateway.store.followers import is_after

CALLS = frozenset({"call.ended", "call.changed"})
OUTCOMES = frozenset({"outcome.chosen", "outcome.changed"})
OWNERS = frozenset({"contact.owner_changed", "contact.merged"})
DUE_AT_ONCE = 100
OPEN_STAGES = frozenset({"unsorted", "lead"})


class Distribution:
    """The handler of a follower, and the works of two duties."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def follow(self, connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
        """Give what came in, and end the turns that were answered."""
        mine = [f for f in facts if f.contact_id is not None and _concerns(f)]
        if not mine:
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        if not giver.rules and not await store.open_turns(connection, [c for f in mine for c in _contacts(f)]):
            return ()
        for fact in mine:
            giver.seen = fact.position
            for contact in _contacts(fact):
                card = (await store.hold_cards(connection, [contact], now)).get(contact)
                turn = (await store.open_turns(connection, [contact])).get(contact)
                if turn is not None:
                    if fact.kind in OWNERS or not _heard(turn, fact):
                        await _answer(giver, card, turn, fact)
                elif card is not None and giver.rules and card.owner_id is None and card.stage == "unsorted":
                    last = await store.last_turn(connection, contact)
                    if (last is None or not _heard(last, fact)) and not _is_old(fact, now):
                        await _give(connection, giver, card, fact)
        return giver.facts

    async def deadlines(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Change the voice where the deadline of the first answer has passed."""
        if not await connection.fetchval(
            "select exists (select from assignment where state = 'given' and deadline_at <= $1)", now
        ):
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        turns = await store.due_turns(connection, now, DUE_AT_ONCE)
        cards = await store.hold_cards(connection, [t.contact_id for t in turns], now)
        for turn in turns:
            card = cards.get(turn.contact_id)
            if card is None or card.owner_id != turn.user_id or card.stage not in OPEN_STAGES:
                await giver.settle(turn, "closed", None)
            else:
                await giver.next_voice(card, turn, "deadline")
        return giver.facts

    async def neglected(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Take leads from those who leave their tasks undone."""
        if not await connection.fetchval(
            "select exists (select from distribution_rule where archived_at is null and overdue_minutes is not null)"
        ):
            return ()
        giver = await Giver(connection, now, self._zone).begin()
        found = await store.neglected_leads(connection, now, DUE_AT_ONCE)
        cards = await store.hold_cards(connection, [n.contact_id for n in found], now)
        turns = await store.open_turns(connection, list(cards))
        for lead in found:
            card = cards.get(lead.contact_id)
            if card is None or card.owner_id != lead.owner_id:
                continue
            last = turns.get(card.id) or await store.last_turn(connection, card.id)
            if last is None or last.user_id != lead.owner_id:
                last = await _as_if_given(connection, card, lead.rule_id, now, giver.seen)
            await giver.next_voice(card, last, "overdue")
        return giver.facts


async def _as_if_given(connection: Connection, card: Card, rule: int, now: datetime, seen: str | None) -> Assignment:
    """The turn of one who has a lead without one, so that what follows has its history."""
    await store.begin_owned_turn(connection, card.id, card.owner_id, rule, now, seen)
    return (await store.open_turns(connection, [card.id]))[card.id]


def _concerns(fact: Fact) -> bool:
    word = fact.kind.partition(".")[0]
    if fact.kind in CALLS:
        return fact.body.get("state") == "ended" and fact.body.get("kind") == "client"
    return word == "touch" or fact.kind in OUTCOMES | OWNERS


def _heard(turn: Assignment, fact: Fact) -> bool:
    """Whether a fact was heard before the turn began, and is only taken once more."""
    return turn.seen is not None and not is_after(fact.position, turn.seen)


def _is_old(fact: Fact, now: datetime) -> bool:
    """Whether a call ended so long ago that it brings no new lead any more."""
    if fact.kind not in CALLS or not fact.body.get("ended_at"):
        return False
    return now - datetime.fromisoformat(str(fact.body["ended_at"])) > STALE


def _contacts(fact: Fact) -> list[int]:
    """The cards a fact is about; of a merge also the one that is gone."""
    return [card for card in (fact.contact_id, _int(fact.body.get("gone"))) if card is not None]


async def _give(connection: Connection, giver: Giver, card: Card, fact: Fact) -> None:
    """Give what came in to somebody."""
    body = fact.body
    if fact.kind in CALLS:
        talked = _talked(body)
        if not talked:
            if body["direction"] == "inbound":
                did = body["did"]
                lead = replace(card.lead, did=str(did) if did else None)
                await giver.give(card, lead, "missed" if body["result"] != "answered" else "call")
        elif giver.policy.talker_keeps:
            keeper = await store.who_works(connection, [_int(body.get("responsible_id")), *talked])
            if keeper is not None:
                await giver.keep(card, keeper, "talked")
    elif fact.kind.startswith("touch.") and body.get("direction", "inbound") == "inbound":
        await giver.give(card, card.lead, "touch")


async def _answer(giver: Giver, card: Card | None, turn: Assignment, fact: Fact) -> None:
    """End a turn that this fact answers."""
    body = fact.body
    if fact.kind in OUTCOMES:
        state = "closed" if body.get("closes_lead") else "answered"
        await giver.settle(turn, state, _int(body.get("user_id")))
    elif card is None or card.owner_id != turn.user_id or card.stage not in OPEN_STAGES:
        await giver.settle(turn, "closed", None)
    elif turn.state == "given":
        by = _answered_by(giver, turn, fact)
        if by is not None:
            await giver.settle(turn, "answered", by)


def _answered_by(giver: Giver, turn: Assignment, fact: Fact) -> int | None:
    """Who gave the first answer; None: nobody did."""
    body = fact.body
    stored = giver.rule(turn.rule_id)
    by_attempt = stored is None or stored.rule.answer_by is AnswerBy.ATTEMPT
    if fact.kind in CALLS:
        if fact.kind == "call.changed" and datetime.fromisoformat(str(body["ended_at"])) < turn.given_at:
            return None  # an old call was corrected
        talked = _talked(body)
        if talked:
            return turn.user_id if turn.user_id in talked else talked[0]
        if by_attempt and body["direction"] == "outbound" and turn.user_id in fact.users:
            return turn.user_id
    elif fact.kind.startswith("touch.") and body.get("direction") == "outbound" and by_attempt:
        return _int(body.get("user")) or turn.user_id
    return None


def _talked(body: Mapping[str, object]) -> list[int]:
    """The managers of ours who talked in a call."""
    parts: Sequence[Mapping[str, object]] = body.get("managers") or ()  # type: ignore[assignment]
    return [
        int(str(p["user_id"])) for p in parts if p["user_id"] is not None and float(str(p["talk_seconds"] or 0)) > 0
    ]


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
