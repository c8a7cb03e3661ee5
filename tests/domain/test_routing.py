"""Whom a call rings: the choice of each step, whatever the people are, and what is wrong with a route."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.routing import (
    SENTENCES,
    Action,
    Client,
    Decision,
    Group,
    Now,
    OwnManager,
    Person,
    Plan,
    Progress,
    Route,
    RouteStepKind,
    RouteWhy,
    Step,
    Strategy,
)
from gateway.domain.routing_answer import AnswerError, answer_line, dial_string
from gateway.domain.routing_choice import decide, people_asked, plan_of
from gateway.domain.routing_rules import Known, SoundError, check_sound, route_faults
from gateway.domain.working_time import always, read_working_time

DAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NEVER = read_working_time(UTC_ZONE, [["00:00-00:01"], [], [], [], [], [], []], {})
SITE, HANG_UP = Step(kind=RouteStepKind.SITE), Step(kind=RouteStepKind.HANG_UP)


def person(user: int, hindrance: RouteWhy | None = None, idle: int | None = None) -> Person:
    """A manager with one phone, whose last talk ended so many minutes ago."""
    since = None if idle is None else DAY - timedelta(minutes=idle)
    return Person(user_id=user, name=f"M{user}", hindrance=hindrance, phones=(f"PJSIP/{100 + user}",), idle_since=since)


def group(*members: int, strategy: Strategy = Strategy.ALL, last: int | None = None) -> Group:
    """The group 1."""
    return Group(id=1, name="Sales", strategy=strategy, members=members, last=last)


def ringing(wait: int = 0) -> Step:
    """The step of the group 1."""
    return Step(kind=RouteStepKind.GROUP, group=1, wait_seconds=wait)


def plan(*steps: Step, record: bool = False, notice: bool = False) -> Plan:
    """A plan in open hours."""
    return Plan(steps=steps, record=record, notice=notice, sound="notice", open=True, routes=(1,), version=1)


def now(of: Group | None, *people: Person, client: Client | None = None) -> Now:
    """The present."""
    groups: Mapping[int, Group] = {of.id: of} if of else {}
    return Now(client=client or Client(), groups=groups, people={p.user_id: p for p in people})


def route(*steps: Step, id: int = 1, closed: tuple[Step, ...] = (), did: str | None = "1") -> Route:
    """A route that is always open."""
    return Route(
        id=id,
        name=f"R{id}",
        did=did,
        record=False,
        notice=False,
        hours=always(UTC_ZONE),
        steps=steps,
        closed_steps=closed,
    )


def test_everybody_who_is_free_rings_together() -> None:
    found = decide(plan(ringing()), Progress(), now(group(1, 2, 3), person(1), person(2, RouteWhy.TALKING), person(3)))

    assert (found.action, found.users, found.phones) == (Action.DIAL, (1, 3), ("PJSIP/101", "PJSIP/103"))


def test_in_turn_begins_behind_the_last_one_and_comes_round() -> None:
    of = group(1, 2, 3, strategy=Strategy.TURN, last=2)
    everybody = [person(n) for n in (1, 2, 3)]
    order: list[int] = []
    progress = Progress()
    while (found := decide(plan(ringing()), progress, now(of, *everybody))).action is Action.DIAL:
        order += found.users
        progress = Progress(place=found.resume, rung=progress.rung | set(found.users))

    assert order == [3, 1, 2]


def test_whoever_never_talked_is_idle_longest() -> None:
    of = group(1, 2, 3, strategy=Strategy.LONGEST_IDLE)

    found = decide(plan(ringing()), Progress(), now(of, person(1, idle=5), person(2, idle=50), person(3)))

    assert found.users == (3,)
    assert [(s.user_id, s.why) for s in found.seen] == [(3, RouteWhy.CHOSEN), (2, RouteWhy.LATER), (1, RouteWhy.LATER)]


def test_the_notice_comes_before_the_first_ring_and_without_it_nothing_is_recorded() -> None:
    asked, of = plan(ringing(), record=True, notice=True), now(group(1), person(1))

    first = decide(asked, Progress(), of)
    heard = decide(asked, Progress(told=True, heard=True), of)
    missed = decide(asked, Progress(told=True, heard=False), of)

    assert (first.action, first.sound, first.notice) == (Action.PLAY, "notice", True)
    assert (heard.action, heard.record) == (Action.DIAL, True)
    assert (missed.action, missed.record, missed.seen[0].why) == (Action.DIAL, False, RouteWhy.UNTOLD)


def test_a_shared_number_has_no_manager_of_its_own() -> None:
    step = Step(kind=RouteStepKind.OWNER, whose=OwnManager.OWNER_OR_LAST)

    found = decide(plan(step), Progress(), now(None, client=Client(contact_id=None, shared=True)))

    assert [s.why for s in found.seen] == [RouteWhy.SHARED, RouteWhy.END]


def test_in_closed_hours_the_closed_steps_hold_and_jumps_are_followed() -> None:
    night = route(HANG_UP, id=2, did=None)
    shut = Route(
        id=1,
        name="R1",
        did="1",
        record=False,
        notice=False,
        hours=NEVER,
        steps=(SITE,),
        closed_steps=(Step(kind=RouteStepKind.ANNOUNCEMENT, sound="x"), Step(kind=RouteStepKind.ROUTE, route=2)),
    )

    found = plan_of(shut, {1: shut, 2: night}, always(UTC_ZONE), DAY, sound="n")

    assert ([s.kind for s in found.steps], found.open, found.routes) == (
        [RouteStepKind.ANNOUNCEMENT, RouteStepKind.HANG_UP],
        False,
        (1, 2),
    )


def test_routes_that_were_entered_in_a_circle_by_hand_end_all_the_same() -> None:
    one, two = route(Step(kind=RouteStepKind.ROUTE, route=2)), route(Step(kind=RouteStepKind.ROUTE, route=1), id=2)

    found = plan_of(one, {1: one, 2: two}, always(UTC_ZONE), DAY, sound="n")

    assert found.steps == ()
    assert decide(found, Progress(), now(None)).action is Action.HANG_UP


_HINDRANCES = st.sampled_from([None, *(w for w in RouteWhy if w not in (RouteWhy.CHOSEN, RouteWhy.LATER))])
_STEPS = st.sampled_from(
    [
        Step(kind=RouteStepKind.OWNER),
        Step(kind=RouteStepKind.MANAGER, user=2),
        ringing(),
        ringing(wait=9),
        Step(kind=RouteStepKind.ANNOUNCEMENT, sound="a"),
        Step(kind=RouteStepKind.GROUP, group=99),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(_STEPS, max_size=6),
    hindrances=st.lists(_HINDRANCES, min_size=4, max_size=4),
    strategy=st.sampled_from(list(Strategy)),
    notice=st.booleans(),
)
def test_every_call_comes_to_an_end_and_nobody_rings_twice_for_it(
    steps: list[Step], hindrances: list[RouteWhy | None], strategy: Strategy, notice: bool
) -> None:
    people = [person(n, why, idle=n) for n, why in enumerate(hindrances, 1)]
    of = now(group(1, 2, 3, 4, strategy=strategy), *people, client=Client(contact_id=1, owner_id=1, last_id=3))
    asked, progress, told = plan(*steps, record=True, notice=notice), Progress(), 0
    rung: list[int] = []
    for _ in range(60):
        found = decide(asked, progress, of)
        if found.action in (Action.SITE, Action.HANG_UP):
            break
        assert not set(found.users) & set(rung), "nobody is rung twice"
        assert all(of.people[user].hindrance is None for user in found.users)
        assert found.place >= progress.place
        assert not (found.action is Action.DIAL and notice and not progress.told), "the notice comes first"
        told += found.notice
        rung += found.users
        progress = Progress(
            place=found.resume,
            rung=frozenset(rung),
            waited=(progress.waited if found.resume == progress.place else 0) + found.seconds,
            told=progress.told or found.notice,
            heard=True,
        )
    else:
        pytest.fail("the route did not come to its end")
    assert told <= 1
    assert set(rung) <= people_asked(asked, of.client, of.groups)


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) == set(RouteWhy)


KNOWN = Known(groups={1: (1,), 2: ()}, users={1}, sounds={"custom/closed"}, routes={})


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        ((), "steps"),
        ((Step(kind=RouteStepKind.GROUP, group=2),), "steps/0/group"),
        ((Step(kind=RouteStepKind.GROUP, group=3),), "steps/0/group"),
        ((Step(kind=RouteStepKind.MANAGER, user=2),), "steps/0/user"),
        ((Step(kind=RouteStepKind.OWNER, seconds=4),), "steps/0/seconds"),
        ((Step(kind=RouteStepKind.GROUP, group=1, wait_seconds=301),), "steps/0/wait_seconds"),
        ((Step(kind=RouteStepKind.ANNOUNCEMENT, sound="other"),), "steps/0/sound"),
        ((Step(kind=RouteStepKind.ROUTE, route=5),), "steps/0/route"),
        ((SITE, HANG_UP), "steps/0"),
        ((Step(kind=RouteStepKind.OWNER),) * 21, "steps"),
    ],
)
def test_what_is_wrong_with_a_route_is_named_with_its_place(steps: tuple[Step, ...], at: str) -> None:
    assert at in [fault.at for fault in route_faults(route(*steps), KNOWN)]


def test_a_good_route_has_no_fault() -> None:
    good = route(
        Step(kind=RouteStepKind.OWNER), ringing(30), Step(kind=RouteStepKind.ANNOUNCEMENT, sound="custom/closed"), SITE
    )

    assert route_faults(good, KNOWN) == []


def test_a_route_that_leads_on_to_itself_or_too_far_is_refused() -> None:
    itself = route(Step(kind=RouteStepKind.ROUTE, route=1))
    chain = {n: route(Step(kind=RouteStepKind.ROUTE, route=n + 1), id=n) for n in range(2, 9)} | {9: route(SITE, id=9)}

    near = route_faults(itself, Known(groups={}, users=(), sounds=(), routes={}))
    far = route_faults(
        route(Step(kind=RouteStepKind.ROUTE, route=2)), Known(groups={}, users=(), sounds=(), routes=chain)
    )

    assert [(f.at, "in a circle: R1 → R1" in f.detail) for f in near] == [("steps/0/route", True)]
    assert [(f.at, "too far" in f.detail) for f in far] == [("steps/0/route", True)]


@pytest.mark.parametrize("name", ["../x", "a/../b", "/etc/passwd", "a b", "a.wav", "", "a&b", "ü", "a\n", "x" * 41])
def test_no_sound_leads_out_of_its_folder_or_into_another_application(name: str) -> None:
    with pytest.raises(SoundError):
        check_sound(name)


def test_a_sound_below_a_folder_is_a_sound() -> None:
    assert check_sound("custom/closed-hours_2") == "custom/closed-hours_2"


@pytest.mark.parametrize(
    ("pattern", "dialled"),
    [
        ("101", "PJSIP/101"),
        ("anna-desk", "PJSIP/anna-desk"),
        ("SIP/101", "SIP/101"),
        ("Local/101@from-internal", "Local/101@from-internal"),
        ("Local/101@from-internal/n", "Local/101@from-internal/n"),
        ("Local/810487012345@from-internal", None),  # these would ring abroad at every call, and nobody would count it
        ("PJSIP/0048701234567@trunk", None),
        ("SIP/trunk/0048701234567", None),
        ("DAHDI/g1/0048701234567", None),
        ("10?", None),
        ("10*", None),
        ("+79161234567", None),
        ("PJSIP/101,20,S(x)", None),
        ("PJSIP/${X}", None),
        ("PJSIP/101&PJSIP/102", None),
        ("PJSIP/101:x", None),
    ],
)
def test_only_single_phones_without_signs_of_a_command_are_dialled(pattern: str, dialled: str | None) -> None:
    assert dial_string(pattern, "101", "PJSIP/{endpoint}") == dialled


def test_a_template_may_dial_by_extension() -> None:
    assert dial_string("anna-desk", "101", "Local/{ext}@from-internal") == "Local/101@from-internal"


def test_an_answer_has_eight_fields_of_harmless_signs() -> None:
    found = Decision(action=Action.DIAL, place=0, resume=0, phones=("PJSIP/101", "PJSIP/102"), seconds=20, record=True)

    assert answer_line(found, n=3) == "TL1:dial:PJSIP/101&PJSIP/102:20:-:1:3:END"


def test_of_more_phones_than_a_line_holds_the_first_ring() -> None:
    phones = tuple(f"PJSIP/desk-{n:04}" for n in range(200))

    dialled = answer_line(Decision(action=Action.DIAL, place=0, resume=0, phones=phones), n=0).split(":")[2]

    assert len(dialled) <= 900
    assert dialled.split("&") == list(phones[: dialled.count("&") + 1])


@pytest.mark.parametrize("phone", ["PJSIP/1:2", "PJSIP/1,2", "PJSIP/1\n", "", "PJSIP/1(", "P" * 901])
def test_an_answer_with_another_sign_is_never_given(phone: str) -> None:
    with pytest.raises(AnswerError):
        answer_line(Decision(action=Action.DIAL, place=0, resume=0, phones=(phone,)), n=0)
