"""One look at one PBX: whom the checks ask, what they were told, and which kind of PBX answers."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from gateway.doctor.findings import Area
from gateway.doctor.journal import Expected
from gateway.doctor.places import PLACES, Places
from gateway.domain.directory import Directory
from gateway.settings import Pbx, PbxKind
from sip.ami_connection import AmiConfig, AmiConnection
from sip.asterisk_questions import ask_value

_VERSION = re.compile(r"(?:certified/)?(\d+)\.(\d+)")


@dataclass(slots=True, kw_only=True)
class Told:
    """What Asterisk said that other checks need."""

    set_up: bool | None = None
    """Whether it is told to write a journal that a call can be read from; None: it did not say."""
    started_at: datetime | None = None
    calls: int = 0
    kind: PbxKind | None = None
    """None: it could not be asked."""
    systemname: str | None = None
    """None: it could not be asked; empty: it has none."""

    def expected(self) -> Expected:
        """For the journal's check."""
        return Expected(set_up=self.set_up, asterisk_started_at=self.started_at, calls_since_start=self.calls)


@dataclass(slots=True, kw_only=True)
class Look:
    """What a check of a live PBX works with."""

    area: Area
    pbx: Pbx
    config: AmiConfig
    asterisk: AmiConnection
    directory: Directory
    """Who is who at this moment."""
    told: Told
    places: Places
    others: dict[str, str] = field(default_factory=dict)
    """System names of the gateway's other PBXs, by their names in the settings; those that were told."""
    version: tuple[int, int] | None = None
    """Major and minor number; None: not told."""

    async def value(self, expression: str) -> str | None:
        """A global variable or dialplan function; empty: it has none; None: Asterisk does not say."""
        return await ask_value(self.asterisk, expression)

    async def exists(self, *place: str) -> bool | None:
        """Whether the dialplan has a context, an extension in it, a priority of that; None: not told."""
        told = await self.value(f"DIALPLAN_EXISTS({','.join(place)})")
        return None if told not in ("0", "1") else told == "1"

    async def has_module(self, name: str) -> bool | None:
        """Whether a module runs; None: not told (func_module is missing)."""
        told = await self.value(f"IFMODULE({name}.so)")
        return None if told not in ("0", "1") else told == "1"

    async def setting(self, file: str, section: str, key: str) -> str | None:
        """The last value of a key in one of Asterisk's files, the one that holds; empty: none; None: not told."""
        return await self.value(f"AST_CONFIG({file},{section},{key},-1)")


def version_of(text: str) -> tuple[int, int] | None:
    """Major and minor number of a version; None: it has none."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2])) if found else None


async def find_kind(asterisk: AmiConnection, configured: PbxKind) -> PbxKind:
    """Whose configuration this is: as the settings say, else by what only that kind has.

    FreePBX and Issabel put their database's name into the dialplan's globals; Issabel names itself in pjsip.conf.
    MikoPBX has a context for all phones and one for calls by AMI under names of its own.
    """
    if configured is not PbxKind.AUTO:
        return configured
    if await ask_value(asterisk, "AMPDBNAME"):
        agent = await ask_value(asterisk, "AST_CONFIG(pjsip.conf,global,user_agent,-1)") or ""
        return PbxKind.ISSABEL if agent.casefold().startswith(("issabel", "ipbx")) else PbxKind.FREEPBX
    if await ask_value(asterisk, "DIALPLAN_EXISTS(macro-dialout-trunk,s,1)") == "1":
        return PbxKind.FREEPBX
    miko = [await ask_value(asterisk, f"DIALPLAN_EXISTS({c})") == "1" for c in ("all_peers", "internal-originate")]
    return PbxKind.MIKOPBX if all(miko) else PbxKind.ASTERISK


def places_of(kind: PbxKind) -> Places:
    """Where our lines go on it."""
    return PLACES.get(kind, PLACES[PbxKind.ASTERISK])
