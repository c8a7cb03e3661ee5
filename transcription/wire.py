"""What the gateway and a transcription worker say to each other: one JSON object a line. Pure.

To the worker: `{"paths": [...], "language": "ru" | null}`. From it: any number of `{"alive": true}` while it
works, then `{"outcomes": [...]}` with a transcript or an error for each path, or `{"failed": {...}}` when
nothing could be begun (no model, an unknown language). File names may hold any bytes; JSON's escapes carry
them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.domain.errors import GatewayError, GiveUp
from gateway.domain.transcript import Transcript, from_json, to_json
from transcription.errors import (
    ModelDamagedError,
    ModelUnavailableError,
    UnknownLanguageError,
    UnreadableRecordingError,
)

Outcome = Transcript | GatewayError
ALIVE = b'{"alive": true}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Recordings to write down."""

    paths: tuple[Path, ...]
    language: str | None
    """Two-letter code; None: to be found out."""


def encode_job(job: Job) -> bytes:
    """Write a job as a line."""
    return _line({"paths": [str(path) for path in job.paths], "language": job.language})


def decode_job(line: bytes) -> Job:
    """Read a line that `encode_job` wrote."""
    said = json.loads(line)
    return Job(paths=tuple(Path(path) for path in said["paths"]), language=said["language"])


def encode_answer(answer: Sequence[Outcome] | GatewayError) -> bytes:
    """Write what became of a job: an outcome a path, or the reason why it could not be begun."""
    if isinstance(answer, GatewayError):
        return _line({"failed": _error_to_json(answer)})
    return _line({"outcomes": [_outcome_to_json(outcome) for outcome in answer]})


def decode_answer(line: bytes) -> list[Outcome] | GatewayError | None:
    """Read a line from a worker.

    Args:
        line: With or without its line feed.

    Returns:
        The outcomes, or why the job could not be begun; None: the worker is merely alive.

    Raises:
        ValueError: Not a line of this protocol.
    """
    said = json.loads(line)
    match said:
        case {"alive": True}:
            return None
        case {"failed": dict(error)}:
            return _error_from_json(error)
        case {"outcomes": list(outcomes)}:
            return [_outcome_from_json(outcome) for outcome in outcomes]
    raise ValueError(f"not a worker's answer: {sorted(said) if isinstance(said, dict) else type(said)}")


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _outcome_to_json(outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, GatewayError):
        return {"error": _error_to_json(outcome)}
    return {
        "language": outcome.language,
        "segments": to_json(outcome.segments),
        "model": outcome.model,
        "duration": outcome.duration,
    }


def _outcome_from_json(said: Mapping[str, Any]) -> Outcome:
    if "error" in said:
        return _error_from_json(said["error"])
    return Transcript(
        language=said["language"],
        segments=from_json(said["segments"]),
        model=said["model"],
        duration=said["duration"],
    )


def _error_to_json(error: GatewayError) -> dict[str, object]:
    match error:
        case UnreadableRecordingError():
            return {"kind": "recording", "path": str(error.path), "reason": error.reason}
        case UnknownLanguageError():
            return {"kind": "language", "language": error.language}
        case ModelDamagedError():
            return {"kind": "damaged", "path": str(error.path), "size": error.size, "digest": error.digest}
        case ModelUnavailableError():
            return {"kind": "model", "model": error.model, "reason": error.reason}
    return {"kind": "other", "message": str(error)}


def _error_from_json(said: Mapping[str, Any]) -> GatewayError:
    match said["kind"]:
        case "recording":
            return UnreadableRecordingError(Path(said["path"]), said["reason"])
        case "language":
            return UnknownLanguageError(said["language"])
        case "damaged":
            return ModelDamagedError(Path(said["path"]), said["size"], said["digest"])
        case "model":
            return ModelUnavailableError(said["model"], said["reason"])
    return GiveUp(said.get("message"))
