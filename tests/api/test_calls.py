"""Calls as the API shows them: the same as was published, page by page, and only to those who may see them."""

import random
from typing import Any

import pytest

from gateway.domain.access import Role
from gateway.domain.call_view import View, named
from gateway.domain.identity import new_id
from gateway.store.reading import names_of
from tests.api.site import Api, problem
from tests.gateway.site import SCENARIOS, rows_of

pytestmark = pytest.mark.asyncio
ALL = sorted(p.name for p in SCENARIOS.iterdir() if (p / "journal.cel.csv").exists())


async def published(api: Api, rows: list[bytes], step: int = 1) -> dict[str, View]:
    """Feed the rows; the last view of each call that the live bus told."""
    views: dict[str, View] = {}
    with api.site.live.listening() as screen:
        for start in range(0, len(rows), step):
            await api.site.pipeline.take(rows[start : start + step])
            while not screen.queue.empty():
                happening = screen.queue.get_nowait()
                if happening.kind == "call.merged":
                    views.pop(str(happening.body["id"]), None)
                elif happening.kind.startswith("call."):
                    views[str(happening.body["id"])] = happening.body
    return views


async def as_seen(api: Api, view: View) -> View:
    """A published view with its names, as those see it who may see cards."""
    return named(view, await names_of(api.site.pool, [view]), cards=True)


async def get(client: Any, path: str, **query: Any) -> Any:
    """The JSON of an answer that must be good."""
    response = await client.get(path, params=query)
    assert response.status == 200, await response.text()
    return await response.json()


