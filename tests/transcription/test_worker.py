"""The worker process: quick faults without a model, and the real model."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from transcription.errors import ModelUnavailableError, UnreadableRecordingError, WorkerDiedError
from transcription.options import Options
from transcription.transcriber import Transcriber, open_transcriber


async def until_it_works(transcriber: Transcriber) -> int:
    """Wait until a worker runs; give its process id."""
    while transcriber.worker_pid is None:
        await asyncio.sleep(0.01)
    return transcriber.worker_pid


async def test_nothing_is_started_before_the_first_job(tmp_path: Path) -> None:
    async with open_transcriber(Options(cache=tmp_path)) as transcriber:
        assert await transcriber.transcribe([], language=None) == []
        assert transcriber.worker_pid is None


async def test_a_model_that_cannot_be_had_is_told_by_its_name(tmp_path: Path, recordings: Path) -> None:
    async with open_transcriber(Options(cache=tmp_path, model=str(tmp_path))) as transcriber:
        with pytest.raises(ModelUnavailableError, match=r"has no model\.bin"):
            await transcriber.transcribe([recordings / "en.flac"], language="en")


async def test_a_worker_that_makes_no_progress_is_killed(tmp_path: Path, recordings: Path) -> None:
    async with open_transcriber(Options(cache=tmp_path, stall_seconds=0.05)) as transcriber:
        with pytest.raises(WorkerDiedError, match="made no progress"):
            await transcriber.transcribe([recordings / "en.flac"], language="en")
        assert transcriber.worker_pid is None


async def test_a_worker_that_wants_too_much_memory_dies_alone(tmp_path: Path, recordings: Path) -> None:
    async with open_transcriber(Options(cache=tmp_path, memory_limit=40 * 1024**2)) as transcriber:
        with pytest.raises(WorkerDiedError):
            await transcriber.transcribe([recordings / "en.flac"], language="en")


async def test_a_worker_without_work_leaves_and_a_new_one_takes_the_next_job(tmp_path: Path, recordings: Path) -> None:
    options = Options(cache=tmp_path, model=str(tmp_path), idle_seconds=0.2)
    async with open_transcriber(options) as transcriber:
        await transcriber.transcribe_each([recordings / "en.flac"], language="en")
        await until_it_works(transcriber)
        async with asyncio.timeout(60):
            while transcriber.worker_pid is not None:  # the worker leaves by itself; nobody else may reap it
                await asyncio.sleep(0.02)

        (outcome,) = await transcriber.transcribe_each([recordings / "en.flac"], language="en")

        assert isinstance(outcome, ModelUnavailableError)


async def test_a_job_that_is_called_off_takes_its_worker_with_it(tmp_path: Path, recordings: Path) -> None:
    async with open_transcriber(Options(cache=tmp_path)) as transcriber:
        async with asyncio.TaskGroup() as group:
            job = group.create_task(transcriber.transcribe([recordings / "en.flac"], language="en"))
            pid = await until_it_works(transcriber)
            job.cancel()

        assert transcriber.worker_pid is None
        assert not psutil.pid_exists(pid)


@pytest.mark.speech
async def test_a_killed_worker_fails_its_files_and_the_next_job_gets_a_new_one(
    model_cache: Path, tmp_path: Path, recordings: Path
) -> None:
    letter = tmp_path / "letter.wav"
    letter.write_text("not a sound")
    async with open_transcriber(Options(cache=model_cache)) as transcriber:
        async with asyncio.TaskGroup() as group:
            files = [recordings / "ru.flac", recordings / "en.flac"]
            job = group.create_task(transcriber.transcribe_each(files, language=None))
            pid = await until_it_works(transcriber)
            await asyncio.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
        assert [type(outcome) for outcome in job.result()] == [WorkerDiedError, WorkerDiedError]

        good, bad = await transcriber.transcribe_each([recordings / "en.flac", letter], language=None)

        assert isinstance(bad, UnreadableRecordingError)
        assert not isinstance(good, Exception)
        assert good.language == "en"
        assert len(good.segments) == 4
        assert os.getpriority(os.PRIO_PROCESS, transcriber.worker_pid or 0) >= 10
