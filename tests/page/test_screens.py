"""The screens in a real Chromium over the real application: signing in, a call that rings, calls, sound and words,
figures, calling a number, and what happens when something is lost or hostile."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from gateway.domain.ports import OrderOutcome, OrderState
from tests.api.site import PASSWORD
from tests.page.site import Day, Visit, record, told, write_down

pytestmark = pytest.mark.asyncio(loop_scope="session")
_clients = count(79261110001)
ACCEPTED = OrderOutcome(state=OrderState.ACCEPTED, reason="", at=datetime(2026, 11, 22, tzinfo=UTC))
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def fresh() -> str:
    """A client nobody has heard of."""
    return str(next(_clients))


async def go(page: Page, path: str) -> None:
    """Go to another address within the page, as the history does, and wait until it is all there."""
    await page.evaluate("(path) => { history.pushState({}, '', path); dispatchEvent(new Event('popstate')); }", path)
    await expect(page.locator("[aria-busy]")).to_have_count(0)


async def ring(day: Day, number: str, name: str = "", *, rows: int = 3) -> list[bytes]:
    """Let a client ring at Anna's phone; the rows that are still to come."""
    whole = told("in_answered", begin=datetime.now(UTC), number=number, name=name)
    await day.api.site.take_all(whole[:rows])
    return whole[rows:]


async def test_who_signs_in_sees_what_goes_on(visit: Visit) -> None:
    page = await visit(None)

    await page.fill("#login", "anna")
    await page.fill("#password", "quite another one")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.locator("h1")).to_have_text("Live")
    await expect(page.locator(".live-state")).to_have_text("live")
    await expect(page.locator(".rail .menu")).to_contain_text("Анна Соколова")


async def test_a_call_that_rings_shows_its_card_at_once_and_leaves_when_it_is_over(day: Day, visit: Visit) -> None:
    page = await visit()
    await expect(page.locator(".live-state")).to_have_text("live")
    number = fresh()

    rest = await ring(day, number, "Ольга Никифорова")

    await expect(page.locator(".band.ring")).to_contain_text("Ольга Никифорова")
    await expect(page.locator(".live-row .tag")).to_have_text("Ringing")
    await expect(page.locator("aside #card-name")).to_have_value("Ольга Никифорова")
    await expect(page.locator("[aria-live=assertive]")).to_have_text("Incoming call: Ольга Никифорова")
    assert "Ольга" in await page.title()
    await day.api.site.take_all(rest[:5], 1)
    await expect(page.locator(".band.talk")).to_contain_text("Talking")
    await day.api.site.take_all(rest[5:])
    await expect(page.locator(".band")).to_contain_text("Free")
    await expect(page.locator(".live-row:not(.head)")).to_have_count(0)
    await expect(page.locator(".last .row").nth(1)).to_contain_text("Ольга Никифорова")
    await expect(page.locator("aside #card-name")).to_have_value("Ольга Никифорова")


async def test_a_colleagues_call_is_on_the_supervisors_screen_and_not_in_his_band(day: Day, visit: Visit) -> None:
    head, boris = await visit("head"), await visit("boris")
    for page in (head, boris):
        await expect(page.locator(".live-state")).to_have_text("live")

    rest = await ring(day, fresh(), "Piotr Kaczmarek")

    await expect(head.locator(".live-row .c-client").last).to_contain_text("Piotr Kaczmarek")
    await expect(head.locator(".band")).to_contain_text("1 call now")
    await expect(boris.locator(".band")).to_contain_text("No calls now")
    await day.api.site.take_all(rest)


async def test_the_list_is_narrowed_by_filters_that_stand_in_the_address(visit: Visit) -> None:
    page = await visit("head", "/calls")
    await expect(page.locator(".row[data-row]").first).to_be_visible()

    await page.get_by_label("Result").select_option("busy")

    await page.wait_for_url("**/calls?result=busy")
    await expect(page.locator(".row[data-row]")).to_have_count(1)
    await page.get_by_role("link", name="Clear filters").click()
    await page.get_by_label("Number, or words").fill("+48 601 234 567")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row[data-row]")).to_have_count(1)
    await expect(page.locator(".row[data-row]")).to_contain_text("Łukasz Dąbek")
    await page.go_back()
    await expect(page.locator(".row[data-row]").nth(10)).to_be_visible()


