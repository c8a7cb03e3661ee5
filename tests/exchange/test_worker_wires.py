"""Who hears whom, as a pure rule: no sound, no library."""

from exchange.wire import SpyMode
from exchange.worker_wires import IDLE, LegSound, Port, Wiring


def hears(wiring: Wiring) -> set[str]:
    """Wires between legs, as `who>whom`."""
    return {f"{a[1]}>{b[1]}" for a, b in wiring.wires() if a[0] is b[0] is Port.LEG}


def written(wiring: Wiring, leg: str) -> tuple[set[str], set[str]]:
    """What goes into a leg's two files besides silence."""
    got = {kind: {a[1] for a, b in wiring.wires() if b == (kind, leg) and a != IDLE} for kind in Port}
    return got[Port.RECEIVED], got[Port.SENT]


def talk(*joined: str, also: str = "") -> Wiring:
    """Legs with sound, those of each pair like `ca` joined."""
    wiring = Wiring(legs={leg: LegSound(runs=True) for leg in "".join(joined) + also})
    wiring.joined = {frozenset(pair) for pair in joined}
    return wiring


def test_joined_legs_hear_each_other_and_others_do_not() -> None:
    assert hears(talk("ca", also="x")) == {"c>a", "a>c"}


def test_three_legs_joined_in_pairs_are_a_conference() -> None:
    assert len(hears(talk("ca", "cb", "ab"))) == 6


def test_a_leg_without_sound_has_no_wire() -> None:
    wiring = talk("ca")
    wiring.legs["a"].runs = False
    assert hears(wiring) == set()


def test_on_hold_nobody_hears_anybody_whoever_asked_for_it() -> None:
    for of, which in (("c", "held"), ("a", "held"), ("c", "far_held"), ("a", "far_held")):
        wiring = talk("ca")
        setattr(wiring.legs[of], which, True)
        assert hears(wiring) == set()


def test_what_is_played_reaches_its_leg_alone_even_on_hold() -> None:
    wiring = talk("ca")
    wiring.legs["c"].plays = wiring.legs["c"].held = True
    assert wiring.wires() == {((Port.PLAYER, "c"), (Port.LEG, "c"))}


def test_a_recording_holds_both_sides_and_always_an_idle_wire() -> None:
    wiring = talk("ca", also="x")
    wiring.legs["c"].records = True
    assert written(wiring, "c") == ({"c"}, {"a"})
    assert {(IDLE, (Port.RECEIVED, "c")), (IDLE, (Port.SENT, "c"))} <= wiring.wires()


def test_paused_held_or_parted_a_recording_gets_silence_but_goes_on() -> None:
    for change in ("paused", "held", "far_held", "parted"):
        wiring = talk("ca")
        wiring.legs["c"].records = True
        if change == "parted":
            wiring.joined.clear()
        else:
            setattr(wiring.legs["c"], change, True)
        assert written(wiring, "c") == (set(), set())
        assert (IDLE, (Port.RECEIVED, "c")) in wiring.wires()


def test_a_pause_is_no_hold_for_those_who_talk() -> None:
    wiring = talk("ca")
    wiring.legs["c"].records = wiring.legs["c"].paused = True
    assert hears(wiring) == {"c>a", "a>c"}


def test_each_mode_of_spying_reaches_whom_it_says() -> None:
    talking = {"c>a", "a>c", "c>s", "a>s"}
    for mode, more in (
        (SpyMode.LISTEN, set()),
        (SpyMode.WHISPER, {"s>a"}),
        (SpyMode.BARGE, {"s>a", "s>c"}),
    ):
        wiring = talk("ca", also="s")
        wiring.legs["s"].spies = ("a", mode)
        assert hears(wiring) == talking | more


def test_a_supervisor_is_never_recorded() -> None:
    for mode in SpyMode:
        for at in "ac":
            wiring = talk("ca", also="s")
            wiring.legs["c"].records = True
            wiring.legs["s"].spies = (at, mode)
            assert written(wiring, "c") == ({"c"}, {"a"})


def test_while_the_client_holds_the_supervisor_can_still_whisper() -> None:
    wiring = talk("ca", also="s")
    wiring.legs["c"].held = True
    wiring.legs["s"].spies = ("a", SpyMode.WHISPER)
    assert hears(wiring) == {"a>s", "s>a"}


def test_a_leg_that_is_over_is_remembered_by_nobody() -> None:
    wiring = talk("ca", also="s")
    wiring.legs["s"].spies = ("a", SpyMode.BARGE)
    wiring.forget("a")
    assert (hears(wiring), wiring.joined, wiring.legs["s"].spies) == (set(), set(), None)
