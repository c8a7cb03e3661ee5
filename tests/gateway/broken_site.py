"""A lab Asterisk with something wrong in its configuration, as a site's doctor meets it."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.doctor.findings import Finding, Level, as_text
from gateway.settings import Settings
from gateway.store.database import Pool
from gateway.store.staff import add_user, give_extension
from lab.chroot import AsteriskHome
from lab.server import AsteriskServer, free_ports

Change = Callable[[Path], None]
"""Changes files in the folder of the configuration, before Asterisk starts."""

FREEPBX_CEL = """[general]
#include cel_general_additional.conf
#include cel_general_custom.conf

#include cel_custom_post.conf
"""
FREEPBX_EVENTS = """enable=yes
apps=confbridge,meetme,mixmonitor,queue,stopmixmonitor,voicemail,voicemailmain
events=all
dateformat=%F %T
"""
FREEPBX_TABLE = """[cel]
connection=asteriskcdrdb
loguniqueid=yes
table=cel
#include cel_odbc_custom.conf
"""
MIKOPBX_CEL = """[general]
enable=yes
events=USER_DEFINED,ANSWER,ATTENDEDTRANSFER
dateformat = %F %T

[manager]
enabled = yes
"""


def replaced(file: str, old: str, new: str) -> Change:
    """A text that stands in the file, replaced."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new))

    return change


def written(file: str, text: str) -> Change:
    """A whole file."""

    def change(folder: Path) -> None:
        (folder / file).write_text(text)

    return change


def without_lines(file: str, beginning: str) -> Change:
    """A file without the lines that begin so."""

    def change(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines()
        assert any(line.startswith(beginning) for line in lines)
        (folder / file).write_text("\n".join(line for line in lines if not line.startswith(beginning)) + "\n")

    return change


CURED: tuple[Change, ...] = (
    written("cel_general_custom.conf", "#include trunkline_cel_general_freepbx.conf\n"),
    written("cel_custom.conf", "[mappings]\n#include trunkline_cel_custom_masked.conf\n"),
)
"""What the doctor tells the administrator of a FreePBX to write for the journal."""


def a_freepbx(folder: Path) -> None:
    """What FreePBX's modules core and cel write, as far as it matters here."""
    (folder / "cel.conf").write_text(FREEPBX_CEL)
    (folder / "cel_general_additional.conf").write_text(FREEPBX_EVENTS)
    (folder / "cel_odbc.conf").write_text(FREEPBX_TABLE)
    (folder / "cel_custom.conf").unlink()
    for empty in ("cel_general_custom.conf", "cel_custom_post.conf", "cel_odbc_custom.conf", "manager_custom.conf"):
        (folder / empty).write_text("")
    replaced("extensions.conf", "[globals]", "[globals]\nAMPDBNAME = asterisk\nASTETCDIR = " + str(folder))(folder)


def a_mikopbx(folder: Path) -> None:
    """What MikoPBX writes, as far as it matters here: its contexts, its few events, no module for a journal of ours."""
    (folder / "cel.conf").write_text(MIKOPBX_CEL)
    (folder / "cel_custom.conf").unlink()
    replaced("modules.conf", "[modules]", "[modules]\nnoload = cel_custom.so")(folder)
    with (folder / "extensions.conf").open("a") as dialplan:
        dialplan.write("[all_peers]\nexten => _X!,1,NoOp()\n[internal-originate]\nexten => _X!,1,NoOp()\n")


@contextmanager
def open_site(folder: Path, home: AsteriskHome, changes: Sequence[Change]) -> Iterator[AsteriskServer]:
    """A running lab Asterisk with changes in its configuration."""
    server = AsteriskServer(folder, home, free_ports(), "pbx1", os.getegid())
    server.prepare()
    for change in changes:
        change(server.directory / "etc")
    if os.geteuid() == 0:
        for path in (server.directory / "etc").iterdir():
            os.chown(path, home.uid, home.gid)
    try:
        server.start()
        yield server
    finally:
        server.stop()


RELOADS = ("manager reload", "module reload cel", "module reload cel_custom.so", "dialplan reload")


@contextmanager
def changed_site(server: AsteriskServer, changes: Sequence[Change]) -> Iterator[AsteriskServer]:
    """A running Asterisk that has loaded its configuration anew with changes in it; afterwards it is as before."""
    folder = server.directory / "etc"
    before = {path: path.read_text() for path in folder.iterdir()}
    for change in changes:
        change(folder)
    _reload(server, changes)
    try:
        yield server
    finally:
        for path, text in before.items():
            path.write_text(text)
        _reload(server, changes)


def _reload(server: AsteriskServer, changes: Sequence[Change]) -> None:
    with server.console() as console:
        for command in RELOADS if changes else ():
            console.command(command)


def settings_of(server: AsteriskServer, database: str, pbxs: Sequence[str] = ("lab",), **more: object) -> Settings:
    """The site as its administrator entered it; several PBXs are the same Asterisk under several names."""
    pbx = {
        "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
        "recordings": {"folder": str(server.recordings)},
        "originate": {"context": "from-managers"},
        "trunks": [{"endpoint": "trunk", "area_code": "495"}],
    }
    journals = [{"path": str(server.journal if name == "lab" else server.journal.with_name(name))} for name in pbxs]
    tables = {name: pbx | {"journal": journal} | more for name, journal in zip(pbxs, journals, strict=True)}
    return Settings(database={"url": database}, pbx=tables, home=str(server.directory / "home"))  # type: ignore[arg-type]


async def staffed(pool: Pool, *extensions: str) -> None:
    """A manager at each extension of the lab."""
    async with pool.acquire() as connection, connection.transaction():
        for extension in extensions or ("100", "101", "102"):
            user = await add_user(connection, login=f"m{extension}", name=extension, role="manager")
            await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])


def told(server: AsteriskServer, findings: Sequence[Finding]) -> str:
    """The findings as they are printed, without what differs from run to run; the folder of recordings is left out,
    for what root may do there proves nothing."""
    text = as_text(f for f in findings if not (f.area.startswith("recordings") and f.level is not Level.FAULT))
    text = text.replace(str(server.directory), "SITE").replace(f":{server.ports.ami}", ":5038")
    text = text.replace(f"port = {server.ports.ami}", "port = 5038")
    text = re.sub(r"Asterisk \d+\.\d+\S*,", "Asterisk 22,", text)
    text = re.sub(r"(?<=clock is )0\.\d+ s (behind|ahead of)", "0.000 s behind", text)
    return re.sub(r"(?<=clock is )(\d+)\.\d+ s", r"\1 s", text) + "\n"
