"""What follows on cards by itself: duplicates are proposed, the last touch and the source are known."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.cards import AddressKind, read_address
from gateway.store.card_numbers import Phone
from gateway.store.contacts import NewCard, make_contact
from gateway.store.duplicates import dismiss, list_duplicates
from tests.gateway.office import Office, open_office

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


async def made(office: Office, name: str, *, number: str = "", email: str = "", **values: Any) -> int:
    """A card."""
    phones: Sequence[Phone] = [Phone(number=number, shared=True)] if number else []
    addresses = [read_address(AddressKind.EMAIL, email)] if email else []
    async with office.pool.acquire() as connection, connection.transaction():
        new = NewCard(name=name, made_by="test", phones=phones, addresses=addresses, **values)
        card = await make_contact(connection, new)
    assert isinstance(card, int)
    return card


async def proposed(office: Office, state: str = "open") -> list[tuple[int, int, tuple[str, ...]]]:
    """Pairs with their reasons."""
    found = await list_duplicates(office.pool, state=state, contact=None, reach=None, after=None, limit=100)
    return [(d.one_id, d.other_id, tuple(d.reasons)) for d in found]


async def test_cards_that_may_be_one_person_are_proposed_once(database: str) -> None:
    """Requirements 114 and 116."""
    async with open_office(database) as office:
        a = await made(office, "Иван Петров", city="Казань", email="ivan@example.com")
        b = await made(office, "Petrov Ivan", city="Самара", email="Ivan@Example.com")
        c = await made(office, "Петров Иван Сергеевич", city="казань")
        d = await made(office, "Ольга Щукина", number="+78432000001")
        e = await made(office, "Анна Ким", number="+78432000001")
        await made(office, "Иван Петров", city="Москва")
        await office.at(NOW)

        assert await proposed(office) == [
            (a, b, ("email", "name")),
            (a, c, ("name", "city")),
            (d, e, ("number",)),
        ]
        told = await office.pool.fetch("select body from fact where kind = 'duplicate.found'")
        assert len(told) == 3
        await office.at(NOW + timedelta(minutes=1))
        assert len(await proposed(office)) == 3
        assert await office.pool.fetchval("select count(*) from contact where compared_at is null") == 0


async def test_what_was_dismissed_is_never_proposed_again(database: str) -> None:
    async with open_office(database) as office:
        a = await made(office, "Иван Петров", email="ivan@example.com")
        await made(office, "Иван Петров", email="ivan@example.com")
        await office.at(NOW)
        id_ = await office.pool.fetchval("select id from duplicate")
        async with office.pool.acquire() as connection, connection.transaction():
            assert await dismiss(connection, id_, by="user:1", now=NOW)
            assert not await dismiss(connection, id_, by="user:1", now=NOW)

        await office.pool.execute("update contact set compared_at = null where id = $1", a)
        await office.at(NOW + timedelta(minutes=1))

        assert await proposed(office) == []
        assert len(await proposed(office, "dismissed")) == 1


async def test_a_changed_card_is_compared_again(database: str) -> None:
    async with open_office(database) as office:
        a = await made(office, "Иван Петров")
        b = await made(office, "Петров Иван")
        await office.at(NOW)
        assert await proposed(office) == []

        await office.pool.execute("update contact set city = 'Казань', compared_at = null where id in ($1, $2)", a, b)
        await office.at(NOW + timedelta(minutes=1))

        assert await proposed(office) == [(a, b, ("name", "city"))]


async def test_a_card_knows_its_last_call_and_the_number_that_was_called(database: str) -> None:
    async with open_office(database) as office:
        await office.take("in_answered")
        await office.at(NOW)

        card = await office.pool.fetchrow("select last_touch_at, source_kind, source_name from contact")
        call = await office.pool.fetchrow("select started_at, did from call")
        assert card["last_touch_at"] >= call["started_at"]
        assert (card["source_kind"], card["source_name"]) == ("did", call["did"])
