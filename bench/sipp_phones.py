"""Phones of a busy office, played by sipp: who calls and who is called, and a log of what each of them did and when.

What a phone does stands in the client's number, which both sides see: `7916` + what (`Play`) + how long the called one
lets it ring + how long they talk (indices of `RINGS` and `TALKS`) + four digits that make it the only one. So two
sipps that know nothing of each other play the same call, and their logs are joined by the number.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from lab.server import free_ports

RINGS = (0.3, 0.7, 1.2, 2.0, 3.0)
TALKS = (1.5, 3.0, 4.0, 6.0, 9.0)
"""Seconds."""
_WORDS = 7
_FAILED = (403, 404, 408, 480, 486, 487, 500, 503, 600, 603)


class Play(IntEnum):
    """What happens in a call."""

    CALLER_ENDS = 0
    CALLED_ENDS = 1
    BUSY = 2
    REFUSED = 3
    SILENT = 4  # the phone rings until the PBX gives up
    GIVEN_UP = 5  # the caller gives up while it rings
    ONE_OF_TWO = 6  # only the phone with the odd extension is answered; the caller ends


def client_number(play: Play, ring: int, talk: int, serial: int) -> str:
    """The client's number of a call."""
    return f"7916{play:d}{ring}{talk}{serial:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a phone did."""

    side: str
    """C: a caller, M: a manager who was called, T: a client who was called."""
    client: str
    phone: str
    did: str
    """dialled, rings, answered, ended, failed, given_up, busy, refused, stopped."""
    by: str
    """Of an end: me or them; of a failure: the status."""
    at: float
    """Seconds since the epoch."""


def read_deeds(log: Path) -> list[Deed]:
    """Read what one sipp wrote."""
    found = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if len(words := line.split()) != _WORDS:  # it was ended in the middle of a line
            continue
        side, client, phone, did, by, seconds, micros = words
        at = float(seconds) + float(micros) / 1e6
        found.append(Deed(side=side, client=client, phone=phone, did=did, by=by, at=at))
    return found


def _note(side: str, client: str, phone: str, did: str, by: str = "-") -> str:
    line = f"{side} {client} {phone} {did} {by} [$sec] [$usec]"
    return f'<gettimeofday assign_to="sec,usec"/><log message="{line}"/>'


_BRANCH = "z9hG4bK-[pid]-[call_number]-invite"
_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch="
_FROM = "From: <sip:[field0]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]"
_SDP = """v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio {port} RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20"""


def _send(text: str, extra: str = "", action: str = "") -> str:
    acts = f"<action>{action}</action>" if action else ""
    return f"<send {extra}><![CDATA[\n{text}\n]]>{acts}</send>\n"


def _request(method: str, *, to: str, cseq: str, branch: str = "[branch]", more: str = "", body: str = "") -> str:
    return "\n".join(
        (
            f"{method} sip:[field1]@[remote_ip]:[remote_port] SIP/2.0",
            _VIA + branch,
            _FROM,
            to,
            "Call-ID: [call_id]",
            f"CSeq: {cseq}",
            "Contact: <sip:[field0]@[local_ip]:[local_port]>",
            "Max-Forwards: 70",
            *([more] if more else []),
            "Content-Length: [len]" if body else "Content-Length: 0",
            "",
            body,
        )
    )


