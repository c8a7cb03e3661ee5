"""How outside numbers are dialled by our orders, and why a first phone was not reached."""

import pytest

from gateway.domain.dialled_form import DialledForm
from gateway.domain.orders import why_unanswered
from gateway.domain.phone import NumberPlan

MOSCOW, WARSAW = "+79161234567", "+48221234567"


@pytest.mark.parametrize(
    ("form", "moscow", "warsaw"),
    [
        (DialledForm(), "79161234567", "48221234567"),
        (DialledForm(region="RU", prefix="9"), "979161234567", "948221234567"),
        (DialledForm(region="RU", prefix="+"), "+79161234567", "+48221234567"),
        (
            DialledForm(region="RU", prefix="9", national_prefix="8", international_prefix="810"),
            "989161234567",
            "981048221234567",
        ),
        (DialledForm(region="PL", national_prefix="", international_prefix="00"), "0079161234567", "221234567"),
        (DialledForm(national_prefix="8"), "79161234567", "48221234567"),
    ],
)
def test_a_number_is_dialled_as_the_site_dials_it(form: DialledForm, moscow: str, warsaw: str) -> None:
    assert (form.write(MOSCOW), form.write(WARSAW)) == (moscow, warsaw)


@pytest.mark.parametrize(
    ("region", "national", "international", "number"),
    [("RU", "8", "810", "+71048221234"), ("PL", "", "00", "+48001912345"), ("US", "", "011", "+10114412345")],
)
def test_a_national_number_never_becomes_one_abroad(
    region: str, national: str, international: str, number: str
) -> None:
    """What was permitted as a number at home is not dialled as the international prefix and another country."""
    form = DialledForm(region=region, prefix="9", national_prefix=national, international_prefix=international)

    assert form.write(number) == "9" + international + number.removeprefix("+")


def test_what_was_dialled_is_read_back_as_the_same_number() -> None:
    form = DialledForm(region="RU", prefix="9", national_prefix="8", international_prefix="810")
    plan = NumberPlan(region="RU", strip=("9",))

    assert [plan.parse(form.write(n)).e164 for n in (MOSCOW, WARSAW)] == [MOSCOW, WARSAW]


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(0, "no_answer"), (16, "no_answer"), (3, "no_phone"), (20, "no_phone"), (17, "busy"), (None, "failed")],
)
def test_a_first_leg_that_is_local_tells_by_its_cause_why_nobody_took_it(cause: int | None, reason: str) -> None:
    assert why_unanswered(cause) == reason
