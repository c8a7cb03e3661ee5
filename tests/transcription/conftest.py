"""What the tests of transcription share: the short recordings and one folder for the joined model."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of short calls with known words."""
    return Path(__file__).parent / "recordings"


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the base model is joined once a session."""
    return tmp_path_factory.mktemp("models")
