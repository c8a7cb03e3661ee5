"""docs/configuration.md says of every key what the code does, and of nothing else."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from gateway.config import known_keys, load
from gateway.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-zA-Z_.\[\]]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
FIELDS = dict(known_keys())
TOML_BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _no_settings_in_the_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TRUNKLINE_")]:
        monkeypatch.delenv(name)


def test_every_key_is_documented_once_and_nothing_else_is():
    assert sorted(row[0] for row in ROWS) == sorted(FIELDS)


@pytest.mark.parametrize(("key", "default"), [(key, default) for key, _, default, _ in ROWS])
def test_the_default_in_the_page_is_the_default_of_the_code(tmp_path, key, default):
    field = FIELDS[key]
    text = default.strip().strip("`")
    if default.startswith("required"):
        assert field.is_required() or key in ("pbx.NAME.ami.secret", "pbx.NAME.ari.password")
    elif default.strip() == "none":
        assert field.default is None
    else:
        assert _with(tmp_path, key, text) == _with(tmp_path, key, None)


def _with(folder: Path, key: str, value: str | None) -> Settings:
    """The settings of a site that gives this key, or leaves it out, and what its table demands besides."""
    concrete = key.replace("NAME", "main")
    lines = []
    if concrete.startswith("embedded.trunks[]"):
        lines = ["[[embedded.trunks]]", 'name = "t"', 'host = "sip.example.com"']
    elif ".softphone." in concrete:
        lines = ["[pbx.main.ami]", 'secret = "s"', "[pbx.main.ari]", 'password = "s"', "[pbx.main.softphone]"]
        if "ice_servers[]" in concrete:
            lines += ["[[pbx.main.softphone.ice_servers]]", 'url = "stun:s"']
    elif "trunks[]" in concrete:
        lines = ["[[pbx.main.trunks]]", 'endpoint = "t"']
    elif ".ami." in concrete:
        lines = ["[pbx.main.ami]", 'secret = "s"']
    elif ".ari." in concrete:
        lines = ["[pbx.main.ari]", 'password = "s"']
    elif concrete.startswith("pbx."):
        lines = ["[pbx.main]"]
    if value is not None:
        inner = (
            concrete.rpartition(".")[2]
            if any(part in concrete for part in ("trunks[]", ".ami.", ".ari.", ".softphone."))
            else concrete
        )
        inner = inner.removeprefix("pbx.main.") if lines else inner
        lines.append(f"{inner} = {value}")
    file = folder / "trunkline.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return load(file)


@pytest.mark.parametrize("block", TOML_BLOCKS)
def test_each_example_of_the_page_is_a_valid_file(tmp_path, block):
    file = tmp_path / "trunkline.toml"
    file.write_text(block, encoding="utf-8")

    settings = load(file)

    assert settings.pbx.keys() == tomllib.loads(block)["pbx"].keys()


def test_the_variables_of_the_page_are_understood(monkeypatch, tmp_path):
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.strip("'"))
    file = tmp_path / "trunkline.toml"
    file.write_text("", encoding="utf-8")

    settings = load(file)

    assert settings.transcription.languages == ("ru", "pl")
    assert settings.pbx["main"].ami.secret.get_secret_value() == "..."
    assert settings.database.url.get_secret_value().endswith("/trunkline")