async def test_a_name_is_saved_as_it_is_typed_and_stands_everywhere(day: Day, visit: Visit) -> None:
    number = fresh()
    await day.api.site.take_all(told("in_answered", begin=datetime.now(UTC) - timedelta(minutes=3), number=number))
    call = await day.api.site.pool.fetchval("select id from call where client_number = $1", f"+{number}")
    page, other = await visit("anna", f"/calls/{call}"), await visit("head", f"/calls?find={number}")
    await expect(other.locator(".row[data-row]")).to_have_count(1)

    await page.fill("#card-name", "Dorota Maj")

    await expect(page.locator(".saved").first).to_have_text("Saved")
    await expect(page.locator("h1")).to_contain_text("Dorota Maj")
    await expect(other.locator(".row[data-row]")).to_contain_text("Dorota Maj")
    assert await day.api.site.pool.fetchval("select name from contact where name = 'Dorota Maj'")


async def write(day: Day, card: int, note: str) -> None:
    """A colleague's hand on a card."""
    await day.api.site.pool.execute("update contact set note = $2, version = version + 1 where id = $1", card, note)


async def test_nobodys_text_is_overwritten_unseen(day: Day, visit: Visit) -> None:
    number = fresh()
    await day.api.site.take_all(told("in_answered", begin=datetime.now(UTC) - timedelta(minutes=3), number=number))
    card = await day.api.site.pool.fetchval("select contact_id from contact_number where number = $1", f"+{number}")
    page = await visit("anna", f"/clients/{card}")
    await expect(page.locator("#card-note")).to_be_visible()
    await write(day, card, "theirs")

    await page.fill("#card-name", "Sergei Kim")
    await expect(page.locator(".saved").first).to_have_text("Saved")
    await expect(page.locator("#card-note")).to_have_value("theirs")
    await write(day, card, "theirs again")
    await page.fill("#card-note", "mine")
    await expect(page.locator(".saved").last).to_contain_text("«theirs again»")
    await page.get_by_role("button", name="Save mine").click()
    await expect(page.locator(".saved").last).to_have_text("Saved")
    kept = await day.api.site.pool.fetchrow("select name, note from contact where id = $1", card)
    assert tuple(kept) == ("Sergei Kim", "mine")


async def test_a_recording_plays_and_a_sentence_leads_to_its_sound(day: Day, visit: Visit) -> None:
    page = await visit("anna", f"/calls/{day.recorded}")
    sentences = page.locator(".sentence")
    await expect(sentences).to_have_count(4)
    inked = "() => new Set(document.querySelector('canvas').getContext('2d').getImageData(0,0,400,88).data).size"
    assert await page.evaluate(inked) > 10

    await sentences.nth(2).click()

    await expect(sentences.nth(2)).to_have_attribute("aria-current", "true")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator(".now b")).to_have_text("0:11", timeout=4000)
    await page.locator("h1").click()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await expect(sentences.nth(1)).to_have_attribute("aria-current", "true")
    heard = "select count(*) from audit where action = 'recording.listened'"
    assert await day.api.site.pool.fetchval(heard) == 1


async def test_words_that_were_said_are_found_and_marked(day: Day, visit: Visit) -> None:
    page = await visit("anna", "/calls")

    await page.keyboard.press("/")
    await page.keyboard.type("соединение")
    await page.keyboard.press("Enter")
    await page.locator(".row[data-row]").click()

    await page.wait_for_url(f"**/calls/{day.recorded}?find=*")
    await expect(page.locator("mark")).to_have_text("соединение")


async def test_a_call_is_explained_leg_by_leg_and_row_by_row(day: Day, visit: Visit) -> None:
    call = await day.api.site.pool.fetchval("select id from call where jsonb_array_length(transfers) > 0 limit 1")
    page = await visit("head", f"/calls/{call}")

    await expect(page.locator(".legs li")).to_have_count(4)
    await expect(page.locator(".journal tbody tr").first).to_contain_text("line opened")
    await expect(page.locator(".course")).to_contain_text("Transfer after a talk")
    await expect(page.locator(".quiet")).to_contain_text("No recording was found")


