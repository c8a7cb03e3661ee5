"""What a site may choose about transcription, checked before anything is started."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_LANGUAGES = ("ru", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Model, languages and limits of a transcription worker."""

    cache: Path
    """Folder for the joined base model and for models fetched by name; made when missing."""
    model: str = "base"
    """`base` (comes with the gateway), the folder of a CTranslate2 Whisper model, or a name at the model
    hub."""
    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    """Languages a call may be in; the first is taken where too little is said to tell."""
    memory_limit: int = 3 * 1024**3
    """Bytes of data a worker may hold before it is stopped by the kernel; the base model needs about 0.5
    GB."""
    file_seconds: float = 3600.0
    """Longest time for one file, wall-clock seconds; the worker is killed after it."""
    stall_seconds: float = 300.0
    """Longest time without any progress, wall-clock seconds; the worker is killed after it."""
    idle_seconds: float = 600.0
    """A worker without a job leaves after so many seconds and gives its memory back."""
    nice: int = 10
    """Added to the worker's nice level: calls and screens go first."""
