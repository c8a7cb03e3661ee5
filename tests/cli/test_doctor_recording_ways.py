"""What doctor says of the ways to record without the dialplan, on a real Asterisk."""

from pathlib import Path

import pytest

from gateway.doctor.findings import Finding, Level
from gateway.doctor.recording_ways import check_way
from gateway.settings import Pbx
from lab.server import AsteriskServer

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]


def pbx_with(server: AsteriskServer, way: str, *, user: str = "trunkline", **more: object) -> Pbx:
    recordings: dict[str, object] = {"way": way}
    if way == "bridge":
        recordings["folder"] = str(server.recordings)
    if way == "site":
        recordings["site_folder"] = more.pop("site_folder")
    account = {"url": f"http://127.0.0.1:{server.ports.http}/ari", "password": server.gateway.secret}
    return Pbx.model_validate(
        {
            "name": "lab",
            "ami": {"port": server.ports.ami, "user": user, "secret": server.gateway.secret},
            "ari": account | more,
            "recordings": recordings,
        }
    )


async def only(pbx: Pbx) -> Finding:
    (finding,) = [finding async for finding in check_way(pbx)]
    return finding


async def test_ari_that_can_record_is_well(asterisk: AsteriskServer) -> None:
    assert (await only(pbx_with(asterisk, "ari"))).level is Level.OK


async def test_a_refused_ari_account_names_the_lines_to_write(asterisk: AsteriskServer) -> None:
    finding = await only(pbx_with(asterisk, "ari", password="wrong"))

    assert (finding.level, finding.code) == (Level.FAULT, "ari_refused")
    assert "#include trunkline_ari.conf" in finding.remedy


async def test_ari_that_does_not_answer_is_said_with_its_address(asterisk: AsteriskServer) -> None:
    finding = await only(pbx_with(asterisk, "ari", url="http://127.0.0.1:9/ari"))

    assert finding.code == "ari_away"
    assert "http://127.0.0.1:9/ari" in finding.text


async def test_recording_by_order_without_system_names_the_template(asterisk: AsteriskServer) -> None:
    finding = await only(pbx_with(asterisk, "bridge"))

    assert (finding.level, finding.code) == (Level.FAULT, "bridge_denied")
    assert "[trunkline](trunkline-rights,trunkline-recording-rights)" in finding.remedy


async def test_recording_by_order_with_system_says_what_the_secret_is_worth(asterisk: AsteriskServer) -> None:
    finding = await only(pbx_with(asterisk, "bridge", user="recorder"))

    assert (finding.level, finding.code) == (Level.ADVICE, "bridge_granted")
    assert "a shell on the PBX" in finding.text


async def test_a_sites_folder_that_is_away_is_a_fault(asterisk: AsteriskServer, tmp_path: Path) -> None:
    assert (await only(pbx_with(asterisk, "site", site_folder=str(tmp_path / "no")))).code == "site_away"
    assert (await only(pbx_with(asterisk, "site", site_folder=str(tmp_path)))).level is Level.OK
