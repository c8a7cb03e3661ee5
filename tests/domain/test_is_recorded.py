"""Whether a call that talks is being recorded, as far as we can know."""

import pytest

from gateway.domain.recordings import RecordingWay, is_recorded

DIALPLAN, ARI, BRIDGE, SITE = RecordingWay.DIALPLAN, RecordingWay.ARI, RecordingWay.BRIDGE, RecordingWay.SITE


@pytest.mark.parametrize(
    ("way", "routed", "is_set_up", "recorded"),
    [
        (DIALPLAN, None, True, True),
        (DIALPLAN, None, False, None),
        (DIALPLAN, False, True, False),
        (DIALPLAN, True, False, True),
        (ARI, None, True, True),
        (BRIDGE, False, True, False),
        (SITE, True, True, None),
        (SITE, False, True, None),
    ],
)
def test_a_route_decides_else_the_settings_and_the_sites_own_way_is_its_own(
    way: RecordingWay, routed: bool | None, is_set_up: bool, recorded: bool | None
) -> None:
    assert is_recorded(way, routed, is_set_up=is_set_up) is recorded
