"""docs/operation.md and the files of deploy/ that it speaks of: they parse, and name what is there."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import backups
from gateway.__main__ import COMMANDS
from gateway.cli import backup
from gateway.config import known_keys

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "deploy" / "compose" / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line_of_the_units(unit: Path, tmp_path: Path) -> None:
    """Where systemd is not installed only the commands are looked at."""
    text = unit.read_text(encoding="utf-8")
    for path, name in re.findall(r"^ExecStart=(\S+/trunkline) (\w+)", text, re.MULTILINE):
        assert path == "/opt/trunkline/bin/trunkline"
        assert name in COMMANDS
    if shutil.which("systemd-analyze") is None:
        return
    for other in UNITS:
        shown = other.read_text(encoding="utf-8").replace("/opt/trunkline/bin/trunkline", "/bin/true")
        (tmp_path / other.name).write_text(shown)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "trunkline" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_service_is_started_again_and_may_do_little() -> None:
    text = (ROOT / "deploy" / "systemd" / "trunkline.service").read_text(encoding="utf-8")

    lines = ("Restart=always", "User=trunkline", "NoNewPrivileges=yes", "ProtectSystem=strict", "KillMode=process")
    for line in (*lines, "RemoveIPC=no"):
        assert f"\n{line}\n" in text


def test_the_containers_start_in_order_and_show_no_secret() -> None:
    gateway, database = COMPOSE["services"]["gateway"], COMPOSE["services"]["database"]

    assert gateway["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert "ports" not in database
    assert "${TRUNKLINE_DATABASE_PASSWORD:?" in database["environment"]["POSTGRES_PASSWORD"]
    named = {v.partition(":")[0] for service in (gateway, database) for v in service["volumes"]} & set(
        COMPOSE["volumes"]
    )
    assert named == set(COMPOSE["volumes"])
    assert (ROOT / "deploy" / "compose" / gateway["build"]["context"]).resolve() == ROOT
    assert (ROOT / gateway["build"]["dockerfile"]).is_file()


def test_the_variables_of_the_containers_are_keys_of_the_settings() -> None:
    keys = {"TRUNKLINE_" + key.replace(".", "__").upper() for key, _ in known_keys()} | {"TRUNKLINE_CONFIG"}
    given = set(COMPOSE["services"]["gateway"]["environment"])

    assert given <= keys
    assert set(re.findall(r"^ENV (\w+)=", DOCKERFILE, re.MULTILINE)) <= keys


def test_what_the_image_copies_is_there() -> None:
    for source in re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE):
        assert (ROOT / source).exists()


def test_the_image_is_built_from_what_it_needs_and_takes_no_secret_in() -> None:
    """Everything is left out that is not named: passwords and backups lie beside the compose file."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert rules[0] == "*"
    named = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert named == {*packages["packages"], "web", "pyproject.toml", "README.md", "LICENSE", "locks/run.txt"}
    assert all((ROOT / name).exists() for name in named)


def test_no_supplied_dial_lets_a_client_outside_transfer_by_keys() -> None:
    """Option t is for who is called, T for who calls: a client who has it lets the PBX dial at the site's cost."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / "asterisk").iterdir()]
    found = [dial for text in texts for dial in re.findall(r"Dial\((\S+?),\d+,([A-Za-z]+)", text)]

    assert len(found) >= 3
    for phones, options in found:
        assert ("t" if "@trunk" in phones else "T") not in options, phones


def test_the_page_names_the_files_of_a_backup_and_the_exit_codes() -> None:
    rows = re.findall(r"^\| `([a-z.]+)/?` \| ", PAGE, re.MULTILINE)

    assert rows == [backups.MANIFEST, backups.DUMP, backups.LIST, backups.SETTINGS, backups.SOUND]
    assert re.findall(r"^\| (\d) \| ", PAGE, re.MULTILINE) == ["0", "1", "2", str(backup.MISSING)]


@pytest.mark.parametrize("page", ["operation.md", "upgrade.md"])
def test_the_commands_of_the_pages_are_commands(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(r"^trunkline (\w+)", "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)), re.M)

    assert found
    assert set(found) <= set(COMMANDS)
