"""Ports that are handed on: nobody else gets them meanwhile."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import ports
from lab.ports import HELD, free_port, sound_ports

TAKE = "from lab.ports import free_port; print(*(free_port() for _ in range(300)), flush=True); input()"


@pytest.fixture
def another() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", TAKE], stdin=-1, stdout=-1, text=True) as process:
        yield process
        process.kill()


def test_two_processes_are_never_given_the_same_port(another: "subprocess.Popen[str]") -> None:
    assert another.stdout is not None
    theirs = {int(port) for port in another.stdout.readline().split()}

    ours = {free_port() for _ in range(300)}

    assert len(theirs) == len(ours) == 300
    assert not ours & theirs
    assert not any(ports._hold(port) for port in theirs)


def test_a_process_that_is_killed_lets_go_of_its_ports(another: "subprocess.Popen[str]") -> None:
    assert another.stdout is not None
    theirs = [int(port) for port in another.stdout.readline().split()]

    another.kill()
    another.wait()

    assert all(ports._hold(port) for port in theirs)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_somebody_listens_on_is_not_free(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))

        assert not ports._is_free(taken.getsockname()[1])


def test_ports_lie_below_those_the_system_chooses_and_apart_from_sound() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))

        assert probe.getsockname()[1] >= HELD.stop
    assert sound_ports() % 2 == 0
    assert ports.SOUND.stop + 400 <= HELD.start
