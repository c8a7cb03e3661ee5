"""What the doctor says of sites where one thing is wrong, word for word, each with its cure (issue 4, point 7).

The sites are real: each is a lab Asterisk that was started, or reloaded, with one change in its configuration. What is
said stands in `tests/gateway/broken_sites`, one file a site. A test leaves what it was told as `said.txt` in its own
folder, so that new words can be read and then taken over (`pytest --basetemp=DIR`).
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.doctor.findings import Level
from gateway.doctor.pbx import Examined, examine_pbx
from gateway.settings import Settings
from gateway.store.database import open_pool
from lab.chroot import AsteriskHome
from lab.server import AsteriskServer
from tests.gateway.broken_site import (
    CURED,
    Change,
    a_freepbx,
    a_mikopbx,
    changed_site,
    open_site,
    replaced,
    settings_of,
    staffed,
    told,
    without_lines,
    written,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]

TEXTS = Path(__file__).parent / "broken_sites"
MANAGER, GENERAL, CUSTOM = "trunkline_manager.conf", "trunkline_cel_general.conf", "trunkline_cel_custom.conf"
RECORD, ROUTE, CONTROL = (f"trunkline_{name}.conf" for name in ("recording", "route", "control"))
PERMIT = "permit = 127.0.0.1/255.255.255.255"
NO_HTTP = "[general]\nenabled = no\n"
WRITE = "write = call,agent,originate,reporting"


def route_url(address: str) -> Change:
    """A site that asks for routes at an address."""
    lines = f"[globals]\nTRUNKLINE_ROUTE_URL = {address}\nTRUNKLINE_ROUTE_PBX = lab"

    def change(folder: Path) -> None:
        written("trunkline_route_key.conf", "[route]\nkey = k\n")(folder)
        replaced("extensions.conf", "[globals]", lines)(folder)

    return change


NOT_CALLED = (
    replaced("extensions.conf", "Gosub(trunkline-record", "NoOp(x"),
    replaced("extensions.conf", "b(trunkline-record^s^1)", ""),
    replaced(ROUTE, "?trunkline-record,s,1", "?site,1"),
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """One thing that is wrong."""

    changes: Sequence[Change] = ()
    settings: dict[str, object] = field(default_factory=dict)
    journal: bool = True
    """Whether a journal is set."""
    pbxs: tuple[str, ...] = ("lab",)
    people: tuple[str, ...] = ("100", "101", "102")
    ahead: timedelta = timedelta()
    """How far the clock of the PBX is ahead of ours."""
    started: bool = False
    """Whether an Asterisk of its own is started for it; else one loads the change anew, which leaves global variables
    of the dialplan and the web server as they were."""


SITES: dict[str, Site] = {
    "all_well": Site(),
    "cel_off": Site(changes=[replaced(GENERAL, "enable = yes", "enable = no")]),
    "cel_all": Site(changes=[replaced(GENERAL, "enable = yes", "enable = yes\nevents = ALL")]),
    "cel_events_missing": Site(changes=[replaced(GENERAL, "BRIDGE_ENTER,", "")]),
    "cel_dateformat": Site(changes=[replaced(GENERAL, "enable = yes", "enable = yes\ndateformat = %F %T")]),
    "cel_16_columns": Site(changes=[replaced(CUSTOM, ",${CSV_QUOTE(${eventextra})}", "")]),
    "cel_master_only": Site(changes=[replaced(CUSTOM, "trunkline.csv =>", "Master.csv =>")]),
    "journal_of_the_site": Site(
        changes=[replaced(CUSTOM, "trunkline.csv =>", "Master.csv =>")], settings={"journal": "the site's own"}
    ),
    "cel_module_missing": Site(
        changes=[replaced("modules.conf", "[modules]", "[modules]\nnoload = cel_custom.so")], started=True
    ),
    "ami_without_originate": Site(changes=[replaced(MANAGER, WRITE, "write = call,agent,reporting")]),
    "ami_too_mighty": Site(changes=[replaced(MANAGER, WRITE, "write = all")]),
    "ami_without_filter": Site(changes=[without_lines(MANAGER, "eventfilter")]),
    "ami_wrong_address": Site(changes=[replaced(MANAGER, PERMIT, "permit = 192.0.2.7/255.255.255.255")]),
    "ami_open_to_all": Site(changes=[replaced(MANAGER, PERMIT, "permit = 0.0.0.0/0.0.0.0")]),
    "record_missing": Site(changes=[without_lines("extensions.conf", f"#include {RECORD}")]),
    "record_not_called": Site(changes=NOT_CALLED),
    "freepbx_not_recorded": Site(changes=[a_freepbx, *CURED, *NOT_CALLED], started=True),
    "control_missing": Site(changes=[without_lines("extensions.conf", f"#include {CONTROL}")]),
    "route_missing": Site(
        changes=[
            route_url("http://127.0.0.1:8080/api/v1/route"),
            without_lines("extensions.conf", f"#include {ROUTE}"),
        ],
        started=True,
    ),
    "route_unreachable": Site(changes=[route_url("http://127.0.0.1:1/api/v1/route")], started=True),
    "freepbx_cel_odbc": Site(changes=[a_freepbx], started=True),
    "mikopbx": Site(changes=[a_mikopbx], journal=False, started=True),
    "systemname_twice": Site(pbxs=("lab", "branch")),
    "nobody_mapped": Site(people=()),
    "originate_misnamed": Site(
        settings={"kind": "issabel", "originate": {"channel": "Local/{ext}@from-internal", "context": "from-nowhere"}},
    ),
    "trunk_misnamed": Site(settings={"trunks": [{"endpoint": "my-provider"}]}),
    "browsers_without_web_server": Site(
        changes=[
            replaced("pjsip.conf", "[101](manager)", "[101](manager)\nwebrtc = yes"),
            written("http.conf", NO_HTTP),
        ],
        started=True,
    ),
    "ami_without_timestamps": Site(changes=[replaced("manager.conf", "timestampevents = yes", "timestampevents = no")]),
    "clock_an_hour_ahead": Site(ahead=timedelta(hours=1, seconds=0.5)),
}


@asynccontextmanager
async def shifted(port: int, ahead: timedelta) -> AsyncIterator[int]:
    """A port behind which the same Asterisk has another clock."""

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def there() -> None:
            while data := await reader.read(65536):
                to_asterisk.write(data)
            to_asterisk.close()

        asterisk, to_asterisk = await asyncio.open_connection("127.0.0.1", port)
        way = asyncio.ensure_future(there())
        while line := await asterisk.readline():
            writer.write(re.sub(rb"(?<=Timestamp: )[\d.]+", _later(ahead), line))
        await way
        writer.close()

    async with await asyncio.start_server(passed, "127.0.0.1", 0, family=socket.AF_INET) as server:
        yield server.sockets[0].getsockname()[1]


def _later(ahead: timedelta):  # type: ignore[no-untyped-def]  # the shape of re.sub's callback
    return lambda found: f"{float(found[0]) + ahead.total_seconds():.6f}".encode()


async def looked_at(site: Site, server: AsteriskServer, database: str) -> tuple[str, Examined]:
    """What the doctor says of a site, as a person reads it and as it was found."""
    more = site.settings if site.journal else {"journal": {}}
    if "journal" in site.settings:
        more = {"journal": {"path": str(server.journal.with_name("Master.csv"))}}
    settings = settings_of(server, database, site.pbxs, **more)
    async with open_pool(database) as pool:
        if site.people:
            await staffed(pool, *site.people)
        if site.ahead:
            async with shifted(server.ports.ami, site.ahead) as port:
                found = await examine_pbx(settings, _at_port(settings, port).pbx["lab"], pool)
        else:
            found = await examine_pbx(settings, settings.pbx["lab"], pool)
    text = told(server, found.findings)
    return (re.sub(r"127\.0\.0\.1:\d+(?= as)", "127.0.0.1:5038", text), found)


def _at_port(settings: Settings, port: int) -> Settings:
    pbx = settings.pbx["lab"]
    assert pbx.ami is not None
    moved = pbx.model_copy(update={"ami": pbx.ami.model_copy(update={"port": port})})
    return settings.model_copy(update={"pbx": {"lab": moved}})


@pytest.mark.parametrize("name", SITES)
async def test_each_broken_site_is_told_with_its_cure(
    name: str, asterisk: AsteriskServer, asterisk_home: AsteriskHome, database: str, tmp_path: Path
) -> None:
    """Requirement of point 7: `trunkline doctor --pbx` checks each part and prints the exact lines missing."""
    site = SITES[name]
    own = open_site(tmp_path / "pbx", asterisk_home, site.changes) if site.started else None
    with own or changed_site(asterisk, site.changes) as server:
        text, found = await looked_at(site, server, database)

    (tmp_path / "said.txt").write_text(text)
    assert text == (TEXTS / f"{name}.txt").read_text()
    wrong = [finding for finding in found.findings if finding.level is not Level.OK and finding.area == "asterisk lab"]
    assert all(finding.code and finding.remedy for finding in wrong)
    assert bool(wrong) == (name != "all_well")
