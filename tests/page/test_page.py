"""The page's files: how they are served, what they may do, and that every word is there in every language."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from gateway.api.page import ADDRESSES, FOLDER, NoPageError, add_page, read_page
from gateway.api.problems import problem_middleware

pytestmark = pytest.mark.asyncio
SCRIPTS = sorted(FOLDER.rglob("*.js"))
LANGUAGES = ("en", "ru", "pl")


@pytest_asyncio.fixture
async def client() -> AsyncIterator[ClientSession]:
    """A caller of an application that has nothing but the page."""
    app = web.Application(middlewares=[problem_middleware])
    add_page(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    plain = {"Accept-Encoding": "identity"}
    async with ClientSession(f"http://{host}:{port}", headers=plain, auto_decompress=False) as session:
        yield session
    await runner.cleanup()


async def test_each_address_of_the_page_is_the_page(client: ClientSession) -> None:
    pages = set()
    for address in ADDRESSES:
        async with client.get(address.replace("{id}", "1")) as response:
            assert (response.status, response.content_type) == (200, "text/html")
            pages.add(await response.text())

    assert len(pages) == 1


async def test_the_policy_allows_our_own_files_and_nothing_else(client: ClientSession) -> None:
    async with client.get("/") as response:
        policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert not any("unsafe" in value or "*" in value for value in policy.values())
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_scripts_are_kept_for_good_and_the_page_is_asked_for_each_time(client: ClientSession) -> None:
    page = await (await client.get("/")).text()
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)

    for address in addresses:
        async with client.get(address) as response:
            assert response.status == 200, address
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    async with client.get("/") as response:
        etag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "no-cache"
    async with client.get("/", headers={"If-None-Match": f'"another", {etag}'}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["Content-Security-Policy"]


async def test_a_file_is_packed_for_those_only_who_can_unpack_it(client: ClientSession) -> None:
    name = next(name for name in read_page() if name.endswith("/frame.css"))
    plain = await client.get(f"/static/{name}")
    packed = await client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip, deflate"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(await packed.read()) < len(await plain.read()) / 2
    assert plain.headers["ETag"] != packed.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    ["/static/app.js", "/static/../api/page.py", "/static/%2e%2e/api/page.py", "/static//etc/passwd", "/static/"],
)
async def test_nothing_else_is_served(client: ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_an_installation_without_a_page_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoPageError, match="install the distribution anew"):
        read_page(tmp_path)


async def test_no_script_makes_markup_or_code_of_a_text() -> None:
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc|javascript:"
    )

    found = {p.name: banned.findall(p.read_text()) for p in SCRIPTS}

    assert {name: words for name, words in found.items() if words} == {}


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    allowed = "http://www.w3.org/2000/svg"
    files = [*SCRIPTS, *FOLDER.rglob("*.css"), FOLDER / "index.html"]

    assert {a for p in files for a in re.findall(r"https?://[^\s\"'`)]+", p.read_text())} == {allowed}
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", (FOLDER / "index.html").read_text())


def words_of(language: str) -> dict[str, str]:
    """Keys and their words as they stand in the file."""
    lines = (FOLDER / "words" / f"{language}.js").read_text().splitlines()
    found = [re.fullmatch(r'  "?([a-z_.]+)"?: (.+),', line) for line in lines]
    return {match[1]: match[2] for match in found if match}


async def test_every_word_is_there_in_every_language() -> None:
    english = words_of("en")

    assert len(english) > 250
    for language in LANGUAGES[1:]:
        assert words_of(language).keys() == english.keys()


async def test_a_word_has_the_same_names_in_braces_in_every_language() -> None:
    names = {
        language: {k: set(re.findall(r"\{\w+\}", w)) for k, w in words_of(language).items()} for language in LANGUAGES
    }

    assert names["en"] == names["ru"] == names["pl"]


async def test_plurals_have_the_forms_of_their_language() -> None:
    forms = {"en": ["one", "other"], "ru": ["one", "few", "many", "other"], "pl": ["one", "few", "many", "other"]}

    for language, wanted in forms.items():
        plural = {
            key: re.findall(r"(\w+): \"", word) for key, word in words_of(language).items() if word.startswith("{")
        }
        assert plural
        assert all(found == wanted for found in plural.values()), (language, plural)


async def test_every_word_that_a_script_asks_for_is_there() -> None:
    text = "\n".join(p.read_text() for p in SCRIPTS if p.parent.name != "words")
    asked = set(re.findall(r'\bt\(\s*"([a-z_.]+)"', text))

    assert len(asked) > 100
    assert asked - words_of("en").keys() == set()


def colours(theme: str) -> dict[str, str]:
    """The tokens of a theme."""
    text = (FOLDER / "frame.css").read_text()
    light, dark = re.findall(r":root \{\s+color-scheme: (?:light|dark);(.*?)\}", text, re.DOTALL)
    tokens = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", light))
    return tokens | (dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", dark)) if theme == "dark" else {})


def ratio(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        signs = colour[1:] if len(colour) == 7 else "".join(2 * sign for sign in colour[1:])
        parts = [int(signs[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *((text, ground) for text in ("text", "text2", "text3", "accent-text") for ground in ("bg", "surface")),
    *((text, "inset") for text in ("text", "text2", "text3")),
    *((state, f"{state}-soft") for state in ("talk", "ring", "miss", "warn")),
    *((state, ground) for state in ("talk", "ring", "miss", "warn") for ground in ("bg", "surface")),
    ("accent-text", "accent-soft"),
    ("text3", "accent-soft"),
    ("on-accent", "accent"),
    ("on-fill", "fill-go"),
    ("on-fill", "fill-stop"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_text_can_be_read_on_every_ground_it_stands_on(theme: str) -> None:
    tokens = colours(theme)

    assert {pair: r for pair in PAIRS if (r := ratio(tokens[pair[0]], tokens[pair[1]])) < 4.5} == {}
    assert ratio(tokens["edge"], tokens["surface"]) >= 3
