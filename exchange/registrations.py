"""Registrations that outlive the exchange: a phone says where it is once an hour, and must ring before it does again.

The file is written at most every few seconds, and only where something changed; it holds no password, but a mark of
each account's, so that a registration does not outlive the password by which it was made. Times in it are of the
calendar, since the front's own clock begins anew with each start of the machine.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import structlog

from exchange.parties import PhoneAccount
from exchange.registrar import Binding, Registrar
from exchange.sip_address import BadMessage, read_uri

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_MOST_BYTES = 16 << 20


class Registrations:
    """The file of a registrar's bindings."""

    def __init__(self, path: Path | None, registrar: Registrar) -> None:
        """Args:
        path: the file; None: nothing is kept.
        registrar: whose they are.
        """
        self._path = path
        self._registrar = registrar
        self._written: tuple[Binding, ...] = ()
        self._read = path is None

    def restore(self, phones: Mapping[str, PhoneAccount], now: float, today: float) -> None:
        """Give the registrar what an exchange before us knew, once, of phones whose password is still the same.

        Args:
            phones: the accounts as they are now.
            now: seconds of the front's clock.
            today: seconds of the epoch.
        """
        if self._read or self._path is None:
            return
        self._read = True
        if not self._path.exists() or self._path.stat().st_size > _MOST_BYTES:
            return
        for line in self._path.read_bytes().splitlines():
            with suppress(ValueError, KeyError, TypeError, BadMessage):
                told = json.loads(line)
                account = phones.get(told["endpoint"])
                if account is not None and told["proof"] == _proof(account) and told["ends"] > today:
                    self._registrar.restore(told["endpoint"], _binding(told, now, today))

    def save(self, phones: Mapping[str, PhoneAccount], now: float, today: float) -> None:
        """Write them where they have changed; a disk that refuses is said, and tried again the next time."""
        kept = self._registrar.all_of(phones, now)
        bindings = tuple(binding for _, binding in kept)
        if self._path is None or not self._read or bindings == self._written:
            return
        lines = [json.dumps(_told(endpoint, phones[endpoint], one, now, today)) + "\n" for endpoint, one in kept]
        new = self._path.with_suffix(".new")
        try:
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as opened:
                opened.writelines(lines)
            new.replace(self._path)
            self._written = bindings
        except OSError as fault:
            log.error("the phones' registrations cannot be kept", fault=fault.strerror)


def _told(endpoint: str, account: PhoneAccount, binding: Binding, now: float, today: float) -> dict[str, object]:
    return {
        "endpoint": endpoint,
        "proof": _proof(account),
        "mark": binding.mark,
        "uri": str(binding.uri),
        "instance": binding.instance,
        "source": binding.source,
        "call_id": binding.call_id,
        "cseq": binding.cseq,
        "user_agent": binding.user_agent,
        "ends": today + binding.ends - now,
        "since": today + binding.since - now,
    }


def _binding(told: Mapping[str, Any], now: float, today: float) -> Binding:
    host, port = told["source"]
    return Binding(
        mark=str(told["mark"]),
        uri=read_uri(str(told["uri"])),
        instance=str(told["instance"]),
        source=(str(IPv4Address(host)), int(port)),
        call_id=str(told["call_id"]),
        cseq=int(str(told["cseq"])),
        user_agent=str(told["user_agent"]),
        ends=now + float(str(told["ends"])) - today,
        since=now + float(str(told["since"])) - today,
    )


def _proof(account: PhoneAccount) -> str:
    return hashlib.sha256(f"registration\0{account.ha1}".encode()).hexdigest()[:32]
