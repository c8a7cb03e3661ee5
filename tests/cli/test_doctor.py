"""`trunkline doctor`: green in the lab, and plain words where a site is not right."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.cli.doctor import examine
from gateway.doctor.findings import Finding, Level
from gateway.doctor.journal import Expected, check_journal
from gateway.settings import Settings
from gateway.store.database import open_pool
from gateway.store.staff import add_user, give_extension
from lab.chroot import AsteriskHome
from lab.server import AsteriskServer, open_asterisk
from tests.cli.command_site import open_command_site

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANSWERED = Path(__file__).parent.parent / "scenarios" / "in_answered" / "journal.cel.csv"


def faults(findings: list[Finding]) -> list[str]:
    return [f.text for f in findings if f.level is Level.FAULT]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything; be somebody else for a moment."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


# The journal's file


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Four answered calls."""
    path = tmp_path / "cel-custom" / "trunkline.csv"
    path.parent.mkdir()
    path.write_bytes(ANSWERED.read_bytes() * 4)
    return path


def looked_at(path: Path, rotation: Path = Path("/nowhere"), **expected: object) -> list[Finding]:
    known = Expected(**expected)  # type: ignore[arg-type]
    return list(check_journal("main", path, None, known, NOW, rotation))


def test_a_good_journal_has_every_event(journal: Path) -> None:
    found = looked_at(journal)

    assert faults(found) == []
    assert any("every event" in f.text for f in found)


def test_keyed_digits_in_the_journal_are_a_fault(journal: Path) -> None:
    fields = journal.read_text().splitlines()[0].replace('"CHAN_START"', '"DTMF"').split(",")
    row = ",".join([*fields[:15], '"Received"'])
    journal.write_text(journal.read_text() + row + ',"{""digit"":""1"",""duration_ms"":100}"\n')

    assert "PINs and card numbers" in faults(looked_at(journal))[0]


def test_rows_of_keys_whose_digit_was_left_out_are_no_fault(journal: Path) -> None:
    fields = journal.read_text().splitlines()[0].replace('"CHAN_START"', '"DTMF"').split(",")
    journal.write_text(journal.read_text() + ",".join([*fields[:15], '"Received"', '""']) + "\n")

    assert faults(looked_at(journal)) == []


def test_a_journal_that_nothing_rotates_is_told(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "logrotate.d").mkdir()

    (finding,) = [f for f in looked_at(journal, tmp_path / "logrotate.d") if f.code == "rotation_none"]

    assert (finding.level, finding.remedy) == (
        Level.ADVICE,
        ("cp deploy/asterisk/trunkline.logrotate /etc/logrotate.d/trunkline",),
    )


@pytest.mark.parametrize("kind", ["CHAN_START", "CHAN_END", "HANGUP", "LINKEDID_END"])
def test_a_journal_without_an_event_is_a_fault_that_names_it(journal: Path, kind: str) -> None:
    rows = [row for row in journal.read_text().splitlines() if not row.startswith(f'"{kind}"')]
    journal.write_text("\n".join(rows) + "\n")
    (finding,) = [f for f in looked_at(journal) if f.level is Level.FAULT]

    assert kind in finding.text
    assert "#include trunkline_cel_general.conf" in finding.remedy


def test_rows_of_other_columns_are_counted(journal: Path) -> None:
    journal.write_text(journal.read_text() + '"HANGUP","1795312555.4","x"\n' * 3)

    assert faults(looked_at(journal))[0].startswith("3 of the last")


def test_local_times_without_a_zone_are_a_fault(journal: Path) -> None:
    text = re.sub(r'^("[A-Z_]+",)"[^"]+"', r'\1"2026-11-22 10:00:00"', journal.read_text(), flags=re.MULTILINE)
    journal.write_text(text)

    assert "no zone is set" in faults(looked_at(journal))[0]
    zoned = list(check_journal("main", journal, ZoneInfo("Europe/Moscow"), Expected(), NOW, Path("/nowhere")))
    assert faults(zoned) == []
    assert any("whole seconds" in f.text for f in zoned)


def test_a_silent_journal_of_a_busy_asterisk_is_a_fault(journal: Path) -> None:
    assert "7 calls since its start" in faults(looked_at(journal, asterisk_started_at=NOW, calls_since_start=7))[0]


def test_copytruncate_is_a_fault(journal: Path, tmp_path: Path) -> None:
    rotation = tmp_path / "logrotate.d"
    rotation.mkdir()
    (rotation / "asterisk").write_text(f"{journal.parent}/*.csv {{\n  daily\n  copytruncate # quick\n}}\n")

    assert "copytruncate" in faults(looked_at(journal, rotation))[0]
    (rotation / "asterisk").write_text(f"{journal} {{\n  daily\n  nocopytruncate\n}}\n/other {{ copytruncate\n}}\n")
    assert faults(looked_at(journal, rotation)) == []


