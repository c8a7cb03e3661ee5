"""Orders about recordings: take in again one that was given up, and write down anew what was said.

Both are for those who may hear everybody's calls, since they cost the machine minutes and replace what others read. An
order is one transaction: the state it supposes is checked under a lock, the order, its audit row and its
Idempotency-Key are written together, and a request that is refused leaves its key unused.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.calls import CallPath, RecordingView, recording_model, visible_call
from gateway.api.fields import Incoming, Nothing
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, InvalidRequestError, KeyReusedError, StillRunningError
from gateway.api.recordings import RECORDING_STATES, NoRecordingError
from gateway.api.routing import Asked, Once, Route, answer
from gateway.api.security import Repetition, idempotency
from gateway.domain.access import Principal, Right
from gateway.domain.errors import Rejected
from gateway.store import idempotency as once_store
from gateway.store import reading
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.reading import HeldRecording
from gateway.store.recordings import want_again
from gateway.store.transcripts import want_transcript

AUTO = "auto"
STATUS = 202


class TranscriptOrder(Incoming):
    """How a call is to be written down; what is left out is as the configuration says."""

    language: Annotated[str, Field(pattern=r"^([a-z]{2,3}|auto)$")] = Field(
        default=AUTO, description="one of the configured languages, or `auto`: found out"
    )
    model: Annotated[str, Field(min_length=1, max_length=400)] | None = Field(
        default=None, description="null, or the name of the configured model: it is the one that is loaded"
    )


class NotGivenUpError(ConflictError):
    """This recording was not given up, so there is nothing to try again."""


class BeingWrittenError(ConflictError):
    """The transcript of this call is being written now; wait until it is there, then order another one."""


class TranscriptionOffError(Rejected, ValueError):
    """Nobody writes transcripts here; set `transcription.enabled` in the configuration first."""


_NOT_GIVEN_UP = {
    "wanted": "This recording is waiting to be taken in already; it was not given up.",
    "stored": "This recording is in the archive; there is nothing to try again.",
    "deleted": "This recording was deleted when its time was over; it cannot be taken in again.",
}

Work = Callable[[Connection, list[HeldRecording]], Awaitable[None]]


class RecordingOrders:
    """The handlers of orders about recordings."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/calls/{call_id}/recording/retry",
                handler=self.retry,
                summary="Take in again a recording that was given up",
                right=Right.RECORDINGS_LISTEN_ALL,
                tag="recordings",
                status=STATUS,
                idempotent=True,
                errors=(NoRecordingError, NotGivenUpError),
            ),
            Route(
                method="POST",
                path="/calls/{call_id}/transcript",
                handler=self.transcribe,
                summary="Write down what was said, also anew",
                right=Right.RECORDINGS_LISTEN_ALL,
                tag="recordings",
                status=STATUS,
                idempotent=True,
                body_optional=True,
                errors=(NoRecordingError, BeingWrittenError, TranscriptionOffError),
            ),
        )

    async def retry(self, asked: Asked[CallPath, Nothing, Nothing]) -> RecordingView | web.Response:
        """Try each recording of the call once more that was given up."""

        async def again(connection: Connection, held: list[HeldRecording]) -> None:
            given_up = [recording for recording in held if await want_again(connection, recording.id)]
            if not given_up:
                raise NotGivenUpError(_NOT_GIVEN_UP.get(held[0].state))
            for recording in given_up:
                await self._note(connection, asked.principal, "recording.retried", recording)

        return await self._ordered(asked.principal, asked.path.call_id, asked.once, again)

    async def transcribe(self, asked: Asked[CallPath, Nothing, TranscriptOrder]) -> RecordingView | web.Response:
        """Have the recording that is listened to written down."""
        language = self._language(asked.body)

        async def anew(connection: Connection, held: list[HeldRecording]) -> None:
            recording = held[0]
            if recording.is_being_written:
                raise BeingWrittenError
            if not await want_transcript(connection, recording.id, language=language):
                raise NoRecordingError(RECORDING_STATES.get(recording.state))
            detail: dict[str, object] = {"language": asked.body.language}
            await self._note(connection, asked.principal, "transcript.ordered", recording, detail)

        return await self._ordered(asked.principal, asked.path.call_id, asked.once, anew)

    def _language(self, order: TranscriptOrder) -> str | None:
        """The language of an order; None: found out."""
        settings = self._parts.settings.transcription
        if not settings.enabled:
            raise TranscriptionOffError
        faults = []
        if order.language not in (AUTO, *settings.languages):
            allowed = ", ".join((AUTO, *settings.languages))
            faults.append(_fault("language", f"This language is not configured; there is: {allowed}."))
        if order.model not in (None, settings.model):
            faults.append(
                _fault("model", "Only the configured model is loaded; leave this out, or change the setting.")
            )
        if faults:
            raise InvalidRequestError(faults)
        return None if order.language == AUTO else order.language

    async def _ordered(self, who: Principal, id: UUID, once: Once | None, work: Work) -> RecordingView | web.Response:
        """Do an order once for each key, and tell the recording as it is then."""
        assert once is not None
        call = await visible_call(self._parts, who, id, Right.RECORDINGS_LISTEN_OWN)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            begun = await once_store.begin_order(
                connection, principal=who.id, route=once.route, key=once.key, fingerprint=once.fingerprint
            )
            if not begun:
                return await self._again(connection, who, once)
            held = await reading.hold_recordings(connection, call.id)
            if not held:
                raise NoRecordingError
            await work(connection, held)
            found = await reading.read_call(connection, call.id)
            if found is None or found.recording is None:
                raise NoRecordingError
            view = recording_model(found.recording)
            await once_store.keep_answer(
                connection,
                principal=who.id,
                route=once.route,
                key=once.key,
                status=STATUS,
                body=view.model_dump(mode="json"),
            )
            return view

    async def _again(self, connection: Connection, who: Principal, once: Once) -> web.Response:
        """The answer to a repetition: that of the first request."""
        before = await once_store.first_request(connection, principal=who.id, route=once.route, key=once.key)
        if before is None:
            raise StillRunningError
        if idempotency(before.request, once.fingerprint) is Repetition.OTHER:
            raise KeyReusedError
        return answer(RecordingView.model_validate(before.body), status=STATUS)

    async def _note(
        self,
        connection: Connection,
        who: Principal,
        action: str,
        recording: HeldRecording,
        detail: dict[str, object] | None = None,
    ) -> None:
        await write_audit(connection, actor=who.id, action=action, object=str(recording.id), detail=detail)


def _fault(name: str, detail: str) -> FieldFault:
    return FieldFault(place="body", pointer=f"#/{name}", code="value", detail=detail)
