"""Each end of an ordered call that reached nobody is a result of its own, told in one word by the journal."""

import asyncio

import pytest

from tests.contract.sites import ContractSite, new_id

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("code", "result", "reason"),
    [
        (486, "busy", "client_busy"),
        (603, "busy", "client_refused"),
        (404, "failed", "no_such_number"),
        (408, "no_answer", "client_no_response"),
        (410, "failed", "number_changed"),
        (480, "no_answer", "client_no_answer"),
        (500, "failed", "client_failed"),
        (503, "failed", "line_overloaded"),
    ],
)
async def test_a_client_who_is_not_reached_tells_why(site: ContractSite, code: int, result: str, reason: str) -> None:
    await site.anna.script(answer_after=0.1)
    await site.client.script(refuse_with=code)
    await site.order(new_id())
    call = await site.over()

    assert (call.result, call.reason, call.answered_by) == (result, reason, ())


async def test_a_line_that_cannot_be_had_is_told(site: ContractSite) -> None:
    await site.anna.script(answer_after=0.1)
    with site.behind.without_line():
        await site.order(new_id())
        call = await site.over()

    assert (call.result, call.reason) == ("failed", "trunk_unreachable")


async def test_a_manager_who_hangs_up_before_the_client_answers_is_told(site: ContractSite) -> None:
    await site.anna.script(answer_after=0.1)
    await site.order(new_id())
    taken = await site.anna.next_call()
    await site.client.next_call()
    await asyncio.sleep(0.3)
    await taken.hang_up()
    call = await site.over()

    assert (call.result, call.reason) == ("cancelled", "manager_hung_up")


@pytest.mark.parametrize(
    ("code", "result", "reason"),
    [(486, "no_answer", "busy"), (603, "no_answer", "refused"), (None, "no_answer", "no_answer")],
)
async def test_a_manager_who_does_not_take_the_phone_tells_why(
    site: ContractSite, code: int | None, result: str, reason: str
) -> None:
    await site.anna.script(refuse_with=code)
    await site.order(new_id(), ring_seconds=0.6)
    await site.until(lambda: site.refused)
    call = await site.over()

    assert (call.result, call.reason) == (result, reason)
