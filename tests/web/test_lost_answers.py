"""A call that is placed rings once, however often its answer is lost on the way."""

import asyncio
import json
import re

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from tests.api.switchboard import accepted
from tests.web.browser import Visit, settled
from tests.web.day import Day
from tests.web.phone import band

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_whose_answers_are_lost_is_dialled_once_under_one_key(day: Day, visit: Visit) -> None:
    visit.expects(r"^lost POST /api/v1/calls ")
    board, keys = day.api.board, list[str]()
    board.outcome, before = accepted(), len(board.orders)
    closing = list[asyncio.Future[None]]()
    page = await visit.blank("anna")

    def live(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def ordered(message: str | bytes) -> None:
            server.send(message)
            order = json.loads(message)
            if order.get("do") == "call":
                keys.append(order["id"])
                closing.append(asyncio.ensure_future(line.close(code=1012)))

        line.on_message(ordered)

    async def answer(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 2:
            await route.fetch()
        if len(keys) < 4:
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route_web_socket(re.compile(r"/api/v1/live"), live)
    await page.route(re.compile(r"/api/v1/calls$"), answer)
    await page.goto("/today")
    await settled(page)
    await page.locator("input[data-dial]").fill("+7 916 555-02-77")
    await expect(band(page)).to_contain_text("Will be dialled")

    await page.keyboard.press("Enter")

    async with asyncio.timeout(20):
        while len(keys) < 4:
            await asyncio.sleep(0.05)
    await expect(band(page)).to_have_attribute("data-state", "dialling")
    await settled(page)
    assert len(set(keys)) == 1
    assert len(board.orders) == before + 1
