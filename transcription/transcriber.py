"""The gateway's side of transcription: one worker process, started when there is work, replaced when it dies.

A `Transcriber` does one job at a time; for a backlog on several cores, open several (one-thread workers beat
threads in one). A worker that crashes, is killed, runs out of memory or stops making progress fails the files
it was given: they come back as `WorkerDiedError`, and the next job gets a new worker. Who claims many files
at a time gives a file that was already in such a job alone, so that one bad file does not spend its
neighbours' attempts.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.domain.transcript import Transcript
from transcription.errors import WorkerDiedError
from transcription.options import Options
from transcription.wire import Job, Outcome, decode_answer, encode_job
from transcription.worker import options_to_json

_LONGEST_LINE = 256 * 1024 * 1024
_FAREWELL_SECONDS = 2.0


class Transcriber:
    """A worker process, as seen by the gateway."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker; None: none is running."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def transcribe(self, paths: Sequence[Path], *, language: str | None) -> list[Transcript]:
        """Write down what is said in recordings, all or nothing.

        Args:
            paths: WAV or FLAC files.
            language: Two-letter code for all of them; None: found out for each.

        Returns:
            One transcript a path, in the same order.

        Raises:
            UnreadableRecordingError: A file is missing or no recording.
            UnknownLanguageError: The model does not know the language.
            ModelDamagedError: The model is not the one it should be.
            ModelUnavailableError: The model is not on this machine.
            WorkerDiedError: The worker crashed, was killed, or took too long.
        """
        transcripts = []
        for outcome in await self.transcribe_each(paths, language=language):
            if isinstance(outcome, GatewayError):
                raise outcome
            transcripts.append(outcome)
        return transcripts

    async def transcribe_each(self, paths: Sequence[Path], *, language: str | None) -> list[Outcome]:
        """Write down what is said in recordings, each for itself.

        Args:
            paths: WAV or FLAC files.
            language: Two-letter code for all of them; None: found out for each.

        Returns:
            One transcript or error (see `transcribe`) a path, in the same order.
        """
        if not paths:
            return []
        job = Job(paths=tuple(paths), language=language)
        async with self._turn:
            try:
                answer = await self._ask(job)
            except WorkerDiedError as error:
                return [error] * len(paths)
        return [answer] * len(paths) if isinstance(answer, GatewayError) else answer

    async def close(self) -> None:
        """Let the worker go; it is killed if it is in the middle of a job."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _ask(self, job: Job) -> list[Outcome] | GatewayError:
        """Give a job to the worker; one that just left for want of work is replaced once."""
        fresh = self.worker_pid is None
        answered = False
        try:
            answer = await self._one_try(job)
            if answer is None and not fresh:
                answer = await self._one_try(job)
            if answer is None:
                raise WorkerDiedError(0, "left without an answer")
            answered = True
        finally:
            if not answered:
                await self._kill()
        return answer

    async def _one_try(self, job: Job) -> list[Outcome] | GatewayError | None:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.file_seconds * len(job.paths)
        try:
            process.stdin.write(encode_job(job))
            await process.stdin.drain()
            while True:
                patience = min(self._options.stall_seconds, deadline - loop.time())
                async with asyncio.timeout(patience):
                    line = await process.stdout.readline()
                if not line:
                    break
                answer = decode_answer(line)
                if answer is not None:
                    return answer
        except TimeoutError:
            late = loop.time() >= deadline
            raise WorkerDiedError(
                None, "took too long and was killed" if late else "made no progress and was killed"
            ) from None
        except (BrokenPipeError, ConnectionResetError):
            pass  # it died before it read the job; its exit status says why
        returncode = await process.wait()
        if returncode == 0:
            return None
        raise WorkerDiedError(returncode, f"was ended by signal {-returncode}" if returncode < 0 else "crashed")

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the folder we stand in must not shadow a package
                "-m",
                "transcription.worker",
                options_to_json(self._options),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin:
            process.stdin.close()
        await process.wait()


@asynccontextmanager
async def open_transcriber(options: Options) -> AsyncIterator[Transcriber]:
    """Open a transcriber; no process is started before the first job.

    Args:
        options: Model, cache, languages and limits.

    Yields:
        The transcriber; its worker is gone when the context is left.
    """
    transcriber = Transcriber(options)
    try:
        yield transcriber
    finally:
        await transcriber.close()
