"""What can go wrong with recordings, sorted by what the caller does next (see `gateway.domain.errors`).

File names are carried as attributes, never in the text: a name comes from the PBX and does not belong in a
log line.
"""

from gateway.domain.errors import GiveUp, NotAllowed, Rejected, TryAgain


class StillGrowing(TryAgain):
    """The PBX still writes this recording; ingest it after its completion marker or when it rests."""


class SourceChanged(TryAgain, OSError):
    """A file of the PBX became shorter while it was read; ingest the recording again."""


class NoSpace(TryAgain, OSError):
    """The disk of the recordings is full or a quota is reached; free space, then ingest again."""


class VerificationFailed(TryAgain):
    """What was read back is not what was written; nothing was stored. Check the disk if this repeats."""


class Interrupted(TryAgain):
    """The archive was given up half-way because the gateway stops; nothing was stored, ingest it again."""


class SpoolFolderMissing(TryAgain, FileNotFoundError):
    """The PBX's recording folder is not there; mount it, or correct its path in the configuration."""


class NothingRecorded(GiveUp):
    """No file of this recording holds a sound that can be read; the reports tell what each one is."""

    def __init__(self, message: str | None = None, *, reports: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reports = reports
        """One reason in plain words for each file looked at."""


class NoRight(GiveUp, PermissionError):
    """Our user may not read or delete recordings here; `trunkline doctor` tells which right is missing."""


class ChangedSinceIngest(GiveUp):
    """The PBX's file was changed after its ingest, so it is kept; compare both by hand, then remove it."""


class WrongSources(Rejected, ValueError):
    """The files of one recording do not belong together: both sides are mono and have one sample rate."""


class BadName(Rejected, ValueError):
    """A recording's name has letters, digits, dot, dash and underscore only, at most 128 of them."""


class NotStored(Rejected, FileNotFoundError):
    """This part of the recording is not stored here; it may have been deleted when its time was over."""


class AlreadyStored(Rejected, FileExistsError):
    """Another sound is already stored under this recording id; a stored recording is never overwritten."""


class NotPeaks(Rejected, ValueError):
    """This is not a peaks file of version 1; make it again from the archive."""


class RefusedFile(NotAllowed, PermissionError):
    """A link, a folder or a device stands where a plain file is expected; it is not followed. Remove it."""
