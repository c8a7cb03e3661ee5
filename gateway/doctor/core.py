"""The PBX as a whole: version, name, kind, clock."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look, version_of
from gateway.domain.errors import GatewayError
from gateway.reconcile import CLOCK_LIMIT
from sip.asterisk_questions import ask_start

OLDEST, NEWEST = 16, 22
"""The versions that are known; 22 is the one every test runs on."""


async def check_core(look: Look) -> AsyncIterator[Finding]:
    """Version, system name, kind and clock; notes what the journal's check needs."""
    try:
        settings = await look.asterisk.action("CoreSettings")
        status = await look.asterisk.core_status()
    except GatewayError:
        return  # the missing right is told by the account's check
    look.told.calls = status.calls_processed or 0
    look.told.started_at = await ask_start(look.asterisk)
    look.told.systemname = settings.get("SystemName", "")
    version = settings.get("AsteriskVersion", "")
    look.version = version_of(version)
    yield look.area.ok(f"Asterisk {version or 'of unknown version'}, configured as {look.places.title}.")
    for finding in (*_version(look), *_name(look)):
        yield finding
    clock = await look.asterisk.read_clock()
    yield _clock(look, clock.offset if clock else None)


def _version(look: Look) -> Iterator[Finding]:
    if look.version is None:
        return
    major = look.version[0]
    if major < OLDEST:
        yield look.area.fault(
            f"Asterisk {major} is older than {OLDEST}, the oldest that this gateway knows.",
            "bring the PBX to Asterisk 18, 20 or 22",
            code="version_too_old",
        )
    elif major > NEWEST:
        yield look.area.advice(
            f"Asterisk {major} is newer than {NEWEST}, the newest that this gateway was tried with.",
            "make one call of each kind and compare what is shown with what happened",
            code="version_untried",
        )
    elif major in (17, 19):
        yield look.area.advice(
            f"Asterisk {major} was a release of one year and gets no more corrections.",
            "bring the PBX to Asterisk 18, 20 or 22",
            code="version_ended",
        )


def _name(look: Look) -> Iterator[Finding]:
    name = look.told.systemname
    write = look.places.write("asterisk.conf", "[options](+)" if look.places.by_hand else "[options]")
    same = sorted(pbx for pbx, other in look.others.items() if name and other == name)
    if same:
        yield look.area.fault(
            f"Its system name {name!r} is also that of {', '.join(same)}: two calls may get the same id in logs and"
            " recordings.",
            *write,
            f"systemname = {look.pbx.name}",
            "then restart Asterisk when no call goes on: asterisk -rx 'core restart gracefully'",
            code="systemname_twice",
        )
    elif look.others and not name:
        yield look.area.advice(
            "It has no system name; with several PBXs two calls may get the same id in its logs.",
            *write,
            f"systemname = {look.pbx.name}",
            "then restart Asterisk when no call goes on: asterisk -rx 'core restart gracefully'",
            code="systemname_none",
        )


def _clock(look: Look, offset: timedelta | None) -> Finding:
    if offset is None:
        return look.area.advice(
            "Asterisk sends no time stamps, so its clock cannot be compared.",
            *look.places.write(look.places.manager, "[general](+)", "timestampevents = yes"),
            "then: asterisk -rx 'manager reload'",
            code="clock_unknown",
        )
    seconds = f"{abs(offset.total_seconds()):.3f}"
    told = (
        f"Its clock is {seconds} s ahead of ours." if offset > timedelta() else f"Its clock is {seconds} s behind ours."
    )
    if abs(offset) > CLOCK_LIMIT:
        return look.area.fault(
            told, "let both machines follow a time server: timedatectl set-ntp true", code="clock_off"
        )
    return look.area.ok(told)