def test_a_missing_journal_is_told_with_the_lines_to_write(tmp_path: Path) -> None:
    (missing,) = looked_at(tmp_path / "trunkline.csv")
    (no_folder,) = looked_at(tmp_path / "gone" / "trunkline.csv")
    (fresh,) = looked_at(tmp_path / "trunkline.csv", set_up=True)

    assert (missing.level, no_folder.level, fresh.level) == (Level.FAULT, Level.FAULT, Level.OK)
    assert "#include trunkline_cel_custom.conf" in missing.remedy
    assert no_folder.remedy[0].startswith("install --directory --owner=asterisk")


def test_a_journal_that_may_not_be_read_is_told_with_the_group_to_join(journal: Path) -> None:
    journal.chmod(0)
    with as_nobody():
        (finding,) = looked_at(journal)

    assert finding.level is Level.FAULT
    assert "may not read" in finding.text
    assert any("usermod --append --groups" in line for line in finding.remedy)


def test_only_the_end_of_a_long_journal_is_read(journal: Path) -> None:
    with journal.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 30)
        file.write(b"\n" + ANSWERED.read_bytes() * 300)
    found = looked_at(journal)

    assert any("The last 2000 rows" in f.text for f in found)


# The command


def test_wrong_settings_are_faults_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(tmp_path, "x", capsys, monkeypatch, "[http]\nport = 99999\nhots = 1\n{database}=1")

    done = site.run("doctor", "--json")

    told = json.loads(done.out)
    assert (done.code, told["ok"]) == (1, False)
    assert any("http.port = 99999" in f["text"] for f in told["findings"])


def test_a_site_without_asterisk_is_told_what_to_enter(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(
        tmp_path, database, capsys, monkeypatch, '[database]\nurl = "{database}"\n[embedded]\nenabled = false'
    )

    done = site.run("doctor")

    assert done.code == 1
    assert "FAULT   No PBX is set." in done.out
    assert "[pbx.main.journal]" in done.out
    assert "ok      The database answers" in done.out
    assert done.out.splitlines()[-1].startswith("1 fault")


def test_a_database_that_does_not_answer_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(
        tmp_path, "postgresql://x@127.0.0.1:9/x", capsys, monkeypatch, '[database]\nurl = "{database}"\n'
    )

    assert "FAULT   The database cannot be used" in site.run("doctor").out


def test_a_pbx_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(tmp_path, database, capsys, monkeypatch)

    done = site.run("doctor", "--pbx", "offce")

    assert done.code == 1
    assert "There is no PBX 'offce' in the settings; there is: office, plant." in done.out


def test_one_pbx_alone_is_looked_at_or_each(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(tmp_path, database, capsys, monkeypatch)

    one, each = site.run("doctor", "--pbx", "office").out, site.run("doctor", "--pbx").out

    assert ("asterisk office" in one, "asterisk plant" in one) == (True, False)
    assert ("asterisk office" in each, "asterisk plant" in each) == (True, True)
    assert "settings" not in one
    assert "database" not in one


# With the real Asterisk


def settings_of(server: AsteriskServer, database: str, secret: str | None = None) -> Settings:
    pbx = {
        "journal": {"path": str(server.journal)},
        "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": secret or server.gateway.secret},
        "recordings": {"folder": str(server.recordings)},
        "originate": {"context": "from-managers"},
        "trunks": [{"endpoint": "trunk", "area_code": "495"}],
    }
    return Settings(database={"url": database}, pbx={"lab": pbx}, home=str(server.directory / "home"))  # type: ignore[arg-type]


async def staffed(database: str) -> None:
    """An administrator, and a manager at each of the lab's extensions."""
    async with open_pool(database) as pool, pool.acquire() as connection, connection.transaction():
        await add_user(connection, login="root", name="Root", role="admin")
        for extension in ("100", "101", "102"):
            user = await add_user(connection, login=f"m{extension}", name=extension, role="manager")
            await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])


@pytest.fixture
def spoilt(asterisk: AsteriskServer) -> Iterator[Callable[[str, str, str], None]]:
    """Changes a file of Asterisk's configuration for one test."""
    before: dict[Path, str] = {}

    def change(file: str, old: str, new: str) -> None:
        path = asterisk.directory / "etc" / file
        before.setdefault(path, path.read_text())
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        asterisk.command("manager reload")

    yield change
    for path, text in before.items():
        path.write_text(text)
    asterisk.command("manager reload")
    asterisk.command("dialplan reload")


