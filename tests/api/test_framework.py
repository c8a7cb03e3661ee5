"""A request's way through the route table: what is let in, what is refused and how it is told."""

import gzip
import json

import pytest
import pytest_asyncio

from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.routing import Asked, Door, Endpoint, Route, TableError
from gateway.domain.access import Role
from tests.api.framework_site import Memory, make_site, serving


@pytest.fixture
def memory():
    return Memory()


@pytest_asyncio.fixture
async def site(memory):
    app, _ = make_site(memory)
    async with serving(app) as client:
        client.headers["Authorization"] = f"Bearer {memory.issue('anna', Role.MANAGER)}"
        yield client


async def problem(response, status, slug):
    """The problem document of an answer that must be this one."""
    assert response.status == status
    assert response.content_type == "application/problem+json"
    document = await response.json(content_type=None)
    assert document["type"] == f"/api/v1/problems/{slug}"
    assert document["status"] == status
    return document


def pointers(document):
    return [(fault["place"], fault["pointer"]) for fault in document["errors"]]


NEW_CALL = {"number": "+79161234567"}
KEY = {"Idempotency-Key": "a1"}


async def test_a_good_request_is_answered_with_the_model_as_json(site):
    response = await site.post("calls", json=NEW_CALL, headers=KEY)

    assert response.status == 201
    assert (await response.json())["number"] == "+79161234567"
    assert response.headers["Cache-Control"] == "no-store"


async def test_an_answer_of_none_has_no_content(memory):
    app, _ = make_site(memory)
    async with serving(app) as client:
        key = memory.issue("root", Role.ADMIN)
        response = await client.delete("calls/1", headers={"Authorization": f"Bearer {key}"})

        assert response.status == 204
        assert await response.read() == b""


async def test_an_answer_of_another_media_type_passes_untouched(site):
    response = await site.get("calls/1/sound")

    assert (response.status, response.content_type) == (200, "audio/mpeg")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "#/limit"),
        ("limit=201", "#/limit"),
        ("limit=1_0", "#/limit"),
        ("limit=+5", "#/limit"),
        ("limit=%205", "#/limit"),
        ("limit=5.0", "#/limit"),
        ("limit=99999999999999999999999999", "#/limit"),
        ("limit=1&limit=2", "#/limit"),
        ("missed=yes", "#/missed"),
        ("missed=1", "#/missed"),
        ("share=nan", "#/share"),
        ("share=1e999", "#/share"),
        ("since=0", "#/since"),
        ("since=2026-01-01T00:00:00", "#/since"),
        ("since=2026-01-01%2000:00:00Z", "#/since"),
        ("day=0", "#/day"),
        ("day=2026-02-30", "#/day"),
        ("day=2026-01-01T00:00:00Z", "#/day"),
        ("colour=green", "#/colour/0"),
        ("colour=red&colour=red&colour=red&colour=red&colour=red&colour=red", "#/colour"),
        ("name=a%00b", "#/name/0"),
        ("name=", "#/name"),
        ("name=" + "x" * 201, "#/name"),
        ("cursor=" + "x" * 513, "#/cursor"),
        ("cursor=a.b", "#/cursor"),
        ("colr=red", "#/colr"),
    ],
)
async def test_a_query_that_is_not_allowed_is_refused_at_its_field(site, query, pointer):
    document = await problem(await site.get(f"echo?{query}"), 422, "invalid-request")

    assert pointers(document) == [("query", pointer)]


async def test_every_fault_of_a_query_is_told_at_once(site):
    document = await problem(await site.get("echo?limit=0&missed=x&colr=1"), 422, "invalid-request")

    assert sorted(pointers(document)) == [("query", "#/colr"), ("query", "#/limit"), ("query", "#/missed")]


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("limit=7", "limit", 7),
        ("colour=red&colour=blue", "colour", ["red", "blue"]),
        ("colour=red", "colour", ["red"]),
        ("missed=true", "missed", True),
        ("share=0.25", "share", 0.25),
        ("name=5", "name", "5"),
        ("name=%D0%96", "name", "Ж"),
        ("since=2026-01-01T00:00:00%2B03:00", "since", "2026-01-01T00:00:00+03:00"),
        ("since=0001-01-01T00:00:00%2B05:00", "since", "1970-01-01T00:00:00Z"),
        ("day=9999-12-31", "day", "2200-01-01"),
    ],
)
async def test_a_query_is_read_as_what_its_fields_are(site, query, field, value):
    response = await site.get(f"echo?{query}")

    assert response.status == 200
    assert json.loads((await response.json())["filters"])[field] == value


