"""What the policy keeps from happening on the page, in a real Chromium: hostile texts stay texts."""

import pytest
from playwright.async_api import Page

from tests.web.browser import Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

_NAME_OF_FAULT = "(act) => { try { act(); return 'done'; } catch (fault) { return fault.name; } }"


async def tried(page: Page, act: str) -> str:
    """What comes of a script's act: `done`, or the name of the fault."""
    outcome: str = await page.evaluate(f"() => ({_NAME_OF_FAULT})(() => {{ {act} }})")
    return outcome


async def open_page(visit: Visit) -> Page:
    """Any page; that the policy refuses something is told in the console."""
    visit.expects("^console: ", "^script: ", "^lost ")
    return await visit("anna", "/profile")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror='window.hacked = 1'>",
        "<script>window.hacked = 1</script>",
        "<style>body { display: none }</style><svg onload='window.hacked = 1'>",
    ],
)
async def test_a_text_becomes_no_markup_even_by_mistake(visit: Visit, text: str) -> None:
    page = await open_page(visit)

    assert await tried(page, f'document.createElement("div").innerHTML = {text!r};'.replace("\n", " ")) == "TypeError"
    assert await page.evaluate("() => window.hacked") is None


async def test_a_text_without_markup_goes_through_for_the_libraries_that_need_it(visit: Visit) -> None:
    page = await open_page(visit)

    assert await tried(page, 'document.createElement("style").innerHTML = ".a > .b { color: red }";') == "done"


async def test_no_text_becomes_code(visit: Visit) -> None:
    page = await open_page(visit)
    # What a test itself evaluates may use eval; what the page does later may not.
    later = """(act) => new Promise((done) => setTimeout(() => {
      const acts = {eval: () => eval('window.hacked = 1'), function: () => new Function('window.hacked = 1')()};
      try { acts[act](); done('done'); } catch (fault) { done(fault.name); }
    }, 0))"""

    for act in ("eval", "function"):
        assert await page.evaluate(later, act) == "EvalError"
    assert await tried(page, 'document.createElement("script").text = "window.hacked = 1";') == "TypeError"
    assert await page.evaluate("() => window.hacked") is None


async def test_a_style_made_at_run_time_counts_with_the_pages_nonce_alone(visit: Visit) -> None:
    page = await open_page(visit)
    made = """(nonce) => {
      const style = document.createElement('style');
      style.nonce = nonce ?? document.querySelector('meta[property=csp-nonce]').nonce;
      style.textContent = ':root { --probe: 7 }';
      document.head.append(style);
      const probe = getComputedStyle(document.documentElement).getPropertyValue('--probe');
      style.remove();
      return probe;
    }"""

    assert await page.evaluate(made, "foreign") == ""
    assert await page.evaluate(made, None) == "7"


async def test_nothing_is_told_to_another_server(visit: Visit) -> None:
    page = await open_page(visit)
    told = """async (address) => {
      try { await fetch(address, {mode: 'no-cors'}); return 'told'; } catch { return 'refused'; }
    }"""

    assert await page.evaluate(told, "http://127.0.0.1:9/") == "refused"
    assert await page.evaluate(told, "/api/v1/session") == "told"


async def test_no_other_page_shows_ours_within_itself(visit: Visit) -> None:
    page = await open_page(visit)
    shown = """() => new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.onload = () => done(frame.contentDocument?.getElementById('root') ? 'shown' : 'refused');
      frame.src = '/profile';
      document.body.append(frame);
      setTimeout(() => done('refused'), 3000);
    })"""

    assert await page.evaluate(shown) == "refused"
