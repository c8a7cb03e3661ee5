"""The page application: the files of `gateway/static`, served as they were when the gateway started.

The files are read once into memory and found by name in a dictionary, so no path of a request ever reaches the disk.
Scripts and styles lie under a folder named by the digest of them all: a browser keeps them for good and asks for new
ones after an update, for the page itself, which names the folder, is asked for each time (RFC 9111 section 4.3, ETag).

The page holds no data. What it may load and run is said by its Content-Security-Policy: our own files, no inline code,
no eval, and no text that becomes markup (Trusted Types), for callers choose what their name is.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from gateway.api.problems import NotFoundError
from gateway.domain.errors import GatewayError

FOLDER = Path(__file__).parents[1] / "static"
INDEX = "index.html"
ADDRESSES = ("/", "/calls", "/calls/{id}", "/clients", "/clients/{id}", "/figures", "/dial")
"""Addresses that are views of the page; it reads them itself."""
PLACE = "/static/"
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class NoPageError(GatewayError, FileNotFoundError):
    """The page's files are missing from this installation; install the distribution anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes
    """The body by gzip (RFC 1952)."""
    media: str
    etag: str
    """Entity tag without its quotes."""


def read_page(folder: Path = FOLDER) -> Mapping[str, File]:
    """Read all files of the page.

    Args:
        folder: where they lie.

    Returns:
        The files by their path within the folder; scripts and styles begin with the folder named by their digest, and
        `index.html` names it.

    Raises:
        NoPageError: there is no page in the folder.
    """
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.suffix in _TYPES}
    index = found.pop(INDEX, None)
    if index is None:
        raise NoPageError
    whole = hashlib.sha256()
    for name, body in found.items():
        whole.update(f"{name}\0{len(body)}\0".encode() + body)
    version = whole.hexdigest()[:16]
    files = {f"{version}/{name}": _file(name, body) for name, body in found.items()}
    return files | {INDEX: _file(INDEX, index.replace(PLACE.encode(), f"{PLACE}{version}/".encode()))}


def add_page(app: web.Application) -> None:
    """Serve the page at its addresses and its files below `/static/`.

    Args:
        app: its middlewares must contain `problem_middleware`.

    Raises:
        NoPageError: there is no page in this installation.
    """
    files = read_page()

    async def serve_page(request: web.Request) -> web.Response:
        return _answer(request, files[INDEX], _ASK_FIRST)

    async def serve_file(request: web.Request) -> web.Response:
        file = files.get(request.match_info["name"])
        if file is None:
            raise NotFoundError
        return _answer(request, file, _FOR_GOOD)

    for address in ADDRESSES:
        app.router.add_get(address, serve_page)
    app.router.add_get(PLACE + "{name:.+}", serve_file)


def _file(name: str, body: bytes) -> File:
    etag = hashlib.sha256(body).hexdigest()[:32]
    return File(body=body, packed=gzip.compress(body, mtime=0), media=_TYPES[Path(name).suffix], etag=etag)


def _answer(request: web.Request, file: File, cache: str) -> web.Response:
    """The file, packed where the browser takes it, or 304 where it has it already."""
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f"{file.etag}-gz" if packs else file.etag
    headers = _HEADERS | {"Cache-Control": cache, "Vary": "Accept-Encoding", "ETag": f'"{etag}"'}
    known = request.if_none_match or ()
    if any(tag.value in (etag, "*") for tag in known):
        return web.Response(status=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=file.packed if packs else file.body, content_type=file.media, charset="utf-8", headers=headers
    )
