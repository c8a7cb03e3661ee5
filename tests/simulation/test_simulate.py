"""`trunkline simulate --as-fast-as-rows`: a day through the engine's brain, the fold and a database of its own."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.simulate import read_outage
from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.simulation.account import Entered, account_of
from gateway.simulation.plan import Origin, Outage, OutageKind, Wishes, WrongWish, extension_of, plan_day
from gateway.simulation.quick import TRUNK, House, live_through
from tests.cli.command_site import open_command_site
from tests.database import open_folder

BEGINS = datetime(2026, 11, 20, 6, tzinfo=UTC)


def lived(**wishes: object) -> House:
    day: dict[str, object] = {"managers": 4, "clients": 100, "calls_per_hour": 90, "minutes": 240, "seed": 3, **wishes}
    return live_through(plan_day(Wishes(**day)), begins=BEGINS, folder=Path("/nowhere"))  # type: ignore[arg-type]


def folded(house: House) -> list[Entered]:
    managers = [manager.extension for manager in house.managers]
    phones = [Entry(pattern=e, kind=PartyKind.MANAGER, extension=e) for e in managers]
    directory = Directory(pbx="day", entries=(Entry(pattern=TRUNK, kind=PartyKind.TRUNK), *phones))
    return [
        Entered(
            client=call.client.e164 if call.client else None,
            direction=str(call.direction),
            began=call.started_at,
            result=str(call.result),
            talk=call.talk,
            taken_by=call.answered_by,
        )
        for call in fold(house.rows, directory)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_day_every_call_folds_to_what_the_phones_saw(seed: int) -> None:
    outages = (
        Outage(kind=OutageKind.PHONE, begins=600, ends=3000, manager=1),
        Outage(kind=OutageKind.PROVIDER, begins=4000, ends=4600),
        Outage(kind=OutageKind.WORKER, begins=6000, ends=6001),
    )
    house = lived(seed=seed, outages=outages)

    account = account_of(house.seen, folded(house))

    assert account.calls > 200
    assert account.whole, (account.wrong[:3], account.lost[:3], account.extra[:3])


def test_a_day_is_the_same_each_time() -> None:
    assert lived().rows == lived().rows


def test_one_manager_more_misses_fewer_clients_of_the_same_day() -> None:
    missed = [
        sum(not call.answered and call.origin is Origin.CLIENT for call in lived(managers=n).seen) for n in (1, 3, 6)
    ]

    assert missed[0] > missed[1] > missed[2]


def test_nobody_takes_calls_while_his_phone_is_out() -> None:
    house = lived(outages=(Outage(kind=OutageKind.PHONE, begins=3600, ends=7200, manager=0),))

    out = [call for call in house.seen if 3630 < (call.begins - BEGINS).total_seconds() < 7100]
    assert len(out) > 20
    assert not [call for call in out if extension_of(0) in (*call.taken_by, *call.rang)]
    assert [call for call in house.seen if extension_of(0) in call.taken_by]


def test_nobody_calls_in_or_out_while_the_provider_is_out() -> None:
    house = lived(outages=(Outage(kind=OutageKind.PROVIDER, begins=3600, ends=7200),))

    moments = [(call.begins - BEGINS).total_seconds() for call in house.seen]
    assert not [moment for moment in moments if 3600 <= moment < 7200]
    assert house.skipped > 60


def test_a_worker_that_dies_ends_its_two_calls_with_a_reason() -> None:
    quiet, house = (
        lived(managers=6),
        lived(managers=6, outages=(Outage(kind=OutageKind.WORKER, begins=5000, ends=5001),)),
    )

    lost = {event.family for event in house.rows if event.kind == "lost"}
    assert 1 <= len(lost) <= 2
    assert {event.reason for event in house.rows if event.kind == "lost"} == {"worker_died"}
    assert not [event for event in quiet.rows if event.kind == "lost"]


def test_outages_are_typed_in_minutes() -> None:
    assert read_outage("provider@30+5") == Outage(kind=OutageKind.PROVIDER, begins=1800, ends=2100)
    assert read_outage("phone2@0.5") == Outage(kind=OutageKind.PHONE, begins=30, ends=90, manager=1)


@pytest.mark.parametrize("text", ["", "phone", "mars@1", "phone@", "phone@1+", "phone@1.2.3", "phone@x", "phone@1;ls"])
def test_what_is_no_outage_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(WrongWish, match="is no outage"):
        read_outage(text)


def test_the_command_lives_through_a_day_and_keeps_it_as_demonstration_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a database of its own: the address of the site's is one where nobody listens."""
    site = open_command_site(tmp_path, "postgresql://nobody@127.0.0.1:1/none", capsys, monkeypatch)
    words = ("--as-fast-as-rows", "--managers", "3", "--minutes", "120", "--seed", "5", "--json")
    with open_folder() as folder:
        done = site.run("simulate", *words, "--keep", str(folder / "session"))
        again = site.run("simulate", *words, "--keep", str(folder / "session"))

        assert (folder / "session" / "pg18").is_dir()
    told = json.loads(done.out)
    assert (done.code, told["accounted"]["whole"]) == (0, True)
    assert told["accounted"]["right"] == told["inbound"] + told["outbound"] > 100
    assert (again.code, again.out) == (1, "")
    assert "is not empty; a day is kept in a folder of its own" in again.err


def test_the_report_says_who_is_missed_and_overloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as home:
        text = f'home = "{home}/session"\n'
        site = open_command_site(tmp_path, "", capsys, monkeypatch, text)
        done = site.run(
            "simulate", "--as-fast-as-rows", "--managers", "1", "--minutes", "60", "--calls-per-hour", "300"
        )

        assert not list((home / "session" / "simulated").iterdir())
    assert done.code == 0
    assert "Overloaded (talking 80% of the day or more): 101" in done.out
    assert "Would be missed for good" in done.out
    assert "Every call is accounted for" in done.out
    assert "no SIP, sound or workers" in done.out
    assert "The site has no inbound routes, so every phone rings for every call" in done.out


def test_wrong_wishes_are_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_command_site(tmp_path, "postgresql://nobody@127.0.0.1:1/none", capsys, monkeypatch)
    done = site.run("simulate", "--as-fast-as-rows", "--managers", "0")

    assert done.code == 1
    assert "0 managers cannot be simulated; allowed are more than 0, at most 200" in done.err
