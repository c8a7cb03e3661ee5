"""In which language a request is answered (RFC 9110, section 12.5.4)."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.api.problems import problem_middleware
from gateway.words import readers_language

SOCKET = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
POLE = {"Accept-Language": "pl"}


@pytest.mark.parametrize(
    ("address", "headers", "language"),
    [
        ("/", {}, "en"),
        ("/", POLE, "pl"),
        ("/?language=ru", POLE, "pl"),
        ("/?language=ru", POLE | SOCKET, "ru"),
        ("/?language=xx", SOCKET, "en"),
        ("/", POLE | SOCKET, "pl"),
    ],
)
async def test_a_request_names_its_language_and_a_browsers_socket_does_it_in_its_address(
    address: str, headers: dict[str, str], language: str
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=readers_language.get())

    answer = await problem_middleware(make_mocked_request("GET", address, headers=headers), handler)

    assert isinstance(answer, web.Response)
    assert answer.text == language
