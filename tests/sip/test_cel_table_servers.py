"""The reader of a CEL table against real servers: MariaDB as a FreePBX has it, and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pymysql
import pytest

from lab.mariadb import MariaDb
from sip.cel_table import CelTable, checked_url
from sip.cel_table_database import connected
from sip.journal import JournalCondition
from tests.sip.cel_tables import FREEPBX, MOSCOW, Reading, Row, recorded_day, row

NOT_ASKED_YET = (JournalCondition.WAITING_FOR_FILE, JournalCondition.NO_SERVER)


@pytest.fixture
def table(mariadb: MariaDb) -> CelTable:
    mariadb.run("truncate table cel")
    return CelTable(url=checked_url(mariadb.url), timezone=MOSCOW)


def insert(server: MariaDb, rows: list[Row], connection: pymysql.Connection | None = None) -> None:
    """Insert as Asterisk's user does; a given connection keeps its transaction open."""
    own = connection or writer(server)
    named = ", ".join(FREEPBX)
    with own.cursor() as cursor:
        for told in rows:
            values = [told[name] for name in FREEPBX]
            cursor.execute(f"insert into cel ({named}) values ({', '.join(['%s'] * len(values))})", values)
    if connection is None:
        own.commit()
        own.close()


def writer(server: MariaDb) -> pymysql.Connection:
    """A session of Asterisk's user."""
    return pymysql.connect(
        host="127.0.0.1",
        port=server.port,
        user=server.writer,
        password=server.writer_secret,
        database="asteriskcdrdb",
    )


async def test_a_user_who_may_only_select_reads_the_day(mariadb: MariaDb, table: CelTable) -> None:
    day = recorded_day()
    insert(mariadb, day)
    reading = Reading(table)

    await reading.have(len(day))

    assert reading.numbers == [r["id"] for r in day]
    assert all(event is not None for event in reading.events)


async def test_a_row_whose_transaction_ends_late_is_read(mariadb: MariaDb, table: CelTable) -> None:
    insert(mariadb, [row(1)])
    reading = Reading(table)
    await reading.have(1)
    slow = writer(mariadb)
    insert(mariadb, [row(2)], slow)
    insert(mariadb, [row(3)])
    await reading.have(2)

    slow.commit()
    await reading.have(3)
    slow.close()

    assert reading.numbers == [1, 3, 2]


async def test_the_session_itself_is_read_only(mariadb: MariaDb) -> None:
    url = checked_url(f"mysql://{mariadb.writer}:{mariadb.writer_secret}@127.0.0.1:{mariadb.port}/asteriskcdrdb")

    with connected(url) as session, pytest.raises(Exception, match="READ ONLY"):
        session.do(lambda c: c.exec_driver_sql("delete from cel"))


async def test_a_server_that_is_stopped_and_started_is_waited_for(mariadb: MariaDb, table: CelTable) -> None:
    insert(mariadb, [row(1)])
    reading = Reading(table)
    await reading.have(1)
    mariadb.stop()
    await reading.until(lambda r: r.status.condition is JournalCondition.NO_SERVER)

    mariadb.start()
    insert(mariadb, [row(2)])
    await reading.have(2)

    assert reading.numbers == [1, 2]


async def test_a_server_that_freezes_is_waited_for_and_the_loop_goes_on(mariadb: MariaDb, table: CelTable) -> None:
    insert(mariadb, [row(1)])
    reading = Reading(table)
    await reading.have(1)
    mariadb.freeze()
    try:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await reading.have(2, seconds=0.6)
        assert asyncio.get_running_loop().time() - began < 3
    finally:
        mariadb.thaw()
    insert(mariadb, [row(2)])
    await reading.have(2)

    assert reading.numbers == [1, 2]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "wrong"}, JournalCondition.NO_LOGIN),
        ({"username": "nobody"}, JournalCondition.NO_LOGIN),
        ({"database": "other"}, JournalCondition.NO_PERMISSION),  # it does not tell a stranger whether it exists
    ],
)
async def test_a_wrong_login_or_database_is_told(
    table: CelTable, change: dict[str, str], expected: JournalCondition
) -> None:
    reading = Reading(replace(table, url=table.url.set(**change)))

    await reading.until(lambda r: r.status.condition not in NOT_ASKED_YET)

    assert reading.status.condition is expected
    assert not any(secret in reading.status.trouble for secret in ("wrong", "nobody", str(table.url.password)))


async def test_a_table_that_our_user_may_not_read_is_told(table: CelTable) -> None:
    reading = Reading(replace(table, table="cdr"))

    await reading.until(lambda r: r.status.condition not in NOT_ASKED_YET)

    assert reading.status.condition is JournalCondition.NO_PERMISSION


async def test_a_poll_of_a_large_table_looks_at_the_end_of_its_primary_key_alone(
    mariadb: MariaDb, table: CelTable
) -> None:
    mariadb.run(
        "insert into cel select seq, 'CHAN_START', '2026-11-22 12:00:00', '', '', '', '', '', '', '', 'PJSIP/x-1', '',"
        " '', 3, '', concat('1795338000.', seq), '1795338000.1', '', '', '' from seq_1_to_50000"
    )
    reading = Reading(table, batch_rows=5000)
    await reading.have(50_000, seconds=30)
    before = handler_reads(mariadb)

    await reading.until(lambda r: True)
    with pytest.raises(TimeoutError):
        await reading.have(50_001, seconds=1)

    assert len(reading.rows) == 50_000
    assert 0 < handler_reads(mariadb) - before < 2000


def handler_reads(server: MariaDb) -> int:
    """Rows that the server's storage has handed out so far, by index or otherwise."""
    found = server.run("show global status like 'Handler_read%'")
    return sum(int(str(value)) for _, value in found)


async def test_a_table_in_postgresql_with_other_names_is_read(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("create schema asterisk")
    await connection.execute(
        "create table asterisk.cel (id bigserial primary key, eventtime timestamp, eventtype text, userdeftype text,"
        " cid_name text, cid_num text, cid_ani text, cid_rdnis text, cid_dnid text, exten text, context text,"
        " channame text, appname text, appdata text, amaflags int, accountcode text, uniqueid text, linkedid text,"
        " peer text, userfield text, extra jsonb)"
    )
    await connection.execute(
        "insert into asterisk.cel (eventtime, eventtype, channame, uniqueid, linkedid, cid_num, extra) values"
        " ('2026-11-22 12:00:00.123456', 'CHAN_START', 'PJSIP/a-1', '1795338000.1', '1795338000.1', '101', null),"
        " ('2026-11-22 12:00:01.5', 'BRIDGE_ENTER', 'PJSIP/a-1', '1795338000.1', '1795338000.1', '101',"
        """ '{"bridge_id": "b7", "bridge_technology": "simple_bridge"}')"""
    )
    url = checked_url(database)
    reading = Reading(CelTable(url=url, table="asterisk.cel", timezone=MOSCOW))

    await reading.have(2)
    await connection.close()

    first, second = reading.events
    assert first is not None
    assert second is not None
    assert (first.at.isoformat(), first.order) == ("2026-11-22T09:00:00.123456+00:00", 0)
    assert (second.bridge, second.holding) == ("b7", False)
