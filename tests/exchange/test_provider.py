"""Our registration at a provider: what is sent when, what each answer means, and the sentence people read."""

import re
from dataclasses import replace

import pytest

from exchange.digest import Challenge, hash_password, is_right, read_credentials
from exchange.parties import Registration, Trunk
from exchange.provider import GIVEN_UP_AFTER, QUALIFY_EVERY, RETRY_LONGEST, ProviderLine
from exchange.sip_text import Headers, Request, Response, make_response

ACCOUNT = Trunk(name="main", host="sip.example.org", user="acct", password="secret", register=True, expiry=600)
HERE = ("10.0.0.5", 5060)


class Office:
    """A line, its clock, and a provider that answers by hand."""

    def __init__(self, trunk: Trunk = ACCOUNT) -> None:
        self.line = ProviderLine(trunk, contact=HERE)
        self.now = 1000.0
        self.sent: list[Request] = []

    def wait(self, seconds: float) -> list[Request]:
        """Let time pass; gives what was sent in it."""
        end, before = self.now + seconds, len(self.sent)
        while self.line.wake_at() <= end:
            self.now = max(self.now, self.line.wake_at())
            self.sent += self.line.due(self.now)
        self.now = end
        return self.sent[before:]

    def asks(self, method: str = "REGISTER") -> Request:
        """Send what is due, and give the last request of this method."""
        self.sent += self.line.due(self.now)
        return [request for request in self.sent if request.method == method][-1]

    def says(
        self, code: int, *headers: tuple[str, str], method: str = "REGISTER", reason: str = "Said"
    ) -> list[Request]:
        """Answer that request; gives what is sent at once."""
        answer = make_response(self.asks(method), code, reason, tag="far", headers=headers)
        sent = self.line.take(answer, self.now)
        self.sent += sent
        return sent

    def registers(self, *headers: tuple[str, str]) -> None:
        """Go through a registration with its challenge."""
        self.asks()
        self.says(401, challenge())
        self.says(200, *headers)

    @property
    def state(self) -> Registration:
        return self.line.state(self.now).registration

    @property
    def text(self) -> str:
        return self.line.state(self.now).text


def challenge(*, stale: bool = False, nonce: str = "n1") -> tuple[str, str]:
    return "WWW-Authenticate", str(Challenge(realm="example.org", nonce=nonce, stale=stale))


def granted(seconds: int) -> Headers:
    return (("Contact", f"<sip:acct@{HERE[0]}:{HERE[1]}>;expires={seconds}"),)


def test_a_challenge_is_answered_and_the_registration_stands() -> None:
    office = Office()
    first = office.asks()
    (second,) = office.says(401, challenge())
    office.says(200, *granted(600))

    assert (str(first.uri), first.first("Expires"), first.first("Authorization")) == (
        "sip:sip.example.org",
        "600",
        None,
    )
    credentials = read_credentials(second.first("Authorization") or "")
    assert is_right(credentials, hash_password("acct", "example.org", "secret"), "REGISTER")
    assert (second.call_id, second.cseq) == (first.call_id, first.cseq + 1)
    assert (office.state, office.text) == (Registration.REGISTERED, "registered")
    assert office.line.state(office.now).until is not None


def test_a_renewal_proves_itself_at_once_with_the_next_count() -> None:
    office = Office()
    office.registers(*granted(600))
    (renewal,) = [request for request in office.wait(545) if request.method == "REGISTER"][:1]

    assert read_credentials(renewal.first("Authorization") or "").nc == "00000002"
    assert office.state is Registration.REGISTERED


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (granted(60), 30),
        ((("Contact", "<sip:other@10.9.9.9>;expires=20"), *granted(120), ("Expires", "3600")), 60),
        ((("Expires", "300"),), 240),
        ((), 540),
    ],
)
def test_an_expiry_that_the_provider_shortens_is_kept_to(headers: Headers, seconds: float) -> None:
    office = Office()
    office.registers(*headers)
    start, before = office.now, len(office.sent)
    office.wait(seconds - 1)
    assert [request.method for request in office.sent[before:] if request.method == "REGISTER"] == []
    office.wait(2)

    assert "REGISTER" in [request.method for request in office.sent[before:]]
    assert office.now - start == seconds + 1


