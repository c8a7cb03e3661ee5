"""Findings that tests of the command line make are known to the page."""

from tests.words.findings import findings_are_known

__all__ = ["findings_are_known"]
