from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import GatewayError, GiveUp
from gateway.domain.transcript import Segment, Speaker, Transcript
from transcription.errors import (
    ModelDamagedError,
    ModelUnavailableError,
    UnknownLanguageError,
    UnreadableRecordingError,
)
from transcription.wire import ALIVE, Job, decode_answer, decode_job, encode_answer, encode_job

ERRORS: list[GatewayError] = [
    UnreadableRecordingError(Path("/var/a.wav"), "it has 3 channels"),
    UnknownLanguageError("xx"),
    ModelDamagedError(Path("/x"), 5, "ab"),
    ModelUnavailableError("small", "no hub"),
    GiveUp("something else"),
]


@given(st.lists(st.text(min_size=1).filter(lambda t: "\0" not in t)), st.sampled_from(["ru", None]))
def test_a_job_is_one_line_and_is_read_back(names: list[str], language: str | None) -> None:
    job = Job(paths=tuple(Path(name) for name in names), language=language)

    line = encode_job(job)

    assert line.count(b"\n") == 1
    assert decode_job(line) == job


def test_a_file_name_of_any_bytes_arrives() -> None:
    path = Path(b"caf\xe9\n.wav".decode(errors="surrogateescape"))

    assert decode_job(encode_job(Job(paths=(path,), language=None))).paths == (path,)


@given(st.text(), st.floats(0, 1e4))
def test_a_transcript_is_one_line_and_is_read_back(text: str, duration: float) -> None:
    segment = Segment(speaker=Speaker.CLIENT, start=0.5, end=1.5, text=text)
    transcript = Transcript(language="ru", segments=(segment,), model="base", duration=duration)

    line = encode_answer([transcript])

    assert line.count(b"\n") == 1
    assert decode_answer(line) == [transcript]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_its_kind_and_its_text(error: GatewayError) -> None:
    answer = decode_answer(encode_answer([error]))
    failed = decode_answer(encode_answer(error))

    assert isinstance(answer, list)
    for arrived in (answer[0], failed):
        assert type(arrived) is type(error)
        assert str(arrived) == str(error)


def test_a_sign_of_life_is_no_answer() -> None:
    assert decode_answer(ALIVE) is None


def test_a_line_of_another_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="not a worker's answer"):
        decode_answer(b'{"hello": 1}')
