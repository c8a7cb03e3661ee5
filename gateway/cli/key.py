"""Issue, list and revoke API keys for programs.

  trunkline key add "CRM" --role supervisor
  trunkline key add "wallboard" --role manager --user anna --right calls.read_own
  trunkline key add "PBX host of main" --role admin --right journal.ship --pbx main
  trunkline key list
  trunkline key revoke 0a1b2c3d4e5f

A key is shown once, when it is issued; only a digest of it is kept. Give each program a key of its own, with no more
rights than it needs.
"""

import argparse
import json
import re
from collections.abc import Collection, Sequence
from datetime import datetime

from gateway.api.security import new_api_key
from gateway.cli.database import actor, as_table, in_database
from gateway.config import load
from gateway.domain.access import BOUND, GRANTS, Right, Role
from gateway.domain.errors import Rejected
from gateway.store import access, people
from gateway.store.access import write_audit
from gateway.store.database import Connection

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,120}")


class WrongKeyArgument(Rejected, ValueError):
    """An argument is wrong; correct it as the message says."""


class UnknownKey(Rejected, LookupError):
    """No key has this id; `trunkline key list` shows them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    add = actions.add_parser("add", help="issue a key; it is shown once")
    add.add_argument("name", help="what it is for")
    add.add_argument("--role", choices=[*Role], required=True, help="whose rights it has")
    add.add_argument("--user", metavar="LOGIN", help="whose own things it may see with rights ending in _own")
    add.add_argument(
        "--right", action="append", choices=[*Right], help="only this one of the role's rights; repeatable"
    )
    add.add_argument("--pbx", metavar="NAME", help="bind it to this PBX: what `trunkline ship` on the PBX's host needs")
    listing = actions.add_parser("list", help="show all keys, without the keys themselves")
    listing.add_argument("--json", action="store_true", help="one JSON list")
    actions.add_parser("revoke", help="end a key at once").add_argument("id")


def run(args: argparse.Namespace) -> int:
    """Do one action and print what was done."""
    settings = load(args.config)
    match args.action:
        case "add":
            told = in_database(settings, lambda connection: _add(connection, args, settings.pbx))
        case "list":
            told = in_database(settings, lambda connection: _list(connection, as_json=args.json))
        case _:
            told = in_database(settings, lambda connection: _revoke(connection, args.id))
    print(told)
    return 0


async def _add(connection: Connection, args: argparse.Namespace, pbxs: Collection[str]) -> str:
    role = Role(args.role)
    if not _NAME.fullmatch(args.name.strip()):
        raise WrongKeyArgument("The key's name is not allowed; allowed are 1 to 120 characters on one line.")
    rights = [Right(text) for text in dict.fromkeys(args.right or ())]
    if beyond := [right for right in rights if right not in GRANTS[role]]:
        raise WrongKeyArgument(
            f"The role {role} does not have the rights {', '.join(beyond)}; it has {', '.join(sorted(GRANTS[role]))}."
        )
    _check_binding(args.pbx, rights, pbxs)
    key_id, key, digest = new_api_key()
    await access.issue_key(
        connection,
        key_id=key_id,
        secret_digest=digest,
        name=args.name.strip(),
        role=role,
        user_id=await _user_id(connection, args.user),
        rights=rights or None,
        pbx=args.pbx,
    )
    await write_audit(
        connection, actor=actor(), action="key.issued", object=f"key:{key_id}", detail={"role": str(role)}
    )
    return f"{key}\nKeep it now; it is not shown again. Its id is {key_id}."


def _check_binding(pbx: str | None, rights: Sequence[Right], pbxs: Collection[str]) -> None:
    if pbx is not None and pbx not in pbxs:
        raise WrongKeyArgument(f"No PBX has the name {pbx!r}; the settings have: {', '.join(pbxs) or 'none'}.")
    if pbx is not None and (not rights or not BOUND.issuperset(rights)):
        raise WrongKeyArgument(
            f"A key bound to a PBX can do nothing else; give --right with {' or '.join(sorted(BOUND))}."
        )


async def _user_id(connection: Connection, login: str | None) -> int | None:
    if login is None:
        return None
    found = next((p.id for p in await people.list_people(connection) if p.login == login.lower() and p.active), None)
    if found is None:
        raise WrongKeyArgument(f"No active person has the login {login!r}; `trunkline user list` shows everybody.")
    return found


async def _list(connection: Connection, *, as_json: bool) -> str:
    keys = await access.list_keys(connection)
    if as_json:
        return json.dumps([_as_value(key) for key in keys], ensure_ascii=False, indent=2)
    rows = [
        (
            key.id,
            key.name,
            key.role,
            (", ".join(key.rights) if key.rights is not None else "all of the role")
            + (f" (PBX {key.pbx})" if key.pbx else ""),
            _moment(key.created_at),
            _moment(key.last_used_at),
            "revoked" if key.revoked_at else "valid",
        )
        for key in keys
    ]
    return as_table(("ID", "NAME", "ROLE", "RIGHTS", "ISSUED", "LAST USED", "STATE"), rows)


def _as_value(key: access.ListedKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "rights": None if key.rights is None else list(key.rights),
        "pbx": key.pbx,
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


async def _revoke(connection: Connection, key_id: str) -> str:
    if not await access.revoke_key(connection, key_id):
        raise UnknownKey(f"No key has the id {key_id!r}; `trunkline key list` shows them.")
    await write_audit(connection, actor=actor(), action="key.revoked", object=f"key:{key_id}")
    return f"The key {key_id} is revoked."
