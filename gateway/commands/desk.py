"""Everything that takes, sends and follows commands, in one object: `gateway/app.py` makes it and hands it on."""

import asyncio
from collections.abc import Mapping

from gateway.commands.cancelling import Cancelling
from gateway.commands.control import Control
from gateway.commands.following import CommandWatch
from gateway.commands.placing import Placing
from gateway.commands.sending import Sender, Told, tell_nobody
from gateway.domain.directory import Directory
from gateway.domain.ports import Engine
from gateway.live import Live
from gateway.store.database import Pool


class CommandDesk:
    """Takes, sends and follows commands."""

    def __init__(
        self,
        pool: Pool,
        live: Live,
        engines: Mapping[str, Engine],
        directories: Mapping[str, Directory],
        *,
        call_refused: Told = tell_nobody,
    ) -> None:
        """Args:
        pool: the database.
        live: told after each commit.
        engines: by PBX; may be filled in later.
        directories: the tables of each PBX, which may be filled in later as well.
        call_refused: told of a click-to-call that the PBX refused at once, for the journal's own rows.
        """
        self.sender = Sender(pool, live, engines, call_refused=call_refused)
        self.placing = Placing(pool, live, self.sender, directories)
        self.control = Control(pool, live, self.sender, directories)
        self.cancelling = Cancelling(pool, live, self.sender)
        self.watch = CommandWatch(pool, live)

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Send from now on, in tasks of this group, which ends after everybody who orders."""
        self.sender.begin(group)
