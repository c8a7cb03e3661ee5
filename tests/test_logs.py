"""Logging: what may be written, and what never is."""

import io
import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from gateway import logs
from gateway.domain.errors import TryAgain
from gateway.logs import Private

pytestmark = pytest.mark.usefixtures("restored_logging")


def written(write, *, private=False, form="json", level="info"):
    """What a function writes to the log."""
    logs.configure(level=level, form=form, private=private)
    (handler,) = logging.getLogger().handlers
    stream = io.StringIO()
    handler.setStream(stream)
    write(structlog.get_logger("test"))
    return stream.getvalue()


def record(write, **how):
    return json.loads(written(write, **how))


def test_data_stands_in_fields_beside_a_static_message():
    found = record(lambda log: log.info("call ended", seconds=12))

    assert (found["event"], found["seconds"], found["level"], found["logger"]) == ("call ended", 12, "info", "test")
    assert found["timestamp"].endswith("Z")


@pytest.mark.parametrize(("private", "shown"), [(False, "[private]"), (True, "+79161234567")])
def test_a_private_value_is_written_only_where_the_site_wants_it(private, shown):
    number = Private("+79161234567")

    found = record(lambda log: log.info("ringing", number=number, legs=[{"number": number}]), private=private)

    assert found["number"] == found["legs"][0]["number"] == shown


def test_a_private_value_is_masked_in_any_text_it_is_put_into():
    assert f"{Private('+79161234567')} {Private('Анна')!r}" == "[private] [private]"


@pytest.mark.parametrize("private", [False, True])
def test_a_secret_is_never_written(private):
    text = written(
        lambda log: log.info(
            "connecting",
            password="geheim",
            ami_secret="geheim",
            Authorization="geheim",
            deep={"api_key": "geheim"},
            hidden=Private(SecretStr("geheim")),
            url="postgresql://u:geheim@h/x",
            settings=SecretStr("geheim"),
        ),
        private=private,
    )

    assert "connecting" in text
    assert "geheim" not in text


def test_a_record_is_one_line_whatever_a_caller_sent():
    hostile = 'a\r\nlevel=error\u2028"} \x1b[31m'

    for form in ("json", "console"):
        text = written(lambda log: log.info("ringing", name=Private(hostile)), private=True, form=form)
        assert len(text.splitlines()) == 1
        assert "\x1b[31m" not in text


def test_a_library_that_logs_what_a_caller_sent_writes_one_line_too():
    text = written(lambda _: logging.getLogger("aiohttp.server").warning("bad line %s", "a\r\nb"), form="console")

    assert len(text.splitlines()) == 1


def raise_chain(log):
    try:
        try:
            raise KeyError("+79161234567")
        except KeyError as fault:
            raise ValueError("duplicate +79161234567") from fault
    except ValueError:
        log.exception("storing failed")


def test_an_exception_is_written_as_frames_without_what_it_quotes():
    found = record(raise_chain)["exception"]

    assert "in raise_chain" in found
    assert "KeyError: [private]" in found
    assert "ValueError: [private]" in found
    assert "duplicate +79161234567" not in found.replace('raise ValueError("duplicate +79161234567")', "")


def test_an_exception_of_ours_or_of_the_system_says_what_happened():
    def fail(log):
        try:
            raise ExceptionGroup("tasks", [TryAgain("The PBX is silent."), OSError(28, "No space left on device")])
        except* (TryAgain, OSError):
            log.exception("stopped")

    found = record(fail)["exception"]

    assert "TryAgain: The PBX is silent." in found
    assert "No space left on device" in found


def test_what_is_less_serious_than_the_level_is_not_written():
    assert written(lambda log: log.info("small talk"), level="warning") == ""


def test_request_lines_and_statements_of_libraries_are_not_written():
    def chatter(_log):
        logging.getLogger("aiohttp.access").info("GET /api/v1/contacts?number=%2B79161234567")
        logging.getLogger("sqlalchemy.engine.Engine").info("SELECT ...")

    assert written(chatter, level="debug") == ""
