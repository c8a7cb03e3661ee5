"""Whose phone rings: the extension and the endpoint by which a person is called on a PBX."""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.commands.errors import NoPhone
from gateway.store.database import Connection, Pool
from gateway.store.people import HeldExtension, Person, read_user
from gateway.store.softphones import ringing_softphone

_WHERE = "/api/v1/users/{user}/extensions/{pbx}/{extension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingingPhone:
    """A person's phone."""

    person: Person
    pbx: str
    extension: str
    endpoint: str
    """Without technology."""


async def phone_of(source: Pool | Connection, user_id: int, pbx: str | None, known: Collection[str]) -> RingingPhone:
    """The phone that rings for a person: the one in his browser while it is registered, else his first endpoint.

    Args:
        source: where to read.
        user_id: whose.
        pbx: on which PBX; None: the one on which he has an extension.
        known: the PBXs of the configuration.

    Raises:
        NoPhone: he has none, or several and none was named.
    """
    person = await read_user(source, user_id)
    if person is None or not person.active:
        raise NoPhone("Nobody who is active has this id; choose another person in `from`.")
    held = _held(person, pbx, known)
    in_browser = await ringing_softphone(source, held.pbx, user_id, held.extension)
    endpoint = in_browser or _endpoint(held)
    return RingingPhone(person=person, pbx=held.pbx, extension=held.extension, endpoint=endpoint)


def _held(person: Person, pbx: str | None, known: Collection[str]) -> HeldExtension:
    held = [e for e in person.extensions if pbx in (None, e.pbx) and e.pbx in known]
    if not held:
        where = _WHERE.format(user=person.id, pbx=pbx or "{pbx}", extension="{extension}")
        if pbx:
            raise NoPhone(f"{person.name} has no extension on {pbx}; give one with PUT {where}.")
        raise NoPhone(f"{person.name} has no extension; give one with PUT {where}.")
    if len({e.pbx for e in held}) > 1:
        names = ", ".join(sorted({e.pbx for e in held}))
        raise NoPhone(f"{person.name} has extensions on several PBXs; name one of {names} in `pbx`.")
    return held[0]


def _endpoint(held: HeldExtension) -> str:
    """The phone that rings: the first endpoint that is neither a pattern nor an outside number, without technology."""
    for pattern in held.endpoints:
        if not pattern.startswith("+") and not any(sign in pattern for sign in "*?["):
            return pattern.partition("/")[2] or pattern
    if any(not pattern.startswith("+") for pattern in held.endpoints):
        return held.extension
    raise NoPhone(f"Extension {held.extension} has no endpoint that can ring; add one like PJSIP/{held.extension}.")
