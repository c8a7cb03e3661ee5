"""Who may do what: roles, rights, the throttle of the sign-in and the rules of a password.

Pure values in and out; time is an argument. Everything is denied that is not granted below. A right over
one's own things (`calls.read_own`) is included in the right over everybody's (`calls.read_all`), and it needs
an owner to compare with: without one it grants nothing.

The throttle follows OWASP's Authentication Cheat Sheet (count by account, so that guessing from many
addresses is slow, and by address, so that one address cannot try many accounts); it delays and never locks
for good, because a lock would let strangers shut a manager out. The password rules are those of NIST
SP 800-63B, 5.1.1: length and known bad passwords count, composition does not.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FAILURE_WINDOW = timedelta(minutes=15)
FREE_FAILURES_OF_ACCOUNT = 5
FREE_FAILURES_OF_ADDRESS = 20
LONGEST_DELAY = timedelta(minutes=15)

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128


class Role(StrEnum):
    """What a person is in the company."""

    MANAGER = "manager"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing that can be done; `_own` means with what belongs to oneself."""

    CALLS_READ_OWN = "calls.read_own"
    CALLS_READ_ALL = "calls.read_all"
    CALLS_ORIGINATE = "calls.originate"
    CALLS_CONTROL_OWN = "calls.control_own"
    CALLS_CONTROL_ALL = "calls.control_all"
    CALLS_LISTEN = "calls.listen"
    CALLS_WHISPER = "calls.whisper"
    CALLS_BARGE = "calls.barge"
    SCHEDULED_READ_OWN = "scheduled.read_own"
    SCHEDULED_READ_ALL = "scheduled.read_all"
    SCHEDULED_WRITE_OWN = "scheduled.write_own"
    SCHEDULED_WRITE_ALL = "scheduled.write_all"
    STATES_READ_OWN = "states.read_own"
    STATES_READ_ALL = "states.read_all"
    STATES_WRITE_OWN = "states.write_own"
    STATES_WRITE_ALL = "states.write_all"
    DIALLING_READ = "dialling.read"
    DIALLING_MANAGE = "dialling.manage"
    ROUTING_READ = "routing.read"
    ROUTING_MANAGE = "routing.manage"
    ROUTE_ASK = "route.ask"
    JOURNAL_SHIP = "journal.ship"
    DOCTOR_READ = "doctor.read"
    DEMO_SHOW = "demo.show"
    RECORDINGS_LISTEN_OWN = "recordings.listen_own"
    RECORDINGS_LISTEN_ALL = "recordings.listen_all"
    RECORDINGS_DELETE = "recordings.delete"
    CONTACTS_READ = "contacts.read"
    CONTACTS_WRITE = "contacts.write"
    CONTACTS_MERGE = "contacts.merge"
    CONTACTS_IMPORT = "contacts.import"
    CONTACTS_EXPORT = "contacts.export"
    FIELDS_MANAGE = "fields.manage"
    TOUCHES_WRITE = "touches.write"
    TASKS_READ_OWN = "tasks.read_own"
    TASKS_READ_ALL = "tasks.read_all"
    TASKS_WRITE_OWN = "tasks.write_own"
    TASKS_WRITE_ALL = "tasks.write_all"
    OUTCOMES_WRITE_OWN = "outcomes.write_own"
    OUTCOMES_WRITE_ALL = "outcomes.write_all"
    OUTCOMES_MANAGE = "outcomes.manage"
    DISTRIBUTION_MANAGE = "distribution.manage"
    GOALS_MANAGE = "goals.manage"
    WEBHOOKS_MANAGE = "webhooks.manage"
    STATISTICS_READ_OWN = "statistics.read_own"
    STATISTICS_READ_ALL = "statistics.read_all"
    USERS_READ = "users.read"
    USERS_MANAGE = "users.manage"
    EXTENSIONS_MANAGE = "extensions.manage"
    EVENTS_READ = "events.read"
    METRICS_READ = "metrics.read"
    AUDIT_READ = "audit.read"


