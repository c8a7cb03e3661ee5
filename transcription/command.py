"""Write down what is said in a recording: channel 0 is the manager, channel 1 the client.

A mono recording holds both in one channel, so its segments have no speaker (null). Needs no database and no
settings.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from gateway.domain.transcript import Segment, Transcript, to_json, to_webvtt
from transcription.errors import UnknownLanguageError
from transcription.options import DEFAULT_LANGUAGES, Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `trunkline transcribe`.

    Args:
        parser: The command's own parser.
    """
    parser.add_argument("file", type=Path, metavar="FILE", help="a WAV or FLAC recording, stereo or mono")
    parser.add_argument(
        "--language", default="auto", metavar="CODE", help="language of the call: ru, en, ..., or auto (default)"
    )
    parser.add_argument(
        "--among",
        default=",".join(DEFAULT_LANGUAGES),
        metavar="CODES",
        help="languages that auto chooses among (default: %(default)s)",
    )
    parser.add_argument(
        "--model",
        default="base",
        help="base, the folder of a CTranslate2 Whisper model, or a name at the model hub (default: %(default)s)",
    )
    parser.add_argument(
        "--cache", type=Path, default=None, metavar="FOLDER", help="where the model is kept between runs"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print [{speaker, start, end, text}], times in seconds")
    form.add_argument("--webvtt", action="store_true", help="print a WebVTT caption file")


def run(args: argparse.Namespace) -> int:
    """Run `trunkline transcribe`.

    Args:
        args: As `add_arguments` declared.

    Returns:
        The exit code, 0.

    Raises:
        GatewayError: See `transcription.engine.transcribe_file`.
    """
    language = None if args.language == "auto" else args.language
    options = Options(cache=args.cache or _cache_folder(), model=args.model, languages=_codes(args.among))
    # More threads only heat the machine: the recipe works window by window. Read when the libraries are
    # loaded.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from transcription.engine import transcribe_file

    transcript = transcribe_file(args.file, language, options)
    sys.stdout.write(_printed(transcript, as_json=args.json, as_webvtt=args.webvtt))
    return 0


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in text.split(",") if code.strip())
    if not codes:
        raise UnknownLanguageError(text)
    return codes


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "models"


def _printed(transcript: Transcript, *, as_json: bool, as_webvtt: bool) -> str:
    if as_json:
        return json.dumps(to_json(transcript.segments), ensure_ascii=False, indent=1) + "\n"
    if as_webvtt:
        return to_webvtt(transcript.segments)
    return "".join(f"{_spoken(segment)}\n" for segment in transcript.segments)


def _spoken(segment: Segment) -> str:
    minutes, seconds = divmod(int(segment.start), 60)
    return f"{minutes:3}:{seconds:02} {segment.speaker or 'speaker'}: {segment.text}"
