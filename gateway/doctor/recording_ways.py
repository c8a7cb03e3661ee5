"""Whether a PBX's calls can be recorded in the way that was chosen: by ARI, by MixMonitor by order, by the site."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gateway.doctor.findings import Area, Finding
from gateway.domain.errors import GatewayError
from gateway.domain.recordings import RecordingWay
from gateway.recording_by_order import ari_config
from gateway.settings import Pbx
from gateway.site import ami_config
from sip.ami_connection import open_connection
from sip.ari import AriRefused, open_ari


async def check_way(pbx: Pbx) -> AsyncIterator[Finding]:
    """Look at what records one PBX's calls, where the dialplan does not."""
    area = Area(name=f"recordings of {pbx.name}")
    match pbx.recordings.way:
        case RecordingWay.ARI:
            yield await _ari(area, pbx)
        case RecordingWay.BRIDGE:
            yield await _bridge(area, pbx)
        case _:
            pass
    if pbx.recordings.site_folder is not None:
        for finding in _site(area, pbx.recordings.site_folder):
            yield finding


async def _ari(area: Area, pbx: Pbx) -> Finding:
    assert pbx.ari is not None  # the settings see to it
    lines = (
        "http.conf: enabled = yes, bindaddr and bindport where only the gateway reaches them",
        "ari.conf, under [general] with enabled = yes:",
        "#include trunkline_ari.conf",
        f"[{pbx.ari.user}](trunkline-ari)",
        "password = (a long random word)",
    )
    async with open_ari(ari_config(pbx.ari)) as ari:
        try:
            stores = await ari.can_record()
        except AriRefused:
            return area.fault("Asterisk's web server refuses our ARI account.", *lines, code="ari_refused")
        except GatewayError:
            return area.fault(f"ARI does not answer at {pbx.ari.url}.", *lines, code="ari_away")
    if not stores:
        return area.fault(
            "ARI answers, but the modules that record through it are not loaded.",
            "module load res_stasis_snoop.so",
            "module load res_stasis_recording.so",
            code="ari_modules",
        )
    return area.ok("Calls are recorded through ARI; the PBX's own dialplan stays as it is.")


async def _bridge(area: Area, pbx: Pbx) -> Finding:
    assert pbx.ami is not None  # the settings see to it
    try:
        async with open_connection(ami_config(pbx.ami)) as asterisk:
            granted = "MixMonitor" in (await asterisk.rights()).actions
    except GatewayError:
        return area.advice(
            "Whether calls can be recorded by order is not known: no manager session.", code="bridge_away"
        )
    if not granted:
        return area.fault(
            "Calls are to be recorded by order, but the manager account lacks the class `system`.",
            "#include trunkline_manager_recording.conf",
            f"[{pbx.ami.user}](trunkline-rights,trunkline-recording-rights)",
            'or choose another pbx.NAME.recordings.way: "dialplan", "ari" or "site"',
            code="bridge_denied",
        )
    return area.advice(
        "Calls are recorded by order; the manager account holds `system`, so its secret is worth a shell on the PBX.",
        "permit the gateway's address only, and use TLS between machines",
        code="bridge_granted",
    )


def _site(area: Area, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield area.fault(
            f"The site's recordings are not at {folder}.", "mount it, or correct site_folder", code="site_away"
        )
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield area.fault(
            f"We may not read {folder}.",
            f"setfacl -R -m u:trunkline:rX -m d:u:trunkline:rX {folder}",
            code="site_rights",
        )
    else:
        yield area.ok(f"The site's own recordings in {folder} are taken in and left as they are.")
