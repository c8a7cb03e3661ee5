"""Enter, change and list the people who sign in, and the extensions their calls count to.

  trunkline user add anna --name "Anna Petrova" --role manager --extension 101
  trunkline user list
  trunkline user password anna
  trunkline user extension anna 102 --endpoint 102 --endpoint +79161112233
  trunkline user deactivate anna

A password is asked for, or read as one line from standard input; it is never an argument, because arguments stand in
the list of processes and in the shell's history. A running gateway takes every change over at once.
"""

import argparse
import asyncio
import getpass
import json
import re
import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.api.security import Passwords
from gateway.cli.database import actor, as_table, in_database
from gateway.config import load
from gateway.domain.access import Role, password_faults
from gateway.domain.errors import Rejected
from gateway.settings import Language, Settings
from gateway.store import access, people
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.staff import add_user

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,80}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
_EXTENSION = re.compile(r"[A-Za-z0-9*#][A-Za-z0-9*#_.-]{0,39}")
_ENDPOINT = re.compile(r"[!-~]{1,120}")


class WrongArgument(Rejected, ValueError):
    """An argument is wrong; correct it as the message says."""


class UnknownLogin(Rejected, LookupError):
    """Nobody has this login; `trunkline user list` shows everybody."""


class LoginTaken(Rejected):
    """Somebody has this login already; choose another one, or change that person."""


class WeakPassword(Rejected, ValueError):
    """The password is too easy; choose another one."""