async def test_the_lab_is_green(asterisk: AsteriskServer, database: str) -> None:
    await staffed(database)

    found = await examine(settings_of(asterisk, database))

    assert faults(found) == []
    told = " ".join(f.text for f in found if f.level is Level.OK)
    for word in (
        "rights it needs and no more",
        "reach us",
        "clock",
        "every event",
        "Each of its 4 endpoints",
        "read and delete",
    ):
        assert word in told


async def test_unknown_endpoints_come_with_the_line_to_type(asterisk: AsteriskServer, database: str) -> None:
    found = await examine(settings_of(asterisk, database))

    (finding,) = [f for f in found if f.code == "endpoints_unmapped"]
    assert (finding.level, finding.text[:6]) == (Level.ADVICE, "3 of i")
    assert "trunkline user extension LOGIN 101 --pbx lab --endpoint PJSIP/101" in finding.remedy


CEL, CUSTOM, MANAGER = "trunkline_cel_general.conf", "trunkline_cel_custom.conf", "trunkline_manager.conf"
INCLUDE_CEL = "#include trunkline_cel_general.conf"
WRITE = "write = call,agent,originate,reporting"
EVENTS = "events = CHAN_START,"
HEARD = "eventfilter(action(include),name(OriginateResponse)) ="


@pytest.mark.parametrize(
    ("file", "old", "new", "told", "line"),
    [
        (CEL, "enable = yes", "enable = no", "(CEL) is switched off", INCLUDE_CEL),
        (CEL, "BRIDGE_ENTER,", "", "not told to hold BRIDGE_ENTER", INCLUDE_CEL),
        (CEL, EVENTS, "events = DTMF,CHAN_START,", "PINs and card numbers", INCLUDE_CEL),
        (CUSTOM, "trunkline.csv =>", "other.csv =>", "Nothing writes trunkline.csv", f"#include {CUSTOM}"),
        (
            MANAGER,
            WRITE,
            "write = call,agent,reporting",
            "lacks the class originate",
            f"in [trunkline] of manager.conf: {WRITE}",
        ),
        (
            MANAGER,
            WRITE,
            "write = call,originate",
            "lacks the class reporting",
            f"in [trunkline] of manager.conf: {WRITE}",
        ),
        (
            MANAGER,
            "write = call,",
            "write = system,command,call,",
            "worth a shell",
            f"in [trunkline] of manager.conf: {WRITE}",
        ),
        (MANAGER, "name(OriginateResponse)", "name(Nothing)", "do not reach us", HEARD),
    ],
)
async def test_what_is_wrong_in_asterisk_is_told_with_the_line_to_write(
    asterisk: AsteriskServer,
    database: str,
    spoilt: Callable[[str, str, str], None],
    file: str,
    old: str,
    new: str,
    told: str,
    line: str,
) -> None:
    await staffed(database)
    await asyncio.to_thread(spoilt, file, old, new)

    found = await examine(settings_of(asterisk, database))

    fitting = [f for f in found if f.level is Level.FAULT and told in f.text]
    assert fitting, faults(found)
    assert line in fitting[0].remedy


async def test_a_wrong_secret_is_told_without_it(asterisk: AsteriskServer, database: str) -> None:
    settings = settings_of(asterisk, database, secret="wrong-secret")

    (finding,) = [f for f in await examine(settings) if "refuses the user 'trunkline'" in f.text]

    assert finding.level is Level.FAULT
    assert "[trunkline](trunkline-rights)" in finding.remedy
    assert "wrong-secret" not in str(finding)


async def test_an_asterisk_that_does_not_answer_is_told(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    with open_asterisk(tmp_path / "pbx", home=asterisk_home) as server:
        server.stop()
        found = await examine(settings_of(server, database))

    (finding,) = [f for f in found if "manager interface cannot be used" in f.text]
    assert (finding.level, "enabled = yes" in finding.remedy) == (Level.FAULT, True)


async def test_another_recording_folder_is_told(
    asterisk: AsteriskServer, database: str, spoilt: Callable[[str, str, str], None]
) -> None:
    await asyncio.to_thread(
        spoilt, "extensions.conf", f"TRUNKLINE_RECORDINGS = {asterisk.recordings}", "TRUNKLINE_RECORDINGS = /else"
    )
    await asyncio.to_thread(asterisk.command, "dialplan reload")

    assert any("records into /else" in fault for fault in faults(await examine(settings_of(asterisk, database))))


async def test_a_recording_folder_that_is_gone_is_told(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    with open_asterisk(tmp_path / "pbx", home=asterisk_home) as server:
        server.recordings.rmdir()
        found = await examine(settings_of(server, database))

    assert any(f"{server.recordings} does not exist" in fault for fault in faults(found))
