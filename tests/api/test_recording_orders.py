"""Trying a recording again and having it written down anew: for those who may hear all, once for each key."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientResponse, ClientSession

from gateway.domain.access import Role
from gateway.domain.identity import new_id
from gateway.store.transcripts import Claim, claim
from tests.api.site import Api, open_api, problem, store_sound
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio


async def recorded(api: Api, **changed: object) -> UUID:
    """A call with a stored recording and its transcript, some columns of the recording changed."""
    await api.site.take_all(rows_of("queue_answered"))
    call: UUID = await api.site.pool.fetchval("select id from call where kind = 'client'")
    await store_sound(api, call)
    await api.site.pool.execute("update recording set stored_at = now()")
    for column, value in changed.items():
        await api.site.pool.execute(f"update recording set {column} = $1", value)
    return call


async def claimed(api: Api, lease: timedelta = timedelta(minutes=1)) -> list[Claim]:
    """Begin to write down what is wanted."""
    return await claim(api.site.pool, limit=5, lease=lease, attempts=3, retried=False)


async def retry(client: ClientSession, call: UUID, key: str = "k1") -> ClientResponse:
    """Order another attempt."""
    return await client.post(f"calls/{call}/recording/retry", headers={"Idempotency-Key": key})


async def write(client: ClientSession, call: UUID, key: str = "k1", **order: Any) -> ClientResponse:
    """Order a transcript."""
    return await client.post(f"calls/{call}/transcript", json=order, headers={"Idempotency-Key": key})


async def ordered(response: ClientResponse) -> Any:
    """The recording in the answer to an order that was taken."""
    assert response.status == 202, await response.text()
    return await response.json()


async def state(api: Api) -> tuple[object, ...]:
    """How the recording and its transcript stand, and the chosen language."""
    return tuple(await api.site.pool.fetchrow("select state, transcript_state, language from recording"))


@pytest.mark.parametrize("given_up", ["damaged", "failed"])
async def test_a_recording_that_was_given_up_is_tried_again_from_the_beginning(api: Api, given_up: str) -> None:
    call = await recorded(api, state=given_up, attempts=5, transcript_state="none")
    head = await api.caller(Role.SUPERVISOR)

    view = await ordered(await retry(head, call))

    assert (view["state"], view["transcript_state"]) == ("wanted", "none")
    row = await api.site.pool.fetchrow("select attempts, next_try_at <= now() as due from recording")
    assert (row["attempts"], row["due"]) == (0, True)


@pytest.mark.parametrize(
    ("present", "told"), [("wanted", "waiting"), ("stored", "in the archive"), ("deleted", "was deleted")]
)
async def test_a_recording_that_was_not_given_up_is_left_alone(api: Api, present: str, told: str) -> None:
    call = await recorded(api, state=present)
    head = await api.caller(Role.SUPERVISOR)

    document = await problem(await retry(head, call), 409, "conflict")

    assert told in str(document["detail"])
    assert (await state(api))[0] == present


async def test_of_several_recordings_those_are_tried_again_that_were_given_up(api: Api) -> None:
    call = await recorded(api)
    await api.site.pool.execute(
        "insert into recording (id, pbx, name, call_id, state) values ($1, 'pbx1', 'y', $2, 'failed')", new_id(), call
    )
    head = await api.caller(Role.SUPERVISOR)

    await ordered(await retry(head, call))

    rows = await api.site.pool.fetch("select name, state from recording order by name")
    assert [tuple(r) for r in rows] == [("x", "stored"), ("y", "wanted")]


@pytest.mark.parametrize(
    ("order", "language"),
    [({"language": "ru"}, "ru"), ({"language": "en"}, "en"), ({"language": "auto"}, None), ({"model": "base"}, None)],
)
async def test_a_call_is_written_down_anew_in_the_language_that_was_chosen(
    api: Api, order: dict[str, str], language: str | None
) -> None:
    call = await recorded(api, language="pl")
    head = await api.caller(Role.SUPERVISOR)

    view = await ordered(await write(head, call, **order))

    assert view["transcript_state"] == "wanted"
    assert await state(api) == ("stored", "wanted", language)
    assert [c.language for c in await claimed(api)] == [language]


async def test_without_a_body_the_language_is_found_out(api: Api) -> None:
    call = await recorded(api, language="ru")
    head = await api.caller(Role.SUPERVISOR)

    response = await head.post(f"calls/{call}/transcript", headers={"Idempotency-Key": "k1"})

    assert (await ordered(response))["transcript_state"] == "wanted"
    assert await state(api) == ("stored", "wanted", None)


async def test_a_body_that_is_there_has_to_be_json(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    headers = {"Idempotency-Key": "k1", "Content-Type": "text/plain"}

    await problem(await head.post(f"calls/{call}/transcript", data=b"ru", headers=headers), 415, "media-type")
    document = await (await head.get("openapi.json")).json()

    order = document["paths"]["/api/v1/calls/{call_id}/transcript"]["post"]
    assert order["requestBody"]["required"] is False


async def test_the_old_words_are_served_until_the_new_ones_are_there(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    await ordered(await write(head, call))

    words = await (await head.get(f"calls/{call}/transcript")).json()
    assert words["segments"][0]["text"] == "счёт & кровля"


async def test_what_is_being_written_now_is_not_ordered_again(api: Api) -> None:
    call = await recorded(api, transcript_state="wanted")
    (claim_,) = await claimed(api)
    head = await api.caller(Role.SUPERVISOR)

    document = await problem(await write(head, call, language="ru"), 409, "conflict")

    assert "being written now" in str(document["detail"])
    row = await api.site.pool.fetchrow("select transcript_state, transcript_epoch, language from recording")
    assert tuple(row) == ("claimed", claim_.epoch, None)


async def test_a_claim_that_has_run_out_is_no_reason_to_wait(api: Api) -> None:
    call = await recorded(api, transcript_state="wanted")
    await claimed(api, lease=timedelta(seconds=-1))
    head = await api.caller(Role.SUPERVISOR)

    assert (await ordered(await write(head, call)))["transcript_state"] == "wanted"


async def test_a_call_without_a_recording_has_nothing_to_order(api: Api) -> None:
    await api.site.take_all(rows_of("in_noanswer"))
    call = await api.site.pool.fetchval("select id from call")
    head = await api.caller(Role.SUPERVISOR)

    await problem(await retry(head, call), 404, "not-found")
    await problem(await write(head, call), 404, "not-found")
    await problem(await write(head, new_id()), 404, "not-found")


@pytest.mark.parametrize("present", ["wanted", "damaged", "failed", "deleted"])
async def test_what_is_not_in_the_archive_cannot_be_written_down(api: Api, present: str) -> None:
    call = await recorded(api, state=present)
    head = await api.caller(Role.SUPERVISOR)

    document = await problem(await write(head, call), 404, "not-found")

    assert "The recording of this call" in str(document["detail"])


@pytest.mark.parametrize(
    ("order", "pointer"),
    [({"language": "pl"}, "#/language"), ({"model": "large-v3"}, "#/model"), ({"language": "Russian"}, "#/language")],
)
async def test_what_is_not_configured_is_refused_with_what_there_is(
    api: Api, order: dict[str, str], pointer: str
) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    document: Any = await problem(await write(head, call, **order), 422, "invalid-request")

    assert [fault["pointer"] for fault in document["errors"]] == [pointer]
    assert (await state(api))[1] == "ready"


async def test_nobody_writes_where_transcription_is_off(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path, transcription={"enabled": False}) as api:
        call = await recorded(api)
        head = await api.caller(Role.SUPERVISOR)

        document = await problem(await write(head, call), 422, "rejected")

    assert "transcription.enabled" in str(document["detail"])


async def test_orders_are_for_those_who_may_hear_everybody(api: Api) -> None:
    call = await recorded(api, state="failed")
    talked = await api.caller(Role.MANAGER, "boris")
    browser = await api.signed_in("root")

    await problem(await retry(talked, call), 403, "not-allowed")
    await problem(await write(talked, call), 403, "not-allowed")
    await problem(
        await browser.post(f"calls/{call}/recording/retry", headers={"Sec-Fetch-Site": "cross-site"}),
        403,
        "foreign-origin",
    )
    assert (await state(api))[0] == "failed"
    await ordered(await retry(browser, call))


async def test_the_same_key_orders_once_and_gets_the_same_answer(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    answers = await asyncio.gather(*(write(head, call, language="ru") for _ in range(5)))
    await claimed(api)
    late = await write(head, call, language="ru")

    views = [await ordered(answer) for answer in (*answers, late)]
    assert views == [views[0]] * 6
    assert await state(api) == ("stored", "claimed", "ru")
    assert await api.site.pool.fetchval("select count(*) from audit where action = 'transcript.ordered'") == 1


async def test_a_key_stands_for_one_order_of_one_caller(api: Api) -> None:
    call = await recorded(api)
    head, other = await api.caller(Role.SUPERVISOR), await api.caller(Role.SUPERVISOR)
    await ordered(await write(head, call, language="ru"))

    await problem(await write(head, call, language="en"), 422, "key-reused")
    await ordered(await write(other, call, language="en"))
    await problem(await head.post(f"calls/{call}/transcript", json={"language": "ru"}), 422, "invalid-request")


async def test_a_refused_order_leaves_its_key_unused(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)
    await problem(await retry(head, call), 409, "conflict")

    await api.site.pool.execute("update recording set state = 'failed'")

    assert (await ordered(await retry(head, call)))["state"] == "wanted"


async def test_who_ordered_what_stands_in_the_audit(api: Api) -> None:
    call = await recorded(api)
    head = await api.caller(Role.SUPERVISOR)

    await ordered(await write(head, call, language="en"))
    await api.site.pool.execute("update recording set state = 'failed'")
    await ordered(await retry(head, call, "k2"))

    rows = await api.site.pool.fetch("select action, object, detail from audit where action ~ 'order|retr' order by id")
    id_ = str(await api.site.pool.fetchval("select id from recording"))
    assert [tuple(r) for r in rows] == [
        ("transcript.ordered", id_, {"language": "en"}),
        ("recording.retried", id_, {}),
    ]
