"""The lab's own manager session: blocking, small, and trusted with everything.

Tests use it to look at Asterisk from the side and to make it do what the gateway may not (run commands,
redirect channels). It shares no code with the gateway's client, so that the two can check each other.
Rule: an action and its answer are lines `Name: value` ended by an empty line (Asterisk, "AMI v2
specification").
"""

from __future__ import annotations

import socket
import time
from types import TracebackType
from typing import Self

from lab.errors import LabTimeoutError, ServerFailed

ANSWER_SECONDS = 30.0


class Console:
    """A session with one Asterisk; enter it to log in, leave it to close the connection."""

    def __init__(self, port: int, user: str, secret: str) -> None:
        """Connect to 127.0.0.1:`port`; `user` and `secret` are sent on entering."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self._account = (user, secret)
        self._buffer = b""
        self._events: list[dict[str, str]] = []
        self._last_action = 0

    def __enter__(self) -> Self:
        """Log in."""
        try:
            self._take_until(b"\r\n", ANSWER_SECONDS)
            self.action("Login", Username=self._account[0], Secret=self._account[1])
        except BaseException:  # whatever went wrong, nobody else will close it
            self._socket.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._socket.close()

    def action(self, name: str, **fields: str) -> dict[str, str]:
        """Send an action and wait for its answer.

        Args:
            name: The action, for example `Originate`.
            fields: Its fields; values are sent as they are.

        Returns:
            The answer's fields; output lines of a command are joined under `Output`.

        Raises:
            ServerFailed: Asterisk refused the action.
        """
        self._last_action += 1
        number = str(self._last_action)
        lines = [f"Action: {name}", f"ActionID: {number}", *(f"{key}: {fields[key]}" for key in fields)]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while True:
            packet = self._packet(ANSWER_SECONDS)
            if "Response" in packet and packet.get("ActionID") == number:
                break
            self._events.append(packet)
        if packet["Response"] == "Error":
            raise ServerFailed(f"Asterisk refused {name}: {packet.get('Message', 'no reason given')}")
        return packet

    def command(self, text: str) -> str:
        """Run a console command and give its output."""
        return self.action("Command", Command=text).get("Output", "")

    def wait_event(self, name: str, seconds: float, **fields: str) -> dict[str, str]:
        """Wait for an event with the given name and fields; events seen earlier count.

        Raises:
            LabTimeoutError: It did not come in time.
        """
        wanted = {"Event": name, **fields}
        deadline = time.monotonic() + seconds
        while True:
            for place, event in enumerate(self._events):
                if wanted.items() <= event.items():
                    return self._events.pop(place)
            self._events.append(self._packet(deadline - time.monotonic()))

    def seen(self) -> list[dict[str, str]]:
        """Give the events that arrived and nobody waited for."""
        return list(self._events)

    def _packet(self, seconds: float) -> dict[str, str]:
        packet: dict[str, str] = {}
        for line in self._take_until(b"\r\n\r\n", seconds).decode("utf-8", "replace").split("\r\n"):
            key, _, value = line.partition(":")
            packet[key] = f"{packet[key]}\n{value[1:]}" if key in packet else value[1:]
        return packet

    def _take_until(self, end: bytes, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        while end not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabTimeoutError(f"Asterisk said nothing that was waited for in {seconds:.1f} s")
            self._socket.settimeout(left)
            try:
                read = self._socket.recv(65536)
            except TimeoutError:
                continue
            if not read:
                raise ConnectionResetError("Asterisk closed the manager connection")
            self._buffer += read
        taken, self._buffer = self._buffer.split(end, 1)
        return taken
