"""The call journal as Asterisk is told to write it: on, complete, without keyed digits, true times, our own file.

What it really writes is looked at in `gateway.doctor.journal`. Several lines of `events` and `apps` add up, of
`dateformat` the last one holds (measured on 22.10.1: an empty last one gives microseconds back, and a column of
cel_custom may be empty for rows of one kind).
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from sip.asterisk_questions import ask_setting

NEEDED_EVENTS = (
    *("CHAN_START", "CHAN_END", "LINKEDID_END", "ANSWER", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT"),
    *("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END", "LOCAL_OPTIMIZE"),
)
COLUMNS = 17
MASTER = "Master.csv"
OWN_FILE = "trunkline.csv"
_MASK = re.compile(r'"DTMF"\s*\]?\s*\?[^:]*:eventextra')
_TRUE = frozenset({"yes", "true", "on", "1", "y", "t"})


async def check_cel(look: Look) -> AsyncIterator[Finding]:
    """Everything about the journal's settings; notes whether a call can be read from it."""
    enabled = await look.setting("cel.conf", "general", "enable")
    if not enabled and not await look.setting("manager.conf", "general", "enabled"):
        yield look.area.advice(
            "Asterisk does not tell what its configuration files say, so its journal is judged by its rows alone.",
            *look.places.write("modules.conf", "load = func_config.so"),
            "then: asterisk -rx 'module load func_config.so'",
            code="settings_untold",
        )
        return
    look.told.set_up = bool(enabled) and (enabled or "").casefold() in _TRUE
    if not look.told.set_up:
        yield look.area.fault(
            "The call journal (CEL) is switched off: no call would be seen.", *look.places.events(), code="cel_off"
        )
        return
    path = look.pbx.journal.path or (Path(OWN_FILE) if look.pbx.journal.shipped else None)
    if path is None and look.pbx.journal.url is None and not look.places.own_journal:
        yield _not_supported(look)
    mapped = await _mapping(look, path)
    async for finding in _events(look, mapped):
        yield finding
    if look.pbx.journal.url is not None and await look.has_module("cel_odbc") is False:
        yield look.area.fault(
            "Nothing writes the journal's table: Asterisk's module cel_odbc does not run.",
            "asterisk -rx 'module load cel_odbc.so', and 'odbc show' for why not",
            code="cel_odbc_missing",
        )
    if path is not None and look.places.own_journal:
        async for finding in _times(look):
            yield finding
    if path is not None:
        async for finding in _own_file(look, path, mapped):
            yield finding
    if look.pbx.journal.path is None and look.pbx.journal.url is None:  # a table is as quick as a file
        async for finding in _preview(look):
            yield finding
    if look.told.set_up:
        yield look.area.ok("The call journal is switched on with every event a call needs.")


async def _mapping(look: Look, path: Path | None) -> str | None:
    """The columns of our file; empty: it is not there; None: there is no file, or Asterisk does not say."""
    found = await ask_setting(look.asterisk, "cel_custom.conf", "mappings", path.name) if path else None
    return None if found is None else "".join(found[:1])


async def _events(look: Look, mapped: str | None) -> AsyncIterator[Finding]:
    lines = await ask_setting(look.asterisk, "cel.conf", "general", "events") or ()
    events = {event.strip().upper() for line in lines for event in line.split(",")} - {""}
    unwritten = mapped == "" and look.places.own_events  # then the file that is proposed leaves the digits out
    of_the_site = look.pbx.journal.url is not None  # a table of its own: what stands in it is its own affair
    if (keyed := sorted(events & {"ALL", "DTMF"})) and not unwritten and not of_the_site:
        yield _keyed_digits(look, keyed, masked=bool(mapped and _MASK.search(mapped)))
    missing = [event for event in NEEDED_EVENTS if event not in events] if "ALL" not in events else []
    if missing:
        look.told.set_up = False
        yield look.area.fault(
            f"The call journal is not told to hold {', '.join(missing)}.", *look.places.events(), code="cel_events"
        )


def _keyed_digits(look: Look, keyed: list[str], *, masked: bool) -> Finding:
    if masked:
        return look.area.ok(f"events = {', '.join(keyed)} stands there, but no keyed digit gets into our file.")
    told = (
        f"The call journal is told to hold what clients key in (events = {', '.join(keyed)}): PINs and card numbers"
        " stand in our file."
    )
    if look.places.own_events:
        return look.area.fault(told, *look.places.mapping(), code="cel_keyed_digits")
    return look.area.fault(
        told, f"remove that `events` line from {look.places.cel_file};", *look.places.events(), code="cel_keyed_digits"
    )


