"""The language between the exchange and its workers: one JSON object a line, commands down, events up.

A worker (`exchange.worker`) carries the calls of pjsua2 and knows no telephone system: it dials, answers, joins and
records legs as it is told. What the legs mean is the brain's (`exchange.brain`). Both sides import this module only,
so it imports nothing heavy. A line of the wrong shape raises `BadLine`; nothing is guessed, since the
names and headers in it come from callers.

`{"do": "dial", "leg": "x1", "uri": "sip:101@phones.invalid", ...}` to a worker,
`{"event": "answered", "leg": "x1", "at": 1795337962.5}` from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exchange.lines import LINE_BYTES, BadLine, Language

__all__ = ["LINE_BYTES", "BadLine", "Command", "Event", "command_line", "event_line", "read_command", "read_event"]


class SpyMode(StrEnum):
    """What is heard of a leg that spies."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class EndedBy(StrEnum):
    """Who ended a leg."""

    FAR = "far"  # the phone or the provider
    US = "us"  # a command, or the worker itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """What a provider asks for when it challenges an INVITE."""

    realm: str = "*"
    user: str
    password: str = field(repr=False)


# commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Give an arrived call its leg id; the worker rings nobody before."""

    call: int
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Call somebody by way of the front."""

    leg: str
    uri: str
    from_uri: str
    display: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Auth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Answer 180 to an arrived leg."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Answer 183 with sound to an arrived leg."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer 200 to an arrived leg."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer an arrived leg with a final code."""

    leg: str
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End a leg in whatever state it is."""

    leg: str
    code: int = 0
    """SIP answer where it was not answered; 0: the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Let two legs hear each other."""

    legs: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Let two legs hear each other no more."""

    legs: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Let a leg hear the music of holding, joined with nobody."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhold:
    """End the music; a `Join` follows."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Send DTMF to a leg's far end."""

    leg: str
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play a WAV file to a leg; a file that cannot be read is told by `Trouble`."""

    leg: str
    file: str
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlay:
    """Stop what is played to a leg."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record a leg into two mono files of one length: `rx` what it says, `tx` what it hears."""

    leg: str
    rx: str
    tx: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Write silence into a leg's recording from now on, or sound again."""

    leg: str
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """Close a leg's recording; `Recorded` follows. A leg that ends closes it by itself."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spy:
    """Let a leg hear another one and whom it talks with."""

    leg: str
    at: str
    mode: SpyMode


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSource:
    """Take sound of a leg only from the address it negotiated."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Hang everything up and end the process."""


Command = (
    Name
    | Dial
    | Ring
    | Progress
    | Answer
    | Refuse
    | HangUp
    | Join
    | Part
    | Hold
    | Unhold
    | Digits
    | Play
    | StopPlay
    | Record
    | Pause
    | StopRecord
    | Spy
    | LimitSource
    | Stop
)

# events; `at` is seconds of the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker listens on that loopback port for SIP of the front."""

    at: float
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A call arrived and waits for its name."""

    at: float
    call: int
    from_uri: str = field(metadata={"key": "from"})
    display: str = ""
    to: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the INVITE; names in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """The far end rings (180)."""

    at: float
    leg: str
    code: int = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """The far end sends sound before its answer (183)."""

    at: float
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The leg is established, dialled or arrived."""

    at: float
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The far phone put us on hold."""

    at: float
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The far phone took us back."""

    at: float
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """The far end sent a digit."""

    at: float
    leg: str
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """The far phone wants its partner transferred; the worker has answered 202."""

    at: float
    leg: str
    target: str
    """User part of the Refer-To."""
    replaces: str | None = None
    """Leg id of the consultation, if it is one of this worker's; empty: of a dialog that it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Sound runs, with that codec."""

    at: float
    leg: str
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The leg's two files are closed and whole."""

    at: float
    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The leg is over; the last event of it but `Recorded`."""

    at: float
    leg: str
    code: int
    """SIP status; 200 after an answered call."""
    reason: str = ""
    by: EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A command could not be carried out; the leg goes on as it was."""

    at: float
    leg: str
    text: str


Event = (
    Ready | Incoming | Ringing | Early | Answered | Held | Resumed | Digit | Refer | Sound | Recorded | Ended | Trouble
)

_COMMANDS: Language[Command] = Language(
    "do",
    {
        "name": Name,
        "dial": Dial,
        "ring": Ring,
        "progress": Progress,
        "answer": Answer,
        "refuse": Refuse,
        "hang_up": HangUp,
        "join": Join,
        "part": Part,
        "hold": Hold,
        "unhold": Unhold,
        "digits": Digits,
        "play": Play,
        "stop_play": StopPlay,
        "record": Record,
        "pause": Pause,
        "stop_record": StopRecord,
        "spy": Spy,
        "limit_source": LimitSource,
        "stop": Stop,
    },
)
_EVENTS: Language[Event] = Language(
    "event",
    {
        "ready": Ready,
        "incoming": Incoming,
        "ringing": Ringing,
        "early": Early,
        "answered": Answered,
        "held": Held,
        "resumed": Resumed,
        "digit": Digit,
        "refer": Refer,
        "sound": Sound,
        "recorded": Recorded,
        "ended": Ended,
        "error": Trouble,
    },
)

command_line, read_command = _COMMANDS.write, _COMMANDS.read
"""A command as its line, and back; a line that is none raises `BadLine`."""
event_line, read_event = _EVENTS.write, _EVENTS.read
"""An event as its line, and back; a line that is none raises `BadLine`."""
