"""Settings: what is read from where, and how a fault is told."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from exchange.guard import PHONE_NETWORKS
from gateway.config import RENAMED, ConfigurationError, known_keys, load
from gateway.settings import GoalDirection
from gateway.settings.embedded import PRIVATE_NETWORKS


@pytest.fixture(autouse=True)
def _clean_place(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("TRUNKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def settings_of(text: str):
    file = Path("trunkline.toml")
    file.write_text(text, encoding="utf-8")
    return load(file)


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        settings_of(text)
    return raised.value.faults


def test_without_a_file_the_defaults_hold(tmp_path):
    settings = load()

    assert settings.home == tmp_path / "var"
    assert settings.database.url is None
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.archive == tmp_path / "var" / "recordings"
    assert settings.sessions.lifetime == timedelta(hours=12)
    assert settings.recordings.free_space_limit == 2_000_000_000
    assert (settings.goals.count, settings.goals.seconds) == (50, 120)
    assert settings.goals.direction is GoalDirection.OUTBOUND
    assert settings.pbx.keys() == {"embedded"}


def test_the_engine_of_our_own_runs_where_no_pbx_is_configured_and_nobody_said_no():
    assert load().has_engine
    assert not settings_of("[embedded]\nenabled = false").has_engine
    assert not settings_of('[pbx.main.journal]\npath = "cel.csv"').has_engine
    beside = settings_of('[pbx.main.journal]\npath = "cel.csv"\n[embedded]\nenabled = true')
    assert beside.pbx.keys() == {"main", "embedded"}
    assert not any(s.has_no_telephony for s in (load(), settings_of("[embedded]\nenabled = false"), beside))


def test_phones_may_be_in_private_networks_alone_as_the_exchange_itself_has_it():
    assert PRIVATE_NETWORKS == PHONE_NETWORKS
    told = settings_of('[embedded]\nallowed = ["192.168.7.0/24", "10.1.2.3"]').embedded.allowed
    assert [str(network) for network in told] == ["192.168.7.0/24", "10.1.2.3/32"]
    for wrong in ("8.8.8.0/24", "0.0.0.0/0", "192.0.2.1"):
        (fault,) = faults_of(f'[embedded]\nallowed = ["{wrong}"]')
        assert "allowed is a list of private IPv4 networks or addresses" in fault
    (fault,) = faults_of('[embedded]\nbind = "192.0.2.1"')
    assert "allowed is 127.0.0.1 or an IPv4 address of a private network" in fault


def test_where_there_is_no_telephone_library_the_site_is_without_telephones_and_knows_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pjsua2", None)

    assert not load().has_engine
    assert load().has_no_telephony
    assert settings_of("[embedded]\nenabled = true").has_engine


def test_the_file_of_the_current_folder_is_found():
    Path("trunkline.toml").write_text("[http]\nport = 9000")

    assert load().http.port == 9000


def test_the_named_file_wins_over_the_variable_and_the_variable_over_the_folder(monkeypatch):
    for name, port in (("trunkline.toml", 1), ("variable.toml", 2), ("named.toml", 3)):
        Path(name).write_text(f"[http]\nport = {port}")
    monkeypatch.setenv("TRUNKLINE_CONFIG", "variable.toml")

    assert load().http.port == 2
    assert load(Path("named.toml")).http.port == 3


def test_a_variable_wins_over_the_file_and_leaves_its_neighbours(monkeypatch):
    monkeypatch.setenv("TRUNKLINE_PBX__MAIN__AMI__PORT", "5039")
    monkeypatch.setenv("TRUNKLINE_TRANSCRIPTION__LANGUAGES", '["pl"]')

    settings = settings_of('[pbx.main.ami]\nsecret = "s"\nport = 1\nuser = "u"')

    assert (settings.pbx["main"].ami.port, settings.pbx["main"].ami.user) == (5039, "u")
    assert settings.transcription.languages == ("pl",)


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("TRUNKLINE_HTTP__PORT", "")

    assert settings_of("[http]\nport = 9000").http.port == 9000


def test_a_pbx_knows_its_name_and_its_zone():
    pbx = settings_of('[pbx.west.journal]\npath = "cel.csv"\ntimezone = "Asia/Omsk"').pbx["west"]

    assert (pbx.name, pbx.journal.timezone) == ("west", ZoneInfo("Asia/Omsk"))


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "t.toml").write_text('home = "../data"\n[recordings]\nfolder = "/srv/archive"')

    settings = load(Path("etc/t.toml"))

    assert settings.home == tmp_path / "etc" / ".." / "data"
    assert settings.archive == Path("/srv/archive")


def test_settings_cannot_be_changed_afterwards():
    settings = load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.http.port = 1


def test_a_secret_is_read_from_its_file_next_to_the_settings():
    Path("ami.secret").write_text("geheim\n")
    Path("db.url").write_text("postgresql://u:geheim@h/x\n")

    settings = settings_of('[database]\nurl_file = "db.url"\n[pbx.main.ami]\nsecret_file = "ami.secret"')

    assert settings.pbx["main"].ami.secret.get_secret_value() == "geheim"
    assert settings.database.url.get_secret_value() == "postgresql://u:geheim@h/x"
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[http]\nport = 99999", "http.port = 99999 is not allowed; allowed is a whole number from 1 to 65535"),
        ('[http]\nport = "x"', "http.port = 'x' is not allowed; allowed is a whole number from 1 to 65535"),
        ("[http]\nprot = 1", "http.prot: there is no such key; did you mean http.port?"),
        ('hoem = "x"', "hoem: there is no such key; did you mean home?"),
        ("[databse]\nurl = 1", "databse: there is no such key; did you mean database?"),
        ("[log]\nxyzzy = 1", "log.xyzzy: there is no such key; allowed here: level, format, private"),
        ("http = 1", "http = 1 is not allowed; allowed is a table"),
        (
            '[company]\nregion = "XX"',
            "company.region = 'XX' is not allowed; allowed is a country of ISO 3166 in two letters, like RU or PL",
        ),
        (
            '[company]\ntimezone = "Mars/Olympus"',
            "company.timezone = 'Mars/Olympus' is not allowed; allowed is a zone of the IANA list, like Europe/Moscow",
        ),
        (
            "[sessions]\nlifetime = 30",
            "sessions.lifetime = 30 is not allowed; allowed is a time from 1 min to 90 d: a number with s, min, h or d",
        ),
        (
            '[sessions]\nlifetime = "91 d"',
            "sessions.lifetime = 91 days, 0:00:00 is not allowed; "
            "allowed is a time from 1 min to 90 d: a number with s, min, h or d",
        ),
        (
            '[recordings]\nfree_space_limit = "2 elephants"',
            "recordings.free_space_limit = '2 elephants' is not allowed; allowed is a size like 2 GB or 500 MB",
        ),
        (
            '[http]\npublic_url = "https://u:geheim@x.org"',
            "http.public_url = 'https://****@x.org' is not allowed; "
            "allowed is scheme, host and port like https://calls.example.com",
        ),
        (
            '[database]\nurl = "mysql://u:geheim@h/x?password=geheim"',
            "database.url = 'mysql://****@h/x' is not allowed; "
            "allowed is an address like postgresql://user:password@host:5432/name",
        ),
        (
            '[pbx.main.ami]\nsecret = "geheim\\r\\nAction: Logoff"',
            "pbx.main.ami.secret = **** is not allowed; allowed is a text of 1 to 200 characters without line breaks",
        ),
        ('[pbx.main.ami]\nuser = "u"', "pbx.main.ami: secret is missing; give secret or secret_file"),
        (
            '[pbx.main.ami]\nsecret_file = "gone"',
            "pbx.main.ami: secret_file = 'gone' cannot be read: No such file or directory",
        ),
        (
            '[pbx.main.ami]\nsecret_file = "gone"\nsecret = "geheim"',
            "pbx.main.ami: secret and secret_file are both given; give one of them",
        ),
        (
            '[[pbx.main.trunks]]\nregion = "RU"',
            "pbx.main.trunks.0.endpoint is missing; allowed is an endpoint pattern like my-trunk or PJSIP/operator-*",
        ),
        (
            '[pbx.main]\nignore = ["a", "b c"]',
            "pbx.main.ignore.1 = 'b c' is not allowed; allowed is a list of endpoint patterns",
        ),
        (
            '[pbx.main.originate]\nchannel = "PJSIP/{number}"',
            "pbx.main.originate.channel = 'PJSIP/{number}' is not allowed; allowed is a channel with {endpoint} "
            "or {ext}, like PJSIP/{endpoint} or Local/{ext}@from-internal",
        ),
        (
            "[pbx.Main]",
            "pbx.Main.name = 'Main' is not allowed; allowed is 1 to 32 small letters, digits, dashes or underscores",
        ),
        ('[[pbx]]\nname = "main"', "pbx: give each PBX a table with its name, like [pbx.main]"),
        (
            '[pbx.a.journal]\npath = "cel.csv"\n[pbx.b.journal]\npath = "cel.csv"',
            "pbx.b.journal.path is also the journal of pbx.a; give each its own",
        ),
    ],
)
def test_a_fault_names_the_key_the_value_and_what_is_allowed(text, fault):
    assert faults_of(text) == (fault,)


def test_all_faults_are_told_at_once_and_no_secret_with_them():
    with pytest.raises(ConfigurationError) as raised:
        settings_of('hoem = 1\n[http]\nport = 0\n[pbx.main.ami]\nport = "x"\nsecret = "geheim\\n"')

    assert len(raised.value.faults) == 4
    assert str(raised.value).startswith("settings from trunkline.toml: 4 faults\n")
    assert "geheim" not in str(raised.value)
    assert raised.value.__suppress_context__, "the parser's own error holds the values as they are"


def test_a_fault_in_a_variable_names_the_variable(monkeypatch):
    monkeypatch.setenv("TRUNKLINE_HTTP__PORT", "none")

    (fault,) = faults_of("")

    assert fault.startswith("http.port (from TRUNKLINE_HTTP__PORT) = 'none' is not allowed")


@pytest.mark.parametrize("value", ["ru,en", "[ru"])
def test_a_variable_that_must_hold_json_says_so(monkeypatch, value):
    monkeypatch.setenv("TRUNKLINE_TRANSCRIPTION__LANGUAGES", value)

    (fault,) = faults_of("")

    assert "transcription" in fault
    assert "JSON" in fault or "allowed is a list of language codes" in fault


def test_a_variable_that_names_no_key_is_refused_with_what_was_meant(monkeypatch):
    monkeypatch.setenv("TRUNKLINE_HTTP_PORT", "9000")

    (fault,) = faults_of("")

    assert fault == "TRUNKLINE_HTTP_PORT: there is no such variable; did you mean TRUNKLINE_HTTP__PORT?"


def test_a_file_that_is_not_there_or_no_toml_is_told():
    with pytest.raises(ConfigurationError, match=r"gone\.toml: 1 fault\s+the file cannot be read: No such file"):
        load(Path("gone.toml"))
    assert "not valid TOML" in faults_of("home = x")[0]
    assert "line 1" in faults_of("home = x")[0]


def test_a_wrong_setting_ends_the_command_with_one_clear_message(tmp_path):
    (tmp_path / "trunkline.toml").write_text("[http]\nport = 0")
    script = "from gateway.config import load; load()"

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "ConfigurationError: settings from trunkline.toml: 1 fault" in done.stderr
    assert "ValidationError" not in done.stderr


def test_a_key_that_got_another_name_is_told_with_it(monkeypatch):
    renamed = {"http.address": "http.host", "pbx.NAME.spool": "pbx.NAME.recordings.folder", "web.port": "http.port"}
    Path("trunkline.toml").write_text("[http]\naddress = '::1'\n[pbx.main]\nspool = '/var/spool'\n")
    monkeypatch.setenv("TRUNKLINE_WEB__PORT", "80")

    with pytest.raises(ConfigurationError) as raised:
        load(renamed=renamed)

    assert sorted(raised.value.faults) == [
        "TRUNKLINE_WEB__PORT: there is no such variable; it is called TRUNKLINE_HTTP__PORT now",
        "http.address: there is no such key; it is called http.host now",
        "pbx.main.spool: there is no such key; it is called pbx.main.recordings.folder now",
    ]


def test_every_key_that_got_another_name_has_one_that_is_known():
    known = {key for key, _ in known_keys()}

    assert set(RENAMED.values()) <= known
    assert not set(RENAMED) & known
