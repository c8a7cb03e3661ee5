"""Recording by order: which adapter records the calls of a PBX whose dialplan does not, and what runs for it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath

from gateway.call_recorder import CallRecorder
from gateway.domain.ports import LegRecorder
from gateway.domain.recordings import RecordingWay
from gateway.live import Live
from gateway.settings import AriAccount, Pbx, Settings
from gateway.store.database import Pool
from sip.ami_actions import AmiActions
from sip.ari import AriConfig, open_ari
from sip.asterisk_recording import BridgeRecorder

Task = Coroutine[object, object, object]


@dataclass(slots=True, kw_only=True)
class RecordingByOrder:
    """Who records a PBX's calls; `run` is its one task, on one node at a time."""

    by: LegRecorder
    calls: CallRecorder
    keep: tuple[Callable[[], Task], ...] = ()
    """What must run beside it."""

    async def run(self) -> None:
        """Record until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in self.keep:
                group.create_task(work(), name=f"recorder of {self.calls.pbx}")
            await self.calls.run()


async def open_recording(
    stack: AsyncExitStack, settings: Settings, pbx: Pbx, pool: Pool, live: Live, session: AmiActions | None
) -> RecordingByOrder | None:
    """Build what records the calls of a PBX.

    Args:
        stack: closes it.
        settings: the site's.
        pbx: which.
        pool: the database.
        live: tells when a call talks.
        session: to its manager interface; None: there is none.

    Returns:
        None: the dialplan or the site itself records.

    Raises:
        BadFolder: the folder cannot be put into an order.
    """
    match pbx.recordings.way:
        case RecordingWay.ARI if pbx.ari is not None:
            ari = await stack.enter_async_context(open_ari(ari_config(pbx.ari)))
            calls = CallRecorder(pool, live, ari, pbx=pbx.name, folder=settings.spool(pbx))
            return RecordingByOrder(by=ari, calls=calls, keep=(ari.run,))
        case RecordingWay.BRIDGE if session is not None and pbx.recordings.folder is not None:
            monitor = BridgeRecorder(session, PurePosixPath(pbx.recordings.folder))
            return RecordingByOrder(by=monitor, calls=CallRecorder(pool, live, monitor, pbx=pbx.name, folder=None))
        case _:
            return None


def ari_config(account: AriAccount) -> AriConfig:
    """The account as its client takes it."""
    password = account.password.get_secret_value() if account.password else ""
    return AriConfig(url=account.url, user=account.user, password=password)
