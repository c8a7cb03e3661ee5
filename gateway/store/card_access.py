"""Which cards somebody may see: the one condition that every list, search, time line and message of cards bears.

The rule is a row of the database (`card_rule`), so it can be changed while calls go on. Under `own` a manager sees his
own cards, nobody's, those of clients with whom he has talked, and the card of a call that goes on now and rings for him
or is his. That a queue once rang for him and a colleague answered shows him nothing.
"""

from collections.abc import Collection, Sequence

from gateway.domain.cards import CardRule
from gateway.store.database import Connection, Pool

Source = Pool | Connection


def visible_contacts(user: str, card: str = "c") -> str:
    """The condition for cards that may be shown.

    Args:
        user: the statement's parameter, like `$3`, that holds what `gateway.domain.cards.card_reach` gave.
        card: the alias of `contact` in the statement.

    The open calls are read once for the statement. With whom he has talked is asked for each card that nothing else
    shows; as a plain `exists` the planner would read all his calls for each list.
    """
    return (
        f"({user}::bigint is null or (select r.sees = 'all' from card_rule r) or {card}.owner_id is null"
        f" or {card}.owner_id = {user}::bigint"
        f" or {card}.id = any(array(select coalesce(vk.contact_id, vs.contact_id) from call vk"
        "  join call_manager vm on vm.call_id = vk.id"
        "  left join contact_phone vs on vk.contact_id is null and vs.number = vk.client_number"
        f"  where vk.state <> 'ended' and vk.merged_into is null and vm.user_id = {user}::bigint"
        "  and (vk.contact_id is not null or vs.contact_id is not null)))"
        " or coalesce((select true from call vt join call_manager vu on vu.call_id = vt.id"
        f"  where vt.contact_id = {card}.id and vt.merged_into is null and vu.user_id = {user}::bigint and vu.answered"
        "  limit 1), false))"
    )


def seen_by_calls(user: str) -> str:
    """A query of the cards (`id`) that somebody sees for his calls alone: those he talked with, those who ring now.

    It reads all his calls: quicker than `visible_contacts` where many thousands of cards are in question.
    """
    return (
        "select vt.contact_id as id from call_manager vu join call vt on vt.id = vu.call_id"
        f" where vu.user_id = {user}::bigint and vu.answered and vt.merged_into is null and vt.contact_id is not null"
        f" union select coalesce(vk.contact_id, vs.contact_id) from call vk join call_manager vm on vm.call_id = vk.id"
        " left join contact_phone vs on vk.contact_id is null and vs.number = vk.client_number"
        f" where vk.state <> 'ended' and vk.merged_into is null and vm.user_id = {user}::bigint"
        " and (vk.contact_id is not null or vs.contact_id is not null)"
    )


def visible_organisations(user: str, organisation: str = "o") -> str:
    """The same condition for organisations: their own owner's, nobody's, and those of which one card may be seen."""
    return (
        f"({user}::bigint is null or (select r.sees = 'all' from card_rule r) or {organisation}.owner_id is null"
        f" or {organisation}.owner_id = {user}::bigint or exists (select from contact oc"
        f"  where oc.organisation_id = {organisation}.id and {visible_contacts(user, 'oc')}))"
    )


async def visible_ids(source: Source, contacts: Collection[int], reach: int | None) -> frozenset[int]:
    """Those of some cards that may be shown.

    Args:
        source: where to read.
        contacts: ids.
        reach: from `card_reach`; None: all of them, without a look.
    """
    if reach is None or not contacts:
        return frozenset(contacts)
    rows: Sequence[dict[str, int]] = await source.fetch(
        f"select c.id from contact c where c.id = any($1::bigint[]) and {visible_contacts('$2')}",
        sorted(contacts),
        reach,
    )
    return frozenset(r["id"] for r in rows)


async def hidden_ids(source: Source, contacts: Collection[int], reach: int | None) -> frozenset[int]:
    """Those of some cards that must not be shown; see `visible_ids`."""
    if reach is None or not contacts:
        return frozenset()
    rows: Sequence[dict[str, int]] = await source.fetch(
        f"select c.id from contact c where c.id = any($1::bigint[]) and not {visible_contacts('$2')}",
        sorted(contacts),
        reach,
    )
    return frozenset(r["id"] for r in rows)


async def read_rule(source: Source) -> tuple[CardRule, int]:
    """The rule of the site and its version."""
    row = await source.fetchrow("select sees, version from card_rule")
    return CardRule(row["sees"]), row["version"]


async def change_rule(connection: Connection, rule: CardRule, version: int) -> bool:
    """Set the rule; False: it has been changed since it was read."""
    found = await connection.fetchval(
        "update card_rule set sees = $1, version = version + 1 where version = $2 returning true", rule, version
    )
    return bool(found)
