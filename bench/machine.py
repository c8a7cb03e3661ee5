"""What a run costs the machine, and how quiet the machine was: CPU and memory of process trees from /proc (proc(5)).

Wall-clock figures of a shared machine mean little without the load beside them, so every bench tells it. CPU seconds
leave the neighbours' work out, though a busy machine still makes each of ours cost more (shared caches).
"""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
Figures = dict[str, object]


def tree(root: int) -> list[int]:
    """A process and all that came from it."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _pids() -> list[int]:
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def cpu_seconds(root: int) -> float:
    """User and system time of a process tree, with its children that have ended."""
    fields = [f for pid in tree(root) if (f := _stat(pid))]
    return sum(int(f[11]) + int(f[12]) for f in fields) / _TICKS + (
        (int(fields[0][13]) + int(fields[0][14])) / _TICKS if fields else 0.0
    )


def pss_bytes(pid: int) -> int:
    """Proportional set size of one process: its own pages, and its share of those it has with others."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def command_of(pid: int) -> str:
    """The process's command line, shortened."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:60]
    except OSError:
        return ""


def resident_bytes() -> int:
    """This process's resident memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _busy_and_total() -> tuple[int, int]:
    ticks = [int(t) for t in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


@dataclass(slots=True)
class Watch:
    """The machine during a run: begin with `Watch.begin()`, end with `told`."""

    busy: int
    total: int
    own: float
    began: float

    @classmethod
    def begin(cls) -> "Watch":
        """Look at the clocks."""
        times = os.times()
        return cls(*_busy_and_total(), sum(times[:4]), time.monotonic())

    def told(self, *, beside: float = 0.0) -> Figures:
        """Cores, and how many of them were busy in the mean with work that was not ours.

        Args:
            beside: CPU seconds of processes of ours that are not this one's children (a database server).
        """
        busy, total = _busy_and_total()
        cores = os.cpu_count() or 1
        length = max(total - self.total, 1)
        ours = (sum(os.times()[:4]) - self.own + beside) * _TICKS
        others = max(0.0, busy - self.busy - ours) / length * cores
        return {
            "cores": cores,
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - self.began, 1),
            "cores_busy_with_other_work": round(others, 2),
        }