def test_a_stale_nonce_is_replaced_without_a_word() -> None:
    office = Office()
    office.registers(*granted(60))
    office.wait(31)
    office.says(401, challenge(nonce="n2"))
    renewal = office.asks()
    office.says(200, *granted(60))

    assert read_credentials(renewal.first("Authorization") or "").nonce == "n2"
    assert office.state is Registration.REGISTERED


def test_a_provider_that_calls_everything_stale_is_not_asked_for_ever() -> None:
    office = Office()
    office.asks()
    answers = 0
    while office.says(401, challenge(stale=True, nonce=f"n{answers}")):
        answers += 1

    assert answers == 3
    assert office.state is Registration.REFUSED


@pytest.mark.parametrize(
    ("code", "state", "words", "wait"),
    [
        (403, Registration.REFUSED, "403 Said.*Check user and password", RETRY_LONGEST),
        (404, Registration.REFUSED, "knows no user acct", RETRY_LONGEST),
        (405, Registration.REFUSED, "405 Said.*Ask the provider", RETRY_LONGEST),
        (302, Registration.REFUSED, "302 Said", RETRY_LONGEST),
        (603, Registration.REFUSED, "603 Said", RETRY_LONGEST),
        (500, Registration.REFUSED, "out of service for now \\(500 Said\\)", 5),
        (503, Registration.REFUSED, "out of service for now \\(503 Said\\)", 5),
    ],
)
def test_a_refusal_is_said_in_one_sentence_and_tried_again(
    code: int, state: Registration, words: str, wait: float
) -> None:
    office = Office()
    office.asks()
    office.says(code)

    assert office.state is state
    assert office.line.state(office.now).code == code

    assert re.search(words, office.text)
    assert "\n" not in office.text
    registers = [request for request in office.wait(wait - 1) if request.method == "REGISTER"]
    assert registers == []
    assert [request for request in office.wait(1.1) if request.method == "REGISTER"]


def test_a_provider_that_names_a_time_is_left_in_peace_so_long() -> None:
    office = Office()
    office.asks()
    office.says(503, ("Retry-After", "120 (maintenance)"))

    assert [request for request in office.wait(119) if request.method == "REGISTER"] == []
    assert [request for request in office.wait(2) if request.method == "REGISTER"]


def test_a_wrong_password_is_not_tried_again_and_again() -> None:
    office = Office()
    office.asks()
    office.says(401, challenge())
    assert office.says(401, challenge(nonce="n2")) == []

    assert "does not accept user or password" in office.text
    assert [request for request in office.wait(299) if request.method == "REGISTER"] == []


def test_a_provider_that_wants_another_way_of_authentication_is_named() -> None:
    office = Office()
    office.asks()
    office.says(401, ("WWW-Authenticate", "Negotiate"))

    assert "other than Digest" in office.text


def test_an_interval_that_is_too_brief_for_the_provider_is_raised() -> None:
    office = Office()
    office.asks()
    (again,) = office.says(423, ("Min-Expires", "1800"))

    assert again.first("Expires") == "1800"
    assert office.says(423, ("Min-Expires", "10")) == []
    assert office.state is Registration.REFUSED


def test_a_silent_provider_is_asked_again_and_again_then_said_to_be_away() -> None:
    office = Office()
    asked = [request for request in office.wait(GIVEN_UP_AFTER - 0.1) if request.method == "REGISTER"]
    assert len(asked) == 7
    assert {request.vias[0].branch for request in asked} == {asked[0].vias[0].branch}
    office.wait(0.2)

    state = office.line.state(office.now)
    assert (state.registration, state.reachable) == (Registration.UNREACHABLE, False)
    assert "sip.example.org:5060 does not answer; check host and port" in state.text


def test_a_provider_that_comes_back_is_registered_at_and_reachable_again() -> None:
    office = Office()
    office.wait(50)  # given up at 16 and at 37, asked for the third time at 47
    assert office.state is Registration.UNREACHABLE
    office.says(200, *granted(600))

    assert (office.state, office.text) == (Registration.REGISTERED, "registered")
    assert office.line.state(office.now).reachable


def test_a_trunk_without_registration_is_asked_whether_it_is_there() -> None:
    office = Office(replace(ACCOUNT, register=False))
    assert office.asks("OPTIONS").method == "OPTIONS"
    assert office.line.state(office.now).reachable is None
    office.now += 0.02
    office.says(404, method="OPTIONS")
    state = office.line.state(office.now)
    assert (state.registration, state.reachable, state.text) == (
        Registration.NONE,
        True,
        "sip.example.org:5060 answers",
    )
    assert state.round_trip == pytest.approx(0.02)
    assert [request.method for request in office.wait(QUALIFY_EVERY + 0.1)] == ["OPTIONS"]


