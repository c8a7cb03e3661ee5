"""The sound of a worker: makes the library's conference bridge have the wires that `exchange.worker_wires` wants.

Everything runs on the bridge's one clock of 20 ms. An idle tone generator is connected to every recorder: a recorder to
which nothing is connected writes nothing, and its file would be shorter than the call (measured). A file is whole only
when the library has let go of it, which it does at a tick of the clock; so a closed recording is looked at until both
headers tell the truth, and then its halves are made of one length.
"""

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pjsua2 as pj

from exchange.worker_wires import LegSound, Place, Port, Wire, Wiring

CLOCK_RATE = 8000
CLOSING_SECONDS = 2.0
_HEADER = 44
"""Bytes before the sound in a file that the library writes."""


class SoundOfLeg(Protocol):
    """What the sound needs of a call."""

    def port(self) -> Any:
        """Its port of the conference bridge now; raises the library's error if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A recording that the library is about to let go."""

    leg: str
    files: tuple[Path, Path]
    until: float


class WorkerSound:
    """Players, recorders and wires of one worker; lives in the thread that owns the library."""

    def __init__(self, wiring: Wiring, find: Callable[[str], SoundOfLeg | None], told: Callable[[str], None]) -> None:
        """Begin in silence.

        Args:
            wiring: what is wanted; changed by orders, read here.
            find: the call of a leg.
            told: called with the leg whose recording is whole.
        """
        self._wiring = wiring
        self._find = find
        self._told = told
        self._idle = pj.ToneGenerator()
        self._idle.createToneGenerator(CLOCK_RATE, 1)
        self._ports: dict[Place, Any] = {}
        self._files: dict[str, tuple[Path, Path]] = {}
        self._there: set[Wire] = set()
        self._closing: list[Closing] = []

    def apply(self) -> None:
        """Make the bridge have the wires that are wanted, no more and no fewer."""
        wanted = self._wiring.wires()
        for wire in self._there - wanted:
            with suppress(pj.Error):  # a port that went away took its wires along
                self._port(wire[0]).stopTransmit(self._port(wire[1]))
        self._there &= wanted
        for wire in sorted(wanted - self._there):
            with suppress(pj.Error):  # its sound ended in this moment; the next change tries again
                self._port(wire[0]).startTransmit(self._port(wire[1]))
                self._there.add(wire)

    def renewed(self, leg: str) -> None:
        """The library made a leg a new port: its wires are gone."""
        place = (Port.LEG, leg)
        self._there = {wire for wire in self._there if place not in wire}
        self.apply()

    def play(self, leg: str, file: str, *, loop: bool) -> None:
        """Play a file to a leg in place of what was played before.

        Raises:
            pj.Error: it cannot be read.
        """
        player = pj.AudioMediaPlayer()
        player.createPlayer(file, 0 if loop else pj.PJMEDIA_FILE_NO_LOOP)
        self.stop_play(leg)
        self._ports[Port.PLAYER, leg] = player
        self._sound(leg).plays = True
        self.apply()

    def stop_play(self, leg: str) -> None:
        """Play no more to a leg."""
        if leg in self._wiring.legs:
            self._wiring.legs[leg].plays = False
        self._drop((Port.PLAYER, leg))

    def record(self, leg: str, received: str, sent: str) -> None:
        """Begin both files of a leg at once.

        Raises:
            pj.Error: one cannot be written, or it is recorded already.
        """
        recorders = (pj.AudioMediaRecorder(), pj.AudioMediaRecorder())
        for recorder, file in zip(recorders, (received, sent), strict=True):
            recorder.createRecorder(file)
        self.stop_record(leg)
        self._ports[Port.RECEIVED, leg], self._ports[Port.SENT, leg] = recorders
        self._files[leg] = (Path(received), Path(sent))
        self._sound(leg).records = True
        self.apply()

    def stop_record(self, leg: str) -> None:
        """End a leg's recording, if there is one; `told` follows."""
        if leg in self._wiring.legs:
            self._wiring.legs[leg].records = False
        self.apply()
        self._drop((Port.RECEIVED, leg))
        self._drop((Port.SENT, leg))
        if files := self._files.pop(leg, None):
            self._closing.append(Closing(leg=leg, files=files, until=time.monotonic() + CLOSING_SECONDS))

    def forget(self, leg: str) -> None:
        """A leg is over: let go of all that served it."""
        place = (Port.LEG, leg)
        self._there = {wire for wire in self._there if place not in wire}
        self.stop_play(leg)
        self.stop_record(leg)
        self._wiring.forget(leg)
        self.apply()

    def turn(self) -> None:
        """Look at recordings that are being closed."""
        now = time.monotonic()
        done = [c for c in self._closing if now >= c.until or all(_is_whole(file) for file in c.files)]
        for closing in done:
            self._closing.remove(closing)
            make_equal(*closing.files)
            self._told(closing.leg)

    @property
    def busy(self) -> bool:
        """Recordings are still being closed."""
        return bool(self._closing)

    def close(self) -> None:
        """Let go of everything, before the library ends."""
        self._there.clear()
        self._ports.clear()
        self._idle = None

    def _sound(self, leg: str) -> LegSound:
        return self._wiring.legs.setdefault(leg, LegSound())

    def _drop(self, place: Place) -> None:
        """Cut a port's wires while both ends live, then let it go."""
        for wire in [wire for wire in self._there if place in wire]:
            with suppress(pj.Error):
                self._port(wire[0]).stopTransmit(self._port(wire[1]))
            self._there.discard(wire)
        self._ports.pop(place, None)

    def _port(self, place: Place) -> Any:
        kind, leg = place
        if kind is Port.IDLE:
            return self._idle
        if kind is Port.LEG:
            call = self._find(leg)
            if call is None:
                raise pj.Error
            return call.port()
        return self._ports[place]


def _is_whole(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEADER)
    except OSError:
        return True  # taken away: nobody waits for it
    return len(head) == _HEADER and struct.unpack("<I", head[40:44])[0] == file.stat().st_size - _HEADER


def make_equal(one: Path, other: Path) -> None:
    """Give two files of one recording the same length: silence goes to the end of the shorter.

    They begin at one tick of the clock and end at most one tick apart. A file that is gone is left alone.
    """
    with suppress(OSError):
        short, long = sorted((one, other), key=lambda file: file.stat().st_size)
        missing = long.stat().st_size - short.stat().st_size
        if missing == 0:
            return
        with short.open("r+b") as opened:
            opened.seek(0, 2)
            opened.write(bytes(missing))
            _write_lengths(opened)


def _write_lengths(opened: Any) -> None:
    size = opened.tell()
    for place, length in ((4, size - 8), (40, size - _HEADER)):
        opened.seek(place)
        opened.write(struct.pack("<I", length))
