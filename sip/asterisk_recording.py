"""Recording a leg through the manager interface, by MixMonitor in mid call, where the owner granted that knowingly.

The action needs the write class `system`, because its Command runs a program: with it the account's secret is worth a
shell on the PBX (deploy/asterisk/trunkline_manager_recording.conf says so where it is granted). File, options and
command are made of our folder and the leg's id alone, and both are checked letter by letter; nothing of a caller's gets
there. The files are those of the dialplan include: `<id>-rx.wav` what the client says, `<id>-tx.wav` what he hears,
`<id>.done` when both are closed. That it is done is noted in a variable of the channel, in the same breath, so an order
given twice finds it (measured on 22.10.1: a second MixMonitor would run beside the first, and MIXMONITOR_FILENAME
stays empty where only `r` and `t` name files).
"""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from gateway.domain.errors import GiveUp, Rejected
from gateway.domain.recordings import is_spool_name
from sip.ami_actions import AmiActions
from sip.ami_errors import ActionDenied, ActionFailed, LegGone
from sip.asterisk_asking import Channels
from sip.asterisk_questions import ask_value
from sip.asterisk_rights import denied_detail

_MARK = "TRUNKLINE_RECORDED"
"""A variable of the channel: the leg whose recording runs."""
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")


class BadFolder(Rejected, ValueError):
    """The folder is put into a command: its path begins with / and has letters, digits, dot, dash, underscore only."""


class RecordingDenied(GiveUp, PermissionError):
    """The manager account lacks the write class `system`, which MixMonitor needs; grant it as
    trunkline_manager_recording.conf says, or choose another way."""


class BridgeRecorder:
    """MixMonitor by order; fits the port `LegRecorder`."""

    def __init__(self, session: AmiActions, folder: PurePosixPath) -> None:
        """Args:
        session: to Asterisk.
        folder: where its user may write, as the PBX sees it.

        Raises:
            BadFolder: its path holds what must not be put into a command.
        """
        if not folder.is_absolute() or not set(str(folder)) <= _SAFE:
            raise BadFolder
        self._session = session
        self._folder = folder

    async def begin(self, leg: str) -> bool:
        """Record a leg from now on, unless that is done already; False: the leg is gone.

        Raises:
            RecordingDenied: the account lacks the right.
            NotConnected, ConnectionLost, ActionTimedOut: Asterisk cannot be asked; it is tried again.
            ActionFailed: it failed otherwise.
        """
        if not is_spool_name(leg):
            return False
        try:
            channels = Channels(rows=(await self._session.core_show_channels()).rows, known={})
            channel = channels.of(leg).name
            if await ask_value(self._session, _MARK, channel=channel) == leg:
                return True
            await self._record(channel, leg)
        except LegGone:
            return False
        except ActionDenied as denied:
            if denied.action == "MixMonitor":
                raise RecordingDenied from denied
            told = denied_detail(denied.action)
            raise RecordingDenied(f"{told[0].upper()}{told[1:]}.") from denied
        except ActionFailed as failure:
            if "channel" in failure.reason.casefold():
                return False
            raise
        return True

    async def pause(self, leg: str, *, paused: bool) -> bool:
        """False: the engine's own MixMonitorMute does it."""
        return False

    async def finished(self) -> Sequence[str]:
        """None: Asterisk writes into our folder."""
        return ()

    async def fetch(self, leg: str, side: str, target: BinaryIO) -> None:
        """Nothing: Asterisk writes into our folder."""

    async def forget(self, leg: str) -> None:
        """Nothing: the intake looks after our folder."""

    async def _record(self, channel: str, leg: str) -> None:
        """Mark and record in one go: Asterisk carries out a session's actions in their order."""
        mark = {"Channel": channel, "Variable": _MARK}
        monitor = {"Channel": channel} | monitor_fields(self._folder, leg)
        _, done = await asyncio.gather(
            self._session.action("Setvar", mark | {"Value": leg}),
            self._session.action("MixMonitor", monitor),
            return_exceptions=True,
        )
        if isinstance(done, ActionFailed | ActionDenied):
            await self._session.action("Setvar", mark | {"Value": ""})
        if isinstance(done, BaseException):
            raise done


def monitor_fields(folder: PurePosixPath, leg: str) -> dict[str, str]:
    """The headers of the MixMonitor action beside the channel; both arguments were checked."""
    path = folder / leg
    sides = f"{path}-rx.wav {path}-tx.wav"
    command = f'if test -n "$(find {path}-rx.wav -size +44c)"; then touch {path}.done; else rm -f {sides}; fi'
    return {"File": "", "Options": f"br({path}-rx.wav)t({path}-tx.wav)", "Command": command}