@pytest.mark.parametrize("path", ["calls/0", "calls/x", "calls/1.0", "calls/9223372036854775808", "calls/%00"])
async def test_a_path_that_names_no_possible_thing_is_refused(site, path):
    document = await problem(await site.get(path), 422, "invalid-request")

    assert document["errors"][0]["place"] == "path"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, [("body", "#/number")]),
        ({"number": 79161234567}, [("body", "#/number")]),
        ({**NEW_CALL, "nmber": 1}, [("body", "#/nmber")]),
        ({**NEW_CALL, "a/b~c": 1}, [("body", "#/a~1b~0c")]),
        ({**NEW_CALL, "tags": ["a", ""]}, [("body", "#/tags/1")]),
        ({**NEW_CALL, "tags": ["a"] * 4}, [("body", "#/tags")]),
        ({**NEW_CALL, "note": "a\0b"}, [("body", "#/note")]),
        ({**NEW_CALL, "tags": ["\0"]}, [("body", "#/tags/0")]),
        ({**NEW_CALL, "weight": float("inf")}, [("body", "#/weight")]),
        ({**NEW_CALL, "at": "2026-01-01T00:00:00"}, [("body", "#/at")]),
        ([], [("body", "#")]),
    ],
)
async def test_a_body_that_is_not_allowed_is_refused_at_its_field(site, body, found):
    response = await site.post("calls", data=json.dumps(body), headers=KEY | {"Content-Type": "application/json"})

    assert pointers(await problem(response, 422, "invalid-request")) == found


async def test_a_backslash_before_u0000_is_text_like_any_other(site):
    response = await site.post("calls", json={**NEW_CALL, "note": "\\u0000"}, headers=KEY)

    assert response.status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"number":"\\ud800"}',
        b'{"number":"\xed\xa0\x80"}',
        b'{"number":"a\x00"}',
        b'{"x":' + b"[" * 1500 + b"]" * 1500 + b"}",
        b'{"x":' + b"9" * 4090,
    ],
)
async def test_a_body_that_is_no_json_is_told_so(site, raw):
    response = await site.post("calls", data=raw, headers=KEY | {"Content-Type": "application/json"})

    await problem(response, 400, "malformed-body")


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=cp1251"]
)
async def test_a_body_of_another_media_type_is_refused(site, media):
    response = await site.post("calls", data=b'{"number":"+79161234567"}', headers=KEY | {"Content-Type": media})

    await problem(response, 415, "media-type")


async def test_a_body_over_the_limit_is_refused_with_the_limit(site):
    response = await site.post("calls", json={**NEW_CALL, "note": "x" * 5000}, headers=KEY)

    assert "4096 bytes" in (await problem(response, 413, "too-large"))["detail"]


async def test_a_body_without_a_length_is_counted_while_it_is_read(site):
    async def pieces():
        for _ in range(100):
            yield b" " * 100

    response = await site.post("calls", data=pieces(), headers=KEY | {"Content-Type": "application/json"})

    await problem(response, 413, "too-large")


