"""What an hour of recorded call costs: CPU of FLAC, MP3, peaks and verification, bytes, and memory of a long call.

    python -m bench.recordings [--minutes 20] [--long-hours 2]

Two voice-like sides (harmonics in syllables, turns of a few seconds, line noise) are written as 8 kHz WAV files as the
PBX writes them. Each part is measured alone on one thread, then the whole `make_archive`; CPU seconds are scaled to
one hour. Memory is the growth of a fresh process's peak (VmHWM) from a ten-second call to one of `--long-hours`.
Prints JSON; figures depend on the machine, the shares and ratios in it less so.
"""

import argparse
import io
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from gateway.domain.recordings import RecordingKey
from recordings import codecs, wav
from recordings.archive import Archive, Sources, make_archive
from recordings.peaks import PeaksWriter
from recordings.storage import LocalStorage

RATE = 8000
BLOCK = 4 * RATE
Samples = npt.NDArray[np.int16]


def side(seed: int, seconds: int) -> Iterator[bytes]:
    """One side of a call, a minute at a time; it talks in turns of 2-8 s and is silent but for noise between."""
    dice = np.random.default_rng(seed)
    at = np.arange(60 * RATE) / RATE
    for _ in range(0, seconds, 60):
        pitch = dice.uniform(90, 220) * (1 + 0.02 * np.sin(2 * np.pi * 0.7 * at))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        tones = sum(np.sin(phase * k + dice.uniform(0, 6)) / k for k in range(1, 13))
        syllables = np.clip(np.sin(2 * np.pi * dice.uniform(2, 4) * at), 0, 1)
        turns = np.repeat(dice.random(15) < 0.5, 4 * RATE)
        sound = np.asarray(tones) * syllables * turns * 3500 + dice.standard_normal(len(at)) * 12
        yield sound.clip(-32768, 32767).astype("<i2").tobytes()


def write_wav(path: Path, seed: int, seconds: int) -> None:
    """A WAV file of whole minutes."""
    size = seconds * RATE * 2
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16) + form)
        file.write(struct.pack("<4sI", b"data", size))
        for piece in side(seed, seconds):
            file.write(piece)


def blocks(folder: Path) -> list[Samples]:
    """Both sides in memory, so that reading is not counted to a part."""
    sides = []
    for name in ("tx.wav", "rx.wav"):
        with (folder / name).open("rb") as file:
            report = wav.examine(file, unchanged_for=None)
            sides.append(list(wav.read_blocks(file, report, frames=BLOCK)))
    return [np.hstack(pair) for pair in zip(*sides, strict=True)]


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process for a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def read_all(folder: Path) -> None:
    """The reading of both sides alone."""
    for name in ("tx.wav", "rx.wav"):
        with (folder / name).open("rb") as file:
            report = wav.examine(file, unchanged_for=None)
            for _ in wav.read_blocks(file, report, frames=BLOCK):
                pass


def encode(begin: Callable[..., codecs.Encoder], file: BinaryIO, sound: list[Samples]) -> None:
    """One encoder over the whole call."""
    encoder = begin(file, sample_rate=RATE, channels=2)
    for block in sound:
        encoder.write(block)
    encoder.close()


def draw(sound: list[Samples]) -> None:
    """The peaks of the whole call."""
    writer = PeaksWriter(io.BytesIO(), sample_rate=RATE, channels=2)
    for block in sound:
        writer.add(block)
    writer.close()


def archive(folder: Path) -> Archive:
    """The whole way, with storage on the disk of the temporary folder."""
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
    with ExitStack() as close:
        client, manager = (close.enter_context((folder / name).open("rb")) for name in ("rx.wav", "tx.wav"))
        storage = close.enter_context(LocalStorage(folder / "recordings"))
        staging = close.enter_context(storage.stage(key))
        return make_archive(Sources(client=client, manager=manager), staging)


def costs(folder: Path, minutes: int) -> dict[str, object]:
    """CPU seconds for each hour of call, part by part, and the bytes."""
    sound = blocks(folder)
    with TemporaryFile(dir=folder) as flac, TemporaryFile(dir=folder) as mp3:
        parts = {
            "read_wav": cpu(lambda: read_all(folder)),
            "flac": cpu(lambda: encode(codecs.open_flac, flac, sound)),
            "mp3": cpu(lambda: encode(codecs.open_mp3, mp3, sound)),
            "peaks": cpu(lambda: draw(sound)),
            "verify_flac": cpu(lambda: codecs.decode(flac)),
            "verify_mp3": cpu(lambda: codecs.decode(mp3)),
            "sha256_flac": cpu(lambda: codecs.file_sha256(flac)),
        }
    found: list[Archive] = []
    begun = time.perf_counter()
    total = cpu(lambda: found.append(archive(folder)))
    elapsed = time.perf_counter() - begun
    hours = minutes / 60
    return {
        "cpu_seconds_per_hour": {name: round(value / hours, 3) for name, value in parts.items()},
        "cpu_seconds_per_hour_whole": round(total / hours, 3),
        "wall_seconds_per_hour_whole": round(elapsed / hours, 3),
        "times_real_time_whole": round(minutes * 60 / total),
        "share_of_mp3": round(parts["mp3"] / total, 2),
        "megabytes_per_hour": {
            "wav_both_sides": round(2 * 2 * RATE * 3600 / 1e6, 1),
            "flac": round(found[0].flac_bytes / hours / 1e6, 1),
            "mp3": round(found[0].mp3_bytes / hours / 1e6, 1),
            "peaks": round(found[0].peaks_bytes / hours / 1e6, 2),
        },
    }


def peak_kib() -> int:
    """Highest memory of this process so far (VmHWM of proc(5))."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def memory(hours: int) -> dict[str, object]:
    """Runs in a fresh process: the peak after a short call and after a long one."""
    with TemporaryDirectory() as made:
        short, long = Path(made) / "short", Path(made) / "long"
        for folder, seconds in ((short, 60), (long, hours * 3600)):
            folder.mkdir()
            for name, seed in (("rx.wav", 1), ("tx.wav", 2)):
                subprocess.run(
                    [sys.executable, "-m", "bench.recordings", "--write", str(folder / name), str(seed), str(seconds)],
                    check=True,
                )
        archive(short)
        before = peak_kib()
        begun = time.process_time()
        stored = archive(long)
        return {
            "hours": hours,
            "sound_mib": round(stored.frames * 4 / 2**20, 1),
            "cpu_seconds": round(time.process_time() - begun, 1),
            "peak_mib_after_one_minute": round(before / 1024, 1),
            "growth_mib": round((peak_kib() - before) / 1024, 1),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--long-hours", type=int, default=2)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write_wav(Path(asked.write[0]), int(asked.write[1]), int(asked.write[2]))
    elif asked.memory:
        print(json.dumps(memory(asked.memory)))
    else:
        command = [sys.executable, "-m", "bench.recordings", "--memory", str(asked.long_hours)]
        with TemporaryDirectory() as made:
            for name, seed in (("rx.wav", 1), ("tx.wav", 2)):
                write_wav(Path(made) / name, seed, asked.minutes * 60)
            found = costs(Path(made), asked.minutes)
        found["memory"] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        found["load_average"] = os.getloadavg()[0]
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
