"""The order in which the whole run is made (tests/conftest.py)."""

from pathlib import Path

from tests.conftest import LONGEST


def test_each_module_that_is_begun_first_is_there() -> None:
    root = Path(__file__).parents[1]

    assert [module for module in LONGEST if not (root / module).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)
