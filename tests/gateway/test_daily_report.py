"""Daily reports reach their readers once a day, whatever restarts, clocks and mail servers do. Requirements 51 and 52.

The mail server is a real one (aiosmtpd) on a socket; those that fall silent or die are written out here.
"""

import asyncio
import email
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope

from gateway.aftercare.daily_report import Delivering
from gateway.domain.letters import SendingOutcome, SendingState
from gateway.settings import Settings
from gateway.store.facts import facts_after
from gateway.store.report_subscriptions import (
    SENDING_LIMIT,
    Subscription,
    change_subscription,
    claim_delivery,
    make_subscription,
    send_again,
)
from mailer.smtp import MailServer, Security, SmtpMail
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import Office, open_office

MORNING = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)  # nine o'clock in Moscow
EVENING = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


class Inbox:
    """What a mail server took, and what it answers."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.recipient = "250 OK"
        self.text = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if self.text.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
        return self.text


@asynccontextmanager
async def listening(serve: Callable[[], asyncio.Protocol]) -> AsyncIterator[SmtpMail]:
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = MailServer(host="127.0.0.1", port=port, security=Security.NONE, sender="calls@example.com", patience=0.5)
    try:
        yield SmtpMail(mail)
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def post_office() -> AsyncIterator[tuple[Inbox, SmtpMail]]:
    inbox = Inbox()
    async with listening(lambda: SMTP(inbox, hostname="mx.example.com")) as mail:
        yield inbox, mail


@asynccontextmanager
async def bad_server(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[SmtpMail]:
    """A server that behaves by itself up to a point."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = MailServer(host="127.0.0.1", port=port, security=Security.NONE, sender="calls@example.com", patience=0.3)
    try:
        yield SmtpMail(mail)
    finally:
        server.close()
        await server.wait_closed()


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, until: bytes) -> None:
    """Answer as any server does, up to a command."""
    writer.write(b"220 mx\r\n")
    while line := await reader.readline():
        if line.upper().startswith(until):
            return
        writer.write(b"250 OK\r\n")


async def subscribe(office: Office, who: str = "head", **values: Any) -> int:
    own: dict[str, Any] = {
        "id": 0, "user_id": office.site.users[who], "report": "daily", "team_id": None, "covers": "today", "hour": 18,
        "minute": 30, "weekdays": (1, 2, 3, 4, 5, 6, 7), "by": "mail", "address": "head@example.com", "active": True,
        "made_by": "test", "made_at": MORNING, "since": MORNING, "version": 1,
    }  # fmt: skip
    async with office.pool.acquire() as connection, connection.transaction():
        return await make_subscription(connection, Subscription(**(own | values)))


def delivering(office: Office, mail: SmtpMail | None, folder: Path = Path("/nowhere")) -> Delivering:
    return Delivering(office.pool, office.site.live, mail=mail, folder=folder, clock=lambda: office.moment)


async def states(office: Office) -> list[tuple[date, str, str]]:
    rows = await office.pool.fetch("select day, state, reason from report_delivery order by id")
    return [tuple(r) for r in rows]


async def day_of_work(office: Office) -> None:
    for minutes, number, extension in ((0, "1", "101"), (9, "2", "101"), (20, "3", "102")):
        at = MORNING + timedelta(hours=1, minutes=minutes)
        placed = Placed(
            scenario="out_answered", at=at, number=f"+790300000{number}0", extensions={"101": extension}, talk=150
        )
        await office.take_rows(placed.rows())


