"""The wire format of AMI: what is one message, what is data, and what may be sent."""

import inspect
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from asterisk.ami import client as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import GatewayError, Rejected
from sip import ami_errors
from sip.ami_errors import AmbiguousField, FieldRefused, MessageTooLong, NotAnAmiServer
from sip.ami_protocol import LONGEST_LINE, AmiParser, Kind, Message, encode_action
from tests.sip.ami_server import BANNER, event, recorded, wire

Seen = list[tuple[int, Kind, str, dict[str, str | list[str]]]]


def parse(stream: bytes, cuts: Iterable[int] = (), **options: object) -> list[Message]:
    parser = AmiParser(**options)  # type: ignore[arg-type]
    edges = [0, *sorted(cuts), len(BANNER + stream)]
    pieces = ((BANNER + stream)[start:end] for start, end in pairwise(edges))
    return [message for piece in pieces for message in parser.feed(piece)]


def seen(messages: Iterable[Message]) -> Seen:
    return [(message.number, message.kind, message.name, message.fields) for message in messages]


def test_a_recorded_call_is_read_event_by_event() -> None:
    messages = parse(recorded("queue_answered.ami.jsonl"))

    assert len(messages) == 119
    assert {message.kind for message in messages} == {Kind.EVENT}
    assert messages[0].name == "Newchannel"
    assert messages[0]["Uniqueid"] == "pbx1-1795301603.285"
    assert messages[0].all("ChanVariable") == ["CRM_ID=", "CALL_DIR="]
    assert messages[0].sent_at == datetime.fromtimestamp(1795301603.011409, UTC)


def test_the_independent_client_reads_the_same_from_recorded_calls() -> None:
    stream = recorded("queue_answered.ami.jsonl") + recorded("c2c_ami.ami.jsonl")
    blocks = reference.AMIClient.asterisk_pack_regex.split(stream)[:-1]

    theirs = [reference.Event.read(block.decode()) for block in blocks]

    for message, other in zip(parse(stream), theirs, strict=True):
        assert message.name == other.name
        assert set(message) - {"Event"} == set(other.keys)
        for key, value in other.keys.items():
            if isinstance(value, dict):  # it makes a table of ChanVariable
                assert dict(one.split("=", 1) for one in message.all(key)) == value
            else:  # of any other repeated key it keeps the last value only
                assert message.all(key)[-1] == value


def test_the_greeting_is_kept_and_is_no_message() -> None:
    parser = AmiParser()

    assert list(parser.feed(BANNER[:10])) == []
    assert parser.banner is None
    assert list(parser.feed(BANNER[10:])) == []
    assert parser.banner == "Asterisk Call Manager/11.0.0"


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n", b"x" * 300, b"\r\n\r\n"])
def test_a_server_with_another_greeting_is_no_ami_server(greeting: bytes) -> None:
    with pytest.raises(NotAnAmiServer, match="host and port"):
        list(AmiParser().feed(greeting))


@pytest.mark.parametrize(
    "name", ["a\u2028Uniqueid: forged", "a\u2029b", "a\x85Uniqueid: forged", "a\rb", "a\nUniqueid: x", "\x0b\x0c\x1c"]
)
def test_only_cr_lf_ends_a_line(name: str) -> None:
    (message,) = parse(event("Newchannel", CallerIDName=name, Uniqueid="1.1"))

    assert message["CallerIDName"] == name
    assert message["Uniqueid"] == "1.1"
    assert not message.suspect


def test_bytes_that_are_no_utf8_survive_the_way_in_and_out() -> None:
    (message,) = parse(b"Event: X\r\nName: \xff\xd0\r\n\r\n")

    sent = encode_action("A", "1", {"Name": message["Name"]})

    assert b"Name: \xff\xd0\r\n" in sent


def test_a_letter_cut_in_two_by_the_network_is_whole_again() -> None:
    stream = event("X", Name="Анна")

    for cut in range(len(BANNER + stream)):
        assert parse(stream, [cut])[0]["Name"] == "Анна"


