"""The plays that `lab.record` performs: each drives the phones, and tells from their clocks what happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from lab.office import Stage
from lab.truth import Told

Act = Callable[[Stage], Awaitable[Sequence[Told]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One play.

    Attributes:
        name: Name of the scenario's folder.
        what: What happens, for people.
        act: Performs it and tells the calls in the order of their start; those of `kind` service are those that
            a replay prints only when asked.
        stream: Whether the AMI stream is kept too.
        arguments: What the replay must be told beside managers, trunks and region.
    """

    name: str
    what: str
    act: Act
    stream: bool
    arguments: Sequence[str]


PLAYS: dict[str, Play] = {}
"""All of them by name, once `load_plays` has run."""
MODULES = ("arriving", "transferring", "features", "placing", "ordering", "rare", "further")


def load_plays() -> None:
    """Fill `PLAYS`."""
    for module in MODULES:
        import_module(f"lab.plays.{module}")


def play(name: str, what: str, *, stream: bool = False, arguments: Sequence[str] = ()) -> Callable[[Act], Act]:
    """Enter a play into the list."""

    def enter(act: Act) -> Act:
        PLAYS[name] = Play(name=f"real_{name}", what=what, act=act, stream=stream, arguments=arguments)
        return act

    return enter
