"""Whom the calls of a synthetic day ring by the site's own routes: the site's decisions, with the day's people.

The choice itself is the product's (`gateway.domain.routing_choice`); here are the state of each call and the people as
they are at that moment of the day. Not played are absences, breaks and the work after a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from gateway.domain.routing import Action, Client, Decision, Now, Person, Plan, Progress, RouteWhy
from gateway.domain.routing_choice import advanced, decide, people_asked, plan_of
from gateway.simulation.plan import extension_of
from gateway.simulation.site_routes import SiteRoutes


class People(Protocol):
    """The managers of a day as they are."""

    def hindrance(self, manager: int) -> RouteWhy | None:
        """Why a manager cannot be rung now; None: he can."""
        ...


@dataclass(slots=True)
class _Routed:
    """One call on its way."""

    plan: Plan
    client: Client
    progress: Progress = field(default_factory=Progress)
    last: Decision | None = None


@dataclass(slots=True)
class DayRouting:
    """The routes at work."""

    site: SiteRoutes
    managers: int
    """Of the day; who plays whom is their order."""
    _calls: dict[str, _Routed] = field(default_factory=dict)
    _ringing: dict[str, frozenset[int]] = field(default_factory=dict)
    _talked: dict[str, int] = field(default_factory=dict)
    """Who talked with a client last."""
    _idle_since: dict[int, datetime] = field(default_factory=dict)
    _turns: dict[int, int] = field(default_factory=dict)

    def did_of(self, n: int, otherwise: str) -> str:
        """The number that the n-th call is for: those with a route of their own in turn."""
        dids = self.site.dids
        return dids[n % len(dids)] if dids else otherwise

    def ask(
        self, call: str, client: str, did: str, status: str, at: datetime, people: People, *, first: bool
    ) -> Decision | None:
        """What is done next with a client's call.

        Args:
            call: which.
            client: his number.
            did: that he called.
            status: what came of the last answer, in Asterisk's words.
            at: the moment of the day, aware.
            people: as they are.
            first: whether it is a new call.

        Returns:
            None: no route holds for the number.
        """
        if first or call not in self._calls:
            route = self.site.route_of(did)
            if route is None:
                return None
            plan = plan_of(route, self.site.routes, self.site.hours.of_did(did), at, sound=self.site.notice)
            self._calls[call] = _Routed(plan, Client(last_id=self._talked.get(client)))
        routed = self._calls[call]
        self._ringing.pop(call, None)
        if routed.last is not None:
            routed.progress = advanced(routed.progress, routed.last, status)
        decision = routed.last = decide(routed.plan, routed.progress, self._now(routed, at, people))
        if decision.action is Action.DIAL:
            self._ringing[call] = frozenset(decision.users)
            if decision.group is not None and decision.users:
                self._turns[decision.group] = decision.users[-1]
        return decision

    def managers_of(self, decision: Decision) -> list[int]:
        """The managers of the day whom a decision rings."""
        return [place for user in decision.users if (place := self._place(user)) is not None]

    def answered(self, call: str) -> None:
        """Somebody took the call: its phones no longer ring."""
        self._ringing.pop(call, None)

    def over(self, call: str, client: str, taken_by: tuple[int, ...], at: datetime) -> None:
        """A call has ended.

        Args:
            call: which.
            client: his number.
            taken_by: managers of the day who talked with him, the last one last.
            at: when.
        """
        self._calls.pop(call, None)
        self._ringing.pop(call, None)
        people = self.site.people
        for manager in taken_by:
            if manager < len(people):
                self._talked[client] = people[manager]
                self._idle_since[people[manager]] = at

    def _place(self, user: int) -> int | None:
        people = self.site.people[: self.managers]
        return people.index(user) if user in people else None

    def _now(self, call: _Routed, at: datetime, people: People) -> Now:
        groups = {id: replace(group, last=self._turns.get(id, group.last)) for id, group in self.site.groups.items()}
        asked = people_asked(call.plan, call.client, groups)
        return Now(client=call.client, groups=groups, people=self._people(asked, at, people))

    def _people(self, asked: frozenset[int], at: datetime, people: People) -> Mapping[int, Person]:
        ringing = frozenset[int]().union(*self._ringing.values())
        found = {}
        for user in asked:
            place = self._place(user)
            if place is None:
                why: RouteWhy | None = RouteWhy.NO_PHONE
            elif user in self.site.hours.users and not self.site.hours.of_user(user).includes(at):
                why = RouteWhy.OFF_HOURS
            else:
                why = people.hindrance(place) or (RouteWhy.RINGING if user in ringing else None)
            found[user] = Person(
                user_id=user,
                name=str(user),
                hindrance=why,
                phones=() if place is None else (f"SIP/{extension_of(place)}",),
                idle_since=self._idle_since.get(user),
            )
        return found