async def test_every_figure_opens_into_as_many_calls_as_it_says(visit: Visit) -> None:
    page = await visit("head", "/figures")
    figures = page.locator("main .figure")
    await expect(figures.first).to_be_visible()
    keys = await figures.evaluate_all("nodes => nodes.map((node) => [node.dataset.open, node.textContent])")

    assert len(keys) > 10
    for key, words in keys:
        await page.locator(f'[data-open="{key}"]').click()
        await expect(page.locator(".drill .brief").first).to_be_visible()
        if words.isdigit():
            await expect(page.locator(".drill .brief")).to_have_count(int(words))
        assert await page.locator(".definition").inner_text()
    await page.keyboard.press("Escape")
    await expect(page.locator(".drill")).to_be_hidden()


async def test_the_goal_of_the_day_shows_progress_and_opens_the_calls_that_count(visit: Visit) -> None:
    page = await visit("anna", "/figures")

    goal = page.locator(".goal-cell")
    await expect(goal).to_have_count(1)
    await expect(goal.get_by_role("img")).to_have_attribute("aria-label", "2 of 5")
    await goal.locator(".figure").click()
    await expect(page.locator(".drill .brief")).to_have_count(2)
    await page.get_by_role("button", name="Last 7 days").click()
    await expect(page.locator(".day-bar")).to_have_count(7)
    await expect(page.locator(".goal small")).to_have_text("1 day on goal")


async def test_what_callers_and_colleagues_write_stays_text(day: Day, visit: Visit) -> None:
    number = fresh()
    begin = datetime.now(UTC) - timedelta(minutes=2)
    await day.api.site.take_all(told("in_answered", begin=begin, number=number, name=HOSTILE))
    call = await day.api.site.pool.fetchval("select id from call where client_number = $1", f"+{number}")
    await record(day.api, call, day.folder)
    await write_down(day.api, call, [{"speaker": "client", "start": 0.1, "end": 1.0, "text": HOSTILE}])
    await day.api.site.pool.execute("update contact set note = $1 where name like '<img%'", HOSTILE)
    page = await visit("head", "/")
    rest = await ring(day, number, HOSTILE)
    await expect(page.locator(".live-row .name").last).to_contain_text("<img src=x")

    for path in ("/calls", "/clients", f"/calls/{call}?find=script", f"/calls/{call}?tab=rows", "/figures"):
        await go(page, path)
        await expect(page.locator("main").get_by_text("<img").or_(page.locator("main .figure")).first).to_be_visible()
        assert await page.locator("main img, main script").count() == 0
        assert await page.evaluate("() => window.hacked") is None
    await day.api.site.take_all(rest)


async def test_a_number_is_called_once_and_its_fate_is_told_in_plain_words(day: Day, visit: Visit) -> None:
    page = await visit()
    day.api.board.orders.clear()
    day.api.board.outcome = ACCEPTED

    await page.keyboard.press("d")
    await page.keyboard.type("8 (926) 765-43-21")
    await page.keyboard.press("Enter")

    outcome = page.locator(".band .outcome")
    await expect(outcome).to_contain_text("+7 926 765‑43‑21 is dialled", use_inner_text=True)
    assert [order["number"] for order in day.api.board.orders] == ["79267654321"]
    day.api.board.refuse("no_phone")
    await page.locator(".dial .field").fill("+7 926 765-43-22")
    await page.keyboard.press("Enter")
    await expect(outcome).to_have_text("Your phone is not registered with the phone system.")
    await page.locator(".dial .field").fill("101")
    await page.keyboard.press("Enter")
    await expect(outcome).to_contain_text("no number that can be called")
    assert len(day.api.board.orders) == 2


async def test_trying_again_after_a_lost_answer_does_not_dial_twice(day: Day, visit: Visit) -> None:
    page = await visit()
    day.api.board.orders.clear()
    day.api.board.outcome = ACCEPTED
    keys: list[str] = []

    async def lose_the_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            await route.continue_()
            return
        await route.fetch()
        await route.abort("connectionreset")

    await page.route("**/api/v1/calls", lose_the_first_answer)
    await page.locator(".dial .field").fill("+7 926 765-43-23")
    await page.keyboard.press("Enter")
    await page.locator(".band").get_by_role("button", name="Try again").click()

    await expect(page.locator(".band .outcome")).to_contain_text("is dialled")
    assert len(day.api.board.orders) == 1
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_the_socket_comes_back_by_itself_and_knows_what_is_open_then(day: Day, visit: Visit) -> None:
    sockets: list[WebSocketRoute] = []
    page = await visit(None)

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/api/v1/live", through)
    await sign_in(page, "anna")
    rest = await ring(day, fresh(), "First Caller")
    await expect(page.locator(".band.ring")).to_contain_text("First Caller")

    await sockets[0].close(code=1011, reason="gone")
    await expect(page.locator(".band.offline")).to_contain_text("No connection")
    await day.api.site.take_all(rest)
    after = await ring(day, fresh(), "Second Caller")

    await expect(page.locator(".band.ring")).to_contain_text("Second Caller")
    await expect(page.locator(".live-row:not(.head)")).to_have_count(1)
    await day.api.site.take_all(after)


