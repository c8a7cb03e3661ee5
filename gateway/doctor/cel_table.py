"""The CEL table of a site's own database: can we read it, is it written, does it hold what a call is made of.

What is advised never touches more than the owner lends: a user with SELECT on one table.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from gateway.doctor.findings import Area, Finding, length
from gateway.doctor.journal import Expected
from gateway.settings import Pbx
from gateway.table_reading import table_source
from sip.cel_table import CelTable
from sip.cel_table_look import TableLook, look_at
from sip.cel_table_reader import ZONE_TOLERANCE
from sip.journal import JournalCondition

_NEEDED = ("CHAN_START", "CHAN_END", "HANGUP", "LINKEDID_END", "BRIDGE_ENTER")
_ENOUGH_ROWS = 50
_PAGE = "see docs/freepbx-cel-table.md"
_TYPES = {
    "id": "bigint not null auto_increment primary key",
    "eventextra": "varchar(512) not null default ''",
    "linkedid": "varchar(150) not null default ''",
    "channame": "varchar(80) not null default ''",
}
_NAMES = {"eventextra": "extra"}


def check_cel_table(
    pbx: Pbx, expected: Expected, now: datetime, look: Callable[[CelTable], TableLook] = look_at
) -> Iterator[Finding]:
    """Look at one PBX's CEL table; nothing where its journal is none.

    Args:
        pbx: the PBX.
        expected: what Asterisk said.
        now: our clock.
        look: asks the database.
    """
    source = table_source(pbx.journal)
    if source is None:
        return
    area = Area(name=f"journal of {pbx.name}")
    found = look(source)
    if found.condition is not JournalCondition.READING:
        yield _unreadable(area, source, found)
        return
    if found.zone_offset is not None and abs(found.zone_offset) > ZONE_TOLERANCE:
        yield _wrong_zone(area, pbx, found.zone_offset)
    yield from _age(area, source, found, expected, now)
    yield from _contents(area, source, found)
    yield from _access(area, source, found)


def _unreadable(area: Area, source: CelTable, found: TableLook) -> Finding:
    """Why nothing can be read, and what to type on the PBX."""
    where = f"{source.url.host or 'the file'}{f':{source.url.port}' if source.url.port else ''}"
    why = f"The reason is {found.trouble}." if found.trouble else ""
    match found.condition:
        case JournalCondition.NO_SERVER:
            return area.fault(
                _because(f"The database of the CEL table at {where} does not answer.", why),
                "on the PBX: systemctl status mariadb",
                "on the PBX: mysql -e \"show variables like 'bind_address'\"",
                "where it listens on 127.0.0.1 alone, let our host in by bind-address, or by a tunnel:",
                f"ssh -N -L 3306:127.0.0.1:3306 (user)@{source.url.host or '(PBX)'}",
                code="table_no_server",
            )
        case JournalCondition.NO_LOGIN | JournalCondition.NO_PERMISSION:
            return area.fault(
                _because(f"The database at {where} does not let us read the table.", why),
                *_grant(source),
                code="table_no_right",
            )
        case JournalCondition.NO_TABLE:
            return area.fault(
                _because(f"There is no table {source.table} in the database {source.url.database}.", why),
                "on a FreePBX: fwconsole ma downloadinstall cel && fwconsole reload",
                "elsewhere: set journal.url and journal.table to where cel_odbc or cel_pgsql writes",
                code="table_none",
            )
        case JournalCondition.NO_COLUMN:
            return area.fault(
                f"The table {source.table} lacks {', '.join(found.missing)}: calls cannot be told from it.",
                *(_add_column(source, name) for name in found.missing),
                "then: asterisk -rx 'module reload cel_odbc.so'",
                code="table_columns",
            )
        case _:
            return area.fault(_because("The CEL table cannot be read.", why), _PAGE, code="table_unreadable")


def _because(told: str, why: str) -> str:
    """A sentence and the reason, where one is known."""
    return f"{told} {why}" if why else told


def _grant(source: CelTable) -> tuple[str, ...]:
    user, database = source.url.username or "trunkline", source.url.database or "asteriskcdrdb"
    return (
        "on the PBX: mysql",
        f"CREATE USER IF NOT EXISTS '{user}'@'(our address)' IDENTIFIED BY '(password)';",
        f"GRANT SELECT ON {database}.{source.table.rpartition('.')[2]} TO '{user}'@'(our address)';",
        "and the same password in journal.url or the file of journal.url_file",
    )


def _add_column(source: CelTable, name: str) -> str:
    kind = _TYPES.get(name, "varchar(80) not null default ''")
    return f"ALTER TABLE {source.table} ADD {_NAMES.get(name, name)} {kind};"


def _wrong_zone(area: Area, pbx: Pbx, offset: timedelta) -> Finding:
    hours = offset.total_seconds() / 3600
    zone = pbx.journal.timezone or "UTC"
    return area.fault(
        f"The table's times are not of the zone {zone}: by the ids of the channels they are off by {hours:+.2g} h.",
        "on the PBX: timedatectl",
        f"[pbx.{pbx.name}.journal]",
        'timezone = "(its zone, like Europe/Moscow; UTC where cel_odbc.conf has usegmtime = yes)"',
        code="table_zone",
    )


def _age(area: Area, source: CelTable, found: TableLook, expected: Expected, now: datetime) -> Iterator[Finding]:
    if found.newest_at is None:
        if expected.calls_since_start:
            yield area.fault(
                f"Asterisk has had {expected.calls_since_start} calls since its start, and none is in the table.",
                *_writer(),
                code="table_silent",
            )
        else:
            yield area.ok(f"The table {source.table} can be read and is empty: no call yet.")
        return
    started = expected.asterisk_started_at
    if started is not None and expected.calls_since_start and found.newest_at < started - timedelta(seconds=2):
        yield area.fault(
            f"Asterisk has had calls since its start, and the table's last row is {length(now - found.newest_at)} old.",
            *_writer(),
            code="table_silent",
        )
    else:
        yield area.ok(f"The table {source.table} can be read; its last row is {length(now - found.newest_at)} old.")


def _writer() -> tuple[str, ...]:
    return (
        "on the PBX: asterisk -rx 'odbc show all' and asterisk -rx 'cel show status'",
        "on the PBX: asterisk -rx 'module load cel_odbc.so'",
        "on a FreePBX: Settings, Advanced Settings, Enable CEL Reporting: Yes; then fwconsole reload",
    )


def _contents(area: Area, source: CelTable, found: TableLook) -> Iterator[Finding]:
    missing = [kind for kind in _NEEDED if kind not in found.kinds]
    if missing and found.kinds.total() >= _ENOUGH_ROWS:
        yield area.fault(
            f"The table has no {', '.join(missing)}: calls cannot be told from it.",
            "in cel.conf (FreePBX: cel_general_custom.conf): events = ALL but DTMF by name,"
            " as in deploy/asterisk/trunkline_cel_general.conf",
            "then: asterisk -rx 'module reload cel'",
            code="table_events",
        )
    if found.untold:
        yield area.fault(
            f"{found.untold} rows of bridges do not say which bridge, so nobody's talk can be told.",
            f"ALTER TABLE {source.table} CHANGE eventextra extra varchar(512) not null default '';",
            "then: asterisk -rx 'module reload cel_odbc.so'",
            code="table_extra",
        )
    if found.keyed:
        yield area.advice(
            "What clients key in stands in the site's table: PINs and card numbers (DTMF rows). We do not take it.",
            "tell the PBX's owner; FreePBX asks for events=all itself, and cel_general_custom.conf can only add",
            code="table_keyed",
        )
    if found.unread:
        yield area.advice(f"{found.unread} of the last rows cannot be read.", _PAGE, code="table_rows")
    if found.whole_seconds and found.kinds.total() >= _ENOUGH_ROWS:
        yield area.advice(
            "The table's times have whole seconds, so talk is counted by the second.",
            "where the owner agrees, and calls are few at the moment:",
            f"ALTER TABLE {source.table} MODIFY eventtime datetime(6) NOT NULL;",
            "then: asterisk -rx 'module reload cel_odbc.so'",
            code="table_whole_seconds",
        )


def _access(area: Area, source: CelTable, found: TableLook) -> Iterator[Finding]:
    if not found.has_key:
        yield area.fault(
            f"The table {source.table} has no key on id, so each look reads all of it.",
            f"ALTER TABLE {source.table} ADD PRIMARY KEY (id);",
            code="table_key",
        )
    if found.may_write:
        yield area.advice(
            "Our user may change the site's database; reading one table is all we need.",
            *_grant(source),
            code="table_rights",
        )
