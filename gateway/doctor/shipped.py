"""A journal that the PBX's host sends (`trunkline ship`): who sends, how far it has come, how its clock goes."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta

from gateway.doctor.findings import Area, Finding
from gateway.domain.shipping import SILENT_SECONDS
from gateway.reconcile import CLOCK_LIMIT
from gateway.settings import Pbx
from gateway.store.database import Pool
from gateway.store.shipped import History, Shipper, history_of, shipper_of
from sip.journal import JournalCondition

_BEHIND = 10 << 20
_CONDITIONS: Mapping[str, str] = {
    JournalCondition.WAITING_FOR_FILE: "there is no file of this name",
    JournalCondition.NO_PERMISSION: "the user there may not read it",
    JournalCondition.UNREADABLE: "it is no plain file, or the disk fails",
}
"""What the reader there says, for people."""


async def check_shipped(pbx: Pbx, pool: Pool | None) -> AsyncIterator[Finding]:
    """Look at what the host of a PBX sends; nothing where its journal is read otherwise.

    Args:
        pbx: its settings.
        pool: the database; None: there is none, and nothing can be told.
    """
    if not pbx.journal.shipped or pool is None:
        return
    area = Area(name=f"journal of {pbx.name}")
    shipper = await shipper_of(pool, pbx.name)
    if shipper is None:
        yield area.fault(
            "Nothing has ever been sent from this PBX's host, so no call of it is seen.",
            *_steps(pbx.name),
            code="ship_never",
        )
        return
    for finding in judged(area, pbx.name, shipper, await history_of(pool, pbx.name)):
        yield finding


def judged(area: Area, pbx: str, shipper: Shipper, history: History | None) -> Iterator[Finding]:
    """What a host's last words mean."""
    if shipper.silence.total_seconds() > SILENT_SECONDS:
        seconds = int(shipper.silence.total_seconds())
        yield area.fault(
            f"The PBX's host was last heard {seconds} s ago; its calls wait there.",
            "on the PBX's host: systemctl status trunkline-ship, and journalctl -u trunkline-ship",
            "trunkline ship --check --config /etc/trunkline/ship.toml",
            code="ship_silent",
        )
    elif shipper.condition != JournalCondition.READING:
        why = _CONDITIONS.get(shipper.condition, shipper.condition)
        yield area.fault(
            f"The PBX's host is heard, but cannot read the journal there: {why}.",
            "on the PBX's host: compare `journal` in ship.toml with cel_custom.conf, and its group with the user's",
            code="ship_journal",
        )
    elif shipper.lag_bytes > _BEHIND:
        yield area.advice(
            f"The PBX's host has {shipper.lag_bytes >> 20} MiB of rows that are not sent yet.",
            "nothing, if it falls; else the line is too slow, or the gateway is",
            code="ship_behind",
        )
    else:
        yield area.ok(
            f"The PBX's host sends its journal (version {shipper.version})."
            if shipper.version
            else "The PBX's host sends its journal."
        )
    if history is not None and history.ended_at is None:
        done = min(100, 100 * history.bytes_done // max(1, history.bytes_total))
        yield area.ok(f"What the journal held before is being read: {done} %.")
    yield from _clock(area, shipper.clock_offset)


def _clock(area: Area, offset: timedelta | None) -> Iterator[Finding]:
    if offset is None:
        return
    seconds = f"{abs(offset.total_seconds()):.1f}"
    told = (
        f"The clock of the PBX's host is {seconds} s ahead of ours."
        if offset > timedelta()
        else f"The clock of the PBX's host is {seconds} s behind ours."
    )
    if abs(offset) > CLOCK_LIMIT:
        yield area.fault(told, "let both machines follow a time server: timedatectl set-ntp true", code="clock_off")
    else:
        yield area.ok(told)


def _steps(pbx: str) -> tuple[str, ...]:
    return (
        f'trunkline key add "host of {pbx}" --role admin --right journal.ship --pbx {pbx}',
        "on the PBX's host: write the key into /etc/trunkline/ship.key (chmod 600) and /etc/trunkline/ship.toml,",
        "see docs/another-host.md; then: trunkline ship --config /etc/trunkline/ship.toml",
    )
