"""`trunkline replay` as a person and a script use it: arguments, tables, files in pieces, damaged files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import replay
from tests.scenarios.catalogue import NAMED, SCENARIOS, arguments, records_of

ANSWERED = NAMED["in_answered"]
WHO = ["--managers", "100,101,102", "--trunks", "trunk", "--region", "RU"]
DOCS = Path(__file__).parents[2] / "docs" / "replay.md"


def printed(capsys: pytest.CaptureFixture[str], *words: str | Path) -> list[dict[str, Any]]:
    assert replay.run(arguments([str(word) for word in words] + ["--json"])) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_empty_journal_prints_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty.cel.csv").touch()

    assert printed(capsys, tmp_path / "empty.cel.csv", *WHO) == []


def test_pieces_of_a_rotated_journal_are_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = records_of(ANSWERED.journal)
    (tmp_path / "old.cel.csv").write_text("\n".join(rows[:6]) + "\n", encoding="utf-8")
    (tmp_path / "new.cel.csv").write_text("\n".join(rows[6:]) + "\n", encoding="utf-8")

    whole = printed(capsys, ANSWERED.journal, *WHO)

    assert printed(capsys, tmp_path / "new.cel.csv", tmp_path / "old.cel.csv", *WHO) == whole
    assert printed(capsys, ANSWERED.journal, ANSWERED.journal, *WHO) == whole


def test_a_last_row_without_its_newline_counts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.cel.csv"
    cut.write_bytes(ANSWERED.journal.read_bytes().rstrip(b"\n"))

    assert printed(capsys, cut, *WHO) == printed(capsys, ANSWERED.journal, *WHO)


def test_a_tables_file_says_the_same_as_arguments(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scenario = NAMED["01_queue_local"]
    tables = tmp_path / "site.toml"
    tables.write_text(
        'trunks = ["my-trunk-1"]\nregion = "RU"\n\n[managers]\nanna-desk = "101"\n101-WS = "101"\n102 = ""\n',
        encoding="utf-8",
    )

    calls = printed(capsys, scenario.journal, "--tables", tables)

    assert calls == printed(capsys, scenario.journal, *scenario.arguments)


def test_an_argument_wins_over_the_tables_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tables = tmp_path / "site.toml"
    tables.write_text('managers = "101"\ntrunks = "other"\nregion = "RU"\n', encoding="utf-8")

    assert printed(capsys, ANSWERED.journal, "--tables", tables, "--trunks", "trunk")[0]["client"] == "+79161234567"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "--managers and --trunks"),
        ([*WHO, "--timezone", "Moscow"], "Europe/Moscow"),
        ([*WHO[:4], "--region", "Russia"], "RUSSIA"),
        ([*WHO, "--tables", "/nowhere/site.toml"], "/nowhere/site.toml"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(words: list[str], named: str) -> None:
    with pytest.raises(replay.BadReplay, match=re.escape(named)):
        replay.run(arguments([str(ANSWERED.journal), *words]))


@pytest.mark.parametrize("text", ["managers = ", "colour = 'red'"])
def test_a_wrong_tables_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")

    with pytest.raises(replay.BadReplay, match=r"--tables"):
        replay.run(arguments([str(ANSWERED.journal), "--tables", str(tmp_path / "site.toml")]))


def test_a_missing_file_is_one_line_and_a_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["replay", str(tmp_path / "gone.cel.csv"), *WHO]) == 1
    assert capsys.readouterr().err.splitlines() == [f"trunkline: {tmp_path}/gone.cel.csv: No such file or directory"]


def test_damaged_rows_are_told_and_the_others_count(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.cel.csv"
    damaged.write_bytes(b'"torn","row\n' + ANSWERED.journal.read_bytes() + b"\x00\x00\n")

    assert replay.run(arguments([str(damaged), *WHO, "--json"])) == 0

    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "are no row" in told.err


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"\xff\xfe", b'{"Event":"CEL","EventName":"NO_SUCH"}', b'{"Event":5}', b'{"Event":"CEL"}'],
)
def test_a_damaged_line_of_a_stream_costs_only_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: bytes
) -> None:
    stream = tmp_path / "damaged.ami.jsonl"
    stream.write_bytes(line + b"\n\n" + ANSWERED.stream.read_bytes())

    assert printed(capsys, stream, *WHO) == printed(capsys, ANSWERED.stream, *WHO)


@pytest.mark.parametrize("row", ["4,NO_SUCH,2026-11-21 10:00:00,1.1", "x,CHAN_START,now,1.1", "4"])
def test_a_damaged_row_below_a_header_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, row: str) -> None:
    table = tmp_path / "cel.csv"
    table.write_text("id,eventtype,eventtime,uniqueid\n" + row + "\n", encoding="utf-8")

    assert replay.run(arguments([str(table), *WHO, "--json"])) == 0
    assert "cel.csv: record 1" in capsys.readouterr().err


def test_bytes_that_are_no_text_do_not_stop_the_replay(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    odd = tmp_path / "odd.cel.csv"
    odd.write_bytes(b"\xef\xbb\xbf" + ANSWERED.journal.read_bytes().replace(b'"4950001"', b'"495\xff\x1b[31m"'))

    (call,) = printed(capsys, odd, *WHO)

    assert call["did"] == "495\\xff\x1b[31m"


def test_a_line_for_a_person_holds_no_control_characters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    odd = tmp_path / "odd.cel.csv"
    odd.write_bytes(ANSWERED.journal.read_bytes().replace(b'"4950001"', b'"495\x1b[31m"'))

    assert replay.run(arguments([str(odd), *WHO])) == 0

    out = capsys.readouterr().out
    assert out.rstrip("\n").isprintable()
    assert "inbound +79161234567 ->" in out


def test_unmapped_endpoints_are_named_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(arguments([str(ANSWERED.journal), "--trunks", "trunk"])) == 0
    assert "PJSIP/101" in capsys.readouterr().err


def test_the_prefix_of_the_pbx_is_taken_off(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dialled = tmp_path / "prefixed.cel.csv"
    dialled.write_bytes(NAMED["out_answered"].journal.read_bytes().replace(b"79169998877", b"9989169998877"))

    (call,) = printed(capsys, dialled, *WHO, "--prefix", "9,99")

    assert call["client"] == "+79169998877"


@pytest.mark.parametrize("mobile", ["79031112233", "+79031112233", "89031112233", "9031112233"])
def test_a_managers_mobile_may_be_written_in_any_way(capsys: pytest.CaptureFixture[str], mobile: str) -> None:
    who = ["--managers", f"anna-desk=101,{mobile}=101", "--trunks", "my-trunk-1", "--region", "RU"]

    (call,) = printed(capsys, NAMED["04b_followme_direct"].journal, *who)

    assert call["answered_by"] == ["101"]


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_every_key_that_is_printed_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    calls = [c for s in SCENARIOS for c in printed(capsys, s.journal, *s.arguments, "--all")]
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert _keys(calls) <= documented


def test_every_value_of_a_word_that_is_printed_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    calls = [c for s in SCENARIOS for c in printed(capsys, s.journal, *s.arguments, "--all")]
    words = {
        call[key]
        for call in calls
        for key in ("kind", "direction", "client_kind", "result", "missed_reason", "hung_up_by")
        if call[key]
    }
    words |= {t[key] for call in calls for t in call["transfers"] for key in ("kind", "outcome") if t[key]}

    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


def test_every_argument_and_every_key_of_the_tables_file_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    told = vars(arguments(["x"]))

    assert [name for name in told if name != "files" and f"--{name.replace('_', '-')}" not in text] == []