async def sign_in(page: Page, login: str) -> None:
    """Fill in the form that is shown."""
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("main > .split, main h1:not(.sign-in h1)")


async def test_a_session_that_ends_asks_again_and_goes_on_at_the_same_place(day: Day, visit: Visit) -> None:
    page = await visit("boris", "/figures?period=week")
    await expect(page.locator(".figures")).to_be_visible()

    await day.api.site.pool.execute("delete from session where user_id = $1", day.api.site.users["boris"])

    await expect(page.get_by_role("alert")).to_contain_text("Your session is over", timeout=9000)
    await sign_in(page, "boris")
    await expect(page.locator(".figures")).to_be_visible()
    assert page.url.endswith("/figures?period=week")
    await page.locator(".rail .menu summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#login")).to_be_visible()


async def test_the_browser_chooses_the_language_and_the_person_may_choose_another(visit: Visit) -> None:
    page = await visit("anna", "/calls", locale="pl-PL")
    await expect(page.locator("h1")).to_have_text("Rozmowy")

    await page.locator(".rail .menu summary").click()
    await page.locator(".rail .menu select").select_option("ru")

    await expect(page.locator("h1")).to_have_text("Звонки")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Звонки")
    assert await page.evaluate("() => document.documentElement.lang") == "ru"


async def test_the_keyboard_is_enough(day: Day, visit: Visit) -> None:
    page = await visit("head", "/calls?result=missed")
    await expect(page.locator(".row[data-row]").first).to_be_visible()

    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/calls/*-*")
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/calls?result=missed")
    await page.keyboard.press("g")
    await page.keyboard.press("f")
    await expect(page.locator("h1")).to_have_text("Figures")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("play, pause")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


NAMELESS = """() => [...document.querySelectorAll('a, button, input, select, textarea, [role=img], [role=slider]')]
  .filter((node) => node.offsetParent !== null && !node.getAttribute('aria-label') && !node.textContent.trim()
    && !node.labels?.length && !node.getAttribute('aria-labelledby')).map((node) => node.outerHTML)"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(("width", "locale"), [(360, "ru-RU"), (360, "pl-PL"), (1440, "en-GB")])
async def test_no_view_is_wider_than_the_screen_and_everything_has_a_name(
    day: Day, visit: Visit, width: int, locale: str
) -> None:
    page = await visit("head", "/", width=width, locale=locale)
    card = await day.api.site.pool.fetchval("select contact_id from call where id = $1", day.recorded)
    views = ["/", "/calls", f"/calls/{day.recorded}", f"/calls/{day.recorded}?tab=rows", f"/clients/{card}"]

    for path in [
        *views,
        "/clients",
        "/figures?period=week",
        "/figures?open=company.missed..",
        "/dial",
        "/calls?find=zz",
    ]:
        await go(page, path)
        assert await page.evaluate(WIDER) <= 0, path
        assert await page.evaluate(NAMELESS) == [], path


async def test_there_is_no_dead_end(visit: Visit) -> None:
    page = await visit("anna", "/calls/00000000-0000-0000-0000-000000000000")
    await expect(page.locator("main")).to_contain_text("There is nothing here")
    await page.get_by_role("link", name="All calls").click()
    await expect(page.locator("h1")).to_have_text("Calls")

    await page.route("**/api/v1/calls?*", lambda route: route.abort())
    await page.get_by_role("button", name="Today").click()
    await expect(page.locator("main")).to_contain_text("The gateway does not answer")
    await page.unroute("**/api/v1/calls?*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".row[data-row]").first).to_be_visible()
