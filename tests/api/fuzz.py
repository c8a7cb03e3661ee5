"""Requests made from the document, good ones and bad ones, and what every answer to them must be."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from gateway.api.security import COOKIE, new_api_key
from gateway.domain.access import Role
from gateway.domain.identity import command_id, new_id
from gateway.store.access import issue_key
from gateway.store.commands import store_command
from gateway.store.staff import give_extension
from tests.api.site import Api, store_sound

load_all_checks()
REFUSES_BY_MEANING = "positive_data_acceptance"
"""A value may fit its schema and still be none: a telephone number without a country, a login that is taken."""


async def known_things(api: Api) -> dict[str, list[str]]:
    """Things that are really there, by the name that paths and bodies give them."""
    pool = api.site.pool
    calls = [r["id"] for r in await pool.fetch("select id from call where kind = 'client' order by started_at")]
    still_open = [r["id"] for r in await pool.fetch("select id from call where state <> 'ended' limit 1")]
    await store_sound(api, calls[0])
    await pool.execute(
        "insert into recording (id, pbx, name, call_id, state) values ($1, 'pbx1', 'y', $2, 'failed')",
        new_id(),
        calls[1],
    )
    return {
        "call_id": [str(call) for call in calls[:3] + still_open],
        "key_id": [await _key(api) for _ in range(3)],
        "command_id": [await _command(api, name) for name in ("anna", "boris")],
        "language": ["auto", "ru"],
        "contact_id": [str(r["id"]) for r in await pool.fetch("select id from contact")],
        "user_id": [str(api.site.users[name]) for name in ("anna", "boris")],
        "pbx": ["pbx1"],
        "extension": ["105", "106"],
        "number": ["+79161234567", "8 (916) 555-00-11"],
    }


async def _key(api: Api) -> str:
    """Issue a key that nobody uses."""
    key_id, _, digest = new_api_key()
    await issue_key(api.site.pool, key_id=key_id, secret_digest=digest, name="unused", role=Role.MANAGER)
    return key_id


async def _command(api: Api, name: str) -> str:
    """Write down a click-to-call of this person."""
    id_, user = command_id(), api.site.users[name]
    async with api.site.pool.acquire() as connection:
        await store_command(connection, id=id_, pbx="pbx1", user_id=user, extension="101", number="+79161234567")
    return id_


async def tireless_admin(api: Api) -> dict[str, str]:
    """Headers of an administrator whom no guessed id will block, and who has a phone."""
    number = 2**52
    async with api.site.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into users (id, login, name, role) overriding system value values ($1, 'tireless', 'T', 'admin')",
            number,
        )
        await give_extension(connection, pbx="pbx1", extension="199", user_id=number, patterns=["199"])
    api.site.users["tireless"] = number
    client = await api.caller(Role.ADMIN, "tireless")
    return {"Authorization": client.headers["Authorization"]}


class Explorer:
    """Asks the application and keeps what it answered."""

    def __init__(self, origin: str, headers: Mapping[str, str], known: Mapping[str, Sequence[str]]) -> None:
        self._origin = origin
        self._headers = dict(headers)
        self._known = known
        self._turn = itertools.count()
        self._checks = [check for check in CHECKS.get_all() if check.__name__ != REFUSES_BY_MEANING]
        self.answers: Counter[str] = Counter()

    def ask(self, case: schemathesis.Case, *, name_known: bool) -> None:
        """Send one request and hold its answer against the document."""
        number = next(self._turn)
        for name in set(case.path_parameters or {}) & set(self._known):
            if name_known and number % 2:
                things = self._known[name]
                case.path_parameters[name] = things[number // 2 % len(things)]
        if name_known and number % 2 and isinstance(case.body, dict):
            for name in set(case.body) & {"pbx", "number", "language"}:
                case.body[name] = self._known[name][number // 2 % len(self._known[name])]
        if "wait" in (case.query or {}) and isinstance(case.query["wait"], int):
            case.query["wait"] = min(case.query["wait"], 1)  # there is nothing to wait for
        for place, name in ((case.cookies, COOKIE), (case.headers, "Authorization")):
            if place is not None:  # who comes with two proofs of himself is nobody
                place.pop(name, None)
        response = case.call_and_validate(base_url=self._origin, headers=self._headers, checks=self._checks)
        self.answers[f"{case.method.upper()} {case.path} {response.status_code}"] += 1


def explore(
    document: Mapping[str, Any],
    origin: str,
    headers: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    *,
    examples: int,
    same_again: bool = False,
) -> Counter[str]:
    """Ask every operation with so many good and so many bad requests; half of the good ones name what is there.

    Args:
        document: as it is served.
        origin: where the application is.
        headers: who asks.
        known: from `known_things`.
        examples: good and bad requests for each operation.
        same_again: whether every run asks the same.

    Returns:
        How often each status was answered.

    Raises:
        schemathesis.errors.FailureGroup: an answer was not what the document says.
    """
    explorer = Explorer(origin, headers, known)
    quiet = settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=same_again,
    )
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/session") and operation.method != "get":
            continue  # an address that guesses wildly is held off, as it should be
        good = operation.as_strategy(schemathesis.GenerationMode.POSITIVE)
        bad = operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)
        quiet(given(good)(lambda case: explorer.ask(case, name_known=True)))()
        quiet(given(bad)(lambda case: explorer.ask(case, name_known=False)))()
    return explorer.answers
