"""The demonstration call: a client reaches a recorded DID, a manager answers, both really speak."""

from __future__ import annotations

from lab.phones import CLIENT, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from lab.speech import Dialogue

RECORDED_DID = "4950005"
"""The lab's number that rings manager 101 and is recorded."""
RINGING_SECONDS = 2.0


async def place_demo_call(
    server: AsteriskServer, dialogue: Dialogue, *, caller: str = CLIENT, extension: str = "101"
) -> None:
    """Place one inbound call and wait until the client has hung up.

    Args:
        server: The lab Asterisk.
        dialogue: What the two sides say.
        caller: The client's number.
        extension: Whose phone answers; the DID rings 101.
    """
    async with open_manager_phone(server, extension) as manager, open_client_phone(server) as client:
        await manager.script(answer_after=RINGING_SECONDS, play=dialogue.manager)
        await client.script(hang_up_after=dialogue.seconds)
        call = await client.dial(RECORDED_DID, caller=caller, play=dialogue.client)
        await call.connected()
        await call.ended(dialogue.seconds + 10.0)
        await (await manager.next_call()).ended()