def caller(sound: Path) -> str:
    """The scenario of those who call; a line of their file is: shown as, dialled, client's number, whose log."""
    to, far = "To: <sip:[field1]@[remote_ip]:[remote_port]>", "[last_To:]"

    def noted(did: str, by: str = "-") -> str:
        return _note("C", "[field2]", "[field0]", did, by)

    give_up = [f'<nop next="wait_{t}" test="gives_up_{t}"/>' for t in range(len(TALKS))]
    talk = [f'<nop next="talk_{t}" test="ends_{t}"/>' for t in range(len(TALKS))]
    digits = "".join(
        f'<ereg regexp="^79165.{t}" search_in="var" variable="client" check_it="false" assign_to="gives_up_{t}"/>'
        f'<ereg regexp="^7916[^1].{t}" search_in="var" variable="client" check_it="false" assign_to="ends_{t}"/>'
        for t in range(len(TALKS))
    )

    def finals(timeout: str) -> str:
        ways = f'<recv response="100" optional="true" {timeout}/>\n<recv response="180" optional="true" {timeout}>'
        ways += f'<action>{noted("rings")}</action></recv>\n<recv response="183" optional="true" {timeout}/>\n'
        for status in _FAILED:
            ways += f'<recv response="{status}" optional="true" next="failed" {timeout}>'
            ways += f"<action>{noted('failed', str(status))}</action></recv>\n"
        return ways + f'<recv response="200" next="answered" {timeout}><action>{noted("answered")}</action></recv>\n'

    invite = _request(
        "INVITE",
        to=to,
        cseq="1 INVITE",
        branch=_BRANCH,
        more="Content-Type: application/sdp",
        body=_SDP.format(port="[rtpstream_audio_port]"),
    )
    bye = _send(_request("BYE", to=far, cseq="2 BYE"), 'retrans="500"')
    parts = [
        f'<nop><action><assignstr assign_to="client" value="[field2]"/>{digits}{noted("dialled")}</action></nop>\n',
        *give_up,  # before the INVITE: an answer that comes while sipp looks where to go on would not be expected
        _send(invite, 'retrans="500"'),
        finals('timeout="45000"'),
    ]
    for t, seconds in enumerate(TALKS):
        parts += [f'<label id="wait_{t}"/>\n', _send(invite, 'retrans="500"')]
        parts += [finals(f'timeout="{int(seconds * 1000)}" ontimeout="cancel"')]
    parts += [
        '<label id="cancel"/>\n',
        _send(_request("CANCEL", to=to, cseq="1 CANCEL", branch=_BRANCH), 'retrans="500"'),
        f'<recv response="200"><action>{noted("given_up")}</action></recv>\n<recv response="487"/>\n',
        _send(_request("ACK", to=far, cseq="1 ACK", branch=_BRANCH), 'next="over"'),
        '<label id="failed"/>\n',
        _send(_request("ACK", to=far, cseq="1 ACK", branch=_BRANCH), 'next="over"'),
        '<label id="answered"/>\n',
        _send(_request("ACK", to=far, cseq="1 ACK")),
        f'<nop><action><exec rtp_stream="{sound},-1,8"/></action></nop>\n',
        *talk,
        f'<recv request="BYE"><action>{noted("ended", "them")}</action></recv>\n',
        *_ok_to_bye(next="over"),
    ]
    for t, seconds in enumerate(TALKS):
        ways = f'timeout="{int(seconds * 1000)}" ontimeout="bye"'
        parts += [
            f'<label id="talk_{t}"/>\n',
            f'<recv request="BYE" {ways}><action>{noted("ended", "them")}</action></recv>\n',
            *_ok_to_bye(next="over"),
        ]
    parts += [
        '<label id="bye"/>\n',
        f"<nop><action>{noted('ended', 'me')}</action></nop>\n",
        bye,
        '<recv response="200"/>\n',
        '<label id="over"/>\n',
        '<nop><action><exec rtp_stream="pause"/></action></nop>\n',
    ]
    return _scenario("caller", parts)


