"""How orders reach the dialplan: whether the contexts that click-to-call names are there, and are the right ones.

A context that is not there ends every order with "no such number"; FreePBX's `from-internal` in place of its
`originate-skipvm` lets a mailbox answer for a manager who is away, and the client is rung for nobody (measured).
"""

from collections.abc import AsyncIterator

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from gateway.settings import PbxKind

_SKIPS_MAILBOX = "originate-skipvm"
_WITH_MAILBOXES = (PbxKind.FREEPBX, PbxKind.ISSABEL)


async def check_originate(look: Look) -> AsyncIterator[Finding]:
    """The contexts of `originate.channel` and `originate.context`."""
    order = look.pbx.originate
    rung = _context_of(order.channel)
    for key, context in (("channel", rung), ("context", order.context)):
        if context and await look.exists(context) is False:
            yield look.area.fault(
                f"The dialplan has no context {context}, which originate.{key} names: no click-to-call is possible.",
                f"[pbx.{look.pbx.name}.originate]",
                'channel = "Local/{ext}@(a context that rings phones)"'
                if key == "channel"
                else 'context = "(the context in which phones dial outside numbers)"',
                "`asterisk -rx 'dialplan show'` lists them",
                code=f"originate_{key}",
            )
    if look.places.kind in _WITH_MAILBOXES and rung == "from-internal":
        yield look.area.advice(
            "Click-to-call rings managers by from-internal: a mailbox answers for one who is away, and the client is"
            " rung for nobody.",
            f"[pbx.{look.pbx.name}.originate]",
            f'channel = "Local/{{ext}}@{_SKIPS_MAILBOX}"',
            code="originate_mailbox",
        )


def _context_of(channel: str) -> str:
    """The context of a template such as `Local/{ext}@from-internal/n`; empty: it names none."""
    return channel.partition("@")[2].partition("/")[0] if channel.casefold().startswith("local/") else ""
