"""The demonstration call in words and values: how it stands, and each step as people and screens are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DemoState(StrEnum):
    """How the demonstration stands."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class DemoStep(StrEnum):
    """What is told, in the order of a call; those of phones and those of the database come as they happen."""

    CALLS = "calls"
    RINGS = "rings"
    CARD = "card"
    ANSWERS = "answers"
    TALK = "talk"
    HANGS_UP = "hangs_up"
    CALL = "call"
    RECORDING = "recording"
    TEXT = "text"
    SAID = "said"
    FIGURES = "figures"


class DemoObstacle(StrEnum):
    """Why there can be no demonstration now."""

    NO_ENGINE = "no_engine"
    NO_PHONES = "no_phones"
    RUNS = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One step.

    Attributes:
        step: Which.
        text: For people, in English.
        values: What the text is made of, for screens of other languages; times in seconds.
        call: The call, once the database has it.
    """

    step: DemoStep
    text: str
    values: Mapping[str, str | float] = field(default_factory=dict)
    call: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A step with its moment."""

    at: datetime
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStanding:
    """How far the demonstration has come, or the last one came.

    Attributes:
        state: How it stands.
        began_at: When; None before the first.
        ended_at: None while it runs.
        call: The call's id, once the database has it.
        steps: So far, in order.
        reason: Why it failed, in a sentence; empty: it did not.
    """

    state: DemoState = DemoState.IDLE
    began_at: datetime | None = None
    ended_at: datetime | None = None
    call: UUID | None = None
    steps: tuple[Shown, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindered:
    """An obstacle in words.

    Attributes:
        why: For programs.
        text: For people, with what to do.
    """

    why: DemoObstacle
    text: str
