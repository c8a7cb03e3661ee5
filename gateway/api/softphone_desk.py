"""What the API has of phones in browsers: accounts, lines to the PBXs, and what both ask of the database."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from gateway.api.parts import ApiParts
from gateway.domain.dialling import DialPurpose
from gateway.domain.softphone import Away
from gateway.settings import Pbx, SoftphonePlace
from gateway.softphones.accounts import AccountRules, Accounts
from gateway.softphones.relay import Place, Softphones
from gateway.store.dial_permissions import may_dial
from gateway.store.softphones import StoredSoftphone, registered_for

log = structlog.get_logger()

SWEEP_SECONDS = 20.0
_SLACK = timedelta(seconds=20)
_MOST_TEXT = 40


class SoftphoneDesk:
    """Accounts and lines, made of the settings."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self.settings = _settings_of(parts)
        self.lines = Softphones(
            {name: _place(parts, name, own) for name, own in self.settings.items()},
            may_dial=self._may_dial,
            registered=self._note_registered,
            spawn=lambda work: parts.tasks.create_task(work, name="line of a browser's phone"),
        )
        rules = {name: _rules(parts, name, own) for name, own in self.settings.items()}
        self.accounts = Accounts(parts.pool, rules, tables_changed=parts.tables_changed, ended=self.lines.end_account)

    async def run(self) -> None:
        """Take accounts away whose sessions have ended, until cancelled; a database that is away is waited for."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Take them away once."""
        try:
            await self.accounts.sweep()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
            log.warning("accounts of browsers' phones are not looked at", fault=type(fault).__name__)

    async def _may_dial(self, phone: StoredSoftphone, number: str) -> str | None:
        """Ask the dial permissions, as for a click-to-call."""
        directory = self._parts.directories.get(phone.pbx)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            verdict = await may_dial(
                connection,
                user_id=phone.user_id,
                key_id=None,
                number=number,
                purpose=DialPurpose.CALL,
                now=datetime.now(UTC),
                plan=directory.plan if directory else None,
                pbx=phone.pbx,
            )
        return None if verdict.allowed else str(verdict.reason)[:_MOST_TEXT]

    async def _note_registered(self, phone: StoredSoftphone, lasting: timedelta) -> None:
        await registered_for(self._parts.pool, phone, lasting + _SLACK if lasting else lasting)


def _settings_of(parts: ApiParts) -> Mapping[str, SoftphonePlace]:
    """The PBXs whose configuration and manager session allow phones in browsers."""
    found = {name: pbx.softphone for name, pbx in parts.settings.pbx.items() if name in parts.softphones}
    return {name: own for name, own in found.items() if own is not None}


def _place(parts: ApiParts, name: str, own: SoftphonePlace) -> Place:
    away = Away(wait=timedelta(seconds=own.away_seconds), then=own.away_extension)
    return Place(name=name, url=own.url, away=away, pbx=parts.softphones[name])


def _rules(parts: ApiParts, name: str, own: SoftphonePlace) -> AccountRules:
    pbx: Pbx = parts.settings.pbx[name]
    return AccountRules(
        pbx=parts.softphones[name],
        endpoint=own.endpoint,
        context=own.context or pbx.originate.context,
        codecs=own.codecs,
        media_address=own.media_address,
    )
