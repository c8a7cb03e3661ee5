"""Errors as RFC 9457 problem documents: the one place where an error becomes an HTTP status.

`KINDS` maps classes of errors to a stable slug, a status and a title; the first row that fits wins, so the
four families of `gateway.domain.errors` stand last. The slug is public: `type` is `/api/v1/problems/SLUG`,
which answers with what is written here. `detail` is the error's own message (errors are written for people);
what somebody else's exception says is never shown, because it may quote data. Title and details are in the
language that the header Accept-Language asks for; slugs and codes never change.

Faults of fields come as `errors`: where (`body`, `query`, `path`, `header`), an RFC 6901 pointer into it, a
code for machines and a sentence for people. The value itself is not repeated.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails

from gateway.api.field_words import in_a_sentence
from gateway.domain.errors import GatewayError, GiveUp, NotAllowed, Rejected, TryAgain
from gateway.words import asked_language, readers_language, said

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/v1/problems/"
FAULTS_MAX = 50
"""A hostile body can be wrong in a thousand places; more than this tells nobody more."""

UNTOLD = "The gateway failed; its log has the reason under this instance."
"""Instead of the words of an exception that is not ours."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)


class FieldFault(BaseModel):
    """One value of the request that is not allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str = Field(description="body, query, path or header")
    pointer: str = Field(description="RFC 6901 pointer to the value inside that place, like #/limit")
    code: str = Field(description="what is wrong, for programs")
    detail: str = Field(description="what is wrong, for people")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="stable address of the kind of problem")
    title: str = Field(description="the kind of problem in a few words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what happened and what to do")
    instance: str | None = Field(default=None, description="an id that the gateway's log repeats")
    errors: tuple[FieldFault, ...] = Field(default=(), description="each value that is not allowed")


class InvalidRequestError(Rejected, ValueError):
    """The request has values that are not allowed; correct those listed in `errors`."""

    def __init__(self, faults: Iterable[FieldFault]) -> None:
        super().__init__()
        self.faults = tuple(faults)[:FAULTS_MAX]


def refused_value(name: str, detail: str, *, place: str = "body", code: str = "value") -> InvalidRequestError:
    """One value that is not allowed, found by a look at what it names.

    Args:
        name: of the field in its place; of an inner one with the way to it, like `members/2`.
        detail: what is wrong, for people.
        place: body, query, path or header.
        code: what is wrong, for programs.
    """
    return InvalidRequestError([FieldFault(place=place, pointer=f"#/{name}", code=code, detail=detail)])


class MalformedBodyError(Rejected, ValueError):
    """The body is not valid JSON; send one JSON object in UTF-8."""


class BodyTooLargeError(Rejected, ValueError):
    """The body is larger than this request may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than the {limit} bytes this request may have.")
        self.limit = limit


class SlowBodyError(Rejected, TimeoutError):
    """The body did not arrive in time; send it again without pauses."""


class MediaTypeError(Rejected, ValueError):
    """The body has a media type that is not understood here; send application/json."""


class NotFoundError(Rejected, LookupError):
    """There is nothing at this address, or nothing the caller may see."""


class UnknownCursorError(Rejected, LookupError):
    """This list never gave out that cursor; begin again without it."""


class MethodError(Rejected, ValueError):
    """This address does not know that method; the header Allow lists those it knows."""

    def __init__(self, allow: Iterable[str]) -> None:
        super().__init__()
        self.allow = tuple(sorted(allow))


class NotSignedInError(NotAllowed):
    """Nobody is signed in, or the session or key is no longer valid; sign in again."""


class ForeignOriginError(NotAllowed):
    """The request does not come from our own page; send the header X-CSRF and call from the same origin."""


class ConflictError(Rejected, ValueError):
    """The thing is not in the state this request supposes; read it again and decide anew."""


class StaleVersionError(ConflictError):
    """Somebody has changed this since it was read; read it again and decide anew."""


class PreconditionError(Rejected, ValueError):
    """The version that If-Match names is not the present one; read the thing again and decide anew."""


class TooManyAttemptsError(TryAgain):
    """There were too many attempts; wait as long as the header Retry-After says."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class KeyReusedError(Rejected, ValueError):
    """This Idempotency-Key was used for another request; make a new key for each new request."""


class StillRunningError(TryAgain):
    """The first request with this Idempotency-Key is still being worked on; ask again with the same key."""

    retry_after = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a class of errors looks from outside."""

    error: type[Exception]
    slug: str
    status: HTTPStatus
    title: str


def _row(error: type[Exception], status: HTTPStatus, slug: str, title: str) -> Kind:
    return Kind(error=error, slug=slug, status=status, title=title)