async def _times(look: Look) -> AsyncIterator[Finding]:
    form = await look.setting("cel.conf", "general", "dateformat")
    if not form:
        return
    zone = look.pbx.journal.timezone
    remedy = (
        look.places.events()
        if look.places.own_events
        else (f"remove `dateformat` from {look.places.cel_file};", "then: asterisk -rx 'module reload cel'")
    )
    if zone is None:
        yield look.area.fault(
            f"The journal's times are written as {form!r}, and no zone is set: calls get a wrong time.",
            *remedy,
            f'or, to live with whole seconds: [pbx.{look.pbx.name}.journal] timezone = "Europe/Moscow"',
            code="cel_dateformat",
        )
    else:
        yield look.area.advice(
            f"The journal's times are written as {form!r}, so talk is counted by the second.",
            *remedy,
            code="cel_dateformat",
        )


async def _own_file(look: Look, path: Path, mapped: str | None) -> AsyncIterator[Finding]:
    module = await look.has_module("cel_custom")
    columns = (mapped or "").count("${CSV_QUOTE(")
    if path.name == MASTER:
        yield look.area.advice(
            f"{path} is the site's own journal, which others rotate and rewrite as they please.",
            *look.places.mapping(),
            f'and in our settings: [pbx.{look.pbx.name}.journal] path = "{path.with_name("trunkline.csv")}"',
            code="cel_shared_file",
        )
    if mapped == "" or module is False:
        look.told.set_up = False
        for finding in await _no_file(look, path, module):
            yield finding
    elif mapped is not None and columns != COLUMNS:
        look.told.set_up = False
        yield look.area.fault(
            f"cel_custom.conf writes {path.name} with {columns} columns instead of our {COLUMNS}: no row can be read.",
            *look.places.mapping(),
            code="cel_columns",
        )


def _not_supported(look: Look) -> Finding:
    return look.area.fault(
        "Not supported, preview only: this PBX cannot write a journal of our own, so its calls are shown while they go"
        " on, but not kept and not counted.",
        f"deploy/asterisk/{look.places.page} says what helps",
        code="journal_not_supported",
    )


async def _no_file(look: Look, path: Path, module: bool | None) -> list[Finding]:
    if not look.places.own_journal:
        return [_not_supported(look)]
    if module is False:
        why = "Asterisk's module cel_custom does not run"
    elif await ask_setting(look.asterisk, "cel_custom.conf", "mappings", MASTER):
        why = f"cel_custom.conf writes {MASTER} only"
    elif await look.setting("cel_odbc.conf", "cel", "table"):
        why = "the journal goes only into the PBX's own database (cel_odbc): whole seconds, no rows of dial"
    else:
        why = "cel_custom.conf does not name it"
    return [
        look.area.fault(
            f"Nothing writes {path.name}: {why}.", *look.places.mapping(), *_or_table(look, why), code="cel_no_file"
        )
    ]


def _or_table(look: Look, why: str) -> Iterator[str]:
    """What else can be done where the PBX keeps a journal in its own database."""
    if "cel_odbc" in why:
        yield "or, where no file may be added, let the gateway read that table, which needs journal.path left out:"
        yield f"[pbx.{look.pbx.name}.journal]"
        yield 'url = "mysql+pymysql://trunkline:(password)@(the PBX)/asteriskcdrdb"'
        yield 'timezone = "(the zone of the PBX)"'


async def _preview(look: Look) -> AsyncIterator[Finding]:
    """Without a file on this machine the screens live on the rows that come over AMI."""
    enabled = await look.setting("cel.conf", "manager", "enabled")
    if (enabled or "no").casefold() not in _TRUE:
        yield look.area.advice(
            "While `trunkline ship` is away the screens show no call, for Asterisk does not send its rows over AMI."
            if look.pbx.journal.shipped
            else "No journal is set, and Asterisk does not send its rows over AMI either: no call is shown.",
            *_preview_lines(look),
            code="cel_no_preview",
        )


def _preview_lines(look: Look) -> Iterator[str]:
    file = "cel_custom_post.conf" if look.places.own_events else "cel.conf"
    yield from look.places.write(file, "[manager]", "enabled = yes")
    yield "then: asterisk -rx 'module reload cel'"