class LastAdmin(Rejected):
    """This is the last active administrator; make another one first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    add = actions.add_parser("add", help="enter a person")
    add.add_argument("login")
    add.add_argument("--name", help="as shown (default: the login)")
    add.add_argument("--role", choices=[*Role], default=Role.MANAGER, help="default: manager")
    add.add_argument("--timezone", help="zone of the IANA list (default: the company's)")
    add.add_argument("--language", choices=[*Language], default=Language.ENGLISH, help="default: en")
    add.add_argument("--no-password", action="store_true", help="he cannot sign in until he has one")
    add.add_argument("--extension", help="the extension he is reached at")
    _about_phones(add)
    listing = actions.add_parser("list", help="show everybody")
    listing.add_argument("--json", action="store_true", help="one JSON list")
    actions.add_parser("password", help="give a new password; his sessions end").add_argument("login")
    extension = actions.add_parser("extension", help="give a person an extension from now on")
    extension.add_argument("login")
    extension.add_argument("extension")
    extension.add_argument("--take", action="store_true", help="take it from him instead")
    _about_phones(extension)
    actions.add_parser("deactivate", help="he can sign in no more; his calls stay").add_argument("login")


def _about_phones(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pbx", help="the PBX's name in the settings (default: the only one)")
    parser.add_argument(
        "--endpoint",
        action="append",
        metavar="PATTERN",
        help="endpoint like 101 or PJSIP/101-WS, or an outside number like +79161112233; the one that click-to-call"
        " rings comes first (default: the extension)",
    )


def run(args: argparse.Namespace) -> int:
    """Do one action and print what was done."""
    settings = load(args.config)
    match args.action:
        case "add":
            told = _add(settings, args)
        case "list":
            told = in_database(settings, lambda connection: _list(connection, as_json=args.json))
        case "password":
            told = _password(settings, args.login)
        case "extension":
            told = _extension(settings, args)
        case _:
            told = in_database(settings, lambda connection: _deactivate(connection, args.login), tables=True)
    print(told)
    return 0


def _add(settings: Settings, args: argparse.Namespace) -> str:
    login, name = _fitting("login", _LOGIN, args.login).lower(), _fitting("name", _NAME, args.name or args.login)
    zone = _zone(args.timezone)
    pbx = _pbx(settings, args.pbx) if args.extension else ""
    patterns = _patterns(args.extension, args.endpoint) if args.extension else []
    hashed = None if args.no_password else _hashed(_asked(login), login)

    async def work(connection: Connection) -> str:
        if await people.login_taken(connection, login):
            raise LoginTaken(f"The login {login!r} is taken; choose another one.")
        user = await add_user(connection, login=login, name=name, role=args.role, password_hash=hashed, timezone=zone)
        await people.change_user(connection, user, {"language": str(args.language)})
        await write_audit(
            connection, actor=actor(), action="user.entered", object=f"user:{user}", detail={"role": str(args.role)}
        )
        if args.extension:
            await _give(connection, user, pbx, args.extension, patterns)
        return f"{login} is entered as {args.role}" + (f" at extension {args.extension}." if args.extension else ".")

    return in_database(settings, work, tables=True)


async def _list(connection: Connection, *, as_json: bool) -> str:
    everybody = await people.list_people(connection)
    if as_json:
        return json.dumps([_as_value(person) for person in everybody], ensure_ascii=False, indent=2)
    rows = [
        (
            person.login,
            person.name,
            person.role,
            ", ".join(f"{e.extension} at {e.pbx} ({' '.join(e.endpoints)})" for e in person.extensions) or "-",
            ("active" if person.active else "deactivated") + ("" if person.has_password else ", no password"),
        )
        for person in everybody
    ]
    return as_table(("LOGIN", "NAME", "ROLE", "EXTENSIONS", "STATE"), rows)


def _as_value(person: people.Person) -> dict[str, object]:
    return {
        "login": person.login,
        "name": person.name,
        "role": person.role,
        "timezone": person.timezone,
        "language": person.language,
        "active": person.active,
        "has_password": person.has_password,
        "extensions": [
            {"pbx": e.pbx, "extension": e.extension, "endpoints": list(e.endpoints)} for e in person.extensions
        ],
    }


def _password(settings: Settings, login: str) -> str:
    login = login.lower()
    hashed = _hashed(_asked(login), login)

    async def work(connection: Connection) -> str:
        person = await _person(connection, login)
        await access.save_password(connection, person.id, hashed)
        await access.end_sessions(connection, person.id)
        await access.forgive_attempts(connection, login)
        await write_audit(connection, actor=actor(), action="user.password", object=f"user:{person.id}")
        return f"{login} has a new password; open sessions are ended."

    return in_database(settings, work)


def _extension(settings: Settings, args: argparse.Namespace) -> str:
    pbx, patterns = _pbx(settings, args.pbx), _patterns(args.extension, args.endpoint)

    async def work(connection: Connection) -> str:
        person = await _person(connection, args.login)
        if not args.take:
            await _give(connection, person.id, pbx, args.extension, patterns)
            return f"{person.login} is at extension {args.extension} of {pbx} now ({' '.join(patterns)})."
        if not await people.take_extension(connection, pbx=pbx, extension=args.extension, user_id=person.id):
            raise WrongArgument(f"{person.login} does not have extension {args.extension!r} of {pbx}.")
        detail: dict[str, object] = {"pbx": pbx, "extension": args.extension}
        await write_audit(
            connection, actor=actor(), action="extension.taken", object=f"user:{person.id}", detail=detail
        )
        return f"{person.login} has extension {args.extension} of {pbx} no more."

    return in_database(settings, work, tables=True)


async def _give(connection: Connection, user: int, pbx: str, extension: str, patterns: Sequence[str]) -> None:
    await people.assign_extension(connection, pbx=pbx, extension=extension, user_id=user, patterns=patterns)
    await write_audit(
        connection,
        actor=actor(),
        action="extension.given",
        object=f"user:{user}",
        detail={"pbx": pbx, "extension": extension},
    )


async def _deactivate(connection: Connection, login: str) -> str:
    person = await _person(connection, login)
    if person.role == Role.ADMIN and not await people.other_admins(connection, person.id):
        raise LastAdmin
    await people.change_user(connection, person.id, {"active": False})
    await access.end_sessions(connection, person.id)
    await write_audit(connection, actor=actor(), action="user.deactivated", object=f"user:{person.id}")
    held = ", ".join(f"{e.extension} of {e.pbx}" for e in person.extensions)
    return f"{person.login} can sign in no more." + (f" Calls still count to him at {held}." if held else "")


async def _person(connection: Connection, login: str) -> people.Person:
    found = next((p for p in await people.list_people(connection) if p.login == login.lower()), None)
    if found is None:
        raise UnknownLogin(f"Nobody has the login {login!r}; `trunkline user list` shows everybody.")
    return found


def _fitting(what: str, pattern: re.Pattern[str], value: str) -> str:
    value = value.strip()
    if not pattern.fullmatch(value):
        allowed = {
            "login": "1 to 80 characters without spaces",
            "name": "1 to 120 characters on one line",
            "extension": "1 to 40 letters, digits and * # _ . -, beginning with a letter, a digit, * or #",
            "endpoint": "1 to 120 visible ASCII characters, like 101, PJSIP/101-WS or +79161112233",
        }[what]
        raise WrongArgument(f"The {what} {value[:40]!r} is not allowed; allowed are {allowed}.")
    return value


def _patterns(extension: str, endpoints: Sequence[str] | None) -> list[str]:
    _fitting("extension", _EXTENSION, extension)
    return list(dict.fromkeys(_fitting("endpoint", _ENDPOINT, pattern) for pattern in endpoints or [extension]))


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongArgument(f"{name!r} is no zone of the IANA list; allowed are names like Europe/Moscow.") from None


def _pbx(settings: Settings, wanted: str | None) -> str:
    known = list(settings.pbx)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted in known:
        return str(wanted)
    listed = ", ".join(known) or "none; enter a table [pbx.NAME]"
    raise WrongArgument(
        f"{wanted!r} is no PBX of the settings; known: {listed}."
        if wanted
        else f"Say which PBX with --pbx; known: {listed}."
    )


def _asked(login: str) -> str:
    """The password: asked for twice at a terminal, else one line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"New password of {login}: ")
    if getpass.getpass("The same again: ") != password:
        raise WeakPassword("The two passwords differ; nothing was changed.")
    return password


def _hashed(password: str, login: str) -> str:
    faults = password_faults(password, login=login)
    if faults:
        raise WeakPassword(f"The password cannot be taken. {' '.join(faults)}")
    return asyncio.run(Passwords().hash(password))