async def test_a_stored_call_reads_like_the_view_that_was_published(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    for scenario in ALL:
        views = await published(api, rows_of(scenario), 3)

        for id_, view in views.items():
            call = await get(head, f"calls/{id_}")
            assert call.pop("recording") is None
            assert call == await as_seen(api, view), scenario


async def test_every_prefix_of_a_journal_reads_with_the_managers_that_were_told(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    views: dict[str, View] = {}
    for row in rows_of("queue_answered"):
        views |= await published(api, [row])
        for id_, view in views.items():
            call = await get(head, f"calls/{id_}")
            told = {m["extension"] for m in view["managers"] if m["user_id"]}  # type: ignore[attr-defined]
            assert {m["extension"] for m in call["managers"]} >= told
            assert {k: v for k, v in call.items() if k not in ("managers", "recording")} == {
                k: v for k, v in (await as_seen(api, view)).items() if k != "managers"
            }


async def test_a_merged_call_answers_with_the_call_it_went_into(api: Api) -> None:
    await published(api, rows_of("att_xfer_refer"))
    gone, kept = await api.site.pool.fetchrow("select id, merged_into from call where merged_into is not null")
    head = await api.caller(Role.SUPERVISOR)

    response = await head.get(f"calls/{gone}")

    assert (await response.json())["id"] == str(kept)
    assert response.headers["Content-Location"] == f"/api/v1/calls/{kept}"
    assert [c["id"] for c in (await get(head, "calls", kind="all"))["items"]] == [str(kept)]


async def test_a_manager_sees_the_calls_he_had_a_part_in_and_no_others(api: Api) -> None:
    await published(api, rows_of("in_answered"), 99)
    call = str(await api.site.pool.fetchval("select id from call"))
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")

    assert [c["id"] for c in (await get(anna, "calls"))["items"]] == [call]
    assert (await get(boris, "calls"))["items"] == []
    assert (await get(boris, "calls", manager=api.site.users["anna"]))["items"] == []
    await problem(await boris.get(f"calls/{call}"), 404, "not-found")
    await problem(await boris.get(f"calls/{call}/events"), 404, "not-found")
    await problem(await boris.get(f"calls/{call}/recording"), 404, "not-found")


async def test_a_key_of_nobody_with_a_managers_role_sees_no_call(api: Api) -> None:
    await published(api, rows_of("in_answered"), 99)
    nobody = await api.caller(Role.MANAGER)

    assert (await get(nobody, "calls"))["items"] == []


FILTERS: list[tuple[dict[str, Any], int]] = [
    ({}, 4),
    ({"direction": "inbound"}, 3),
    ({"direction": "outbound"}, 1),
    ({"result": "missed"}, 1),
    ({"kind": "internal"}, 1),
    ({"kind": "all"}, 5),
    ({"state": "ended"}, 4),
    ({"state": "open"}, 0),
    ({"number": "8 (916) 123-45-67"}, 3),
    ({"number": "+79161234567"}, 3),
    ({"number": "+79160000000"}, 0),
    ({"since": "2030-01-01T00:00:00Z"}, 0),
    ({"until": "2030-01-01T00:00:00Z"}, 4),
    ({"contact": 999}, 0),
    ({"q": "anything"}, 0),
]


async def test_filters_narrow_the_list(api: Api) -> None:
    for scenario in ("in_answered", "in_noanswer", "queue_answered", "out_answered", "internal"):
        await api.site.take_all(rows_of(scenario))
    head = await api.caller(Role.SUPERVISOR)

    for query, expected in FILTERS:
        assert len((await get(head, "calls", **query))["items"]) == expected, query


async def test_a_filter_by_manager_finds_those_in_which_he_had_a_part(api: Api) -> None:
    for scenario in ("in_answered", "queue_answered"):
        await api.site.take_all(rows_of(scenario))
    head = await api.caller(Role.SUPERVISOR)

    assert len((await get(head, "calls", manager=api.site.users["anna"]))["items"]) == 2
    assert len((await get(head, "calls", manager=api.site.users["boris"]))["items"]) == 1


async def test_a_number_that_is_none_is_told_at_its_field(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)

    document = await problem(await head.get("calls", params={"number": "anonymous"}), 422, "invalid-request")

    assert document["errors"][0]["pointer"] == "#/number"  # type: ignore[index]


async def add_transcript(api: Api, call: object, text: str) -> None:
    """A recording with a transcript, as the upkeep of recordings leaves them."""
    id_ = new_id()
    await api.site.pool.execute(
        "insert into recording (id, pbx, name, call_id, state, transcript_state)"
        " values ($1, 'pbx1', $2, $3, 'stored', 'ready')",
        id_,
        str(id_),
        call,
    )
    await api.site.pool.execute(
        "insert into transcript (recording_id, language, model, segments, text, words)"
        " values ($1, 'ru', 'base', $2, $3, to_tsvector('simple', $3) || to_tsvector('russian', $3))",
        id_,
        [{"speaker": "client", "start": 0.5, "end": 2.25, "text": text}],
        text,
    )


async def test_words_that_were_said_find_the_call_for_those_who_talked(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    call = await api.site.pool.fetchval("select id from call")
    await add_transcript(api, call, "счёт за кровлю оплатим в пятницу")
    talked, only_rang = await api.caller(Role.MANAGER, "boris"), await api.caller(Role.MANAGER, "anna")

    assert [c["id"] for c in (await get(talked, "calls", q="кровля в пятницу"))["items"]] == [str(call)]
    assert (await get(talked, "calls", q="кровлю -пятницу"))["items"] == []
    assert (await get(talked, "calls", q='"за кровлю"'))["items"] != []
    assert (await get(only_rang, "calls", q="кровлю"))["items"] == []


async def test_pages_follow_each_other_without_a_gap_while_calls_come_in(api: Api) -> None:
    for scenario in ("in_answered", "in_noanswer", "queue_answered", "out_answered", "in_busy", "out_busy"):
        await api.site.take_all(rows_of(scenario))
    head, anna = await api.caller(Role.SUPERVISOR), await api.caller(Role.MANAGER, "anna")
    whole = [c["id"] for c in (await get(head, "calls"))["items"]]

    seen, cursor = [], {}
    for _ in range(10):
        page = await get(head, "calls", limit=2, **cursor)
        seen += [c["id"] for c in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        await api.site.take_all([r.replace(b"1795", b"1895") for r in rows_of("in_abandon")])

    assert seen == whole
    assert len({c["started_at"] for c in (await get(anna, "calls", limit=200))["items"]}) == 7


async def test_the_events_of_a_call_are_its_journal_row_by_row(api: Api) -> None:
    rows = rows_of("in_answered")
    await api.site.take_all(random.Random(7).sample(rows, len(rows)))
    call = await api.site.pool.fetchval("select id from call")
    anna = await api.caller(Role.MANAGER, "anna")

    events = (await get(anna, f"calls/{call}/events"))["items"]

    assert next(e["kind"] for e in events if e["role"] == "client") == "started"
    assert {e["kind"] for e in events} >= {"started", "answered", "joined", "left", "ended"}
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)
    assert {e["extension"] for e in events} == {None, "101"}
    assert all(e["call_id"] == str(call) for e in events)


async def test_events_of_other_calls_of_the_family_are_for_those_who_may_see_all(api: Api) -> None:
    await api.site.take_all(rows_of("09_conference"))
    rows = await api.site.pool.fetch(
        "select distinct call_id from call_manager m join call c on c.id = m.call_id"
        " where m.user_id = $1 and c.merged_into is null",
        api.site.users["anna"],
    )
    anna, head = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.SUPERVISOR)
    call = rows[0]["call_id"]

    own = (await get(anna, f"calls/{call}/events"))["items"]
    whole = (await get(head, f"calls/{call}/events"))["items"]

    assert {e["call_id"] for e in own} == {str(call)}
    assert len(whole) >= len(own)
