"""Where the lab's Asterisk comes from."""

import subprocess
import sys
from pathlib import Path

from lab.chroot import AsteriskHome, ensure_asterisk


def test_the_asterisk_is_new_enough_and_brings_prompts_in_two_languages(asterisk_home: AsteriskHome) -> None:
    assert int(asterisk_home.version.split(".")[0]) >= 20
    assert list(asterisk_home.sounds.glob("en_*/queue-thankyou.wav"))
    assert list(asterisk_home.sounds.glob("ru_*/queue-thankyou.wav"))


def test_it_is_built_once_and_found_again(asterisk_home: AsteriskHome) -> None:
    assert ensure_asterisk() == asterisk_home


def test_the_command_prints_where_it_is(asterisk_home: AsteriskHome) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "lab", "build"], cwd=Path.cwd(), capture_output=True, text=True, check=True
    )

    assert told.stdout == f"Asterisk {asterisk_home.version} in {asterisk_home.root}\n"
