"""Subscriptions over the API: made, changed, rotated, tested, looked at and sent again.

Requirements 129, 132, 139; complaint C26: a delivery log and a button to send again.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from standardwebhooks import Webhook

from gateway.aftercare.follow import Follower
from gateway.aftercare.webhooks import Sending, queue_webhooks
from gateway.domain.access import Right, Role
from gateway.store.facts import NewFact, save_facts
from tests.api.site import Api, problem
from tests.webhooks.receiver import Receiver, receiving
from webhooks.sender import open_sender

pytestmark = pytest.mark.asyncio
URL = "https://crm.example.com/hook"


@pytest_asyncio.fixture
async def admin(api: Api) -> ClientSession:
    return await api.caller(Role.ADMIN)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def key(number: int = 1) -> dict[str, str]:
    return {"Idempotency-Key": f"k{number}"}


async def subscribe(admin: ClientSession, number: int = 1, **body: object) -> dict[str, object]:
    response = await admin.post("webhooks", json={"url": URL, **body}, headers=key(number))
    assert response.status == 201, await response.text()
    made: dict[str, object] = await response.json()
    return made


async def at_receiver(api: Api, made: dict[str, object], receiver: Receiver) -> None:
    """Let a subscription point to the loopback, which the API itself refuses."""
    await api.site.pool.execute("update webhook set url = $2 where id = $1", made["id"], receiver.url)


async def tell(api: Api, *kinds: str) -> None:
    """Facts, and what the follower makes of them."""
    follower = Follower(api.site.pool, "webhooks", queue_webhooks, api.site.live)
    await follower.begin()
    for kind in kinds:
        async with api.site.pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [NewFact(kind=kind, body={})])
    await follower.catch_up()


async def send(api: Api) -> int:
    async with open_sender(allowed=["127.0.0.1"]) as sender:
        return await Sending(api.site.pool, sender, api.site.live).drain()


async def test_a_subscription_is_made_and_its_secret_is_shown_once(api: Api, admin: ClientSession) -> None:
    made = await subscribe(admin, kinds=["call.*"], description="CRM")

    read = await (await admin.get(f"webhooks/{made['id']}")).json()
    listed = await (await admin.get("webhooks")).json()

    assert str(made["secret"]).startswith("whsec_")
    assert read == listed["items"][0] == {k: v for k, v in made.items() if k != "secret"}
    assert (read["kinds"], read["active"], read["state"]) == (["call.*"], True, "active")


async def test_a_repeated_request_makes_no_second_subscription_and_shows_no_secret(
    api: Api, admin: ClientSession
) -> None:
    made = await subscribe(admin)
    again = await subscribe(admin)

    assert (again["id"], again["secret"]) == (made["id"], None)
    assert "whsec_" not in str(await api.site.pool.fetch("select body from idempotency"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://crm.example.com/",
        "https://user:secret@crm.example.com/",
        "https://user@crm.example.com/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://localhost:9000/",
        "http://10.0.0.5/hook",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://crm.example.com:0/",
        "https://crm.example.com/#x",
        "https://crm.example.com/a b",
        "https://[crm/",
        "https:///hook",
        "nothing",
    ],
)
async def test_an_address_that_can_never_be_right_is_refused_with_the_reason(admin: ClientSession, url: str) -> None:
    response = await admin.post("webhooks", json={"url": url}, headers=key())

    document = await problem(response, 422, "invalid-request")
    assert [e["pointer"] for e in document["errors"]] == ["#/url"]  # type: ignore[index, attr-defined]


@pytest.mark.parametrize("kinds", [[], ["call"], ["call.*.x"], ["*.ended"], ["Call.ended"], ["a.b"] * 51])
async def test_a_filter_that_is_none_is_refused(admin: ClientSession, kinds: list[str]) -> None:
    response = await admin.post("webhooks", json={"url": URL, "kinds": kinds}, headers=key())

    await problem(response, 422, "invalid-request")


async def test_a_change_names_its_version_in_the_body_or_as_if_match(admin: ClientSession) -> None:
    made = await subscribe(admin)
    address = f"webhooks/{made['id']}"

    off = await admin.patch(address, json={"active": False}, headers={"If-Match": '"1"'})
    stale = await admin.patch(address, json={"version": 1, "active": True})
    late = await admin.patch(address, json={"active": True}, headers={"If-Match": '"1"'})

    assert off.headers["ETag"] == '"2"'
    assert ((await off.json())["state"], (await off.json())["reason"]) == ("off", "by_a_person")
    await problem(stale, 409, "conflict")
    await problem(late, 412, "precondition-failed")


async def test_nobody_has_events_sent_out_that_he_may_not_see(api: Api) -> None:
    narrow = await api.caller(Role.ADMIN, rights=[Right.WEBHOOKS_MANAGE, Right.CONTACTS_READ])

    assert (await narrow.post("webhooks", json={"url": URL, "kinds": ["contact.*"]}, headers=key(1))).status == 201
    for number, kind in enumerate(["*", "call.ended", "recording.*", "goal.reached"], 2):
        await problem(
            await narrow.post("webhooks", json={"url": URL, "kinds": [kind]}, headers=key(number)), 403, "not-allowed"
        )


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPERVISOR])
async def test_only_administrators_manage_webhooks(api: Api, role: Role) -> None:
    client = await api.caller(role)

    await problem(await client.get("webhooks"), 403, "not-allowed")


async def test_a_test_message_arrives_and_stands_in_the_log(api: Api, admin: ClientSession, receiver: Receiver) -> None:
    made = await subscribe(admin)
    await at_receiver(api, made, receiver)
    receiver.secret = str(made["secret"])

    ordered = await (await admin.post(f"webhooks/{made['id']}/test", headers=key(2))).json()
    await send(api)

    delivery = await (await admin.get(f"webhooks/{made['id']}/deliveries/{ordered['id']}")).json()
    assert receiver.kinds == ["webhook.test"]
    assert (delivery["state"], delivery["status"], len(delivery["tries"])) == ("delivered", 204, 1)
    assert receiver.ids == [delivery["message_id"]]


async def test_the_log_is_filtered_and_one_message_is_sent_again_under_the_same_id(
    api: Api, admin: ClientSession, receiver: Receiver
) -> None:
    made = await subscribe(admin)
    await at_receiver(api, made, receiver)
    await tell(api, "a.happened", "b.happened", "a.happened")
    receiver.answers(500, text="broken")
    await send(api)
    receiver.answer = None

    address = f"webhooks/{made['id']}/deliveries"
    listed = await (await admin.get(address, params={"kind": "a.happened", "state": "waiting", "limit": 1})).json()
    rest = await (await admin.get(address, params={"kind": "a.happened", "cursor": listed["next"]})).json()
    first = rest["items"][0]
    again = await admin.post(f"{address}/{first['id']}/resend", headers=key(2))
    sent = await send(api)

    assert (len(listed["items"]), len(rest["items"]), rest["next"]) == (1, 1, None)
    assert (again.status, sent) == (202, 1)
    assert receiver.ids[-1] == first["message_id"]
    delivery = await (await admin.get(f"{address}/{first['id']}")).json()
    assert [(t["status"], t["answer"]) for t in delivery["tries"]] == [(204, ""), (500, "broken")]


async def test_everything_missed_since_a_moment_is_sent_again(
    api: Api, admin: ClientSession, receiver: Receiver
) -> None:
    made = await subscribe(admin)
    await at_receiver(api, made, receiver)
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await tell(api, "a.happened")
    await send(api)
    address = f"webhooks/{made['id']}/resend"

    nothing = await (await admin.post(address, json={"since": since}, headers=key(2))).json()
    everything = await (await admin.post(address, json={"since": since, "delivered_too": True}, headers=key(3))).json()
    await send(api)

    assert (nothing, everything) == ({"queued": 0}, {"queued": 1})
    assert receiver.ids[0] == receiver.ids[1]


async def test_nothing_is_sent_for_a_subscription_that_is_off_or_gone(
    api: Api, admin: ClientSession, receiver: Receiver
) -> None:
    made = await subscribe(admin)
    await at_receiver(api, made, receiver)
    await tell(api, "a.happened")
    await admin.patch(f"webhooks/{made['id']}", json={"version": 1, "active": False})

    await problem(await admin.post(f"webhooks/{made['id']}/test", headers=key(2)), 409, "conflict")
    assert await send(api) == 0
    assert (await admin.delete(f"webhooks/{made['id']}")).status == 204
    await problem(await admin.get(f"webhooks/{made['id']}"), 404, "not-found")
    await problem(await admin.post(f"webhooks/{made['id']}/test", headers=key(3)), 404, "not-found")
    assert receiver.got == []


async def test_a_new_secret_signs_beside_the_old_one(api: Api, admin: ClientSession, receiver: Receiver) -> None:
    made = await subscribe(admin)
    await at_receiver(api, made, receiver)

    rotated = await (await admin.post(f"webhooks/{made['id']}/secret", headers=key(2))).json()
    await tell(api, "a.happened")
    await send(api)

    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"] is not None
    for secret in (made["secret"], rotated["secret"]):
        Webhook(str(secret)).verify(receiver.raw[0], receiver.headers[0])
