"""Every page, for who may open it, in both themes, three languages and two widths.

It is there, axe finds nothing, it is not wider than the window, nothing goes wrong on it, and a picture is kept where
TRUNKLINE_SHOTS names a folder.
"""

import itertools
import os
import re

import pytest
from playwright.async_api import Page, expect

from gateway.api.page import ADDRESSES
from tests.web.browser import SHOTS, Language, Theme, Visit, axe, settled, shot, too_wide
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES: dict[str, tuple[str, str]] = {
    "today": ("anna", "/today"),
    "clients": ("anna", "/clients"),
    "import": ("head", "/clients/import"),
    "duplicates": ("head", "/clients/duplicates"),
    "card": ("anna", "/clients/{card}"),
    "organisation": ("anna", "/organisations/{organisation}"),
    "calls": ("head", "/calls"),
    "player": ("head", "/calls/{call}"),
    "tasks": ("anna", "/tasks"),
    "me": ("anna", "/me"),
    "live": ("head", "/live"),
    "stats": ("head", "/stats"),
    "handover": ("head", "/handover"),
    "profile": ("anna", "/profile"),
    "phone": ("anna", "/phone"),
    "users": ("root", "/admin/users"),
    "numbers": ("root", "/admin/numbers"),
    "routing": ("root", "/admin/routing"),
    "did": ("root", "/admin/routing/74955550101"),
    "recording": ("root", "/admin/recording"),
    "fields": ("root", "/admin/fields"),
    "goals": ("root", "/admin/goals"),
    "hours": ("root", "/admin/hours"),
    "dialling": ("root", "/admin/dialling"),
    "keys": ("root", "/admin/keys"),
    "webhooks": ("root", "/admin/webhooks"),
    "doctor": ("root", "/admin/doctor"),
    "audit": ("root", "/admin/audit"),
}
"""Who opens which address; names in braces are of the day."""
LANGUAGES: tuple[Language, ...] = ("en", "ru", "pl")
LOOKS: list[tuple[Theme, Language, bool]] = [
    ("light", "en", False),
    ("dark", "en", True),
    ("light", "ru", True),
    ("dark", "pl", False),
]
"""Every theme in every width, and every language; who wants pictures gets all there are."""
if SHOTS in os.environ:
    themes: tuple[Theme, ...] = ("light", "dark")
    LOOKS = list(itertools.product(themes, LANGUAGES, (False, True)))


async def test_every_view_is_looked_at() -> None:
    looked_at = {re.sub(r"\{\w+\}|7495\d+", "{}", path) for _, path in PAGES.values()}

    assert looked_at == {re.sub(r"\{\w+\}", "{}", address) for address in ADDRESSES if address != "/"}


async def address_of(day: Day, path: str) -> str:
    """The path with ids of the day."""
    pool = day.api.site.pool
    return path.format(
        call=day.recorded,
        card=await pool.fetchval("select contact_id from call where id = $1", day.recorded),
        organisation=await pool.fetchval("select min(id) from organisation"),
    )


async def unknown_variables(page: Page) -> list[str]:
    """Variables of the library that an element's style names and no style sheet knows: such a colour would be none."""
    found: list[str] = await page.evaluate("""() => {
      const names = new Set();
      for (const element of document.querySelectorAll("[style]")) {
        for (const [, name] of element.getAttribute("style").matchAll(/var\\((--mantine-[\\w-]+)\\)/g)) {
          if (getComputedStyle(element).getPropertyValue(name) === "") names.add(name);
        }
      }
      return [...names];
    }""")
    return found


async def look_at(day: Day, look: Visit, name: str, *, theme: Theme, language: Language, narrow: bool) -> None:
    """Open a page, and look at all that has to be right on every one."""
    login, path = PAGES[name]

    page = await look(login, await address_of(day, path), theme=theme, language=language, narrow=narrow)

    await shot(page, f"{name}-{theme}-{language}-{360 if narrow else 1440}")
    assert await page.locator("h1").count() == 1
    assert await page.evaluate("() => document.documentElement.lang") == language
    assert await too_wide(page) == 0
    assert await unknown_variables(page) == []
    assert await axe(page) == []


@pytest.mark.parametrize(("theme", "language"), [(theme, language) for theme, language, narrow in LOOKS if not narrow])
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_used_by_everybody(
    day: Day, look: Visit, name: str, theme: Theme, language: Language
) -> None:
    await look_at(day, look, name, theme=theme, language=language, narrow=False)


async def test_a_page_that_is_not_there_says_so(visit: Visit) -> None:
    visit.expects(r"404 GET /nothing/here")

    page = await visit("anna", "/nothing/here")

    await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    await expect(page.get_by_role("link", name="To the first page")).to_be_visible()
    assert await axe(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_has_not_signed_in_is_asked_to(visit: Visit, language: Language) -> None:
    page = await visit(None, "/calls?result=missed", language=language, narrow=True)

    await settled(page)
    assert await page.locator("input[type=password]").count() == 1
    assert re.search(r"/calls\?result=missed|next=", page.url)
    assert await axe(page) == []
