"""Optimistic locking: a change names the version it was made from, in the body or as `If-Match` (RFC 9110, 13.1.1).

An answer with a `version` bears it as its entity tag, `ETag: "3"`; sent back as `If-Match: "3"` it stands for
`"version": 3` of the body. A change of something that was changed meanwhile is refused and changes nothing.
"""

import json
import re

from aiohttp import web
from pydantic import BaseModel

from gateway.api.problems import FieldFault, InvalidRequestError

HEADER = "If-Match"
FIELD = "version"
PATTERN = r'^"[1-9][0-9]{0,9}"$'


def is_versioned(body: type[BaseModel]) -> bool:
    """Whether a body names the version it changes."""
    return FIELD in body.model_fields


def with_version(request: web.Request, raw: bytes) -> bytes:
    """The body with the version that the header names, if it names one.

    Raises:
        InvalidRequestError: the header is no entity tag of ours, or the body names another version.
    """
    tag = request.headers.get(HEADER)
    if tag is None:
        return raw
    if not re.fullmatch(PATTERN, tag):
        raise _fault("header", f"#/{HEADER}", 'Give the ETag as it was read, like "3".')
    version = int(tag.strip('"'))
    try:
        body = json.loads(raw)
    except ValueError:
        return raw  # read_body tells what is wrong with it
    if not isinstance(body, dict):
        return raw
    if body.get(FIELD, version) != version:
        raise _fault("body", f"#/{FIELD}", f"The header {HEADER} names another version.")
    return json.dumps({**body, FIELD: version}).encode()


def etag_of(model: BaseModel) -> str | None:
    """The entity tag of an answer; None: it has no version."""
    version = getattr(model, FIELD, None)
    return f'"{version}"' if isinstance(version, int) else None


def _fault(place: str, pointer: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldFault(place=place, pointer=pointer, code="version", detail=detail)])