async def test_a_packed_body_is_refused(site):
    bomb = gzip.compress(b'{"note":"' + b"x" * 1_000_000 + b'"}')
    headers = KEY | {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    response = await site.post("calls", data=bomb, headers=headers)

    await problem(response, 415, "media-type")


async def test_a_body_where_none_belongs_is_refused(site):
    await problem(await site.get("calls/1", json={}), 400, "malformed-body")


@pytest.mark.parametrize("key", [None, "", "a b", "ключ", "x" * 256])
async def test_a_request_that_must_not_happen_twice_needs_its_key(site, key):
    headers = {} if key is None else {"Idempotency-Key": key}

    document = await problem(await site.post("calls", json=NEW_CALL, headers=headers), 422, "invalid-request")

    assert pointers(document) == [("header", "#/Idempotency-Key")]


async def test_an_unknown_address_is_a_problem_document(site):
    await problem(await site.get("nowhere"), 404, "not-found")


async def test_a_method_the_address_does_not_know_is_told_with_those_it_knows(site):
    response = await site.patch("calls/1")

    await problem(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == {"DELETE", "GET", "HEAD"}


@pytest.mark.parametrize(
    ("number", "status", "slug", "wait"),
    [
        (1, 503, "try-again", "5"),
        (2, 429, "too-many-attempts", "90"),
        (3, 409, "conflict", None),
        (5, 500, "needs-a-person", None),
    ],
)
async def test_each_family_of_errors_has_its_status(site, number, status, slug, wait):
    response = await site.get(f"fail/{number}")

    await problem(response, status, slug)
    assert response.headers.get("Retry-After") == wait


async def test_a_fault_of_ours_names_its_log_record_and_quotes_no_data(site):
    response = await site.get("fail/4")

    document = await problem(response, 500, "internal-error")
    assert document["instance"].startswith("urn:uuid:")
    assert "7916" not in await response.text()


async def test_the_address_in_type_explains_the_problem(site):
    document = await problem(await site.get("nowhere"), 404, "not-found")

    response = await site.get(document["type"])

    assert (await response.json())["status"] == 404
    await problem(await site.get("problems/unheard-of"), 404, "not-found")


async def test_pages_follow_each_other_without_a_gap(site):
    seen, cursor = [], None
    for _ in range(10):
        response = await site.get("calls", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        document = await response.json()
        seen += [call["id"] for call in document["items"]]
        cursor = document["next"]
        if cursor is None:
            break

    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "cursor", ["AAAA", "W10", "WzEsImNhbGxzIix7ImlkIjoiYSJ9XQ", "WzEsIm5vdGVzIix7ImlkIjoxfV0", "e30", "A"]
)
async def test_a_cursor_of_elsewhere_is_refused(site, cursor):
    await problem(await site.get("calls", params={"cursor": cursor}), 404, "unknown-cursor")


class Loose(Incoming):
    tags: tuple[str, ...] = ()


class Wrong(Incoming):
    other: int


class Answer(Outgoing):
    n: int


async def with_endless_list(asked: Asked[Nothing, Nothing, Loose]) -> Answer:
    return Answer(n=1)


async def with_other_path(asked: Asked[Wrong, Nothing, Nothing]) -> Answer:
    return Answer(n=1)


async def with_needed_body(asked: Asked[Nothing, Nothing, Wrong]) -> Answer:
    return Answer(n=1)


async def without_asked(number: int) -> Answer:
    return Answer(n=number)


@pytest.mark.parametrize(
    ("handler", "method", "told"),
    [
        (with_endless_list, "POST", "max_length"),
        (with_endless_list, "DELETE", "has no body"),
        (with_other_path, "GET", "different fields"),
        (without_asked, "GET", "takes no Asked"),
    ],
)
def test_a_row_that_contradicts_its_handler_is_refused_at_the_start(handler, method, told):
    route = Route(method=method, path="/things/{id}"[:7], handler=handler, summary="", right=Door.PUBLIC, tag="")

    with pytest.raises(TableError, match=told):
        Endpoint(route, guard=None)


def test_a_body_that_may_be_left_out_cannot_have_a_field_that_may_not():
    route = Route(
        method="POST",
        path="/things",
        handler=with_needed_body,
        summary="",
        right=Door.PUBLIC,
        tag="",
        body_optional=True,
    )

    with pytest.raises(TableError, match="may be left out"):
        Endpoint(route, guard=None)


async def test_of_each_entry_of_a_list_those_fields_are_given_that_were_chosen(site):
    response = await site.get("calls", params={"limit": 1, "fields": "owner,id"})

    document = await response.json()
    assert document["items"] == [{"id": 1, "owner": None}]
    assert document["next"] is not None


async def test_of_one_thing_those_fields_are_given_that_were_chosen(site):
    response = await site.get("calls/1?fields=owner&fields=")

    assert await response.json() == {"owner": "anna"}


async def test_no_choice_gives_every_field(site):
    assert set(await (await site.get("calls/1?fields=")).json()) == {"id", "owner", "number", "version"}


async def test_a_field_that_is_not_there_is_refused_with_those_that_are(site):
    document = await problem(await site.get("calls?fields=id,colour"), 422, "invalid-request")

    assert pointers(document) == [("query", "#/fields")]
    assert document["errors"][0]["detail"] == "There is no such field; there are: id, owner, number, version."


async def test_more_fields_than_anybody_has_are_refused(site):
    assert (await site.get(f"calls?fields={','.join(['id'] * 100)}")).status == 200

    document = await problem(await site.get(f"calls?fields={','.join(['id'] * 101)}"), 422, "invalid-request")

    assert pointers(document) == [("query", "#/fields")]


async def test_fields_are_chosen_of_an_answer_that_the_handler_wrote_itself(site):
    response = await site.get("written/1?fields=id")

    assert await response.json() == {"id": 1}
    assert response.headers["Content-Location"] == "/here"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"version": 3}, {}, 200),
        ({}, {"If-Match": '"3"'}, 200),
        ({"version": 3}, {"If-Match": '"3"'}, 200),
        ({"version": 2}, {}, 409),
        ({}, {"If-Match": '"2"'}, 412),
        ({"version": 3}, {"If-Match": '"2"'}, 422),
        ({}, {}, 422),
        ({}, {"If-Match": "3"}, 422),
        ({}, {"If-Match": 'W/"3"'}, 422),
        ({}, {"If-Match": "*"}, 422),
    ],
)
async def test_a_change_names_the_version_it_was_made_from(site, body, headers, status):
    response = await site.patch("versions/1", json=body, headers=headers)

    assert response.status == status


async def test_an_answer_bears_its_version_as_etag_and_that_is_what_if_match_wants(site):
    read = await site.get("calls/1")

    response = await site.patch("versions/1", json={}, headers={"If-Match": read.headers["ETag"]})

    assert response.status == 200
