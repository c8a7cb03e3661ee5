"""What `trunkline doctor` asks the database about itself and about what was noted in it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.store.database import Connection
from gateway.store.journal import open_families


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHealth:
    """What the database knows of one PBX's journal."""

    read_at: datetime | None
    """When its cursor was last saved; None: it was never read."""
    refused: int
    """Rows put into quarantine in the last seven days."""
    refused_reason: str | None
    """Why the last of them was; None: there is none."""
    open_families: int
    damaged: list[UUID]
    """Open families whose rows cannot be read back."""


async def pending_migrations(connection: Connection) -> list[str]:
    """Migrations that this version has and the database has not seen, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    if await connection.fetchval("select to_regclass('alembic_version')") is None:
        return [script.revision for script in scripts.walk_revisions()][::-1]
    seen = {r["version_num"] for r in await connection.fetch("select version_num from alembic_version")}
    pending: list[str] = []
    for script in scripts.walk_revisions():  # from the newest down
        if script.revision in seen:
            break
        pending.append(script.revision)
    return pending[::-1]


async def journal_health(connection: Connection, pbx: str) -> JournalHealth:
    """How the journal of a PBX has been read."""
    row = await connection.fetchrow(
        "select (select updated_at from journal_cursor where pbx = $1) as read_at,"
        " (select count(*) from quarantine where pbx = $1 and at > now() - interval '7 days') as refused,"
        " (select reason from quarantine where pbx = $1 order by id desc limit 1) as refused_reason,"
        " (select count(*) from family where pbx = $1 and open) as open_families",
        pbx,
    )
    damaged = [family.id for family in await open_families(connection, pbx) if family.damaged]
    return JournalHealth(**dict(row), damaged=damaged)


async def active_people(connection: Connection) -> dict[str, int]:
    """How many active people there are, by role."""
    rows = await connection.fetch("select role, count(*) as n from users where active group by role")
    return {r["role"]: r["n"] for r in rows}
