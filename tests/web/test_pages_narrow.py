"""Every page on a telephone's screen, as tests/web/test_pages.py looks at it on a wide one.

A module of its own, so that two processes can share the work.
"""

import pytest

from tests.web.browser import Language, Theme, Visit
from tests.web.day import Day
from tests.web.test_pages import LOOKS, PAGES, look_at

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("theme", "language"), [(theme, language) for theme, language, narrow in LOOKS if narrow])
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_used_on_a_telephone(
    day: Day, look: Visit, name: str, theme: Theme, language: Language
) -> None:
    await look_at(day, look, name, theme=theme, language=language, narrow=True)
