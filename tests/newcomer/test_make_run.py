"""What `make run` would start: the gateway with its own exchange, unless something else is asked for."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STARTED = {"gateway serve": "-m gateway serve", "demo": "-m gateway demo", "laboratory": "-m lab run"}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [((), "gateway serve"), (("DEMO=1",), "demo"), (("ASTERISK=1",), "laboratory")],
)
def test_make_run_starts_one_thing(words: tuple[str, ...], wanted: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", "run", *words], cwd=REPOSITORY, env=clean, capture_output=True, text=True, check=True
    )

    assert [name for name, command in STARTED.items() if command in done.stdout] == [wanted]