def test_a_header_that_came_twice_is_never_taken_for_one_value() -> None:
    (message,) = parse(event("Newchannel", CallerIDNum="7\r\nUniqueid: forged", Uniqueid="1.1"))

    assert message.suspect
    assert message.all("Uniqueid") == ["forged", "1.1"]
    assert message.get("Uniqueid") is None
    with pytest.raises(AmbiguousField, match="'Uniqueid' has several values"):
        message["Uniqueid"]


def test_channel_variables_repeat_without_suspicion() -> None:
    (message,) = parse(wire({"Event": "X", "ChanVariable": ["A=", "A="], "DestChanVariable": ["B=1", "C=2", "D=3"]}))

    assert message.all("ChanVariable") == ["A=", "A="]
    assert message.all("DestChanVariable") == ["B=1", "C=2", "D=3"]
    assert message.all("Missing") == []
    assert not message.suspect


def test_what_is_left_of_a_message_that_a_caller_broke_in_two_is_neither_event_nor_response() -> None:
    broken = event("Newchannel", CallerIDNum="7\r\n\r\nEvent: Hangup\r\nUniqueid: 9", CallerIDName="x")

    assert [(message.kind, message.name) for message in parse(broken)] == [
        (Kind.EVENT, "Newchannel"),
        (Kind.EVENT, "Hangup"),
    ]
    (_, rest) = parse(event("Newchannel", CallerIDNum="7\r\n\r\n", Uniqueid="1.1"))
    assert rest.kind is Kind.OTHER


def test_an_event_that_nobody_wants_becomes_no_message() -> None:
    stream = recorded("queue_answered.ami.jsonl")

    kept = parse(stream, wanted=frozenset({"CEL", "Hangup"}))

    assert seen(kept) == [one for one in seen(parse(stream)) if one[2] in {"CEL", "Hangup"}]
    assert {message.name for message in kept} == {"CEL", "Hangup"}


def test_answers_pass_every_filter_while_an_action_waits() -> None:
    stream = wire({"Response": "Success"}) + event("X", ActionID="1") + event("X", CallerIDNum="1")
    parser = AmiParser(wanted=frozenset())

    assert [message.kind for message in parser.feed(BANNER + stream)] == [Kind.RESPONSE]
    parser.answers_due = True
    assert [message.action_id for message in parser.feed(stream)] == ["", "1"]


def test_a_filter_can_be_changed_on_the_way() -> None:
    parser = AmiParser(wanted=frozenset())
    assert list(parser.feed(BANNER + event("X"))) == []

    parser.keep(None)

    assert [message.name for message in parser.feed(event("X"))] == ["X"]


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_message_without_an_end_is_refused_after_those_before_it(end: bytes) -> None:
    parser = AmiParser(largest_message=1000)
    messages = parser.feed(BANNER + event("X") + b"Event: " + b"a" * 2000 + end)

    assert next(messages).name == "X"
    with pytest.raises(MessageTooLong, match="1000 bytes"):
        next(messages)


def test_a_message_of_exactly_the_limit_is_taken_and_one_more_byte_is_not() -> None:
    block = b"Event: " + b"a" * 93

    assert len(parse(block + b"\r\n\r\n", range(1, 100), largest_message=100)) == 1
    with pytest.raises(MessageTooLong):
        parse(block + b"a\r\n\r\n", range(1, 120), largest_message=100)


def test_a_message_tells_no_numbers_in_its_repr() -> None:
    (message,) = parse(event("Newchannel", CallerIDNum="79161234567"))

    assert repr(message) == "<Message event Newchannel>"


breaks = st.sampled_from([b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\x85", "\u2028".encode(), b"\0"])
texts = st.sampled_from([b"Event: A", b"Event: ", b"Response: B", b"k: v", b"k: w", b"ActionID: 7", b": ", b"\xff"])
streams = st.lists(breaks | texts, max_size=40).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(streams, st.data())
def test_however_a_stream_is_cut_it_says_the_same(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(BANNER + stream))))

    assert seen(parse(stream, cuts)) == seen(parse(stream)) == seen(parse(stream, range(len(BANNER + stream))))


