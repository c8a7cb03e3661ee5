"""The page application: the files that `web/` is built into, served as they were when the gateway started.

The files are read once into memory and found by name in a dictionary, so no path of a request ever reaches the disk.
Names of scripts and styles bear the digest of what is in them, so a browser keeps them for good; the page itself, which
names them, is asked for each time. An address that is a view of the page gets it with 200, any other address that a
person opens gets it too, with 404, and the page says so in his language.

The page holds no data. What it may load and run is said by its Content-Security-Policy (docs/decisions/0025): our own
files, no inline code, no eval, and no text that becomes markup (Trusted Types), for callers choose what their name is.
Styles that a library makes at run time need the nonce, which is new with each answer.

An installation without built files has an API and no page, and says how to build one.
"""

import gzip
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp import web

from gateway.api.problems import NotFoundError

FOLDER = Path(__file__).parents[1] / "static"
INDEX = "index.html"
PLACE = "/static/"
HASHED = "assets/"
"""Where the build puts the files whose names bear their digest."""
ADDRESSES = (
    "/",
    "/today",
    "/clients",
    "/clients/import",
    "/clients/duplicates",
    "/clients/{id}",
    "/organisations/{id}",
    "/calls",
    "/calls/{id}",
    "/tasks",
    "/me",
    "/live",
    "/stats",
    "/handover",
    "/profile",
    "/phone",
    "/admin/users",
    "/admin/numbers",
    "/admin/routing",
    "/admin/routing/{did}",
    "/admin/recording",
    "/admin/fields",
    "/admin/goals",
    "/admin/hours",
    "/admin/dialling",
    "/admin/keys",
    "/admin/webhooks",
    "/admin/doctor",
    "/admin/audit",
)
"""Addresses that are views of the page; it reads them itself (web/src/app/routes.tsx)."""
NO_PAGE = (
    "The gateway runs, and its API works; its page is not built yet.\n"
    "In the project's folder type: make run (or: python -m web.build). Then start the gateway again.\n"
)

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".md": "text/plain",
}
_PACKED_ALREADY = frozenset({".png", ".woff2", ".mp3", ".ogg"})
_PLACE_OF_NONCE = b'nonce=""'
_PERSON_OPENS = r"/{rest:(?!api/|static/|metrics$|healthz$|readyz$).+}"

log = structlog.get_logger(__name__)


def policy(nonce: str = "") -> str:
    """The Content-Security-Policy.

    Args:
        nonce: that of this answer's page; empty: the answer is no page, and no styles are made in it.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'" if nonce else "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types default",
        )
    )


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(self)",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes | None
    """The body by gzip (RFC 1952); None: packing gains nothing."""
    media: str
    etag: str
    """Entity tag without its quotes."""
    cache: str
    """Cache-Control."""


def read_page(folder: Path = FOLDER) -> Mapping[str, File]:
    """Read all files of the page.

    Args:
        folder: where they lie.

    Returns:
        The files by their path within the folder, `index.html` among them; empty: there is no page.
    """
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.suffix in _TYPES}
    return {name: _file(name, path.read_bytes()) for name, path in found.items()} if INDEX in found else {}


def add_page(app: web.Application, folder: Path = FOLDER) -> None:
    """Serve the page at its addresses and its files below `/static/`.

    Args:
        app: its middlewares must contain `problem_middleware`; all its other routes are there already.
        folder: where the built files lie.
    """
    files = read_page(folder)
    page = files.get(INDEX)
    if page is None:
        log.warning("the page is not built; the API works", folder=str(folder))

    async def serve_page(request: web.Request) -> web.Response:
        return _no_page() if page is None else _index(request, page, 200)

    async def serve_what_is_not_there(request: web.Request) -> web.Response:
        if page is None or "text/html" not in request.headers.get("Accept", ""):
            raise NotFoundError
        return _index(request, page, 404)

    async def serve_file(request: web.Request) -> web.Response:
        file = files.get(request.match_info["name"])
        if file is None or file is page:
            raise NotFoundError
        return _answer(request, file)

    for address in ADDRESSES:
        app.router.add_get(address, serve_page)
    app.router.add_get(PLACE + "{name:.+}", serve_file)
    app.router.add_get(_PERSON_OPENS, serve_what_is_not_there)


@lru_cache(maxsize=1024)  # the same files in another application of this process are not packed once more
def _file(name: str, body: bytes) -> File:
    suffix = Path(name).suffix
    return File(
        body=body,
        packed=None if suffix in _PACKED_ALREADY else gzip.compress(body, mtime=0),
        media=_TYPES[suffix],
        etag=hashlib.sha256(body).hexdigest()[:32],
        cache=_FOR_GOOD if name.startswith(HASHED) else _ASK_FIRST,
    )


def _index(request: web.Request, page: File, status: int) -> web.Response:
    """The page with a nonce of its own; so small that asking whether it changed gains nothing."""
    nonce = secrets.token_urlsafe(16)
    body = page.body.replace(_PLACE_OF_NONCE, b'nonce="%s"' % nonce.encode())
    headers = _HEADERS | {"Content-Security-Policy": policy(nonce), "Cache-Control": _ASK_FIRST}
    if _packs(request):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, mtime=0)
    return web.Response(body=body, status=status, content_type=page.media, charset="utf-8", headers=headers)


def _answer(request: web.Request, file: File) -> web.Response:
    """The file, packed where the browser takes it, or 304 where it has it already."""
    packed = file.packed if _packs(request) else None
    etag = file.etag if packed is None else f"{file.etag}-gz"
    headers = _HEADERS | {"Content-Security-Policy": policy(), "Cache-Control": file.cache, "ETag": f'"{etag}"'}
    if any(tag.value in (etag, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    charset = "utf-8" if file.media.startswith("text/") else None
    body = file.body if packed is None else packed
    return web.Response(body=body, content_type=file.media, charset=charset, headers=headers)


def _packs(request: web.Request) -> bool:
    """Whether the browser takes gzip; one that refuses it by a weight of nothing is heard."""
    accepted = request.headers.get("Accept-Encoding", "")
    return bool(re.search(r"(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accepted))


def _no_page() -> web.Response:
    return web.Response(status=503, text=NO_PAGE, headers={"Cache-Control": "no-store"})
