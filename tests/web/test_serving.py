"""How the built files are served: which addresses are the page, what it may do, what a browser keeps."""

import gzip
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from gateway.api.page import ADDRESSES, add_page
from gateway.api.problems import problem_middleware

INDEX = (
    '<!doctype html><meta property="csp-nonce" content="" nonce="" />'
    '<script type="module" src="/static/assets/index-Bx1.js"></script>'
)
SCRIPT = "export const words = 1;\n" * 200
PERSON = {"Accept": "text/html,application/xhtml+xml"}


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[ClientSession]:
    """A caller of an application that has nothing but the page of this folder and one route of an API."""
    app = web.Application(middlewares=[problem_middleware])

    async def order(_request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_post("/api/v1/calls", order)
    add_page(app, folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    plain = {"Accept-Encoding": "identity"}
    async with ClientSession(f"http://{host}:{port}", headers=plain, auto_decompress=False) as session:
        yield session
    await runner.cleanup()


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A caller of a built page."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "assets" / "index-Bx1.js").write_text(SCRIPT)
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / ".built").write_text("1")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(served(tmp_path))


async def policy(client: ClientSession, address: str = "/") -> dict[str, str]:
    """The page's policy by directive."""
    async with client.get(address) as response:
        parts = (f"{part.strip()} ".split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
        return {name: value.strip() for name, value in parts}


async def test_each_address_of_the_page_is_the_page(client: ClientSession) -> None:
    for address in ADDRESSES:
        async with client.get(re.sub(r"\{\w+\}", "7", address)) as response:
            assert (response.status, response.content_type) == (200, "text/html"), address
            assert "/static/assets/index-Bx1.js" in await response.text()


@pytest.mark.parametrize(
    "address", ["/nothing/here", "/calls/1/2", "/today/", "/admin/users/1/2", "/api", "/index.html"]
)
async def test_an_address_that_nobody_knows_is_the_page_which_says_so(client: ClientSession, address: str) -> None:
    async with client.get(address, headers=PERSON) as response:
        assert (response.status, response.content_type) == (404, "text/html")


@pytest.mark.parametrize("address", ["/api/v1/nothing", "/static/nothing.js", "/nothing"])
async def test_a_program_that_asks_for_what_is_not_there_gets_a_problem(client: ClientSession, address: str) -> None:
    headers = PERSON if address != "/nothing" else {}
    async with client.get(address, headers=headers) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_a_route_asked_in_the_wrong_way_is_not_taken_for_a_view(client: ClientSession) -> None:
    async with client.get("/api/v1/calls", headers=PERSON) as response:
        assert response.status == 405


async def test_the_policy_allows_our_own_files_and_nothing_else(client: ClientSession) -> None:
    allowed = await policy(client)

    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["connect-src"] == allowed["worker-src"] == "'self'"
    assert allowed["frame-ancestors"] == allowed["base-uri"] == "'none'"
    assert allowed["require-trusted-types-for"] == "'script'"
    assert not any("unsafe" in value or "*" in value or "http" in value for value in allowed.values())


async def test_styles_made_at_run_time_need_a_nonce_that_is_new_each_time(client: ClientSession) -> None:
    seen = set()
    for _ in range(3):
        async with client.get("/") as response:
            (written,) = re.findall(r'nonce="([^"]*)"', await response.text())
            (said,) = re.findall(r"style-src 'self' 'nonce-([^']+)'", response.headers["Content-Security-Policy"])
            assert written == said
            seen.add(said)

    assert len(seen) == 3
    assert all(len(nonce) >= 20 for nonce in seen)
    assert (await policy(client, "/static/logo.svg"))["style-src"] == "'self'"


async def test_the_page_may_ask_for_the_microphone_and_for_nothing_else(client: ClientSession) -> None:
    async with client.get("/") as response:
        asked = dict(part.strip().split("=") for part in response.headers["Permissions-Policy"].split(","))
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    assert {name for name, who in asked.items() if who != "()"} == {"microphone"}
    assert asked["microphone"] == "(self)"


async def test_hashed_files_are_kept_for_good_and_others_are_asked_for(client: ClientSession) -> None:
    async with client.get("/static/assets/index-Bx1.js") as response:
        assert (response.status, response.content_type) == (200, "text/javascript")
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for address in ("/", "/static/logo.svg"):
        async with client.get(address) as response:
            assert response.headers["Cache-Control"] == "no-cache"
    async with client.get("/static/logo.svg") as response:
        etag = response.headers["ETag"]
    async with client.get("/static/logo.svg", headers={"If-None-Match": f'"another", {etag}'}) as response:
        assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate", True),
        ("deflate,gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("identity", False),
        ("xgzip", False),
    ],
)
async def test_a_file_is_packed_for_those_only_who_can_unpack_it(
    client: ClientSession, accepted: str, packed: bool
) -> None:
    plain = await client.get("/static/assets/index-Bx1.js")
    for address, whole in (("/static/assets/index-Bx1.js", SCRIPT.encode()), ("/", None)):
        async with client.get(address, headers={"Accept-Encoding": accepted}) as response:
            body = await response.read()
            assert response.headers.get("Content-Encoding") == ("gzip" if packed else None)
            assert response.headers["Vary"] == "Accept-Encoding"
            unpacked = gzip.decompress(body) if packed else body
            assert unpacked == whole or b"nonce" in unpacked
            if whole is not None:
                assert (response.headers["ETag"] != plain.headers["ETag"]) is packed


@pytest.mark.parametrize(
    "path",
    [
        "/static/index.html",
        "/static/manifest.json",
        "/static/.built",
        "/static/../api/page.py",
        "/static/%2e%2e/api/page.py",
        "/static//etc/passwd",
        "/static/",
    ],
)
async def test_nothing_else_is_served(client: ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_an_installation_without_a_page_says_how_to_build_one_and_its_api_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(tmp_path / "none") as client:
        for address in ("/", "/calls/7"):
            async with client.get(address, headers=PERSON) as response:
                assert (response.status, response.content_type) == (503, "text/plain")
                assert "make run" in await response.text()
        async with client.post("/api/v1/calls") as response:
            assert response.status == 200
    assert "the page is not built" in capsys.readouterr().out
