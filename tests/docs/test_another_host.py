"""docs/another-host.md lists every key of `trunkline ship`'s file, and its example is a file that can be read."""

import re
from pathlib import Path

from shipping.options import KEYS, read_options

PAGE = (Path(__file__).parents[2] / "docs" / "another-host.md").read_text(encoding="utf-8")


def test_every_key_is_documented_once_and_nothing_else_is() -> None:
    assert sorted(re.findall(r"^\| `([a-z_0-9.]+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)) == sorted(KEYS)


def test_the_example_can_be_read(tmp_path: Path) -> None:
    (block,) = (b for b in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "[ship]" in b)
    file = tmp_path / "ship.toml"
    file.write_text(block, encoding="utf-8")

    options = read_options(file)

    assert options.pbx == "main"
    assert options.recordings is not None
    assert options.recordings.keep_days == 7