WIDER = {
    Right.CALLS_READ_OWN: Right.CALLS_READ_ALL,
    Right.CALLS_CONTROL_OWN: Right.CALLS_CONTROL_ALL,
    Right.RECORDINGS_LISTEN_OWN: Right.RECORDINGS_LISTEN_ALL,
    Right.STATISTICS_READ_OWN: Right.STATISTICS_READ_ALL,
    Right.TASKS_READ_OWN: Right.TASKS_READ_ALL,
    Right.TASKS_WRITE_OWN: Right.TASKS_WRITE_ALL,
    Right.OUTCOMES_WRITE_OWN: Right.OUTCOMES_WRITE_ALL,
    Right.SCHEDULED_READ_OWN: Right.SCHEDULED_READ_ALL,
    Right.SCHEDULED_WRITE_OWN: Right.SCHEDULED_WRITE_ALL,
    Right.STATES_READ_OWN: Right.STATES_READ_ALL,
    Right.STATES_WRITE_OWN: Right.STATES_WRITE_ALL,
}
"""A right over one's own things and the right over everybody's that includes it."""

BOUND = frozenset({Right.JOURNAL_SHIP, Right.ROUTE_ASK})
"""The rights that a key bound to a PBX may have: it lies on the PBX's host, so it can do nothing else."""

_MANAGER = frozenset(
    {
        Right.CALLS_READ_OWN,
        Right.CALLS_ORIGINATE,
        Right.CALLS_CONTROL_OWN,
        Right.RECORDINGS_LISTEN_OWN,
        Right.CONTACTS_READ,
        Right.CONTACTS_WRITE,
        Right.CONTACTS_MERGE,
        Right.TOUCHES_WRITE,
        Right.TASKS_READ_OWN,
        Right.TASKS_WRITE_OWN,
        Right.OUTCOMES_WRITE_OWN,
        Right.STATISTICS_READ_OWN,
        Right.SCHEDULED_READ_OWN,
        Right.SCHEDULED_WRITE_OWN,
        Right.STATES_READ_OWN,
        Right.STATES_WRITE_OWN,
    }
)
_SUPERVISOR = _MANAGER | {
    Right.CALLS_READ_ALL,
    Right.CALLS_CONTROL_ALL,
    Right.RECORDINGS_LISTEN_ALL,
    Right.STATISTICS_READ_ALL,
    Right.USERS_READ,
    Right.CONTACTS_IMPORT,
    Right.CONTACTS_EXPORT,
    Right.TASKS_READ_ALL,
    Right.TASKS_WRITE_ALL,
    Right.OUTCOMES_WRITE_ALL,
    Right.OUTCOMES_MANAGE,
    Right.DISTRIBUTION_MANAGE,
    Right.GOALS_MANAGE,
    Right.CALLS_LISTEN,
    Right.CALLS_WHISPER,
    Right.CALLS_BARGE,
    Right.SCHEDULED_READ_ALL,
    Right.SCHEDULED_WRITE_ALL,
    Right.STATES_READ_ALL,
    Right.STATES_WRITE_ALL,
    Right.DIALLING_READ,
    Right.ROUTING_READ,
}
GRANTS = {Role.MANAGER: _MANAGER, Role.SUPERVISOR: _SUPERVISOR, Role.ADMIN: frozenset(Right)}
"""The rights of each role; a right named nowhere here belongs to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking: a person with a session, or a program with a key."""

    id: str
    """Unique over people and keys, like `user:17` or `key:3f2a`; audit rows and idempotency keys hold it."""
    role: Role
    manager: str | None = None
    """The manager whose things are this principal's own; None: it has none of its own."""
    limited_to: frozenset[Right] | None = None
    """The rights a key was narrowed to when it was issued; None: all of its role."""
    pbx: str | None = None
    """The PBX a key is bound to; None: none, and then it ships nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A caller who proved who he is."""

    principal: Principal
    session: bytes | None = None
    """Digest of the session's token; None: an API key was used."""
    expires_at: datetime | None = None
    """When the session ends; None: a key has no end of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """An API key as it is stored."""

    secret_digest: bytes
    """SHA-256 of the key's secret part."""
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRequest:
    """What is stored of the first request with an idempotency key, found by caller, route and key."""

    fingerprint: bytes
    """SHA-256 over caller, route, path and body."""
    finished: bool
    """Whether its answer is stored; else it is still being worked on."""


def holds(principal: Principal, right: Right) -> bool:
    """Whether the principal has the right at all, perhaps over his own things only.

    This is the question at the door of a route; what is behind it is decided by `allowed`.
    """
    return _granted(principal, right) or (right in WIDER and _granted(principal, WIDER[right]))


