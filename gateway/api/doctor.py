"""What the hourly look at each PBX found, and a look right now: `trunkline doctor --pbx` for a program.

Looking changes nothing on the PBX, so the order needs no Idempotency-Key: a second one looks once more.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, Spoken
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.routing import Asked, Route
from gateway.api.users import PbxName
from gateway.domain.access import Right
from gateway.store.doctor_runs import DoctorRun, last_runs


class LookOrder(Incoming):
    """Which PBX is looked at."""

    pbx: PbxName | None = Field(default=None, description="null: all of them")


class FindingView(Outgoing):
    """One thing that was looked at."""

    area: Spoken = Field(description="where: `asterisk main`, `journal of main`, `recordings of main`")
    level: Literal["ok", "advice", "fault"]
    code: str = Field(description="what is wrong, in a word that stays the same; empty: nothing is")
    text: Spoken = Field(description="what was found, in plain words")
    remedy: tuple[Spoken, ...] = Field(description="what to do, line by line")


class PbxView(Outgoing):
    """The last look at a PBX."""

    pbx: str
    kind: str | None = Field(description="asterisk, freepbx, issabel or mikopbx; null: it could not be asked")
    at: datetime | None = Field(description="when it was looked at; null: never yet")
    well: bool | None = Field(description="whether no fault was found; null: it was never looked at")
    unwell_since: datetime | None = Field(description="when the first of the faults that last was found")
    faults: int
    advice: int
    findings: tuple[FindingView, ...]


class PbxList(Outgoing):
    """Every PBX of the configuration."""

    items: tuple[PbxView, ...]


class Doctor:
    """The handlers of `/doctor`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The last look, and one now."""
        return (
            Route(
                method="GET",
                path="/doctor",
                handler=self.last,
                summary="What the last look at each PBX found",
                right=Right.DOCTOR_READ,
                tag="doctor",
            ),
            Route(
                method="POST",
                path="/doctor",
                handler=self.now,
                summary="Look at a PBX, or all, now",
                right=Right.DOCTOR_READ,
                tag="doctor",
                errors=(UnknownPbxError,),
                body_optional=True,
            ),
        )

    async def last(self, asked: Asked[Nothing, Nothing, Nothing]) -> PbxList:
        """Every PBX of the configuration, whether it was looked at or not."""
        return await self._told(sorted(self._parts.directories))

    async def now(self, asked: Asked[Nothing, Nothing, LookOrder]) -> PbxList:
        """Look, one PBX after the other; those that hang cost their own deadline each."""
        wanted = sorted(self._parts.directories) if asked.body.pbx is None else [asked.body.pbx]
        for pbx in wanted:
            self._parts.directory(pbx)
        for pbx in wanted:
            await self._parts.look_at_pbx(pbx)
        return await self._told(wanted)

    async def _told(self, wanted: Sequence[str]) -> PbxList:
        runs = {run.pbx: run for run in await last_runs(self._parts.pool)}
        return PbxList(items=tuple(_view(pbx, runs.get(pbx)) for pbx in wanted))


def _view(pbx: str, run: DoctorRun | None) -> PbxView:
    if run is None:
        return PbxView(pbx=pbx, kind=None, at=None, well=None, unwell_since=None, faults=0, advice=0, findings=())
    return PbxView(
        pbx=pbx,
        kind=run.kind,
        at=run.at,
        well=not run.faults,
        unwell_since=run.unwell_since,
        faults=run.faults,
        advice=run.advice,
        findings=tuple(FindingView.model_validate(finding) for finding in run.findings),
    )
