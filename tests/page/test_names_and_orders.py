"""The screens' names come with the calls themselves; orders about recordings are for those who may hear everybody."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect

from gateway.domain.identity import new_id
from tests.page.site import Day, Visit, told

pytestmark = pytest.mark.asyncio(loop_scope="session")
_clients = count(79271110001)


async def call_of(day: Day, number: str, scenario: str = "in_answered") -> UUID:
    """A call of this client a few minutes ago."""
    begin = datetime.now(UTC) - timedelta(minutes=4)
    await day.api.site.take_all(told(scenario, begin=begin, number=number))
    found: UUID = await day.api.site.pool.fetchval("select id from call where client_number = $1", f"+{number}")
    return found


async def recording(day: Day, *, state: str = "stored", transcript: str = "none") -> tuple[UUID, UUID]:
    """A call with a recording in this state; both ids."""
    call, id_ = await call_of(day, str(next(_clients))), new_id()
    await day.api.site.pool.execute(
        "insert into recording (id, pbx, name, call_id, state, transcript_state, duration_us, stored_at)"
        " values ($1, 'pbx1', $2, $3, $4, $5, 9000000, now())",
        id_,
        str(id_),
        call,
        state,
        transcript,
    )
    if transcript == "ready":
        await day.api.site.pool.execute(
            "insert into transcript (recording_id, language, model, segments, text, words)"
            " values ($1, 'ru', 'base', $2, 'счёт', to_tsvector('счёт'))",
            id_,
            [{"speaker": "client", "start": 0.5, "end": 2.25, "text": "счёт"}],
        )
    return call, id_


async def stands(day: Day, recording: UUID) -> tuple[object, ...]:
    """The recording's state, that of its transcript and the chosen language."""
    columns = "state, transcript_state, language"
    return tuple(await day.api.site.pool.fetchrow(f"select {columns} from recording where id = $1", recording))


def asked(page: Page) -> list[str]:
    """Paths of the API's cards and people that the page asks for from now on."""
    paths: list[str] = []
    page.on("request", lambda r: paths.append(r.url) if "/v1/contacts" in r.url or "/v1/users" in r.url else None)
    return paths


async def test_a_list_shows_the_names_of_cards_without_asking_for_cards(day: Day, visit: Visit) -> None:
    number = str(next(_clients))
    await call_of(day, number)
    await day.api.site.pool.execute(
        "update contact set name = 'Zofia Lis' where id = (select contact_id from contact_number where number = $1)",
        f"+{number}",
    )
    page = await visit("anna", "/clients")
    paths = asked(page)

    await page.goto(f"/calls?find={number}")

    await expect(page.locator(".row[data-row] .name")).to_have_text("Zofia Lis")
    assert paths == []


async def test_a_manager_sees_his_colleagues_by_name(day: Day, visit: Visit) -> None:
    number = str(next(_clients))
    call = await call_of(day, number, "queue_answered")
    page = await visit("anna", f"/calls?find={number}")

    await expect(page.locator(".row[data-row] .c-managers")).to_contain_text("Boris Wiśniewski")
    await page.goto(f"/calls/{call}")
    await expect(page.locator(".course")).to_contain_text("Boris Wiśniewski")
    await expect(page.locator("main")).not_to_contain_text("ext. 102")


@pytest.mark.parametrize("state", ["damaged", "failed"])
async def test_a_recording_that_was_given_up_is_tried_again_by_a_button(day: Day, visit: Visit, state: str) -> None:
    call, id_ = await recording(day, state=state)
    page = await visit("head", f"/calls/{call}")

    await page.get_by_role("button", name="Try again").click()

    await expect(page.locator(".quiet")).to_contain_text("on its way")
    assert (await stands(day, id_))[0] == "wanted"


async def test_a_call_is_written_down_in_the_language_that_was_chosen(day: Day, visit: Visit) -> None:
    call, id_ = await recording(day, transcript="failed")
    page = await visit("head", f"/calls/{call}")

    await page.get_by_label("Language of the call").select_option("ru")
    await page.get_by_role("button", name="Write it down").click()

    await expect(page.locator(".text")).to_contain_text("waits for its turn")
    assert await stands(day, id_) == ("stored", "wanted", "ru")


async def test_a_text_is_ordered_anew_in_the_readers_language(day: Day, visit: Visit) -> None:
    call, id_ = await recording(day, transcript="ready")
    page = await visit("head", f"/calls/{call}", locale="pl-PL")
    await expect(page.locator(".sentence")).to_have_count(1)

    await page.get_by_role("button", name="Zapisz od nowa").click()

    await expect(page.locator(".text")).to_contain_text("Tekst czeka na swoją kolej")
    assert await stands(day, id_) == ("stored", "wanted", None)


async def test_who_comes_too_late_is_told_and_shown_how_it_stands(day: Day, visit: Visit) -> None:
    call, id_ = await recording(day, transcript="failed")
    page = await visit("head", f"/calls/{call}")
    await expect(page.get_by_role("button", name="Write it down")).to_be_visible()
    await day.api.site.pool.execute(
        "update recording set transcript_state = 'claimed', transcript_claimed_until = now() + interval '1 minute'"
        " where id = $1",
        id_,
    )

    await page.get_by_role("button", name="Write it down").click()

    await expect(page.get_by_role("alert").filter(has_text="at this moment")).to_be_visible()
    await expect(page.locator(".text")).to_contain_text("is being written", timeout=6000)


async def test_an_order_whose_answer_was_lost_is_repeated_under_its_key(day: Day, visit: Visit) -> None:
    call, id_ = await recording(day, transcript="failed")
    page = await visit("head", f"/calls/{call}")
    keys: list[str | None] = []

    async def lose(route: Route) -> None:
        keys.append(await route.request.header_value("Idempotency-Key"))
        if len(keys) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route(f"**/calls/{call}/transcript", lose)
    await page.get_by_role("button", name="Write it down").click()
    await expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    await page.get_by_role("button", name="Write it down").click()

    await expect(page.locator(".text")).to_contain_text("waits for its turn")
    orders = "select count(*) from audit where action = 'transcript.ordered' and object = $1"
    assert (len(set(keys)), await day.api.site.pool.fetchval(orders, str(id_))) == (1, 1)


async def test_a_manager_has_no_such_buttons(day: Day, visit: Visit) -> None:
    failed, _ = await recording(day, state="failed")
    written, _ = await recording(day, transcript="ready")
    page = await visit("anna", f"/calls/{failed}")
    await expect(page.locator(".quiet")).to_contain_text("could not be archived")
    await expect(page.locator(".order")).to_have_count(0)

    await page.goto(f"/calls/{written}")

    await expect(page.locator(".sentence")).to_have_count(1)
    await expect(page.locator(".order")).to_have_count(0)
