"""What a killed test run leaves behind is cleared away by the next one; what is another run's stays."""

import os
import subprocess
import sys
from pathlib import Path

from tests.database import clear_killed_runs, open_folder

ROOT = Path(__file__).parents[2]
LONG_AGO = (1.0, 1.0)
KILLED = """
import os
from tests.database import open_folder
opened = open_folder()
folder = opened.__enter__()
(folder / "session").mkdir()
os.utime(folder / "session", (1, 1))
print(folder, flush=True)
os.kill(os.getpid(), 9)
"""
ANOTHER = "from tests.database import clear_killed_runs; clear_killed_runs()"


def test_the_folder_of_a_killed_run_is_removed() -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True, check=False)
    left = Path(killed.stdout.strip())
    assert left.is_dir()

    clear_killed_runs()

    assert not left.exists()


def test_the_folder_of_a_run_beside_this_one_stays_also_where_no_gateway_runs_in_it() -> None:
    with open_folder() as folder:
        (folder / "session").mkdir()
        os.utime(folder / "session", LONG_AGO)

        subprocess.run([sys.executable, "-c", ANOTHER], cwd=ROOT, check=True)

        assert (folder / "session").is_dir()
