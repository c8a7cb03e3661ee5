"""The files that a site includes: what they promise holds on a real Asterisk, and what the doctor says is the cure."""

import asyncio
import os
import re
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.doctor.account import EVENTS, check_filter, knows_filters, names_heard
from gateway.doctor.conf_files import section_of
from gateway.doctor.findings import Area, Finding, Level
from gateway.doctor.look import Look, Told
from gateway.doctor.pbx import examine_pbx
from gateway.doctor.places import PLACES
from gateway.doctor.websocket import shake_hands
from gateway.domain.directory import Directory
from gateway.settings import PbxKind
from gateway.store.database import open_pool
from lab.chroot import AsteriskHome
from lab.server import SUPPLIED, AsteriskServer
from sip.ami_connection import AmiConfig, open_connection
from sip.cel import read_row
from tests.gateway.broken_site import (
    CURED,
    Change,
    a_freepbx,
    open_site,
    replaced,
    settings_of,
    staffed,
    without_lines,
)


async def wrong(server: AsteriskServer, database: str) -> list[Finding]:
    """What the doctor still finds of the PBX itself."""
    settings = settings_of(server, database)
    async with open_pool(database) as pool:
        await staffed(pool)
        found = await examine_pbx(settings, settings.pbx["lab"], pool)
    return [f for f in found.findings if f.level is not Level.OK and f.area == "asterisk lab"]


def key_in(server: AsteriskServer, keys: str) -> list[str]:
    """Let somebody press keys in a call; the rows of the journal."""
    with server.console() as console:
        console.action("Originate", Channel="Local/4950008@from-trunk", Application="SendDTMF", Data=keys)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = server.journal.read_text().splitlines() if server.journal.exists() else []
        if any(row.startswith('"LINKEDID_END"') for row in rows):
            return rows
        time.sleep(0.05)
    raise AssertionError("the call did not come to its end")


