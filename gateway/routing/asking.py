"""The answer to one question of the dialplan, from the database alone: nothing of a call is kept in memory.

    question --> decisions so far (or the plan of a new call) --> client, groups, people --> decide --> one transaction:
                 decision, whose turn it was, facts `call.routed` and `recording.notice_played` --> the line

So a gateway that is started again in mid-route, or another node, goes on where the last answer left off; and a question
that is asked twice gets the same answer.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.errors import Rejected
from gateway.domain.identity import call_id
from gateway.domain.phone import NumberKind, NumberPlan
from gateway.domain.routing import Action, Client, Decision, Group, Now, Person, Plan, Progress, RouteWhy, Seen
from gateway.domain.routing_answer import answer_line
from gateway.domain.routing_choice import HEARD, advanced, decide, people_asked, plan_of
from gateway.live import Happening, Live
from gateway.routing.phones import Phones
from gateway.routing.telling import client_from, client_row, notice_fact, plan_from, plan_row, routed_fact, seen_rows
from gateway.store import routing as store
from gateway.store import routing_calls as calls
from gateway.store.database import Connection, Pool, Row
from gateway.store.facts import NewFact
from gateway.store.routing_calls import Around, Made

_WARM_CONNECTIONS = 3
LIMIT_MS = 150
"""So long a dialplan waits for the answers of one call, all together."""
_SITE = Decision(action=Action.SITE, place=0, resume=0)


class UnknownPbxError(Rejected, LookupError):
    """There is no PBX of this name in the configuration; set TRUNKLINE_ROUTE_PBX to the one it has there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the dialplan asks."""

    pbx: str
    uniqueid: str
    """Of the client's leg."""
    did: str
    caller: str
    """As the caller's side wrote it; may be anything."""
    n: int
    """Which question of this call it is, from 0."""
    status: str = ""
    """What came of the last answer, in Asterisk's words."""
    left: timedelta = timedelta(milliseconds=LIMIT_MS)
    """So long the dialplan still waits: a later answer rings nobody, and must not say that it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedPbx:
    """What routing knows of a PBX."""

    plan: NumberPlan
    template: str
    """How it is asked to ring a phone without technology."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What was read for one choice."""

    plan: Plan
    client: Client
    now: Now


class Router:
    """Answers the dialplan's questions."""

    def __init__(
        self, pool: Pool, live: Live, phones: Phones, *, pbxs: Mapping[str, RoutedPbx], zone: ZoneInfo
    ) -> None:
        """Args:
        pool: the database.
        live: told after each commit.
        phones: which are not registered.
        pbxs: by name.
        zone: the company's.
        """
        self._pool = pool
        self._live = live
        self._phones = phones
        self._pbxs = pbxs
        self._zone = zone

    async def ask(self, question: Question, now: datetime) -> str:
        """The line for a question.

        Raises:
            UnknownPbxError: nobody knows the PBX that asks.
        """
        if question.pbx not in self._pbxs:
            raise UnknownPbxError
        began = time.monotonic()
        async with self._pool.acquire() as connection, calls.in_haste(connection):
            before = await calls.decisions_of(connection, question.pbx, question.uniqueid) if question.n else []
            if same := next((made for made in before if made.n == question.n), None):
                return same.answer
            read = await (self._goes_on if before else self._begins)(connection, question, before, now)
            if read is None:
                return answer_line(_SITE, n=question.n)
            around = self._around(question)
            decision = decide(read.plan, progress_of(before, question.status), read.now)
            if time.monotonic() - began > question.left.total_seconds():
                decision = _too_late(decision)
            made = _made(question, decision, read, now, first=not before)
            facts = _facts(question, around.call_id, read, made, before)
            if not await calls.save_decision(
                connection,
                made,
                pbx=question.pbx,
                uniqueid=question.uniqueid,
                call_id=around.call_id,
                turn=decision.group,
                facts=facts,
            ):
                return await self._as_before(connection, question, made.answer)
        for fact in facts:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        return made.answer

    async def _as_before(self, connection: Connection, question: Question, otherwise: str) -> str:
        """The answer that a question got before."""
        before = await calls.decisions_of(connection, question.pbx, question.uniqueid)
        return next((made.answer for made in before if made.n == question.n), otherwise)

    async def warm_up(self, now: datetime) -> None:
        """Ask everything once on a few connections, so that no caller waits for what is only slow the first time.

        Where nothing is routed, nothing is asked.
        """
        if not await store.routes_exist(self._pool):
            return
        for name in self._pbxs:
            asked = [
                Question(pbx=name, uniqueid=f"warm-up-{n}", did="warm-up", caller="+12025550123", n=0)
                for n in range(_WARM_CONNECTIONS)
            ]
            await asyncio.gather(*(self._warm_one(question, now) for question in asked))

    async def _warm_one(self, question: Question, now: datetime) -> None:
        around = self._around(question)
        made = Made(n=0, at=now, action=Action.SITE, users=(), place=0, resume=0, answer="", body={})
        async with self._pool.acquire() as connection, calls.in_haste(connection, keep=False):
            await calls.decisions_of(connection, question.pbx, question.uniqueid)
            await self._begins(connection, question, (), now)
            await store.groups_named(connection, [0])
            await calls.people_now(connection, {0}, around, now)
            await calls.save_decision(
                connection,
                made,
                pbx=question.pbx,
                uniqueid=question.uniqueid,
                call_id=around.call_id,
                turn=None,
                facts=(),
            )

    async def _begins(
        self, connection: Connection, question: Question, _: Sequence[Made], now: datetime, *, states: bool = True
    ) -> Surroundings | None:
        """What a call's first question is answered from; None: no route holds for the number."""
        number = self._pbxs[question.pbx].plan.parse(question.caller)
        known = number.e164 if number.kind is NumberKind.CLIENT else None
        found = await calls.open_call(connection, question.did, known, self._zone)
        if found.route is None:
            return None
        plan = plan_of(found.route, found.routes, found.office, now, sound=found.notice)
        groups = dict(found.groups)
        if missing := _groups_of(plan) - groups.keys():
            groups |= await store.groups_named(connection, list(missing))
        return await self._with_people(connection, question, plan, found.client, groups, now, states=states)

    async def _goes_on(
        self, connection: Connection, question: Question, before: Sequence[Made], now: datetime
    ) -> Surroundings:
        """What a further question is answered from: plan and client as they were, people as they are."""
        plan, client = plan_from(before[0].body), client_from(before[0].body)
        wanted = _groups_of(plan)
        groups = await store.groups_named(connection, list(wanted)) if wanted else {}
        return await self._with_people(connection, question, plan, client, groups, now, states=True)

    async def _with_people(
        self,
        connection: Connection,
        question: Question,
        plan: Plan,
        client: Client,
        groups: Mapping[int, Group],
        now: datetime,
        *,
        states: bool,
    ) -> Surroundings:
        around = self._around(question, states=states)
        people = await calls.people_now(connection, people_asked(plan, client, groups), around, now)
        return Surroundings(plan=plan, client=client, now=Now(client=client, groups=groups, people=people))

    def _around(self, question: Question, *, states: bool = True) -> Around:
        return Around(
            pbx=question.pbx,
            uniqueid=question.uniqueid,
            call_id=call_id(question.pbx, question.uniqueid),
            template=self._pbxs[question.pbx].template,
            zone=self._zone,
            offline=self._phones.offline(question.pbx) if states else frozenset(),
            states=states,
        )

    async def try_out(self, question: Question, at: datetime, *, present: bool) -> "Trial":
        """Every answer a call would get if nobody took it; nothing is rung and nothing is kept.

        Args:
            question: the call.
            at: when it comes.
            present: whether managers are taken as they are now; else only hours and absences of that moment count.
        """
        if question.pbx not in self._pbxs:
            raise UnknownPbxError
        async with self._pool.acquire() as connection:
            read = await self._begins(connection, question, (), at, states=present)
        if read is None:
            return Trial(plan=None, client=Client(), decisions=(), people={})
        made: list[Decision] = []
        progress = Progress()
        while len(made) < _TRIED_MAX and not (made and made[-1].action in (Action.SITE, Action.HANG_UP)):
            made.append(decide(read.plan, progress, read.now))
            progress = advanced(progress, made[-1], HEARD)
        return Trial(plan=read.plan, client=read.client, decisions=tuple(made), people=read.now.people)


