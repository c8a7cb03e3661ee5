"""All measurements, one after the other, as one JSON document: `make bench`, or `python -m bench [--quick] [NAME...]`.

Each runs in a process of its own, so that none inherits another's memory or warm caches, and prints its figures as
JSON; here they come under the bench's name, with the seconds it took. A bench that fails is told with its last words,
the others go on, and the exit code is 1. What a figure means and what is required stands in docs/benchmarks.md.
`--quick` makes everything small, to see that it runs; its figures say nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LAST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Bench:
    """One measurement: its module here, and the arguments that make it small; None: it has no small form."""

    name: str
    quick: tuple[str, ...] | None


BENCHES = (
    Bench("fold", ("--seconds", "0.05")),
    Bench("journal", ("--calls", "26", "--rounds", "1")),
    Bench("growth", ("--small", "26", "--large", "78", "--calls", "13", "--rounds", "1")),
    Bench("screen", ("--seconds", "2", "--rate", "13")),
    Bench("idle", ("--seconds", "0.5")),
    Bench("journal_lag", ("--seconds", "1", "--rows", "2000")),
    Bench("cel_table", ("--rows", "20000", "--history", "5000", "--live", "20", "--idle", "1")),
    Bench("ami", ("--rounds", "1", "--repeat", "20")),
    Bench("statistics", ("--calls", "20000")),
    Bench("reports", ("--calls", "20000")),
    Bench("cards", ("--cards", "20000")),
    Bench("route", ("--cards", "20000", "--runs", "100")),
    Bench("workplace", ("--cards", "2000", "--calls", "1000")),
    Bench("imports", ("--rows", "2000", "--format", "csv")),
    Bench("recordings", ("--minutes", "1", "--long-hours", "1")),
    Bench("upkeep", None),
    Bench("transcription", ("--calls", "1", "--plain-calls", "1")),
    Bench("distribution", ("--outcomes", "2000", "--leads", "40")),
    Bench("manager_states", ("--managers", "3", "--days", "2", "--calls", "5", "--runs", "5")),
    Bench("scheduled", ("--managers", "3", "--taken", "200", "--runs", "5")),
    Bench("queue", ("--managers", "2", "--done", "500", "--runs", "5")),
    Bench("click_to_call", None),
    Bench("web_popup", None),
    Bench("web_load", None),
    Bench("web_board", None),
    Bench("site_load", None),
    Bench("kills", ("--kills", "2")),
    Bench("catch_up", ("--calls", "130")),
    Bench("ship", ("--seconds", "2")),
    Bench("exchange_front", ("--calls", "60")),
    Bench("exchange_sound", ("--calls", "2", "--seconds", "2")),
    Bench("exchange_soak", ("--minutes", "0.2", "--calls", "2", "--talk", "2", "3")),
    Bench("embedded_calls", ("--calls", "5")),
    Bench("webhooks", ("--count", "60")),
    Bench("api_cost", ("--requests", "60", "--rounds", "1")),
    Bench("api_fuzz", ("--examples", "1")),
)


def run(bench: Bench, *, quick: bool) -> dict[str, object]:
    """Run one, and take its figures or its last words."""
    arguments = (bench.quick or ()) if quick else ()
    began = time.monotonic()
    command = [sys.executable, "-m", f"bench.{bench.name}", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, cwd=ROOT)
    seconds = round(time.monotonic() - began, 1)
    try:
        figures = json.loads(done.stdout)
    except ValueError:
        figures = None
    if done.returncode or figures is None:
        words = (done.stderr or done.stdout).decode(errors="replace")[-_LAST_WORDS:]
        return {"seconds": seconds, "failed": done.returncode, "last_words": words}
    return {"seconds": seconds, "figures": figures}


def main() -> int:
    """Run what was asked for and print one document; 1 where one failed."""
    names = [bench.name for bench in BENCHES]
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help=f"only these: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="small runs, to see that everything works")
    asked = parser.parse_args()
    if unknown := set(asked.name) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    told: dict[str, object] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "kernel": platform.release()},
        "load_average_before": os.getloadavg()[0],
        "quick": asked.quick,
    }
    failed = False
    for bench in BENCHES:
        if (asked.name and bench.name not in asked.name) or (asked.quick and bench.quick is None):
            continue
        print(f"bench.{bench.name} ...", file=sys.stderr, flush=True)
        result = run(bench, quick=asked.quick)
        told[bench.name] = result
        failed = failed or "failed" in result
    print(json.dumps(told, indent=1, ensure_ascii=False))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