KINDS = (
    _row(InvalidRequestError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "Values are not allowed"),
    _row(MalformedBodyError, HTTPStatus.BAD_REQUEST, "malformed-body", "The body is not valid JSON"),
    _row(BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "The body is too large"),
    _row(SlowBodyError, HTTPStatus.REQUEST_TIMEOUT, "too-slow", "The body came too slowly"),
    _row(MediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", "The media type is not understood"),
    _row(MethodError, HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not known here"),
    _row(NotSignedInError, HTTPStatus.UNAUTHORIZED, "not-signed-in", "Nobody is signed in"),
    _row(ForeignOriginError, HTTPStatus.FORBIDDEN, "foreign-origin", "The request comes from elsewhere"),
    _row(KeyReusedError, HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused", "The Idempotency-Key is used"),
    _row(StillRunningError, HTTPStatus.CONFLICT, "still-running", "The first request is still running"),
    _row(TooManyAttemptsError, HTTPStatus.TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts"),
    _row(PreconditionError, HTTPStatus.PRECONDITION_FAILED, "precondition-failed", "The version has changed"),
    _row(ConflictError, HTTPStatus.CONFLICT, "conflict", "The state has changed"),
    _row(UnknownCursorError, HTTPStatus.NOT_FOUND, "unknown-cursor", "The list has no such page"),
    _row(NotFoundError, HTTPStatus.NOT_FOUND, "not-found", "Nothing is here"),
    _row(NotAllowed, HTTPStatus.FORBIDDEN, "not-allowed", "The caller lacks the right"),
    _row(Rejected, HTTPStatus.UNPROCESSABLE_ENTITY, "rejected", "The request is refused"),
    _row(TryAgain, HTTPStatus.SERVICE_UNAVAILABLE, "try-again", "Not available at the moment"),
    _row(GiveUp, HTTPStatus.INTERNAL_SERVER_ERROR, "needs-a-person", "This needs a person"),
    _row(Exception, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "A fault of the gateway"),
)


def kind_of(error: type[BaseException]) -> Kind:
    """The row of `KINDS` for a class of errors; a refusal that is also a LookupError is 404."""
    kind = next(kind for kind in KINDS if issubclass(error, kind.error))
    if kind.error is Rejected and issubclass(error, LookupError):
        return kind_of(NotFoundError)
    return kind


def field_faults(place: str, errors: Sequence[ErrorDetails]) -> list[FieldFault]:
    """Turn pydantic's errors into ours.

    Args:
        place: body, query, path or header.
        errors: from `ValidationError.errors()`; the inputs in them are left out.
    """
    return [
        FieldFault(
            place=place,
            pointer="#" + "".join(f"/{_escaped(step)}" for step in error["loc"]),
            code=error["type"],
            detail=in_a_sentence(error),
        )
        for error in errors[:FAULTS_MAX]
    ]


def _escaped(step: int | str) -> str:
    """One step of an RFC 6901 pointer; a hostile key is cut and kept printable."""
    text = ascii(str(step)[:80])[1:-1] if not str(step).isprintable() else str(step)[:80]
    return text.replace("~", "~0").replace("/", "~1")


def response(error: Exception, *, language: str, instance: str | None = None) -> web.Response:
    """The problem document of an error, as an HTTP response with the headers that belong to it.

    Args:
        error: what was raised; the words of one that is not ours are kept back.
        language: of title and details (RFC 9457, section 3.1), see `gateway.words`.
        instance: an id that the log repeats; None: it was not logged.
    """
    kind = kind_of(type(error))
    detail = str(error) if isinstance(error, GatewayError) else UNTOLD
    faults: Sequence[FieldFault] = getattr(error, "faults", ())
    problem = Problem(
        type=TYPE_PREFIX + kind.slug,
        title=said(kind.title, language),
        status=kind.status,
        detail=said(detail, language),
        instance=instance,
        errors=tuple(fault.model_copy(update={"detail": said(fault.detail, language)}) for fault in faults),
    )
    return web.Response(
        status=kind.status,
        body=problem.model_dump_json(exclude_defaults=True).encode(),
        content_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Vary": "Accept-Language", **_headers(error)},
    )


def _headers(error: Exception) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    match error:
        case MethodError():
            headers["Allow"] = ", ".join(error.allow)
        case NotSignedInError():
            headers["WWW-Authenticate"] = 'Bearer realm="trunkline"'
        case TryAgain():
            wait: timedelta = getattr(error, "retry_after", timedelta(seconds=5))
            headers["Retry-After"] = str(max(1, -(-wait // timedelta(seconds=1))))
    return headers


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with its problem document; aiohttp's own pages for 404, 405 and 413 among them."""
    language = _language_of(request)
    readers_language.set(language)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return response(_ours(error), language=language)
    except GatewayError as error:
        if kind_of(type(error)).status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return response(error, language=language)
        return _logged(request, error, language)
    except Exception as error:  # noqa: BLE001 - the top of a request's task: one fault must not take the connection along
        return _logged(request, error, language)


def _language_of(request: web.Request) -> str:
    """A browser's WebSocket can send no headers, so its address names the language."""
    named = request.query.get("language") if hdrs.SEC_WEBSOCKET_KEY in request.headers else None
    return asked_language(named or request.headers.get(hdrs.ACCEPT_LANGUAGE))


def _ours(error: web.HTTPException) -> GatewayError:
    match error:
        case web.HTTPNotFound():
            return NotFoundError()
        case web.HTTPMethodNotAllowed():
            return MethodError(error.allowed_methods)
        case web.HTTPRequestEntityTooLarge():
            return BodyTooLargeError(int(error.headers.get("X-Limit", "0")))
        case _:
            return Rejected(f"The request is refused: {error.reason}.")


def _logged(request: web.Request, error: Exception, language: str) -> web.Response:
    instance = f"urn:uuid:{uuid4()}"
    resource = request.match_info.route.resource
    log.error(
        "request failed",
        method=request.method,
        route=resource.canonical if resource else None,
        instance=instance,
        exc_info=error,
    )
    return response(error, language=language, instance=instance)
