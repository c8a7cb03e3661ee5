"""An office of 180 phones on the lab's Asterisk, for load: numbers that ring one manager, two, a queue or a route.

It is the lab's first site (`lab/conf`) with more of everything. The phones are played by sipp (bench/sipp_phones.py)
and do not register: each has a fixed contact. Of the managers 1001 to 1180 thirty are rung by numbers of their own, ten
dial out, twenty are rung in pairs, sixty by a queue, and sixty by the gateway's route.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.chroot import ensure_asterisk
from lab.server import AsteriskServer, free_ports

EXTENSIONS = tuple(range(1001, 1181))
DIRECT = EXTENSIONS[:30]
DIALLING = EXTENSIONS[30:40]
PAIRS = tuple(zip(EXTENSIONS[40:60:2], EXTENSIONS[41:60:2], strict=True))
QUEUED = EXTENSIONS[60:120]
ROUTED = EXTENSIONS[120:]
QUEUE_DID, RECORDED_QUEUE_DID, ROUTE_DID, RECORDED_ROUTE_DID = "4954000", "4954001", "4955000", "4955001"
RING_SECONDS = 5
"""So long a number of one manager rings him."""
_RTP_PORTS = 2000
_DIALPLAN = """
[from-trunk](+)
exten => _4951XXX,1,Dial(PJSIP/1${EXTEN:4},@SECONDS@,tT)
 same => n,Hangup()
exten => _4952XXX,1,Gosub(trunkline-record,s,1)
 same => n,Dial(PJSIP/1${EXTEN:4},@SECONDS@,tT)
 same => n,Hangup()
exten => _4953XXX,1,Dial(PJSIP/1${EXTEN:4}&PJSIP/$[1${EXTEN:4} + 1],20,tT)
 same => n,Hangup()
exten => 4954000,1,Answer()
 same => n,Queue(load,tT,,,30)
 same => n,Hangup()
exten => 4954001,1,Gosub(trunkline-record,s,1)
 same => n,Answer()
 same => n,Queue(load,tT,,,30)
 same => n,Hangup()
; Where the gateway does not answer in time: the supervisor, who is one of the phones, too.
exten => _495500X,1,Gosub(trunkline-route,s,1(${EXTEN}))
 same => n,Dial(PJSIP/100,20,t)
 same => n,Hangup()
"""
_QUEUE = """
[load]
strategy = rrmemory
timeout = 15
retry = 1
ringinuse = no
joinempty = yes
"""
_PHONE = """
[@EXT@](manager)
disallow = all
allow = alaw
aors = @EXT@
callerid = "Manager @EXT@" <@EXT@>
[@EXT@]
type = aor
contact = sip:@EXT@@127.0.0.1:@PORT@
qualify_frequency = 0
"""


class LoadOffice(AsteriskServer):
    """The lab's Asterisk with 180 phones, all of them at one port.

    Attributes:
        phones: where the managers' sipp listens (UDP).
    """

    phones = 0

    def prepare(self) -> None:
        """Write the first site's configuration and add to it."""
        self.phones = self.phones or free_ports().sip
        super().prepare()
        self.journal.touch()  # Asterisk makes it at the first call, and a gateway is not ready without it
        if os.geteuid() == 0:
            os.chown(self.journal, self.home.uid, self._readers_gid)
        self._add("extensions.conf", _DIALPLAN.replace("@SECONDS@", str(RING_SECONDS)))
        self._add("queues.conf", _QUEUE + "".join(f"member => PJSIP/{x},0,M{x},PJSIP/{x}\n" for x in QUEUED))
        trunk = self.directory / "etc/pjsip.conf"  # sipp's callers know no re-INVITE, which would only tell them a name
        trunk.write_text(trunk.read_text().replace("send_pai = yes", "send_connected_line = no"))
        phone = _PHONE.replace("@PORT@", str(self.phones))
        self._add("pjsip.conf", "".join(phone.replace("@EXT@", str(x)) for x in EXTENSIONS))

    def _add(self, name: str, text: str) -> None:
        target = self.directory / "etc" / name
        target.write_text(target.read_text() + text)
        if os.geteuid() == 0:
            os.chown(target, self.home.uid, self.home.gid)

    def _values(self) -> dict[str, str]:
        return super()._values() | {"RTP_END": str(self.ports.rtp_start + _RTP_PORTS - 1)}


@contextmanager
def open_load_office(directory: Path) -> Iterator[LoadOffice]:
    """Run it for as long as the block lasts."""
    office = LoadOffice(directory, ensure_asterisk(), free_ports(), "pbx1", os.getegid())
    office.prepare()
    try:
        office.start()
        yield office
    finally:
        office.stop()