@pytest.mark.asterisk
async def test_a_freepbx_is_well_after_what_the_doctor_said_and_no_keyed_digit_is_in_our_file(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    """FreePBX says events=all and dateformat itself; neither can be taken back, and neither gets into our file."""
    with open_site(tmp_path / "pbx", asterisk_home, [a_freepbx, *CURED]) as server:
        left = await wrong(server, database)
        rows = await asyncio.to_thread(key_in, server, "4242")

    assert left == []
    keyed = [row for row in rows if row.startswith('"DTMF"')]
    assert len(keyed) >= 3
    assert all(row.endswith(',""') and "digit" not in row for row in keyed)
    assert any('"{""hangupcause""' in row for row in rows)
    moments = [event.at for row in rows if (event := read_row(row.encode())) is not None]
    assert abs(moments[0] - datetime.now(UTC)).total_seconds() < 60
    assert any(moment.microsecond for moment in moments)


@pytest.mark.asterisk
async def test_the_template_for_older_versions_lets_the_same_events_through(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    old = replaced("manager.conf", "trunkline_manager.conf", "trunkline_manager_old.conf")
    with open_site(tmp_path / "pbx", asterisk_home, [old]) as server:
        left = await wrong(server, database)
        config = AmiConfig(port=server.ports.ami, username=server.gateway.user, secret=server.gateway.secret)
        async with open_connection(config) as connection:
            await asyncio.to_thread(key_in, server, "1")
            await asyncio.sleep(0.2)
            names = {event.name for event in connection._drain()}

    assert left == []
    assert {"CEL", "Hangup"} <= names <= set(EVENTS)


def certified(folder: Path) -> None:
    """A certificate of its own for the web server."""
    made = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    files = ("-keyout", str(folder / "trunkline.key"), "-out", str(folder / "trunkline.crt"))
    subprocess.run(["openssl", "req", "-x509", *made, *files], check=True, capture_output=True)
    for name in ("trunkline.key", "trunkline.crt"):
        (folder / name).chmod(0o644)


def with_browsers(port: int) -> list[Change]:
    """A browser's twin of 101, over the supplied files with the certificate's folder and a free port."""

    def web(folder: Path) -> None:
        text = (folder / "trunkline_http.conf").read_text()
        text = text.replace("/etc/asterisk/keys", str(folder)).replace("0.0.0.0:8089", f"127.0.0.1:{port}")
        (folder / "http.conf").write_text("[general]\n" + text.replace("8088", "0"))

    twin = (
        "#include trunkline_webrtc.conf\n[101-WS](trunkline-browser)\ncontext = from-managers\nauth = 101-WS\n"
        "aors = 101-WS\ncallerid = Anna <101>\n[101-WS](trunkline-browser-auth)\nusername = 101-WS\npassword = x1\n"
        "[101-WS](trunkline-browser-aor)\n\n[101](manager)\nauth = 101"
    )
    return [certified, web, replaced("pjsip.conf", "[101](manager)\nauth = 101", twin)]


@pytest.mark.asterisk
async def test_a_browser_can_connect_over_the_supplied_files(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    port = 20_000 + os.getpid() % 10_000
    with open_site(tmp_path / "pbx", asterisk_home, with_browsers(port)) as server:
        settings = settings_of(server, database)
        async with open_pool(database) as pool:
            await staffed(pool)
            found = await examine_pbx(settings, settings.pbx["lab"], pool)
        endpoint = server.command("pjsip show endpoint 101-WS")

    assert f"Browsers' phones can connect to wss://127.0.0.1:{port}/ws." in [f.text for f in found.findings]
    for option in ("ice_support", "rtcp_mux", "use_avpf", "webrtc"):
        assert re.search(rf"{option}\s+: (yes|true)", endpoint), option
    assert re.search(r"media_encryption\s+: dtls", endpoint)
    assert [f.code for f in found.findings if f.level is not Level.OK and f.area == "asterisk lab"] == [
        "endpoints_unmapped"
    ]


@pytest.mark.asterisk
async def test_an_issabel_is_told_from_a_freepbx_by_the_name_it_gives_itself_unless_the_settings_say_otherwise(
    asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    named = replaced("pjsip.conf", "user_agent = lab", "user_agent = Issabel-4.1")
    with open_site(tmp_path / "pbx", asterisk_home, [a_freepbx, named]) as server:
        found = settings_of(server, database)
        told = settings_of(server, database, kind="asterisk")
        by_itself = await examine_pbx(found, found.pbx["lab"], None)
        by_settings = await examine_pbx(told, told.pbx["lab"], None)

    assert (by_itself.kind, by_settings.kind) == (PbxKind.ISSABEL, PbxKind.ASTERISK)


BY_U = """[by-u]
exten => 1,1,Dial(Local/4950009@from-trunk,,U(trunkline-record^s^1))
 same => n,Hangup()
[globals]
"""


@pytest.mark.asterisk
def test_a_trunk_whose_option_b_is_taken_records_the_clients_leg_by_the_option_u(
    asterisk_home: AsteriskHome, tmp_path: Path
) -> None:
    """FreePBX dials trunks with an option b of its own; of two only the last one counts."""
    with open_site(tmp_path / "pbx", asterisk_home, [replaced("extensions.conf", "[globals]\n", BY_U)]) as server:
        with server.console() as console:
            console.action("Originate", Channel="Local/1@by-u", Application="Playback", Data="demo-thanks")
        deadline = time.monotonic() + 15
        while not (done := list(server.recordings.glob("*.done"))) and time.monotonic() < deadline:
            time.sleep(0.1)
        sides = sorted(path.name.rpartition("-")[2] for path in server.recordings.glob("*.wav"))

    assert len(done) == 1
    assert sides == ["rx.wav", "tx.wav"]


@pytest.mark.asterisk
async def test_where_the_files_may_not_be_read_the_events_that_come_tell_of_a_missing_filter(
    asterisk_home: AsteriskHome, tmp_path: Path
) -> None:
    with open_site(tmp_path / "pbx", asterisk_home, [without_lines("trunkline_manager.conf", "eventfilter")]) as server:
        pbx = settings_of(server, "postgresql://x@127.0.0.1/x").pbx["lab"]
        config = AmiConfig(port=server.ports.ami, username=server.gateway.user, secret=server.gateway.secret)
        async with open_connection(config) as connection, asyncio.TaskGroup() as group:
            heard: set[str] = set()
            listener = group.create_task(names_heard(connection, heard))
            await asyncio.to_thread(key_in, server, "1")
            await asyncio.sleep(0.2)
            look = Look(
                area=Area(name="asterisk lab"),
                pbx=pbx,
                config=replace(config, host="localhost"),
                asterisk=connection,
                directory=Directory(),
                told=Told(),
                places=PLACES[PbxKind.MIKOPBX],
            )
            found = [finding async for finding in check_filter(look, heard)]
            listener.cancel()

    (finding,) = found
    assert finding.code == "ami_no_filter"
    assert "DialBegin" in finding.text


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"", b"HTTP/1.1 101 Switching\r\n\r\n"])
async def test_a_way_for_browsers_is_proved_by_a_handshake(answer: bytes) -> None:
    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = await shake_hands("127.0.0.1", port, "/ws", secure=False)
    gone = await shake_hands("127.0.0.1", port, "/ws", secure=False)

    assert gone is not None
    assert (told is None) == (b"101" in answer)


# The files among each other


def lines_of(name: str) -> list[str]:
    return [line for line in (SUPPLIED / name).read_text().splitlines() if line and not line.startswith(";")]


def test_both_templates_of_the_account_give_the_same_rights_and_events() -> None:
    new, old = lines_of("trunkline_manager.conf"), lines_of("trunkline_manager_old.conf")
    named = re.findall(r"name\((\w+)\)", "\n".join(new))
    regex = re.search(r"\^Event: \((.*)\)\[\^A-Za-z\]$", old[-1])

    assert [line for line in new if not line.startswith("eventfilter")] == old[:-1]
    assert regex is not None
    assert named == regex[1].split("|") == list(EVENTS)


def test_the_masked_journal_differs_from_the_other_in_its_last_column_only() -> None:
    (plain,), (masked,) = lines_of("trunkline_cel_custom.conf"), lines_of("trunkline_cel_custom_masked.conf")

    assert plain.split(",")[:16] == masked.split(",")[:16]
    assert plain.count("${CSV_QUOTE(") == masked.count("${CSV_QUOTE(") == 17


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_each_file_that_is_named_is_supplied_and_each_kind_has_its_page(places) -> None:  # type: ignore[no-untyped-def]
    page = (SUPPLIED / places.page).read_text()
    for name in {places.cel_include, places.mapping_include}:
        assert (SUPPLIED / name).is_file()
    for name in (places.manager, places.dialplan, places.cel_file, places.globals_file):
        assert name in page


def test_every_supplied_file_is_told_of_in_the_index() -> None:
    index = (SUPPLIED / "README.md").read_text()

    assert [path.name for path in SUPPLIED.iterdir() if path.name not in index and path.name != "README.md"] == []


@pytest.mark.parametrize(
    ("version", "known"),
    [
        *[((16, 30), False), ((18, 25), False), ((18, 26), True), ((19, 8), False), ((20, 11), True)],
        *[((21, 5), False), ((22, 0), False), ((22, 1), True), ((23, 0), True), (None, True)],
    ],
)
def test_the_form_of_the_filter_goes_by_the_version(version: tuple[int, int] | None, known: bool) -> None:
    assert knows_filters(version) is known


def test_configuration_files_are_read_with_includes_templates_and_additions(tmp_path: Path) -> None:
    (tmp_path / "manager.conf").write_text(
        '[general]\nenabled = yes\n#include "more.conf"\n#include gone.conf\n'
        "[us](rights)\nsecret = s ; not told\n[us](+)\npermit = 192.0.2.1/32\n"
    )
    (tmp_path / "more.conf").write_text("[rights](!)\nread = call\neventfilter(action(include),name(CEL)) =\n")
    told = section_of(tmp_path, "manager.conf", "us")

    assert told == [
        ("read", "call"),
        ("eventfilter(action(include),name(CEL))", ""),
        ("secret", "s"),
        ("permit", "192.0.2.1/32"),
    ]
    assert section_of(tmp_path, "gone.conf", "us") is None
    assert section_of(None, "manager.conf", "us") is None


def test_a_file_that_includes_itself_is_read_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "manager.conf").write_text("[us]\na = b\n#include manager.conf\n")

    told = section_of(tmp_path, "manager.conf", "us")

    assert told is not None
    assert told[0] == ("a", "b")