def called(side: str, *, client_in: str) -> str:
    """The scenario of those who are called.

    Args:
        side: M for managers, T for clients behind the trunk.
        client_in: the header in which the client's number stands, From or To; the phone's own stands in the other.
    """
    phone_in = "To" if client_in == "From" else "From"

    def noted(did: str, by: str = "-") -> str:
        return _note(side, "[$client]", "[$phone]", did, by)

    def seen(pattern: str, name: str, variable: str = "client") -> str:
        return f'<ereg regexp="{pattern}" search_in="var" variable="{variable}" check_it="false" assign_to="{name}"/>'

    read = "".join(
        (
            f'<ereg regexp="sip:\\+?([^@]+)@" search_in="hdr" header="{client_in}:" assign_to="all,client"/>',
            f'<ereg regexp="sip:\\+?([^@]+)@" search_in="hdr" header="{phone_in}:" assign_to="all,phone"/>',
            '<ereg regexp="([0-9]+)" search_in="hdr" header="CSeq:" assign_to="all,cseq"/>',
            '<assignstr assign_to="both" value="[$client] [$phone]"/>',
            seen("^79162", "busy"),
            seen("^79163", "refuses"),
            seen("^7916[45]", "silent"),
            seen("^79166.* [0-9]*[02468]$", "leaves_it", "both"),
            *(seen(f"^7916.{r}", f"ring_{r}") for r in range(len(RINGS))),
            *(seen(f"^79161.{t}", f"ends_{t}") for t in range(len(TALKS))),
            '<assignstr assign_to="tag" value="[pid]-[call_number]"/>',
        )
    )
    contact = "Contact: <sip:[local_ip]:[local_port]>"
    answer = _reply("200 OK", f"{contact}\nContent-Type: application/sdp", _SDP.format(port="[media_port]"))

    def refuse(status: str) -> list[str]:
        return [_send(_reply(status), 'retrans="500"'), '<recv request="ACK" next="over"/>\n']

    parts = [
        f'<recv request="INVITE"><action>{read}{noted("rings")}</action></recv>\n',
        '<nop next="is_busy" test="busy"/>\n',
        _send(_reply("180 Ringing", contact)),
        '<nop next="silence" test="silent"/>\n<nop next="silence" test="leaves_it"/>\n',
        *(f'<nop next="ring_{r}" test="ring_{r}"/>\n' for r in range(len(RINGS))),
    ]
    for r, seconds in enumerate(RINGS):
        ways = f'timeout="{int(seconds * 1000)}" ontimeout="decide" next="cancelled"'
        parts += [f'<label id="ring_{r}"/>\n', f'<recv request="CANCEL" {ways}/>\n']
    parts += [
        '<label id="silence"/>\n',
        '<recv request="CANCEL" next="cancelled"/>\n',
        '<label id="is_busy"/>\n',
        f"<nop><action>{noted('busy')}</action></nop>\n",
        *refuse("486 Busy Here"),
        '<label id="decide"/>\n<nop next="refuse" test="refuses"/>\n',
        _send(answer, 'retrans="500"'),
        # With its ACK: an answer that crosses the PBX's CANCEL was none.
        f'<recv request="ACK"><action>{noted("answered")}</action></recv>\n',
        *(f'<nop next="talk_{t}" test="ends_{t}"/>\n' for t in range(len(TALKS))),
        f'<recv request="BYE"><action>{noted("ended", "them")}</action></recv>\n',
        *_ok_to_bye(next="over"),
    ]
    for t, seconds in enumerate(TALKS):
        ways = f'timeout="{int(seconds * 1000)}" ontimeout="bye"'
        parts += [
            f'<label id="talk_{t}"/>\n',
            f'<recv request="BYE" {ways}><action>{noted("ended", "them")}</action></recv>\n',
            *_ok_to_bye(next="over"),
        ]
    bye = "\n".join(
        (
            "BYE [$contact] SIP/2.0",
            _VIA + "[branch]",
            "From: [$mine];tag=[$tag]",
            "To: [$theirs]",
            "Call-ID: [call_id]",
            "CSeq: 1 BYE",
            "Max-Forwards: 70",
            "Content-Length: 0",
            "",
        )
    )
    keep = (
        '<ereg regexp="&lt;(sip:[^&gt;]+)&gt;" search_in="hdr" header="Contact:" assign_to="all,contact"/>'
        '<ereg regexp=" *(.*)" search_in="hdr" header="From:" assign_to="all,theirs"/>'
        '<ereg regexp=" *(.*)" search_in="hdr" header="To:" assign_to="all,mine"/>'
    )
    parts[0] = parts[0].replace("<action>", f"<action>{keep}", 1)
    parts += [
        '<label id="bye"/>\n',
        f"<nop><action>{noted('ended', 'me')}</action></nop>\n",
        _send(bye, 'retrans="500"'),
        '<recv response="200" next="over"/>\n',
        '<label id="refuse"/>\n',
        f"<nop><action>{noted('refused')}</action></nop>\n",
        *refuse("603 Decline"),
        '<label id="cancelled"/>\n',
        f"<nop><action>{noted('stopped')}</action></nop>\n",
        _send(_reply("200 OK")),
        _send(_reply("487 Request Terminated", cseq="CSeq: [$cseq] INVITE"), 'retrans="500"'),
        '<recv request="ACK"/>\n',
        '<label id="over"/>\n<nop/>\n',
    ]
    return _scenario("called", parts)


def _reply(status: str, more: str = "", body: str = "", *, cseq: str = "[last_CSeq:]") -> str:
    lines = [f"SIP/2.0 {status}", "[last_Via:]", "[last_From:]", "[last_To:];tag=[$tag]", "[last_Call-ID:]", cseq]
    lines += [more] if more else []
    return "\n".join((*lines, "Content-Length: [len]" if body else "Content-Length: 0", "", body))


def _ok_to_bye(*, next: str) -> Iterable[str]:
    text = ("SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]")
    yield _send("\n".join((*text, "Content-Length: 0", "")), f'next="{next}"')


def _scenario(name: str, parts: Sequence[str]) -> str:
    return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{"".join(parts)}</scenario>\n'


@dataclass(slots=True, kw_only=True)
class Sipp:
    """A running sipp."""

    name: str
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def deeds(self) -> list[Deed]:
        """What its phones did so far."""
        return read_deeds(self.folder / f"{self.name}.log")

    def aborted(self) -> int:
        """How many calls went otherwise than its scenario knows."""
        file = self.folder / f"{self.name}.errors"
        return file.read_text(errors="replace").count("Aborting call") if file.exists() else 0

    def end(self) -> None:
        """Stop it, if it has not come to its end."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_sipp(name: str, folder: Path, scenario: str, *options: str, port: int, pbx: int) -> Sipp:
    """Start one; its scenario, log and errors lie in the folder under its name."""
    (folder / f"{name}.xml").write_text(scenario)
    command = ["sipp", f"127.0.0.1:{pbx}", "-sf", f"{name}.xml", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-nostdin", "-trace_logs", "-log_file", f"{name}.log", "-trace_err", "-error_file", f"{name}.errors"]
    command += ["-l", "2000", "-mp", str(free_ports().sip), "-cp", str(free_ports().sip), *options]
    with (folder / f"{name}.out").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    return Sipp(name=name, folder=folder, process=process)
