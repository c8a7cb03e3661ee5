"""Requests made from the document, good ones and bad ones, and what every answer to them must be."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from gateway.api.security import COOKIE
from gateway.domain.access import Role
from gateway.store.staff import give_extension
from tests.api.site import Api

load_all_checks()
LINE_MAX = 8000
"""Characters of an address; aiohttp's parser takes 8190 bytes of a line, and answers longer ones itself."""
REFUSES_BY_MEANING = "positive_data_acceptance"
"""A value may fit its schema and still be none: a telephone number without a country, a login that is taken."""


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


NAMES = {
    **dict.fromkeys(("user", "owner", "head", "deputy", "from", "to", "members", "users"), "user_id"),
    **dict.fromkeys(("contact", "contacts", "gone"), "contact_id"),
    **{name: f"{name}_id" for name in ("call", "task", "team", "goal", "organisation", "group", "series")},
    **{"teams": "team_id", "subscription": "subscription_id", "field": "field_id", "timezone": "zone"},
    **{name: name for name in ("pbx", "number", "language", "outcome", "zone")},
}
"""What bodies and queries call the things of `known_things`."""


def _sent(case: schemathesis.Case) -> dict[str, Any]:
    """Method, address and query of a request."""
    kwargs = case.as_transport_kwargs(base_url="http://127.0.0.1:65535")
    return {name: kwargs.get(name) for name in ("method", "url", "params")}


class Explorer:
    """Asks the application and keeps what it answered."""

    def __init__(
        self, document: Mapping[str, Any], origin: str, headers: Mapping[str, str], known: Mapping[str, Sequence[str]]
    ) -> None:
        self._readable = {f"GET {path}" for path, methods in document["paths"].items() if "get" in methods}
        self._origin = origin
        self._headers = dict(headers)
        self._known = known
        self._turn = itertools.count()
        self._checks = [check for check in CHECKS.get_all() if check.__name__ != REFUSES_BY_MEANING]
        self.answers: Counter[str] = Counter()

    def asking(self, cases: SearchStrategy[schemathesis.Case], *, name_known: bool) -> Callable[[], None]:
        """What sends each of these requests."""
        return given(cases)(lambda case: self.ask(case, name_known=name_known))

    def ask(self, case: schemathesis.Case, *, name_known: bool) -> None:
        """Send one request and hold its answer against the document."""
        number = next(self._turn)
        if name_known and number % 2:
            self._name_known(case, number // 2)
        if "wait" in (case.query or {}) and isinstance(case.query["wait"], int):
            case.query["wait"] = min(case.query["wait"], 1)  # there is nothing to wait for
        for place, name in ((case.cookies, COOKIE), (case.headers, "Authorization")):
            if place is not None:  # who comes with two proofs of himself is nobody
                place.pop(name, None)
        if len(requests.Request(**_sent(case)).prepare().url or "") > LINE_MAX:
            return  # no request line that the HTTP parser lets through
        response = case.call_and_validate(base_url=self._origin, headers=self._headers, checks=self._checks)
        self.answers[f"{case.method.upper()} {case.path} {response.status_code}"] += 1

    def _name_known(self, case: schemathesis.Case, turn: int) -> None:
        """Let a request speak of what is there."""
        for name in set(case.path_parameters or {}) & set(self._known):
            things = self._known[name]
            case.path_parameters[name] = things[turn % len(things)]
        if isinstance(case.body, dict):
            case.body = self._knowing(case.body, turn)
            if isinstance(case.body.get("version"), int) or case.operation.headers.get("If-Match"):
                case.headers.pop("If-Match", None)  # it would have to name the same version
                case.body["version"] = self._version(case, turn)
        for name, value in dict(case.query or {}).items():
            case.query[name] = self._thing(name, value, turn)

    def _knowing(self, body: Any, turn: int) -> Any:
        """A body in which what names a thing names one that is there."""
        if isinstance(body, list):
            return [self._knowing(part, turn + place) for place, part in enumerate(body)]
        if not isinstance(body, dict):
            return body
        return {name: self._thing(name, self._knowing(value, turn), turn) for name, value in body.items()}

    def _thing(self, name: str, value: Any, turn: int) -> Any:
        """A thing of this name of the type of the value; the value itself: nothing is known by this name."""
        things = self._known.get(NAMES.get(name, ""), ())
        if not things or isinstance(value, bool):
            return value
        if isinstance(value, list) and all(isinstance(part, int) for part in value):
            return [int(things[(turn + place) % len(things)]) for place in range(min(len(value), len(things)))]
        thing = things[turn % len(things)]
        if isinstance(value, int) and thing.isdigit():
            return int(thing)
        return thing if isinstance(value, str) else value

    def _version(self, case: schemathesis.Case, turn: int) -> int:
        """The version as it is read now, where the thing can be read alone; else a small one that may be right."""
        if f"GET {case.path}" in self._readable:
            answer = requests.get(self._origin + case.formatted_path, headers=self._headers, timeout=30)
            if answer.ok and "version" in answer.json():
                return int(answer.json()["version"])
        return turn % 4 + 1


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
        BaseExceptionGroup: answers were not what the document says, one failure for each operation.
    """
    explorer = Explorer(document, origin, headers, known)
    quiet = settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=same_again,
    )
    failures: list[FailureGroup] = []
    operations = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]
    for operation in sorted(operations, key=lambda operation: operation.method == "delete"):
        if operation.path.endswith("/session") and operation.method != "get":
            continue  # an address that guesses wildly is held off, as it should be
        good = operation.as_strategy(schemathesis.GenerationMode.POSITIVE)
        bad = operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)
        for cases, name_known in ((good, True), (bad, False)):
            try:
                quiet(explorer.asking(cases, name_known=name_known))()
            except FailureGroup as failure:
                failures.append(failure)
    if failures:
        raise BaseExceptionGroup("answers are not what the document says", failures)
    return explorer.answers
