"""The guard at the start: packages of other distributions under our names."""

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.guard import PACKAGES, ForeignPackageError, check_packages


def install(site: Path, name: str, files: dict[str, str]) -> None:
    """Put a wheel's files and its list of them into a folder, over whatever is there, as pip does."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    rows = []
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    (info / "RECORD").write_text("\n".join(rows))


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site-packages"
    install(folder, "trunkline", {f"{name}/__init__.py": f'"""{name}"""\n' for name in PACKAGES})
    return folder


def test_packages_as_they_were_installed_pass(site):
    check_packages([str(site)], home=site)


def test_this_very_installation_passes():
    check_packages()


def test_another_distribution_that_adds_its_own_files_beside_ours_passes(site):
    install(site, "siplib", {"sip/other.py": "x = 1\n"})

    check_packages([str(site)], home=site)


def test_a_file_changed_by_hand_passes(site):
    (site / "sip" / "__init__.py").write_text("# a site's own patch\n")

    check_packages([str(site)], home=site)


def test_a_package_another_distribution_wrote_over_is_refused_by_name(site):
    install(site, "siplib", {"sip/__init__.py": "x = 1\n"})

    with pytest.raises(ForeignPackageError, match=r"sip/__init__.py .* overwritten by siplib; install trunkline"):
        check_packages([str(site)], home=site)


@pytest.mark.parametrize("other", ["recordings/__init__.py", "recordings.py"])
def test_a_package_hidden_by_an_earlier_folder_is_refused(site, tmp_path, other):
    install(tmp_path / "early", "tapes", {other: "x = 1\n"})

    with pytest.raises(ForeignPackageError, match=r"recordings is read from .*early") as raised:
        check_packages([str(tmp_path / "early"), str(site)], home=site)
    assert raised.value.package == "recordings"


def test_a_package_that_an_uninstallation_took_along_is_refused(site):
    (site / "sip" / "__init__.py").unlink()
    (site / "sip").rmdir()

    with pytest.raises(ForeignPackageError, match="sip is missing"):
        check_packages([str(site)], home=site)


def test_a_package_left_without_its_init_is_refused(site):
    (site / "sip" / "__init__.py").unlink()

    with pytest.raises(ForeignPackageError, match="sip is read from"):
        check_packages([str(site)], home=site)


def test_the_command_refuses_to_start_with_a_foreign_package_and_says_what_to_do(tmp_path):
    install(tmp_path, "siplib", {"sip/__init__.py": "x = 1\n"})
    script = "import sys; from gateway.__main__ import main; sys.exit(main(['replay', '--help']))"

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"trunkline: the package sip is read from {tmp_path}")
    assert "virtual environment of its own" in done.stderr
