"""What can be wrong with a file of rows."""

from gateway.domain.errors import GiveUp, Rejected


class UnreadableFileError(Rejected, ValueError):
    """This file cannot be read as a table; save it as CSV (UTF-8) or XLSX and send it again.

    Attributes:
        code: for programs, like `too_many_columns`.
    """

    def __init__(self, message: str | None = None, *, code: str = "unreadable") -> None:
        super().__init__(message or type(self).__doc__.splitlines()[0])  # type: ignore[union-attr]
        self.code = code


class ReaderDiedError(UnreadableFileError):
    """Reading this file took too much memory or time; split it, or save it as CSV, and send it again."""

    def __init__(self) -> None:
        super().__init__(code="too_large")


class WriterDiedError(GiveUp, RuntimeError):
    """The file could not be written: there is too little memory or space; try CSV, or fewer rows."""