def test_a_provider_that_never_answers_options_is_not_called_away() -> None:
    office = Office(replace(ACCOUNT, register=False))
    office.wait(600)

    assert office.line.state(office.now).reachable is None


def test_a_provider_that_answered_before_and_no_more_is_away_after_two_losses() -> None:
    office = Office(replace(ACCOUNT, register=False))
    office.asks("OPTIONS")
    office.says(200, method="OPTIONS")
    office.wait(100)

    assert office.line.state(office.now).reachable is False
    assert "does not answer any more" in office.text


def test_an_answer_to_something_else_changes_nothing() -> None:
    office = Office()
    request = office.asks()
    good = make_response(request, 200, "OK", tag="t")
    for wrong in (
        replace(good, call_id="other"),
        replace(good, cseq=good.cseq + 1),
        replace(good, vias=(replace(good.vias[0], params=(("branch", "z9hG4bKother"),)),)),
    ):
        assert isinstance(wrong, Response)
        assert office.line.take(wrong, office.now) == []

    assert office.state is Registration.REGISTERING


def test_a_registration_is_taken_back_when_the_trunk_goes() -> None:
    office = Office()
    assert office.line.farewell(office.now) is None
    office.registers(*granted(600))
    farewell = office.line.farewell(office.now)

    assert farewell is not None
    assert (farewell.first("Expires"), farewell.first("Authorization") is not None) == ("0", True)


def test_a_user_of_any_letters_stays_one_user() -> None:
    office = Office(replace(ACCOUNT, user="a b@c>;x"))
    request = office.asks()

    assert request.sender.uri.user == "a%20b%40c%3E%3Bx"


def routed(request: Request, place: tuple[str, int]) -> Request:
    """A request as a provider sees it from behind our router."""
    return replace(request, vias=(request.vias[0].seen_from(place),))


def test_behind_a_router_we_register_where_the_provider_sees_us() -> None:
    office, router = Office(), ("203.0.114.9", 6060)
    first = office.asks()
    office.line.take(make_response(routed(first, router), 200, "OK", tag="t", headers=granted(600)), office.now)
    moved = next(request for request in office.wait(2) if request.method == "REGISTER")
    contacts = moved.every("Contact")
    assert contacts == ["<sip:acct@10.0.0.5:5060>;expires=0", "<sip:acct@203.0.114.9:6060>"]
    answer = (("Contact", "<sip:acct@203.0.114.9:6060>;expires=90"),)
    office.line.take(make_response(routed(moved, router), 200, "OK", tag="t", headers=answer), office.now)

    assert office.line.seen == router
    assert (office.line.state(office.now).registration, office.text) == (Registration.REGISTERED, "registered")
    renewed = [request for request in office.wait(46) if request.method == "REGISTER"]
    assert [request.every("Contact") for request in renewed[:1]] == [["<sip:acct@203.0.114.9:6060>"]]


@pytest.mark.parametrize("place", [("10.0.0.77", 5060), ("127.0.0.1", 5060), ("nowhere", 5060), ("203.0.114.9", 0)])
def test_an_address_that_cannot_be_a_routers_is_not_believed(place: tuple[str, int]) -> None:
    office = Office()
    first = office.asks()
    office.line.take(make_response(routed(first, place), 200, "OK", tag="t", headers=granted(600)), office.now)

    assert office.line.seen == HERE or place[1] == 0
    assert [request for request in office.wait(5) if request.method == "REGISTER"] == []


def test_a_router_that_never_rests_does_not_make_us_register_all_the_time() -> None:
    office, count = Office(), 0
    office.asks()
    end = office.now + 600
    while office.now < end:
        request = office.asks()
        port = 6000 + len(office.sent)
        contact = (("Contact", f"{request.every('Contact')[-1]};expires=600"),)
        seen = routed(request, ("203.0.114.9", port))
        office.line.take(make_response(seen, 200, "OK", tag="t", headers=contact), office.now)
        while not any(sent.method == "REGISTER" for sent in office.wait(1)):
            pass
        count += 1

    assert count < 12
