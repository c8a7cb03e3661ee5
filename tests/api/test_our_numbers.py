"""Our own numbers with names and sources, what became of their calls, and how quickly missed clients were reached."""

from datetime import UTC, datetime, timedelta

from gateway.aftercare.follow import Follower
from gateway.aftercare.sources import follow_sources
from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.api.test_missed import CLIENT, Inbox, inbox
from tests.gateway.day_of_calls import Placed
from tests.gateway.site import rows_of

__all__ = ["inbox"]
NAMED = {"version": 0, "name": "Price list", "source_kind": "printed", "source_name": "Spring list"}


async def test_numbers_are_known_by_their_calls_their_routes_and_their_names(inbox: Inbox) -> None:
    api = inbox.api
    await inbox.call("in_noanswer", 2)
    did = await api.site.pool.fetchval("select did from call")
    root = await api.caller(Role.ADMIN, "root")
    route = {"name": "Way", "did": "4959999", "steps": [{"kind": "owner"}]}
    assert (await root.post("inbound-routes", json=route, headers={"Idempotency-Key": "r"})).status == 201

    named = await (await root.put(f"numbers/{did}", json=NAMED)).json()

    assert (named["name"], named["source_name"], named["version"]) == ("Price list", "Spring list", 1)
    await problem(await root.put(f"numbers/{did}", json=NAMED), 409, "conflict")
    first, second = (await (await root.get("numbers")).json())["items"]
    assert (first["did"], first["route"], first["last_call_at"] is not None) == (did, None, True)
    assert (second["did"], second["route_name"], second["version"], second["last_call_at"]) == (
        "4959999",
        "Way",
        0,
        None,
    )
    anna = await api.caller(Role.MANAGER, "anna")
    assert (await anna.get("numbers")).status == 403
    lines = (await (await anna.get("lines")).json())["items"]
    assert lines == [
        {"did": did, "name": "Price list", "source_name": "Spring list"},
        {"did": "4959999", "name": "Way", "source_name": None},
    ]
    head = await api.caller(Role.SUPERVISOR, "head")
    assert (await head.get("numbers")).status == 200
    await problem(await head.put(f"numbers/{did}", json=NAMED | {"version": 1}), 403, "not-allowed")
    await problem(await root.put("numbers/1", json={"version": 0, "source_name": "x"}), 422, "invalid-request")
    assert (await root.delete(f"numbers/{did}")).status == 204
    assert (await root.delete(f"numbers/{did}")).status == 404


async def test_a_new_client_comes_from_the_source_of_the_number_he_called(api: Api) -> None:
    follower = Follower(api.site.pool, "sources of clients", follow_sources, api.site.live)
    await follower.begin()
    root = await api.caller(Role.ADMIN, "root")
    assert (await root.put("numbers/4950003", json=NAMED)).status == 200
    await api.site.take_all(rows_of("queue_answered"))

    await follower.catch_up()

    row = await api.site.pool.fetchrow("select source_kind, source_name, version from contact")
    assert tuple(row) == ("printed", "Spring list", 2)
    kinds = [r["kind"] for r in await api.site.pool.fetch("select kind from fact where kind = 'contact.changed'")]
    assert kinds == ["contact.changed"]
    await follower.catch_up()
    assert await api.site.pool.fetchval("select version from contact") == 2


async def test_who_was_returned_in_time_stands_beside_the_period_before(inbox: Inbox) -> None:
    pool = inbox.api.site.pool
    await inbox.call("in_noanswer", 9)
    talked = Placed(scenario="out_answered", at=datetime.now(UTC) - timedelta(minutes=6), number=CLIENT, extensions={})
    await inbox.rows(talked.rows())
    await inbox.call("in_noanswer", 60 * 24 * 8, number="+79031112233")
    await pool.execute("update missed set state = 'called_back', closed_at = due_at where number = $1", CLIENT)
    await pool.execute("update missed set closed_by_user = $1 where number = $2", inbox.api.site.users["anna"], CLIENT)
    today = datetime.now(inbox.api.parts.settings.company.timezone).date()
    days = {"period": "dates", "since": str(today - timedelta(days=6)), "until": str(today)}
    head = await inbox.api.caller(Role.SUPERVISOR, "head")

    found = await (await head.get("reports/returned", params=days)).json()

    assert (found["now"]["returned"]["of"], found["now"]["in_time_share"]) == (1, 1.0)
    assert (found["before"]["returned"]["of"], found["before"]["returned"]["never"]) == (1, 1)
    assert found["now"]["calls"] == 1
    line = next(line for line in found["items"] if line["name"] == "Anna")
    assert (line["now"]["in_time"], line["user"]) == (1, inbox.api.site.users["anna"])
    by_did = await (await head.get("reports/returned", params=days | {"by": "did"})).json()
    assert [line["now"]["of"] for line in by_did["items"]] == [1]
    own = await (await (await inbox.api.caller(Role.MANAGER, "boris")).get("reports/returned", params=days)).json()
    assert (own["now"]["returned"]["of"], own["items"]) == (0, [])

    fates = {"returned": "of", "returned_in_time": "in_time", "returned_later": "later", "returned_never": "never"}
    spans = {"now": ("since", "until"), "before": ("before_since", "before_until")}
    for span, (first, last) in spans.items():
        of_days = {"since": found[first], "until": found[last]}
        whose = [({}, found[span]["returned"])]
        whose += [({"user": line["user"]}, line[span]) for line in found["items"]]
        whose += [({"by": "did", "channel": line["did"]}, line[span]) for line in by_did["items"]]
        for narrowed, figures in whose:
            for figure, name in fates.items():
                asked = {"figure": figure, **of_days, **narrowed}
                rows = (await (await head.get("reports/rows", params=asked)).json())["items"]
                assert len(rows) == figures[name], asked
                assert figure == "returned" or {row["fate"] for row in rows} <= {figure}
