"""Who this process is among all that share a database, and whether another one on this machine has died.

A process is known by the machine's boot, its namespace of process numbers (a container has its own), its number and
its start: together they never name two processes, so a dead one can be told for certain and its work taken over at
once. Of a process elsewhere nothing is known; its leases run out by themselves.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_PROC = Path("/proc")
_START_FIELD = 19  # of /proc/PID/stat behind the command's closing parenthesis: proc(5), field 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One process."""

    machine: str
    """This boot of this machine, and the namespace in which its processes are numbered."""
    pid: int
    started: str
    """In ticks since the boot; empty where the system does not tell."""

    @property
    def name(self) -> str:
        """As it is written into the database."""
        return f"{self.machine}/{self.pid}/{self.started}"


def this_node() -> Node:
    """Our own process."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        machine = f"{boot}:{(_PROC / 'self/ns/pid').stat().st_ino}"
        started = _started(os.getpid())
    except OSError:
        started = None
    if not started:
        return Node(machine=uuid4().hex, pid=os.getpid(), started="")
    return Node(machine=machine, pid=os.getpid(), started=started)


def has_ended(name: str, *, seen_from: Node) -> bool:
    """Whether a process is known to be dead; False also where nothing can be known of it."""
    machine, _, rest = name.partition("/")
    pid, _, started = rest.partition("/")
    if machine != seen_from.machine or not (pid.isascii() and pid.isdigit() and started):
        return False
    try:
        return _started(int(pid)) != started
    except OSError:
        return False


def _started(pid: int) -> str | None:
    """When a process began; None: there is none, or it is dead and only waits for its parent."""
    try:
        words = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if words[0] in ("Z", "X") else words[_START_FIELD]
