"""The folder a PBX records into: can we read and delete there as our own user."""

from collections.abc import Iterator

from gateway.doctor.findings import Area, Finding
from gateway.domain.recordings import RecordingWay
from gateway.settings import Pbx
from recordings.rights import Weight, probe


def check_recordings(pbx: Pbx) -> Iterator[Finding]:
    """Look at one PBX's recording folder."""
    area = Area(name=f"recordings of {pbx.name}")
    folder = pbx.recordings.folder
    if folder is None and (pbx.recordings.way is not RecordingWay.DIALPLAN or pbx.journal.shipped):
        return
    if folder is None:
        yield area.advice(
            "No folder is set, so no recording of this PBX is taken in.",
            f"[pbx.{pbx.name}.recordings]",
            'folder = "/var/spool/asterisk/trunkline"',
            code="recordings_none",
        )
        return
    found = probe(folder)
    for finding in found:
        told = area.fault if finding.weight is Weight.FAULT else area.advice
        yield told(finding.problem, finding.remedy, code="recordings_rights")
    if not any(finding.weight is Weight.FAULT for finding in found):
        yield area.ok(f"We can read and delete in {folder}.")
