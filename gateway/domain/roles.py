"""The part of every leg in a family: client, manager, outside taker.

A trunk leg that arrived is a client. A trunk leg that the PBX dialled is a client where a manager dialled it, a
manager's own phone where its number is one of his outside numbers, and else somebody outside who was rung for the
client (follow-me, forward, transfer).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.bridges import Stands
from gateway.domain.call import Command, Role
from gateway.domain.directory import Directory, PartyKind
from gateway.domain.family import Leg
from gateway.domain.legs import endpoint
from gateway.domain.phone import HIDDEN_NUMBER, NumberKind, PhoneNumber

_FIXED: Mapping[PartyKind, Role] = {
    PartyKind.MANAGER: Role.MANAGER,
    PartyKind.LOCAL: Role.LOCAL,
    PartyKind.IGNORED: Role.IGNORED,
    PartyKind.UNMAPPED: Role.UNMAPPED,
}


@dataclass(slots=True)
class Roles:
    """Who was who in one family."""

    role: dict[str, Role] = field(default_factory=dict)
    extension: dict[str, str] = field(default_factory=dict)
    """Extension by leg, for managers."""
    number: dict[str, PhoneNumber] = field(default_factory=dict)
    """Number by trunk leg; absent where no row told one."""

    def of(self, role: Role) -> list[str]:
        """Legs of that role, in the order of their start."""
        return [leg for leg, found in self.role.items() if found is role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What the assignment reads."""

    legs: Mapping[str, Leg]
    stands: Stands
    directory: Directory
    commands: Mapping[str, Command]

    def assign(self) -> Roles:
        """Give each leg of the family its role."""
        roles = Roles()
        for leg in self.legs.values():
            kind = leg.party.kind
            if kind is not PartyKind.TRUNK:
                roles.role[leg.id] = _FIXED[kind]
                if kind is PartyKind.MANAGER:
                    roles.extension[leg.id] = leg.party.extension
            else:
                self._assign_trunk(leg, roles)
        return roles

    def _assign_trunk(self, leg: Leg, roles: Roles) -> None:
        if leg.arrived:
            self._assign_caller(leg, roles)
            return
        number = self._dialled_number(leg)
        extension = number and self.directory.manager_outside(number, leg.started_at)
        if extension:
            roles.role[leg.id], roles.extension[leg.id] = Role.MANAGER, extension
            return
        by_manager = self._dialled_by_manager(leg, roles) or self._stood_with_manager_alone(leg, roles)
        roles.role[leg.id] = Role.CLIENT if by_manager else Role.OUTSIDE
        wanted = self._ordered_number(leg) or (self._root_number(leg) if by_manager else None) or number
        if wanted is not None:
            roles.number[leg.id] = wanted

    def _assign_caller(self, leg: Leg, roles: Roles) -> None:
        """Who calls by the trunk is a client, unless it is a manager's own mobile."""
        number = self._caller(leg)
        if extension := self.directory.manager_outside(number, leg.started_at):
            roles.role[leg.id], roles.extension[leg.id] = Role.MANAGER, extension
        else:
            roles.role[leg.id], roles.number[leg.id] = Role.CLIENT, number

    def _caller(self, leg: Leg) -> PhoneNumber:
        plan = self.directory.plan_of(leg.channel)
        return plan.parse(leg.numbers[0]) if leg.numbers else HIDDEN_NUMBER

    def _ordered_number(self, leg: Leg) -> PhoneNumber | None:
        command = self.commands.get(leg.root)
        return command.client if command else None

    def _root_number(self, leg: Leg) -> PhoneNumber | None:
        """What the leg that dialled this one had dialled, where that is a number of the outside."""
        root = self.legs.get(leg.root)
        return dialled_outside(root, self.directory, leg.channel) if root else None

    def _dialled_number(self, leg: Leg) -> PhoneNumber | None:
        """Number of a dialled trunk leg: from the Dial that names its trunk, else its first caller id."""
        plan = self.directory.plan_of(leg.channel)
        told = [self._in_dial(leg), *leg.numbers]
        parsed = [plan.parse(text) for text in told if text]
        return next((n for n in parsed if n.kind is NumberKind.CLIENT), parsed[0] if parsed else None)

    def _in_dial(self, leg: Leg) -> str | None:
        """What the Dial that made this leg had dialled.

        One Dial may ring several numbers by one trunk, in its order, and several Dials may follow each other. Where
        the Dial before the leg has all its legs, or no row tells of one, a later row shows the Dial then in force:
        it made the last legs before that row.
        """
        offers = sorted(self._offers(leg))
        earlier = [offer for offer in offers if offer[0] <= leg.start]
        made = self._dialled_like(leg, since=earlier[-1][0] if earlier else -1)
        for _, numbers in earlier[-1:]:
            if leg.id in made[: len(numbers)]:
                return numbers[made.index(leg.id)]
            made = made[len(numbers) :]
        for position, numbers in offers[len(earlier) :][:1]:
            batch = [other for other in made if self.legs[other].start < position][-len(numbers) :]
            if leg.id in batch:
                return numbers[batch.index(leg.id)]
        return None

    def _offers(self, leg: Leg) -> Iterator[tuple[int, list[str]]]:
        """Dials of the leg's linked id that name its trunk, with what they dialled there."""
        technology, _, trunk = endpoint(leg.channel).partition("/")
        for other in self.legs.values():
            if other.id == leg.id or other.start > leg.start or leg.root not in other.families:
                continue
            for position, arguments in other.dials:
                pieces = arguments.split(",", 1)[0].split("&")
                numbers = [n for piece in pieces if (n := _dialled_by(piece, technology, trunk))]
                if numbers:
                    yield position, numbers

    def _dialled_like(self, leg: Leg, since: int) -> list[str]:
        """Legs of the same trunk that were dialled for the same root after that position, in order."""
        name = endpoint(leg.channel)
        return [
            other.id
            for other in self.legs.values()
            if other.root == leg.root and not other.arrived and other.start > since and endpoint(other.channel) == name
        ]

    def _dialled_by_manager(self, leg: Leg, roles: Roles) -> bool:
        """Whether a manager's leg of the same linked id, not a client, had this one made."""
        root = self.legs.get(leg.root)
        if leg.root in self.commands:
            return True
        if root is None or root.id == leg.id:
            return root is not None  # ordered straight to the outside: the client is rung first
        if root.party.kind is PartyKind.TRUNK:
            return roles.role.get(root.id) is Role.MANAGER  # by the PBX, from his mobile
        return any(
            other.party.kind is PartyKind.MANAGER and leg.root in other.families and other.alive(leg.start)
            for other in self.legs.values()
        )

    def _stood_with_manager_alone(self, leg: Leg, roles: Roles) -> bool:
        """Whether it ever stood with a manager while no other client was in that bridge."""
        mine = self.stands.of(leg.id)
        others = [s for s in mine if roles.role.get(s.partner(leg.id)) in (Role.CLIENT, Role.OUTSIDE)]
        for stand in mine:
            partner = self.legs[stand.partner(leg.id)]
            if partner.party.kind is PartyKind.MANAGER and not any(
                o.start < stand.end and stand.start < o.end for o in others
            ):
                return True
        return False


def _dialled_by(piece: str, technology: str, trunk: str) -> str | None:
    """The number in one destination of a Dial, `PJSIP/NUMBER@trunk` or `SIP/trunk/NUMBER`; None: another trunk."""
    if piece.startswith(f"{technology}/{trunk}/"):
        return piece[len(technology) + len(trunk) + 2 :]
    if piece.startswith(technology + "/") and piece.endswith("@" + trunk):
        return piece[len(technology) + 1 : -len(trunk) - 1]
    return None


def dialled_outside(leg: Leg, directory: Directory, trunk_channel: str) -> PhoneNumber | None:
    """The outside number a leg dialled, from the extensions it ran through; None: it dialled no such thing."""
    plan = directory.plan_of(trunk_channel)
    for exten in leg.extens:
        if len(exten) >= 5:  # shorter ones are extensions and feature codes of the PBX
            number = plan.parse(exten)
            if number.e164 and number.kind is NumberKind.CLIENT:
                return number
    return None
