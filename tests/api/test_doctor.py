"""`/doctor`: the last look at each PBX for those who may read it, and a look now."""

from datetime import UTC, datetime

import pytest

from gateway.api.doctor import FindingView
from gateway.domain.access import Right, Role
from gateway.store.doctor_runs import DoctorRun, save_run
from gateway.store.facts import NewFact, save_facts
from tests.api.site import Api

pytestmark = pytest.mark.asyncio

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAULT = {"area": "asterisk pbx1", "level": "fault", "code": "cel_off", "text": "It is off.", "remedy": ["switch it on"]}
RUN = DoctorRun(pbx="pbx1", kind="freepbx", at=AT, faults=1, advice=0, findings=[FAULT], wrong=frozenset({"cel_off"}))


async def test_a_pbx_that_was_never_looked_at_is_neither_well_nor_unwell(api: Api) -> None:
    admin = await api.caller(Role.ADMIN)

    told = await (await admin.get("doctor")).json()

    (pbx,) = told["items"]
    assert (pbx["pbx"], pbx["at"], pbx["well"], pbx["findings"]) == ("pbx1", None, None, [])


async def test_the_last_look_is_told_with_its_remedies(api: Api) -> None:
    await save_run(api.site.pool, RUN)
    admin = await api.caller(Role.ADMIN)

    (pbx,) = (await (await admin.get("doctor")).json())["items"]

    assert (pbx["kind"], pbx["well"], pbx["faults"], pbx["unwell_since"]) == (
        "freepbx",
        False,
        1,
        "2026-11-22T12:00:00Z",
    )
    assert pbx["findings"] == [FindingView.model_validate(FAULT).model_dump(mode="json")]


async def test_only_who_may_read_it_may_look(api: Api) -> None:
    narrow = await api.caller(Role.ADMIN, rights=[Right.DOCTOR_READ])
    supervisor = await api.caller(Role.SUPERVISOR)

    assert (await narrow.get("doctor")).status == 200
    assert (await narrow.post("doctor", json={})).status == 200
    assert (await supervisor.get("doctor")).status == 403
    assert (await supervisor.post("doctor", json={})).status == 403


async def test_a_look_at_a_pbx_that_is_not_there_is_refused_with_those_that_are(api: Api) -> None:
    admin = await api.caller(Role.ADMIN)

    response = await admin.post("doctor", json={"pbx": "nowhere"})

    assert response.status in (400, 404, 422)
    assert "pbx1" in (await response.json())["detail"]


async def test_the_fact_is_shown_to_administrators_and_to_nobody_else(api: Api) -> None:
    fact = NewFact(kind="pbx.unwell", body={"pbx": "pbx1", "faults": [FAULT], "new": ["cel_off"]})
    async with api.site.pool.acquire() as connection, connection.transaction():
        await save_facts(connection, [fact])
    seen = {}
    for role in Role:
        caller = await api.caller(role)
        answer = await caller.get("events", params={"after": "0-0"})
        told = (await answer.json()).get("items", [])
        seen[role] = any(item["kind"] == "pbx.unwell" for item in told)

    assert seen == {Role.MANAGER: False, Role.SUPERVISOR: False, Role.ADMIN: True}