@settings(max_examples=300, deadline=None)
@given(streams)
def test_a_message_is_the_lines_before_an_empty_line(stream: bytes) -> None:
    expected: list[list[bytes]] = [[]]
    for line in stream.split(b"\r\n")[:-1]:
        expected[-1].append(line) if line else expected.append([])

    lines = [message.raw.split(b"\r\n") for message in parse(stream)]

    assert [[line for line in one if line] for one in lines] == [one for one in expected[:-1] if one]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=60))
def test_a_recorded_call_says_the_same_however_it_is_cut(cuts: list[int]) -> None:
    stream = recorded("queue_answered.ami.jsonl")

    assert seen(parse(stream, cuts)) == seen(parse(stream))


def test_an_action_is_written_in_order_and_a_list_repeats_its_key() -> None:
    packet = encode_action("Originate", "ab", {"Channel": "PJSIP/101", "Variable": ["A=1", "B=2", "A=3"]})

    assert packet == (
        b"Action: Originate\r\nActionID: ab\r\nChannel: PJSIP/101\r\n"
        b"Variable: A=1\r\nVariable: B=2\r\nVariable: A=3\r\n\r\n"
    )


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\r\n", "\r\n\r\nAction: Command\r\nCommand: core stop now"])
def test_no_value_can_end_its_line(sign: str) -> None:
    for fields in ({"CallerID": f"x{sign}y"}, {"Variable": ["ok", sign]}, {f"Call{sign}": "x"}):
        with pytest.raises(FieldRefused, match=r"Call|Variable"):
            encode_action("Originate", "1", fields)
    with pytest.raises(FieldRefused, match="Action"):
        encode_action(f"Ping{sign}", "1", {})


def test_a_refusal_names_the_field_and_the_sign_and_not_the_value() -> None:
    with pytest.raises(FieldRefused) as refusal:
        encode_action("Originate", "1", {"CallerID": "79161234567\n"})

    assert str(refusal.value) == (
        "AMI field 'CallerID' holds a line feed; a value is one line of text without CR, LF and NUL"
    )
    assert refusal.value.field == "CallerID"
    assert isinstance(refusal.value, Rejected)


@pytest.mark.parametrize("key", ["", "a b", "a:b", "Ключ", "1a", "Action", "actionid"])
def test_a_key_that_is_no_header_name_is_refused(key: str) -> None:
    with pytest.raises(FieldRefused):
        encode_action("Ping", "1", {key: "x"})


def test_what_asterisk_would_cut_off_is_refused() -> None:
    fits = "v" * (LONGEST_LINE - len("Data: "))
    assert fits.encode() in encode_action("X", "1", {"Data": fits})

    with pytest.raises(FieldRefused, match="1023 bytes"):
        encode_action("X", "1", {"Data": fits + "v"})
    with pytest.raises(FieldRefused, match="at most 128"):
        encode_action("X", "1", {"Variable": ["A=1"] * 127})
    with pytest.raises(FieldRefused, match="surrogate"):
        encode_action("X", "1", {"Data": "\ud800"})


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,5}x", fullmatch=True), st.text(max_size=50), max_size=5))
def test_whatever_can_be_sent_is_one_message_with_these_fields(fields: dict[str, str]) -> None:
    try:
        packet = encode_action("Ping", "1", fields)
    except FieldRefused:
        return

    (message,) = parse(packet)

    assert message.fields == {"Action": "Ping", "ActionID": "1"} | fields
    assert packet.count(b"\n") == len(fields) + 3


def test_every_error_answers_what_to_do() -> None:
    errors = [
        one for one in vars(ami_errors).values() if inspect.isclass(one) and one.__module__ == ami_errors.__name__
    ]

    assert len(errors) > 10
    for error in errors:
        assert issubclass(error, GatewayError)
        assert error.__doc__