def allowed(principal: Principal | None, right: Right, owner: str | Collection[str] | None = None) -> bool:
    """Whether this may be done.

    Args:
        principal: who asks; None is a caller who is not signed in, and may do nothing.
        right: what is to be done.
        owner: the manager or managers the thing belongs to; None or empty: it belongs to nobody, so a right
            over one's own things does not reach it.
    """
    if principal is None:
        return False
    if right not in WIDER:
        return _granted(principal, right)
    if _granted(principal, WIDER[right]):
        return True
    owners = {owner} if isinstance(owner, str) else set(owner or ())
    return _granted(principal, right) and principal.manager is not None and principal.manager in owners


def may_ship(principal: Principal | None, pbx: str) -> bool:
    """Whether this key may send the journal and the recordings of this PBX: one bound to it, and no other."""
    return principal is not None and principal.pbx == pbx and _granted(principal, Right.JOURNAL_SHIP)


def _granted(principal: Principal, right: Right) -> bool:
    narrowed = principal.limited_to is None or right in principal.limited_to
    return narrowed and right in GRANTS.get(principal.role, frozenset())


def sign_in_delay(
    *, account_failures: Sequence[datetime], address_failures: Sequence[datetime], now: datetime
) -> timedelta:
    """How long the next attempt to sign in has to wait.

    Args:
        account_failures: moments of failed attempts for this account since its last success, in any order.
        address_failures: moments of failed attempts from this address, whatever the account.
        now: the moment of the attempt.

    Returns:
        Zero when it may be tried now, else the time that is left. After the free failures the delay starts at
        2 s and doubles with each further one, up to 15 minutes; failures older than that are forgotten.
    """
    return max(
        _left(account_failures, FREE_FAILURES_OF_ACCOUNT, now),
        _left(address_failures, FREE_FAILURES_OF_ADDRESS, now),
    )


def _left(failures: Sequence[datetime], free: int, now: datetime) -> timedelta:
    recent = [moment for moment in failures if now - moment < FAILURE_WINDOW]
    if len(recent) < free:
        return timedelta(0)
    delay = min(timedelta(seconds=2 ** min(len(recent) - free + 1, 20)), LONGEST_DELAY)
    # A clock set back puts failures into the future: they never make the delay longer than the rule says.
    return max(timedelta(0), min(max(recent), now) + delay - now)


def password_faults(password: str, *, login: str, common: Collection[str] = frozenset()) -> tuple[str, ...]:
    """What is wrong with a new password, in sentences for the person who chose it; none: it is good.

    Args:
        password: as typed.
        login: the account's name, which the password must not contain.
        common: further passwords to refuse, in small letters (the company's name, a list of leaked ones).
    """
    small = password.casefold()
    faults = []
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        faults.append(f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if any(ord(sign) < 32 or 0xD800 <= ord(sign) <= 0xDFFF for sign in password):
        faults.append("A password has no control characters.")
    if len(login) >= 3 and login.casefold() in small:
        faults.append("The password must not contain the name of the account.")
    if len(set(small)) < 5:
        faults.append("A password has at least 5 different characters.")
    if small in common or _is_well_known(small):
        faults.append("This is one of the passwords that everybody tries first.")
    return tuple(faults)


def _is_well_known(small: str) -> bool:
    """A run of the keyboard or the alphabet, or a word of the usual lists with digits around it."""
    core = small.strip("0123456789!?.,*#-_ ")
    runs = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz")
    rows = ("qwertyuiopasdfghjklzxcvbnm", "йцукенгшщзхъфывапролджэячсмитьбю", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")
    return any(small in run for run in runs + rows) or core in _FIRST_TRIED


_FIRST_TRIED = frozenset(
    {
        "password", "passw0rd", "p@ssw0rd", "p@ssword", "admin", "administrator", "root", "qwerty",
        "qwertyuiop", "qwerty123", "letmein", "welcome", "iloveyou", "changeme", "changemenow", "trunkline",
        "asterisk", "пароль", "привет", "йцукен", "йцукенгшщз", "haslo", "hasło", "zaq1@wsx", "default",
        "secret", "supervisor", "manager", "passwordpassword", "qwertyqwerty", "adminadmin", "superadmin",
    }
)  # fmt: skip
