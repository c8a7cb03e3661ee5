"""The registrar by itself: intervals, ends, order, and how many places an endpoint has. Time is an argument."""

import pytest

from exchange.registrar import MOST_PLACES, Answer, Registrar, dial_uri
from exchange.sip_text import Request, read_message

HOST = ("10.0.0.5", 5062)


def register(*headers: str, call_id: str = "c1", cseq: int = 1) -> Request:
    lines = [
        "REGISTER sip:office SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.5:5062;branch=z9hG4bKr",
        "From: <sip:101@office>;tag=f",
        "To: <sip:101@office>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        *headers,
    ]
    message = read_message("\r\n".join([*lines, "\r\n"]).encode())
    assert isinstance(message, Request)
    return message


def contact(place: str = "10.0.0.5:5062", *, expires: int | None = None, more: str = "") -> str:
    return f"Contact: <sip:101@{place}>{more}" + ("" if expires is None else f";expires={expires}")


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        ([contact()], 300),
        ([contact(), "Expires: 120"], 120),
        ([contact(expires=90), "Expires: 120"], 90),
        ([contact(), "Expires: 86400"], 3600),
        ([contact(), "Expires: soon"], 300),
        ([contact(), "Expires: 99999999999999"], 300),
    ],
)
def test_the_interval_is_the_contacts_then_the_messages_then_the_usual(headers: list[str], granted: int) -> None:
    answer = Registrar().register("101", register(*headers), HOST, 0.0)

    assert answer.headers == (("Contact", f"<sip:101@10.0.0.5:5062>;expires={granted}"),)


def test_an_interval_that_is_too_brief_is_refused_with_the_least() -> None:
    answer = Registrar().register("101", register(contact(expires=30)), HOST, 0.0)

    assert answer == Answer(code=423, reason="Interval Too Brief", headers=(("Min-Expires", "60"),))


def test_a_place_ends_with_its_interval_unless_it_is_renewed() -> None:
    registrar = Registrar()
    registrar.register("101", register(contact(expires=60)), HOST, 0.0)
    registrar.register("101", register(contact(expires=60), cseq=2), HOST, 50.0)

    assert len(registrar.bindings("101", 109.0)) == 1
    assert registrar.bindings("101", 110.0) == ()
    registrar.sweep(110.0)
    assert registrar.place("101", None, 100.0) is None


def test_a_renewal_that_was_overtaken_changes_nothing() -> None:
    registrar = Registrar()
    registrar.register("101", register(contact(expires=0), cseq=5), HOST, 0.0)
    registrar.register("101", register(contact(expires=60), cseq=6), HOST, 0.0)
    answer = registrar.register("101", register(contact(expires=0), cseq=5), HOST, 0.0)

    assert answer.code == 500
    assert len(registrar.bindings("101", 1.0)) == 1


def test_a_phone_at_a_new_address_leaves_its_old_place() -> None:
    registrar = Registrar()
    mark = ';+sip.instance="<urn:uuid:1>"'
    registrar.register("101", register(contact("10.0.0.5:5062", more=mark)), HOST, 0.0)
    registrar.register("101", register(contact("10.0.0.6:5062", more=mark), call_id="c2"), ("10.0.0.6", 5062), 1.0)

    assert [binding.source for binding in registrar.bindings("101", 2.0)] == [("10.0.0.6", 5062)]


def test_an_endpoint_has_so_many_places_and_the_one_that_ends_first_gives_way() -> None:
    registrar = Registrar()
    for number in range(MOST_PLACES + 2):
        registrar.register("101", register(contact(f"10.0.0.{number}:5062"), call_id=f"c{number}"), HOST, float(number))

    hosts = [binding.uri.host for binding in registrar.bindings("101", 10.0)]
    assert hosts == [f"10.0.0.{number}" for number in range(MOST_PLACES + 1, 1, -1)]


def test_all_places_go_with_a_star_and_expires_0_alone() -> None:
    registrar = Registrar()
    registrar.register("101", register(contact()), HOST, 0.0)
    assert registrar.register("101", register("Contact: *"), HOST, 0.0).code == 400
    assert registrar.register("101", register("Contact: *", contact(), "Expires: 0"), HOST, 0.0).code == 400
    assert registrar.register("101", register("Contact: *", "Expires: 0"), HOST, 0.0).headers == ()
    assert registrar.bindings("101", 0.0) == ()


@pytest.mark.parametrize("place", ["<sips:101@x>", "<tel:+7>", "<sip:101@x;transport=tcp>", "nonsense", "<sip:a"])
def test_a_contact_that_cannot_be_reached_is_refused(place: str) -> None:
    assert Registrar().register("101", register(f"Contact: {place}"), HOST, 0.0).code == 400


def test_a_place_is_dialled_by_its_mark_and_found_again() -> None:
    registrar = Registrar()
    registrar.register("101", register(contact("10.0.0.5:5062")), HOST, 0.0)
    registrar.register("101", register(contact("10.0.0.6:5062"), call_id="c2"), HOST, 1.0)
    newest, oldest = registrar.bindings("101", 2.0)

    assert dial_uri("101", oldest) == f"sip:101@phones.invalid;c={oldest.mark}"
    assert registrar.place("101", oldest.mark, 2.0) == oldest
    assert registrar.place("101", None, 2.0) == newest
    assert registrar.place("101", "nowhere", 2.0) is None
