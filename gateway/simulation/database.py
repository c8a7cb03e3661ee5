"""A database of its own for a synthetic day: an embedded server in a folder that is kept or removed.

The site's own database is never touched, wherever it is: a simulation beside a busy day changes no figure.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.domain.access import Role
from gateway.domain.errors import Rejected
from gateway.settings import Settings
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.migrate import upgrade
from gateway.store.staff import add_user, give_extension

FOLDER = "simulated"
_NAMES = ("Anna", "Boris", "Clara", "Denis", "Elena", "Fedor", "Galina", "Ivan", "Julia", "Kirill")


class FolderTaken(Rejected, FileExistsError):
    """There is something in the folder; a day is kept in one of its own."""


@asynccontextmanager
async def open_day(settings: Settings, kept: Path | None) -> AsyncIterator[tuple[Path, str, Pool]]:
    """A folder with a running, empty database of this version.

    Args:
        settings: the site's; the folder lies in its home unless it is kept elsewhere.
        kept: where the day stays; None: it is removed at the end.

    Yields:
        The folder, the database's address, and connections to it.

    Raises:
        FolderTaken: `kept` is not empty.
    """
    if kept is not None and kept.exists() and any(kept.iterdir()):
        raise FolderTaken(f"{kept} is not empty; a day is kept in a folder of its own")
    folder = kept.absolute() if kept is not None else _new_folder(settings)
    try:
        async with open_embedded(folder) as server:
            await upgrade(server.dsn)
            async with open_pool(server.dsn) as pool:
                yield folder, server.dsn, pool
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _new_folder(settings: Settings) -> Path:
    place = choose_home(settings.home, server_account()) / FOLDER
    for folder in (place.parent, place):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o711)  # the server's own account passes through, as open_embedded has it
    folder = Path(tempfile.mkdtemp(prefix="day-", dir=place))
    folder.chmod(0o711)
    return folder


async def enter_office(pool: Pool, *, pbx: str, extensions: Sequence[str], trunks: str) -> None:
    """Enter a manager for each extension, who cannot sign in, and the providers' endpoints, by a pattern."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("insert into endpoint (pbx, pattern, kind) values ($1, $2, 'trunk')", pbx, trunks)
        for n, extension in enumerate(extensions):
            name = _NAMES[n % len(_NAMES)] + (f" {n // len(_NAMES) + 1}" if n >= len(_NAMES) else "")
            user = await add_user(connection, login=f"manager{extension}", name=name, role=Role.MANAGER)
            await give_extension(connection, pbx=pbx, extension=extension, user_id=user, patterns=[extension])
