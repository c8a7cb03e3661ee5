"""What an AMI account may do, asked of Asterisk and told in words that name what is missing.

How it fits: the engine asks after every connect and refuses an order that cannot succeed before it is sent; `trunkline
doctor --pbx` shows the same sentences.

Where the rules come from: ListCommands lists the actions that this account may use, each with its classes
(main/manager.c); the classes of each action as Asterisk 22.10 lists them. An action can be missing because its class
was not granted, or because the module that brings it is not loaded; which of the two shows in whether another action
of the same class is there. Whether a context is in the dialplan is told by the function DIALPLAN_EXISTS, which Getvar
reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.ports import Ability
from sip.ami_actions import AmiActions
from sip.asterisk_questions import ask_value

ACTIONS: Mapping[str, tuple[str, str]] = {
    "Originate": ("originate", ""),
    "Hangup": ("call", ""),
    "Redirect": ("call", ""),
    "BlindTransfer": ("call", ""),
    "Setvar": ("call", ""),
    "Getvar": ("call", ""),
    "CoreShowChannels": ("reporting", ""),
    "PlayDTMF": ("call", "app_senddtmf"),
    "MixMonitorMute": ("call", "app_mixmonitor"),
    "QueuePause": ("agent", "app_queue"),
}
"""The actions of the orders: the write class each needs, and the module that brings it where it is not the core."""

_LOOK = ("CoreShowChannels",)
_STEER = (*_LOOK, "Redirect", "Setvar", "Getvar")
NEEDS: Mapping[Ability, tuple[str, ...]] = {
    Ability.ORIGINATE: ("Originate",),
    Ability.HANG_UP: (*_LOOK, "Hangup"),
    Ability.HOLD: _STEER,
    Ability.DIGITS: (*_LOOK, "PlayDTMF"),
    Ability.BLIND_TRANSFER: (*_STEER, "BlindTransfer"),
    Ability.ATTENDED_TRANSFER: (*_STEER, "Hangup"),
    Ability.PAUSE_RECORDING: (*_LOOK, "MixMonitorMute"),
    Ability.LISTEN: (*_LOOK, "Originate"),
    Ability.WHISPER: (*_LOOK, "Originate"),
    Ability.BARGE: (*_LOOK, "Originate"),
    Ability.PAUSE_QUEUES: ("QueuePause",),
}
"""The actions each ability is made of."""

_INCLUDED = frozenset({Ability.HOLD, Ability.ATTENDED_TRANSFER})
INCLUDE_NEEDED = (
    "the dialplan lacks the contexts of trunkline_control.conf; include the file in extensions.conf and reload the"
    " dialplan"
)


def denied_detail(action: str) -> str:
    """The sentence for an action that Asterisk denied."""
    right, _ = ACTIONS.get(action, ("", ""))
    named = f"the write class `{right}`, which {action} needs" if right else f"the right to use {action}"
    return f"the manager account lacks {named}; add it to `write` in manager.conf and reload it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What one account on one Asterisk can do."""

    actions: Mapping[str, frozenset[str]] | None = field(default=None)
    """Every action it may use, with its classes; None: Asterisk was not asked, or did not say."""
    included: bool | None = None
    """Whether the contexts of trunkline_control.conf are in the dialplan; None: not told."""

    @classmethod
    async def asked(cls, session: AmiActions) -> "Abilities":
        """Ask Asterisk.

        Raises:
            ActionFailed, ActionDenied, ActionTimedOut, ConnectionLost, NotConnected: as `AmiActions.action`.
        """
        told = await ask_value(session, "DIALPLAN_EXISTS(trunkline-hold,music,1)")
        return cls(actions=(await session.rights()).actions, included=None if told is None else told == "1")

    def lacks(self, ability: Ability) -> str | None:
        """What is missing for an ability, in words; None: nothing that is known."""
        for action in NEEDS[ability] if self.actions is not None else ():
            if action not in self.actions:  # type: ignore[operator]  # not None here
                return self._missing(action)
        return INCLUDE_NEEDED if ability in _INCLUDED and self.included is False else None

    def _missing(self, action: str) -> str:
        right, module = ACTIONS[action]
        granted = any(classes - {"all"} == {right} for classes in (self.actions or {}).values())
        if granted:
            return f"Asterisk has no action {action}; load {module or 'its core'} on the PBX"
        return denied_detail(action)