async def test_the_report_comes_at_his_hour_once_a_day_with_the_days_figures(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await office.pool.execute("update users set language = 'ru' where login = 'head'")
        await subscribe(office)
        await day_of_work(office)
        await office.at(datetime(2026, 11, 20, 15, 29, tzinfo=UTC))
        await delivering(office, mail).deliver()
        assert inbox.taken == []

        for moment in (EVENING, EVENING, EVENING + timedelta(hours=1)):
            await office.at(moment)
            await delivering(office, mail).deliver()
        (letter,) = inbox.taken
        assert (letter["To"], letter["Auto-Submitted"]) == ("head@example.com", "auto-generated")
        assert letter["Subject"] == "Звонки за 20 ноября 2026"
        text, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert "1. Anna: Входящие 0, Исходящие 2, Отвеченные 2" in text
        assert "2. Boris: Входящие 0, Исходящие 1" in text
        assert "Anna, Уникальные номера > 120 s: 2 из 50" in text
        assert 'lang="ru"' in html
        assert "/api/v1/reports/rows?figure=calls&amp;since=2026-11-20&amp;until=2026-11-20" in html
        assert await states(office) == [(date(2026, 11, 20), "sent", "250")]

        await office.at(EVENING + timedelta(days=1))
        await delivering(office, mail).deliver()
        assert [m["Subject"] for m in inbox.taken[1:]] == ["Звонки за 21 ноября 2026"]


@pytest.mark.parametrize(
    ("language", "subject"), [("en", "Calls of 19 November 2026"), ("pl", "Połączenia z 19 listopada 2026")]
)
async def test_a_report_of_yesterday_in_the_readers_language(database: str, language: str, subject: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await office.pool.execute("update users set language = $1 where login = 'head'", language)
        await subscribe(office, covers="yesterday", since=MORNING - timedelta(hours=1), hour=9, minute=0)
        await office.at(MORNING + timedelta(minutes=2))
        await delivering(office, mail).deliver()

        assert [m["Subject"] for m in inbox.taken] == [subject]


async def test_names_in_a_letter_are_no_markup_and_no_headers(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await office.pool.execute("update users set name = '<script>alert(1)</script>{{7*7}}' where login = 'anna'")
        team = await office.pool.fetchval(
            "insert into team (name, made_by, head_id) values (E'N\\r\\nBcc: x@example.com', 'x', $1) returning id",
            office.site.users["head"],
        )
        await office.pool.execute(
            "insert into team_member (team_id, user_id) values ($1, $2)", team, office.site.users["anna"]
        )
        await subscribe(office, team_id=team)
        await day_of_work(office)
        await office.at(EVENING)
        await delivering(office, mail).deliver()

        (letter,) = inbox.taken
        assert letter["Bcc"] is None
        html = letter.get_body(("html",)).get_content()
        assert "<script>" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in html
        assert "Boris" not in html


async def test_days_of_a_standstill_are_made_up_and_a_clock_set_back_makes_nothing_twice(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await subscribe(office)
        for moment in (EVENING + timedelta(days=3), EVENING, EVENING + timedelta(days=3), EVENING - timedelta(days=30)):
            await office.at(moment)
            await delivering(office, mail).deliver()
        office.moment = EVENING + timedelta(days=3)
        await delivering(office, mail).deliver()

        assert [day for day, _, _ in await states(office)] == [date(2026, 11, day) for day in (20, 21, 22, 23)]
        assert len(inbox.taken) == 4


async def test_two_nodes_send_a_letter_once(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await subscribe(office)
        await office.at(EVENING)
        await asyncio.gather(*(delivering(office, mail).deliver() for _ in range(4)))

        assert len(inbox.taken) == 1


async def test_a_refused_reader_is_told_as_failed_and_a_busy_server_is_tried_again(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await subscribe(office)
        await subscribe(office, address="gone@example.com")
        await office.at(EVENING)
        inbox.recipient = "451 busy"
        await delivering(office, mail).deliver()
        assert {state for _, state, _ in await states(office)} == {"wanted"}
        assert {reason for _, _, reason in await states(office)} == {"recipient_451"}
        office.moment += timedelta(minutes=2)
        inbox.recipient = "550 nobody here"
        await delivering(office, mail).deliver()

        assert {row[1:] for row in await states(office)} == {("failed", "recipient_550")}
        facts = [f for f in await facts_after(office.pool, None, 100) if f.kind == "report.failed"]
        assert [f.users for f in facts] == [(office.site.users["head"],)] * 2


async def test_a_letter_that_nobody_takes_for_a_day_is_given_up(database: str) -> None:
    async with open_office(database, moment=MORNING) as office:
        await subscribe(office)
        await office.at(EVENING)
        for _ in range(40):
            await delivering(office, None).deliver()
            office.moment += timedelta(hours=1)

        assert (await states(office))[0][1:] == ("failed", "no_mail_server")


async def after_data_dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await talk(reader, writer, until=b"DATA")
    writer.write(b"354 go on\r\n")
    await reader.readuntil(b"\r\n.\r\n")


async def after_data_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await after_data_dies(reader, writer)
    await reader.read()


async def in_the_text_dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await talk(reader, writer, until=b"DATA")
    writer.write(b"354 go on\r\n")
    await reader.readline()


async def silent_from_the_start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dies_at_the_recipient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await talk(reader, writer, until=b"RCPT")


async def speaks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


async def nonsense_after_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await after_data_dies(reader, writer)
    writer.write(b"what?\r\n")
    await reader.read()


@pytest.mark.parametrize("behave", [after_data_dies, after_data_silent, in_the_text_dies, nonsense_after_data])
async def test_a_letter_that_may_have_been_taken_is_unknown_and_not_sent_again(database: str, behave: Any) -> None:
    async with open_office(database, moment=MORNING) as office:
        await subscribe(office)
        await office.at(EVENING)
        async with bad_server(behave) as mail:
            await delivering(office, mail).deliver()
        assert (await states(office))[0][1:] == ("unknown", "text")
        async with post_office() as (inbox, mail):
            for hours in range(1, 30):
                await office.at(EVENING + timedelta(minutes=20 * hours))
                await delivering(office, mail).deliver()
            assert inbox.taken == []
            async with office.pool.acquire() as connection:
                assert await send_again(
                    connection, await office.pool.fetchval("select id from report_delivery"), office.moment
                )
            await delivering(office, mail).deliver()
            assert len(inbox.taken) == 1


@pytest.mark.parametrize("behave", [silent_from_the_start, dies_at_the_recipient, speaks_nonsense])
async def test_a_break_before_the_text_is_tried_again_and_sent_once(database: str, behave: Any) -> None:
    async with open_office(database, moment=MORNING) as office:
        await subscribe(office)
        await office.at(EVENING)
        async with bad_server(behave) as mail:
            await delivering(office, mail).deliver()
        assert (await states(office))[0][1] == "wanted"
        async with post_office() as (inbox, mail):
            office.moment += timedelta(minutes=2)
            await delivering(office, mail).deliver()
            assert len(inbox.taken) == 1


async def test_a_node_that_died_while_sending_leaves_unknown_and_not_a_second_letter(database: str) -> None:
    async with open_office(database, moment=MORNING) as office, post_office() as (inbox, mail):
        await subscribe(office)
        await office.at(EVENING)
        async with office.pool.acquire() as connection, connection.transaction():
            assert await claim_delivery(connection, office.moment) is not None
        await delivering(office, mail).deliver()
        assert [s for _, s, _ in await states(office)] == ["sending"]
        office.moment += SENDING_LIMIT
        await delivering(office, mail).deliver()

        assert (inbox.taken, (await states(office))[0][1:]) == ([], ("unknown", "node_died"))


async def test_a_file_is_written_again_after_a_death_and_is_the_same(database: str, tmp_path: Path) -> None:
    async with open_office(database, moment=MORNING) as office:
        number = await subscribe(office, by="file")
        await day_of_work(office)
        await office.at(EVENING)
        await delivering(office, None, tmp_path / "file").deliver()
        assert await states(office) == [(date(2026, 11, 20), "sent", "")]
        text = tmp_path / "file" / "2026-11-20" / f"daily-{number}.txt"
        first = text.read_text()
        assert "1. Anna: Calls in 0, Calls out 2" in first
        await office.pool.execute("update report_delivery set state = 'sending', next_try_at = $1", EVENING)
        text.unlink()
        await delivering(office, None, tmp_path / "file").deliver()
        assert text.read_text() == first
        assert sorted(p.name for p in text.parent.iterdir()) == [f"daily-{number}.html", f"daily-{number}.txt"]


async def test_a_folder_that_cannot_be_written_is_tried_again(database: str, tmp_path: Path) -> None:
    async with open_office(database, moment=MORNING) as office:
        await subscribe(office, by="file")
        await office.at(EVENING)
        (tmp_path / "file").write_text("in the way")
        await delivering(office, None, tmp_path / "file").deliver()

        assert (await states(office))[0][1:] == ("wanted", "file_20")


async def test_who_lost_the_right_or_the_job_gets_no_report(database: str) -> None:
    async with open_office(database, moment=MORNING) as office:
        await subscribe(office)
        await subscribe(office, "anna")
        await office.pool.execute("update users set active = false where login = 'head'")
        await office.at(EVENING)

        assert [row[1:] for row in await states(office)] == [
            ("skipped", "reader_blocked"),
            ("skipped", "right_missing"),
        ]


async def test_a_subscription_that_was_ended_or_begins_later_makes_nothing(database: str) -> None:
    async with open_office(database, moment=MORNING) as office:
        ended = await subscribe(office)
        await subscribe(office, since=EVENING)
        await subscribe(office, weekdays=(6, 7))
        async with office.pool.acquire() as connection, connection.transaction():
            assert await change_subscription(connection, ended, version=1, changes={"active": False})
        await office.at(EVENING)

        assert await states(office) == []


async def test_a_server_that_is_not_there_is_no_loss() -> None:
    from gateway.domain.letters import Letter

    server = MailServer(host="127.0.0.1", port=1, security=Security.NONE, sender="calls@example.com", patience=1)
    letter = Letter(key="k", to="a@example.com", subject="s", text="t", html="h")

    assert await SmtpMail(server).send(letter) == SendingOutcome(state=SendingState.NOT_NOW, reason="connection")


def test_mail_needs_a_protected_connection_for_its_password() -> None:
    with pytest.raises(ValueError, match="starttls"):
        Settings(mail={"host": "mx", "security": "none", "user": "u", "password": "p"})