_TRIED_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What would be done with a call."""

    plan: Plan | None
    """None: no route holds for the number."""
    client: Client
    decisions: Sequence[Decision]
    people: Mapping[int, Person]


def progress_of(before: Sequence[Made], status: str) -> Progress:
    """How far a call is after some decisions, and after what came of the last one."""
    progress = Progress()
    outcomes = [*(str(made.body["status"]) for made in before[1:]), status]
    for made, outcome in zip(before, outcomes, strict=False):
        decision = Decision(
            action=Action(made.action),
            place=made.place,
            resume=made.resume,
            users=made.users,
            seconds=_number(made.body.get("seconds")),
            notice=made.body.get("notice") is True,
        )
        progress = advanced(progress, decision, outcome)
    return progress


def _too_late(decision: Decision) -> Decision:
    """What is kept of an answer that nobody waits for any more."""
    seen = (Seen(place=decision.place, why=RouteWhy.LATE),)
    place = decision.place
    return Decision(action=Action.SITE, place=place, resume=place, seen=seen, record=decision.record)


def _groups_of(plan: Plan) -> set[int]:
    return {step.group for step in plan.steps if step.group is not None}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _made(question: Question, decision: Decision, read: Surroundings, now: datetime, *, first: bool) -> Made:
    body: Row = {
        "did": question.did,
        "status": question.status,
        "seconds": decision.seconds,
        "sound": decision.sound,
        "record": decision.record,
        "notice": decision.notice,
        "group": read.plan.steps[decision.place].group if decision.place < len(read.plan.steps) else None,
        "client": client_row(read.client),
        "seen": seen_rows(decision.seen, read.now.people),
        **({"plan": plan_row(read.plan)} if first else {}),
    }
    return Made(
        n=question.n,
        at=now,
        action=decision.action,
        users=decision.users,
        place=decision.place,
        resume=decision.resume,
        answer=answer_line(decision, n=question.n),
        body=body,
    )


def _facts(question: Question, call: UUID, read: Surroundings, made: Made, before: Sequence[Made]) -> list[NewFact]:
    """What is told: the decision, and that the notice which was played before it was heard."""
    facts = []
    last = before[-1] if before else None
    if last is not None and last.body.get("notice") is True and question.status == HEARD:
        facts.append(notice_fact(question.pbx, call, str(last.body.get("sound")), read.client.contact_id, made.at))
    facts.append(routed_fact(question.pbx, call, read.plan, made, read.client.contact_id))
    return facts
