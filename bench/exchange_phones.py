"""A provider and an office of phones around the embedded engine, played by two sipps: who calls, who is called.

The provider's sipp calls one of our numbers after the other, each time as another client, speaks all the time and
hangs up after its time; the office's sipp is all phones at one port: it rings a moment, answers, and sends back what it
hears. Both note what they did (`bench.sipp_phones.read_deeds`). The phones are registered from that port before their
sipp begins.
"""

import socket
import time
from collections.abc import Sequence
from pathlib import Path

import soundfile

from bench.exchange_sound import write_speech
from bench.sipp_phones import Sipp, start_sipp
from exchange.digest import answer_challenge, read_challenge
from exchange.parties import Place
from exchange.sip_text import Response, read_message

HERE = "127.0.0.1"
_REGISTERED_SECONDS = 3600
_PATIENCE = 30.0
_PATIENT = ("-watchdog_minor_maxtriggers", "1000000", "-watchdog_major_maxtriggers", "1000000")
"""Else sipp ends itself on a machine that is busy with other work."""
_NOTE = '<gettimeofday assign_to="sec,usec"/><log message="{side} {client} {phone} {did} {by} [$sec] [$usec]"/>'
_HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{parts}</scenario>\n'
_SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20"""
_CALLER = """<send retrans="500"><![CDATA[
INVITE sip:[field1]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-invite
From: <sip:[field0]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]
To: <sip:[field1]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[field0]@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

{sdp}
]]><action>{dialled}</action></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"><action>{rings}</action></recv>
<recv response="183" optional="true"/>
{failures}<recv response="200" next="talk" timeout="30000" rrs="true"><action>{answered}</action></recv>
<label id="failed"/>
<send next="over"><![CDATA[
ACK sip:[field1]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-invite
From: <sip:[field0]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<label id="talk"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="{voice},-1,8"/></action></nop>
<pause distribution="uniform" min="{shortest}" max="{longest}"/>
<nop><action><exec rtp_stream="pause"/>{ended}</action></nop>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:[field0]@[local_ip]:[local_port]>;tag=c[pid]-[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
<label id="over"/>
<nop/>
"""
_CALLED = """<recv request="INVITE"><action>{read}{rings}</action></recv>
<send><![CDATA[
SIP/2.0 180 Ringing
{reply}
Contact: <sip:[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<pause distribution="uniform" min="500" max="2000"/>
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
{reply}
Contact: <sip:[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

{sdp}
]]><action>{answered}</action></send>
<recv request="ACK"/>
<recv request="BYE"><action>{ended}</action></recv>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
_REPLY = (
    "[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:];tag=[pid]-[call_number]\n[last_Call-ID:]\n[last_CSeq:]"
)


def _caller(voice: Path, talk: tuple[float, float]) -> str:
    def note(did: str, by: str = "-") -> str:
        return _NOTE.format(side="C", client="[field0]", phone="[field1]", did=did, by=by)

    failures = "".join(
        f'<recv response="{code}" optional="true" next="failed"><action>{note("failed", str(code))}</action></recv>\n'
        for code in (403, 404, 408, 480, 486, 487, 500, 503, 603)
    )
    parts = _CALLER.format(
        sdp=_SDP.format(port="[rtpstream_audio_port]"),
        voice=voice,
        failures=failures,
        shortest=int(talk[0] * 1000),
        longest=int(talk[1] * 1000),
        **{did: note(did, "me" if did == "ended" else "-") for did in ("dialled", "rings", "answered", "ended")},
    )
    return _HEAD.format(name="provider", parts=parts)


def _called() -> str:
    def note(did: str, by: str = "-") -> str:
        return _NOTE.format(side="M", client="[$client]", phone="[$phone]", did=did, by=by)

    read = (
        '<ereg regexp="sip:\\+?([^@]+)@" search_in="hdr" header="From:" assign_to="all,client"/>'
        '<ereg regexp="sip:\\+?([^@]+)@" search_in="hdr" header="To:" assign_to="all,phone"/>'
    )
    notes = {did: note(did, "them" if did == "ended" else "-") for did in ("rings", "answered", "ended")}
    parts = _CALLED.format(reply=_REPLY, sdp=_SDP.format(port="[media_port]"), read=read, **notes)
    return _HEAD.format(name="office", parts=parts)


def start_office(folder: Path, *, port: int, exchange: int) -> Sipp:
    """The phones that are called."""
    return start_sipp("office", folder, _called(), "-rtp_echo", *_PATIENT, port=port, pbx=exchange)


def start_provider(
    folder: Path, *, port: int, exchange: int, dids: Sequence[str], at_once: int, talk: tuple[float, float], most: int
) -> Sipp:
    """The clients: so many calls at once until it is told to end (SIGUSR1), each by the next number of ours.

    Args:
        folder: where its files lie.
        port: its own.
        exchange: the exchange's.
        dids: our numbers, called in turn.
        at_once: calls that go on.
        talk: shortest and longest talk in seconds.
        most: lines of its file; so many calls at most.
    """
    write_speech(folder / "speech.wav")
    sound, rate = soundfile.read(folder / "speech.wav", dtype="int16")
    soundfile.write(folder / "speech.raw", sound, rate, format="RAW", subtype="ALAW")
    lines = (f"7916{1_000_000 + n};{dids[n % len(dids)]}\n" for n in range(most))
    (folder / "clients.csv").write_text("SEQUENTIAL\n" + "".join(lines))
    options = ("-inf", "clients.csv", "-r", "2", "-m", str(most), "-l", str(at_once), *_PATIENT)
    return start_sipp("provider", folder, _caller(folder / "speech.raw", talk), *options, port=port, pbx=exchange)


def register_all(port: int, exchange: int, phones: Sequence[str], password: str) -> None:
    """Register all phones at one port, for an hour; the exchange may need a moment to know them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((HERE, port))
        opened.settimeout(2.0)
        for phone in phones:
            until = time.monotonic() + _PATIENCE
            while (code := _register(opened, (HERE, exchange), phone, password)) != 200:
                if time.monotonic() > until:
                    raise SystemExit(f"phone {phone} cannot register: {code}")
                time.sleep(0.5)


def _register(opened: socket.socket, exchange: Place, phone: str, password: str) -> int:
    own, uri, proof = opened.getsockname(), f"sip:{exchange[0]}:{exchange[1]}", ""
    mark = f"{phone}-{time.monotonic_ns()}"
    for cseq in (1, 2):
        text = (
            f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own[0]}:{own[1]};rport;branch=z9hG4bK{mark}-{cseq}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{phone}@{HERE}>;tag={mark}\r\nTo: <sip:{phone}@{HERE}>\r\n"
            f"Call-ID: {mark}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{phone}@{own[0]}:{own[1]}>\r\n"
            f"Expires: {_REGISTERED_SECONDS}\r\n{proof}Content-Length: 0\r\n\r\n"
        )
        opened.sendto(text.encode(), exchange)
        try:
            answer = read_message(opened.recv(65_536))
        except TimeoutError:
            return 408
        assert isinstance(answer, Response)
        if answer.code != 401:
            return answer.code
        challenge = read_challenge(answer.every("WWW-Authenticate"))
        said = answer_challenge(challenge, user=phone, password=password, method="REGISTER", uri=uri)
        proof = f"Authorization: {said}\r\n"
    return 401
