"""The command under test sets up logging for its process, which here is everybody's."""

import pytest


@pytest.fixture(autouse=True)
def _as_it_was(restored_logging: None) -> None:
    """Every test of this folder leaves the log as it was."""
