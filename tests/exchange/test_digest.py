"""Digest of both sides: the examples of the standards, nonces that nobody can carry elsewhere, counts used once."""

import pytest

from exchange.digest import (
    Age,
    Algorithm,
    BadCredentials,
    Challenge,
    Nonces,
    Replays,
    answer_challenge,
    hash_password,
    is_right,
    read_challenge,
    read_credentials,
)

MUFASA = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        (Algorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm.SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_are_right(algorithm: Algorithm, response: str) -> None:
    credentials = read_credentials(MUFASA.format(algorithm=algorithm.value, response=response))
    ha1 = hash_password("Mufasa", "http-auth@example.org", "Circle of Life", algorithm)

    assert is_right(credentials, ha1, "GET")
    assert not is_right(credentials, ha1, "POST")
    assert not is_right(credentials, hash_password("Mufasa", "http-auth@example.org", "circle", algorithm), "GET")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_a_client_answers_is_right_at_the_server(algorithm: Algorithm) -> None:
    challenge = read_challenge([str(Challenge(realm="r", nonce="n", algorithm=algorithm))])
    user = 'we"ird\\user'
    answer = answer_challenge(challenge, user=user, password="пароль", method="REGISTER", uri="sip:x", count=3)

    credentials = read_credentials(answer)

    assert (credentials.username, credentials.nc) == (user, "00000003")
    assert is_right(credentials, hash_password(user, "r", "пароль", algorithm), "REGISTER")


def test_a_server_without_qop_is_answered_as_of_old() -> None:
    challenge = read_challenge(['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    answer = answer_challenge(challenge, user="Mufasa", password="Circle Of Life", method="GET", uri="/dir/index.html")

    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in answer
    assert "qop" not in answer


def test_the_first_challenge_that_we_know_is_answered() -> None:
    challenge = read_challenge(
        [
            "Bearer x",
            'Digest realm="r", nonce="a", algorithm=SHA-512-256',
            'Digest realm="r", nonce="b", qop="auth-int,auth"',
        ]
    )
    assert (challenge.nonce, challenge.algorithm, challenge.qop) == ("b", Algorithm.MD5, True)
    with pytest.raises(BadCredentials, match="other than Digest"):
        read_challenge(['Digest realm="r", nonce="a", qop="auth-int"'])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Basic eDp5",
        "Digest ",
        'Digest username="a"',
        MUFASA.format(algorithm="SHA-512-256", response="x"),
        MUFASA.format(algorithm="MD5", response="x").replace("nc=00000001", "nc=1"),
        MUFASA.format(algorithm="MD5", response="x").replace("qop=auth", "qop=auth-int"),
        MUFASA.format(algorithm="MD5", response="x") + ', username="other"',
        MUFASA.format(algorithm="MD5", response="x") + ', x="' + "y" * 600 + '"',
    ],
)
def test_credentials_of_another_kind_are_refused(text: str) -> None:
    with pytest.raises(BadCredentials):
        read_credentials(text)


def test_a_nonce_is_good_for_its_host_and_its_time() -> None:
    nonces = Nonces(b"key", life=60)
    nonce = nonces.fresh("10.0.0.1", 1000.0)

    assert nonces.judge(nonce, "10.0.0.1", 1059.0) is Age.GOOD
    assert nonces.judge(nonce, "10.0.0.1", 1061.0) is Age.STALE
    assert nonces.judge(nonce, "10.0.0.2", 1001.0) is Age.FOREIGN
    assert Nonces(b"other").judge(nonce, "10.0.0.1", 1001.0) is Age.FOREIGN
    for bad in ("", "!!", "AAAA", nonce[:-4], nonce + "AAAA", "ü" * 20):
        assert nonces.judge(bad, "10.0.0.1", 1001.0) is Age.FOREIGN


def test_a_count_is_used_by_one_request() -> None:
    replays = Replays()
    first = read_credentials(MUFASA.format(algorithm="MD5", response="x"))
    third = read_credentials(MUFASA.format(algorithm="MD5", response="x").replace("nc=00000001", "nc=00000003"))

    assert replays.take(first, "a 1")
    assert replays.take(first, "a 1")
    assert not replays.take(first, "a 2")
    assert replays.take(third, "a 3")
    assert not replays.take(first, "a 1")
