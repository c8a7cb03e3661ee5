"""What the gateway answers about numbers, calls and orders, in each language of its readers."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from gateway.commands.held import refusal_of
from gateway.commands.words import _REASONS as REASONS_OF_ORDERS
from gateway.commands.words import CommandKind, CommandState, in_words
from gateway.domain.dial_rules import DialPolicy, PrefixRule, Scope, Span, rules_for
from gateway.domain.dialling import DialPurpose, DialReason, DialVerdict, judge, nobody, over_limit
from gateway.domain.phone import NumberPlan
from gateway.domain.routing import SENTENCES, RouteWhy
from gateway.store.clients_held import HeldClient, Holding
from gateway.words import said

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
PLAN = NumberPlan(region="RU", area_code="495", strip=("9",), own=frozenset({"+74951112233"}))
RULES = rules_for(DialPolicy(prefixes=(PrefixRule(prefix="+7999", allowed=False),)), "RU", [])
TECHNICAL = re.compile(
    r"\([^)]*dialling\.manage[^)]*\)|`[^`]+`|\b(?:UTC|GET|PUT|PATCH|DELETE) ?\S*|\b[a-z]+_[a-z]+\b|PJSIP"
)
NUMBERS = (
    ("", DialReason.EMPTY),
    ("Anna", DialReason.LETTERS),
    ("12", DialReason.TOO_SHORT),
    ("1234567890123456", DialReason.TOO_LONG),
    ("004915112345678", DialReason.INTERNATIONAL_PREFIX),
    ("101", DialReason.EXTENSION),
    ("+74951112233", DialReason.OWN_NUMBER),
    ("112", DialReason.EMERGENCY),
    ("+7 000 000 00 00", DialReason.INVALID),
    ("+999123456789", DialReason.INVALID),
    ("+79991234567", DialReason.FORBIDDEN_PREFIX),
    ("+48221234567", DialReason.COUNTRY),
    ("+78091234567", DialReason.PREMIUM),
    ("+80812345678", DialReason.SHARED_COST),
    ("+447012345678", DialReason.PERSONAL),
    ("+8816234567890", DialReason.SATELLITE),
    ("+882161234567", DialReason.NETWORK),
    ("+979123456789", DialReason.WORLD_PREMIUM),
)


def verdict(raw: str, purpose: DialPurpose = DialPurpose.CALL) -> DialVerdict:
    return judge(raw, purpose=purpose, rules=RULES, plan=PLAN, extensions={"101"})


def every_refusal() -> list[DialVerdict]:
    """One of each reason, and of limits also one that passes with time."""
    begun = NOW - timedelta(seconds=10)
    limits = [over_limit(scope, span, n, begun, NOW) for scope in Scope for span in Span for n in (0, 20)]
    return [
        *(verdict(raw) for raw, _ in NUMBERS),
        verdict("777", DialPurpose.TRANSFER),
        nobody(),
        *(found for found in limits if found is not None),
    ]


def is_russian(text: str) -> bool:
    """Whether no English word is left in it: what stays are codes, names of settings and of people."""
    plain = TECHNICAL.sub("", text)
    return bool(re.search("[а-я]", plain)) and not re.search(r"\b(?!Anna\b|prefixes\b)[a-z]{3,}", plain, re.IGNORECASE)


def test_every_reason_for_not_dialling_is_said_in_russian_and_polish() -> None:
    found = every_refusal()

    assert {v.reason for v in found} == set(DialReason)
    assert [(v.reason, said(v.sentence, "ru")) for v in found if not is_russian(said(v.sentence, "ru"))] == []
    assert [v.reason for v in found if said(v.sentence, "pl") == v.sentence] == []


@pytest.mark.parametrize(("raw", "reason"), NUMBERS)
def test_each_number_is_refused_for_the_reason_it_stands_for(raw: str, reason: DialReason) -> None:
    assert verdict(raw).reason is reason


def test_a_used_up_limit_says_when_it_passes_and_who_can_change_it() -> None:
    found = over_limit(Scope.USER, Span.MINUTE, 20, NOW - timedelta(seconds=10), NOW)

    assert found is not None
    assert said(found.sentence, "ru") == (
        "Ваш предел исчерпан: звонков в минуту 20. Следующий можно набрать в 09:00:50 UTC."
        " Изменить это может администратор (право dialling.manage, PATCH /dial-permissions)."
    )


def test_every_state_and_reason_of_an_order_is_said_in_russian() -> None:
    told = {
        in_words(kind, state, reason)
        for kind in CommandKind
        for state in CommandState
        for reason in (None, *REASONS_OF_ORDERS)
    }

    assert sorted(text for text in told if not is_russian(said(text, "ru").replace("trunkline doctor", ""))) == []


@pytest.mark.parametrize("how", Holding)
@pytest.mark.parametrize("holder", [1, 2])
def test_whoever_has_the_client_is_named_in_russian(how: Holding, holder: int) -> None:
    refused = refusal_of([HeldClient(user_id=holder, how=how, name="Anna", command="c7")], 1, anyway=False)

    assert refused is None or is_russian(said(str(refused), "ru").replace("c7", ""))


@pytest.mark.parametrize("why", RouteWhy)
def test_what_came_of_a_step_of_a_route_is_said_in_russian(why: RouteWhy) -> None:
    text = SENTENCES[why].format(step=2, name="Anna")

    assert is_russian(said(text, "ru"))
    assert said(text, "pl").startswith("Krok 2: ")


def test_why_a_provider_refuses_the_registration_is_said_in_russian() -> None:
    told = (
        "sip.example.org:5060 refuses the registration (403 Forbidden)."
        " Check user and password, and that the account is not locked."
    )

    assert said(told, "ru") == (
        "sip.example.org:5060 отклоняет регистрацию (403 Forbidden)."
        " Проверьте имя и пароль, а также не заблокирована ли учётная запись."
    )


def test_why_a_demonstration_failed_is_said_in_russian() -> None:
    told = (
        "The demonstration waited 90 s for its text. Look with `trunkline doctor`. Its text waits for the transcriber."
    )

    assert said(told, "ru") == (
        "Текст не появился за 90 с. Проверьте командой `trunkline doctor`. Текст ждёт очереди на распознавание."
    )
