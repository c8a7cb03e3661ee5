"""Every measurement runs at a tiny size and prints one JSON object; what it measures is looked at elsewhere, by eye."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, Bench, run

ROOT = Path(__file__).parent.parent.parent
LONG = frozenset({"recordings", "transcription", "api_fuzz"})
"""An hour of sound, a model of speech and every operation of the API take their time however small the rest is."""
SMALL = [bench for bench in BENCHES if bench.quick is not None and bench.name not in LONG]


@pytest.mark.parametrize("bench", SMALL, ids=lambda bench: bench.name)
def test_a_bench_prints_its_figures_as_one_json_object(bench: Bench) -> None:
    result = run(bench, quick=True)

    assert "failed" not in result, result["last_words"]
    assert isinstance(result["figures"], dict)
    assert result["figures"]


def test_every_module_that_prints_figures_is_in_the_whole_run() -> None:
    printing = {p.stem for p in (ROOT / "bench").glob("[!_]*.py") if 'if __name__ == "__main__"' in p.read_text()}

    assert printing - {"speech_set"} == {bench.name for bench in BENCHES}


def test_the_whole_run_is_one_document_and_a_wrong_name_is_refused() -> None:
    command = [sys.executable, "-m", "bench", "--quick"]
    done = subprocess.run([*command, "fold"], check=True, capture_output=True, cwd=ROOT)
    told = json.loads(done.stdout)
    refused = subprocess.run([*command, "flod"], check=False, capture_output=True, text=True, cwd=ROOT)

    assert told["fold"]["figures"]["recorded_call_cpu_us"]["whole"] > 0
    assert told["quick"] is True
    assert refused.returncode == 2
    assert "there is no flod" in refused.stderr


def test_every_bench_is_explained_with_its_command() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()

    assert [b.name for b in BENCHES if f"python -m bench.{b.name}" not in page] == []
