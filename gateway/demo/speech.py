"""What the demonstration's two persons say: real human speech, carried with the product.

`dialogue.flac` has 26 seconds at 8 kHz, the manager in the left channel and the client in the right one, each silent
while the other speaks, so that two phones that begin to play at the answer make a talk of it. The words were read by
Allison Smith for Asterisk (asterisk-core-sounds-en, Creative Commons Attribution-Share Alike 3.0); they were cut, put
in this order and the client's made a little higher. Author and licence also stand in the file's own header and in
docs/quickstart.md.
"""

from dataclasses import dataclass
from pathlib import Path

import soundfile

FILE = Path(__file__).with_name("dialogue.flac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One thing said: by whom, the words, and when (seconds from the answer)."""

    by: str
    words: str
    start: float
    end: float


def _said(by: str, start: float, end: float, words: str) -> Spoken:
    return Spoken(by=by, words=words, start=start, end=end)


SPOKEN = (
    _said("manager", 0.60, 1.32, "Hello."),
    _said(
        "client",
        1.72,
        5.96,
        "The number you have dialed is not in service. Please check the number and try again.",
    ),
    _said("manager", 6.36, 7.99, "Sorry you're having problems."),
    _said("manager", 8.39, 11.80, "Please enter your phone number, starting with the area code."),
    _said("client", 12.20, 15.62, "I'm sorry, but I was unable to locate the person you are calling."),
    _said("manager", 16.02, 18.33, "Please hold while we try to connect you."),
    _said("client", 18.73, 20.04, "Thank you for your patience."),
    _said("manager", 20.44, 25.48, "Goodbye. Thank you for trying out the Asterisk Open Source PBX."),
)
SECONDS = 25.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two files that phones play, mono WAV of 16 bits at 8 kHz, equally long."""

    manager: Path
    client: Path


def lay_out(folder: Path) -> Sides:
    """Write both sides for phones to play.

    Args:
        folder: made if need be; what is there is written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sound, rate = soundfile.read(FILE, dtype="int16", always_2d=True)
    sides = Sides(manager=folder / "manager.wav", client=folder / "client.wav")
    for channel, path in enumerate((sides.manager, sides.client)):
        soundfile.write(path, sound[:, channel], rate, subtype="PCM_16")
    return sides
