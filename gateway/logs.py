"""Logging: a static message and its data in fields, for people or as JSON lines on standard error.

Rules the processors enforce:
- what identifies a person or quotes him (numbers, names, texts) is given as `number=Private(value)`, and is
  written only when `log.private` is true;
- fields with a secret's name and pydantic's secret values are never written, nor is the account in a URL;
- a traceback shows frames and classes; the text of an exception stays out unless it is one of ours or of the
  system or the interpreter, because a database's or a parser's message quotes the data it stumbled over.

Libraries that log through the standard library come out of the same door.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.domain.errors import GatewayError

PRIVATE = "[private]"
SECRET = "[secret]"  # noqa: S105 - what is written instead of one
SECRET_FIELDS = re.compile(
    r"(^|_)(password|passwd|secret|token|cookie|authorization|api_key|private_key)$", re.IGNORECASE
)
SPEAKING_ERRORS = (GatewayError, OSError, TypeError, AttributeError, ImportError, NameError, AssertionError)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ACCOUNT_IN_URL = re.compile(r"://[^/\s@]*@")


@dataclass(frozen=True, slots=True, repr=False)
class Private:
    """A value that may be written to a log only where `log.private` is true."""

    value: object

    def __repr__(self) -> str:
        return PRIVATE


def configure(*, level: str = "info", form: str = "console", private: bool = False) -> None:
    """Set up logging for this process; called once, before anything is logged.

    Args:
        level: debug, info, warning or error.
        form: `console` for people, `json` for machines.
        private: whether `Private` values are written.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        Traceback(private=private),
        Discretion(private=private),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _route_standard_library(level, _renderer(form), shared)


def _renderer(form: str) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()  # ASCII: no U+2028 that a reader takes for a line's end
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _route_standard_library(level: str, renderer: Processor, shared: list[Processor]) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Both write request lines and statements, with numbers in them, at their normal levels.
    logging.getLogger("aiohttp.access").setLevel(logging.ERROR)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


class Discretion:
    """A structlog processor that takes out what must not be written."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        told = {key: self._told(value, key) for key, value in event.items()}
        if isinstance(message := told.get("event"), str):  # a library's may hold what a caller sent
            told["event"] = _CONTROL.sub(lambda sign: ascii(sign[0])[1:-1], message)
        return told

    def _told(self, value: object, key: str = "") -> object:
        if key.startswith("_"):  # structlog's own companions of a record
            return value
        if isinstance(value, SecretStr | SecretBytes) or (value and SECRET_FIELDS.search(key)):
            return SECRET
        match value:
            case Private():
                return self._told(value.value) if self._private else PRIVATE
            case Mapping():
                return {str(inner): self._told(part, str(inner)) for inner, part in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._told(part) for part in value]
            case str():
                return _ACCOUNT_IN_URL.sub("://****@", value) if "://" in value else value
            case BaseException():
                return _said(value, private=self._private)
            case _:
                return value


class Traceback:
    """A structlog processor that writes an exception as frames, with its text only where that is harmless."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        info = event.pop("exc_info", None)
        if info is True:
            info = sys.exc_info()
        error = info[1] if isinstance(info, tuple) else info
        if isinstance(error, BaseException):
            event["exception"] = "".join(self._lines(error)).rstrip()
        return event

    def _lines(self, error: BaseException) -> list[str]:
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        lines = [*self._lines(before), "\nwhich led to\n\n"] if before else []
        lines += traceback.format_tb(error.__traceback__)
        lines.append(f"{_said(error, private=self._private)}\n")
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                lines += ["\none of them\n\n", *self._lines(part)]
        return lines


def _said(error: BaseException, *, private: bool) -> str:
    name = type(error).__qualname__
    if not private and not isinstance(error, (*SPEAKING_ERRORS, BaseExceptionGroup)):
        return f"{name}: {PRIVATE}"
    return f"{name}: {_ACCOUNT_IN_URL.sub('://****@', str(error))}"
