"""The transcription worker: a process of one thread that reads jobs from its standard input and answers on
its output.

It is a process of its own because the recogniser's libraries are native code: a file that makes them crash or
eat all memory must cost one worker and not the gateway. The model is loaded at the first job. The worker
leaves when its input ends, when it had nothing to do for a while, and (Linux) with the process that started
it. Started by `transcription.transcriber` as `python -P -m transcription.worker OPTIONS`, OPTIONS as JSON.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.domain.errors import GatewayError
from transcription.options import Options
from transcription.wire import ALIVE, Job, Outcome, decode_job, encode_answer

if TYPE_CHECKING:
    from transcription.engine import Engine

_PR_SET_PDEATHSIG = 1


def options_to_json(options: Options) -> str:
    """Write options as the worker's argument."""
    return json.dumps({**asdict(options), "cache": str(options.cache)})


def main(argv: list[str]) -> int:
    """Work until the input ends.

    Args:
        argv: One argument, see `options_to_json`.

    Returns:
        0, always: a crash has no return.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches us too; our owner ends us in order
    said = json.loads(argv[0])
    options = Options(**{**said, "cache": Path(said["cache"]), "languages": tuple(said["languages"])})
    answers = _own_output()
    _limit(options)
    desk = _Desk(options, alive=lambda: _write(answers, ALIVE))
    while line := _next_line(options.idle_seconds):
        _write(answers, encode_answer(desk.work(decode_job(line))))
    return 0


class _Desk:
    """Where jobs are done; the engine comes with the first."""

    def __init__(self, options: Options, alive: Callable[[], None]) -> None:
        self._options = options
        self._alive = alive
        self._engine: Engine | None = None

    def work(self, job: Job) -> list[Outcome] | GatewayError:
        try:
            if self._engine is None:
                from transcription.engine import Engine

                self._engine = Engine(self._options)
            self._alive()
            return self._engine.transcribe(job.paths, job.language, self._alive)
        except GatewayError as error:
            return error


def _own_output() -> int:
    """Keep the pipe for answers alone; what a library prints goes to the log."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _limit(options: Options) -> None:
    # The libraries read these when they are loaded, which is at the first job.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.nice(options.nice)
    resource.setrlimit(resource.RLIMIT_DATA, (options.memory_limit, options.memory_limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _next_line(patience: float) -> bytes:
    """Wait for a job; nothing when the input ended or nobody came in time."""
    # The input is read without a buffer of Python's, so select sees all that has come.
    held = bytearray()
    while not held.endswith(b"\n"):
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], patience)
        chunk = os.read(sys.stdin.fileno(), 1 << 16) if ready else b""
        if not chunk:
            return b""
        held += chunk
    return bytes(held)


def _write(answers: int, line: bytes) -> None:
    sent = 0
    while sent < len(line):
        sent += os.write(answers, line[sent:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
