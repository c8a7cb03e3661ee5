"""Who is signed in, and everything a page needs before it can show anything: rights, teams, phones, formats, wishes.

One answer, so that the first screen waits for one request. What it says of the site (its country, who may give rights)
is the same for everybody.
"""

from datetime import UTC, datetime

from pydantic import Field

from gateway.api.fields import Outgoing
from gateway.api.parts import ApiParts
from gateway.api.profile import PreferenceView, Theme, preference_view
from gateway.api.security import CSRF_HEADER
from gateway.api.users import UserView, user_view
from gateway.domain.access import Identity, Right, Role, holds
from gateway.domain.periods import day_of
from gateway.domain.staff import zone_of
from gateway.settings import Language
from gateway.store import people
from gateway.store.colleagues import OwnTeam, givers_of_rights, teams_of
from gateway.store.preferences import preferences_of
from gateway.store.state_rules import Begins, rules_of


class OwnTeamView(Outgoing):
    """A team in which one is, or that one leads."""

    id: int
    name: str
    member: bool
    head: bool


class OwnPhoneView(Outgoing):
    """An extension one has, and what stands behind it."""

    pbx: str
    extension: str
    engine: str = Field(description="`asterisk`, or `embedded` for the exchange of our own")
    endpoints: tuple[str, ...]
    caller_id: str | None


class AfterCallView(Outgoing):
    """What holds for one's own states."""

    after_call_seconds: int
    break_minutes: int = Field(description="after so long on a break the head is told; 0: never")
    begins: Begins
    leads_on_break: bool


class GiverView(Outgoing):
    """Somebody who can give rights."""

    id: int
    name: str


class Who(Outgoing):
    """Who is calling, what he may do, and what his page needs to begin."""

    id: str = Field(description="like `user:17`, or `key:` and the key's id")
    user: UserView | None = Field(description="the person; null for a key that belongs to nobody")
    role: Role
    rights: tuple[Right, ...] = Field(description="each right he holds; `_own` means over his own things")
    csrf_header: str | None = Field(description="header to send with each change; null: this caller needs none")
    expires_at: datetime | None = Field(description="when the session ends; null: a key has no end of its own")
    language: Language
    theme: Theme
    timezone: str = Field(description="his, else the company's; an IANA name")
    region: str = Field(description="country whose numbers are shown in their national form: his, else the company's")
    company_region: str
    company_timezone: str
    teams: tuple[OwnTeamView, ...]
    phones: tuple[OwnPhoneView, ...] = Field(description="the first one rings for click-to-call")
    after_call: AfterCallView | None = Field(description="null for a key that belongs to nobody")
    ask: tuple[GiverView, ...] = Field(description="who may give a right that is missing")
    preferences: tuple[PreferenceView, ...]


async def read_who(parts: ApiParts, identity: Identity) -> Who:
    """The caller as his page needs him.

    Args:
        parts: the API's.
        identity: from the doorkeeper.
    """
    principal, company = identity.principal, parts.settings.company
    async with parts.pool.acquire() as source:
        own = None if principal.manager is None else int(principal.manager)
        person = None if own is None else await people.read_user(source, own)
        givers = await givers_of_rights(source)
        teams: list[OwnTeam] = []
        after_call, preferred = None, []
        zone = zone_of(person.timezone if person else None, company.timezone)
        if person is not None:
            teams = await teams_of(source, person.id, day_of(datetime.now(UTC), zone))
            rule = (await rules_of(source, [person.id]))[person.id]
            after_call = AfterCallView(**{name: getattr(rule, name) for name in AfterCallView.model_fields})
            preferred = [preference_view(p) for p in await preferences_of(source, person.id)]
    return Who(
        id=principal.id,
        user=user_view(person) if person else None,
        role=principal.role,
        rights=tuple(right for right in Right if holds(principal, right)),
        csrf_header=CSRF_HEADER if identity.session else None,
        expires_at=identity.expires_at,
        language=Language(person.language) if person else company.language,
        theme=Theme(person.theme) if person else Theme.AUTO,
        timezone=zone.key,
        region=(person.region if person else None) or company.region,
        company_region=company.region,
        company_timezone=company.timezone.key,
        teams=tuple(OwnTeamView(id=t.id, name=t.name, member=t.member, head=t.head) for t in teams),
        phones=tuple(_phone(parts, held) for held in (person.extensions if person else ())),
        after_call=after_call,
        ask=tuple(GiverView(id=id_, name=name) for id_, name in givers),
        preferences=tuple(preferred),
    )


def _phone(parts: ApiParts, held: people.HeldExtension) -> OwnPhoneView:
    pbx = parts.settings.pbx.get(held.pbx)
    return OwnPhoneView(
        pbx=held.pbx,
        extension=held.extension,
        engine="embedded" if pbx is not None and pbx.is_embedded else "asterisk",
        endpoints=held.endpoints,
        caller_id=held.caller_id,
    )
