"""What can be set of the embedded engine: where it listens, how much it carries, and its providers.

It is a line like a PBX, named `embedded`; `line_of` makes the PBX's settings of it, so nothing else has to know.
"""

import importlib.util
import ipaddress
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.settings.pbx import EMBEDDED, EMBEDDED_JOURNAL, Journal, Originate, Pbx, PbxRecordings, Trunk
from gateway.settings.values import Host, PhoneDigits, PlainError, Region, SecretLine, SecretSection, Section

LIBRARY = "pjsua2"
"""The telephone library; its wheel exists for Linux x86-64 with glibc, macOS and Windows only."""


PRIVATE_NETWORKS = tuple(
    ipaddress.IPv4Network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
)
"""Where the engine may listen and phones may be; the exchange itself refuses all others (`exchange.guard`)."""


def _private(value: str) -> str:
    address = ipaddress.IPv4Address(value)
    if not any(address in private for private in PRIVATE_NETWORKS):
        raise ValueError("not a private address")
    return value


def _private_network(network: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    if not any(network.subnet_of(private) for private in PRIVATE_NETWORKS):
        raise ValueError("not a private network")
    return network


class EmbeddedTrunk(SecretSection):
    """A provider's account."""

    secret_key: ClassVar[str] = "password"  # noqa: S105 - the name of a key, not a secret
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="1 to 32 small letters, digits, dashes or underscores"
    )
    host: Host = Field(description="a host name or an IPv4 address")
    port: int = Field(default=5060, ge=1, le=65535, description="a whole number from 1 to 65535")
    user: str = Field(default="", pattern=r"^[!-~]{0,80}$", description="0 to 80 visible ASCII characters")
    password: SecretLine | None = Field(default=None, description="a text of 1 to 200 characters without line breaks")
    password_file: Path | None = Field(default=None, description="the path of a readable file")
    registration: bool = Field(default=False, description="true or false")
    caller_id: PhoneDigits | None = Field(default=None, description="a number of 1 to 15 digits, with or without +")
    dids: tuple[PhoneDigits, ...] = Field(
        default=(), max_length=500, description="a list of numbers of 1 to 15 digits, with or without +"
    )
    hosts: tuple[Annotated[str, Field(pattern=r"^[0-9./]{7,18}$")], ...] = Field(
        default=(), max_length=50, description="a list of IPv4 addresses or networks, like 203.0.113.0/28"
    )
    region: Region | None = Field(default=None, description="a country of ISO 3166 in two letters, like RU or PL")
    area_code: str = Field(default="", pattern=r"^[0-9]{0,8}$", description="0 to 8 digits, like 495")

    @model_validator(mode="after")
    def _registers_with_a_password(self) -> Self:
        if self.registration and (not self.user or self.password is None):
            raise PlainError("registration = true needs user and password")
        return self


class Embedded(Section):
    """The engine that works without a PBX."""

    enabled: bool | None = Field(default=None, description="true or false")
    """None: where the site has no PBX and this machine has the library."""
    bind: Annotated[str, AfterValidator(_private)] = Field(
        default="127.0.0.1", description="127.0.0.1 or an IPv4 address of a private network"
    )
    port: int = Field(default=5060, ge=1, le=65535, description="a whole number from 1 to 65535")
    rtp_port: int = Field(default=0, ge=0, le=65000, description="a whole number from 0 to 65000")
    rtp_ports: int = Field(default=0, ge=0, le=20000, description="a whole number from 0 to 20000")
    allowed: tuple[Annotated[ipaddress.IPv4Network, AfterValidator(_private_network)], ...] = Field(
        default=(), max_length=100, description="a list of private IPv4 networks or addresses, like 192.168.1.0/24"
    )
    workers: int = Field(default=10, ge=1, le=50, description="a whole number from 1 to 50")
    ring_seconds: int = Field(default=30, ge=5, le=300, description="a whole number from 5 to 300")
    record: bool = Field(default=True, description="true or false")
    prefix: str = Field(default="", pattern=r"^[0-9*#+]{0,8}$", description="0 to 8 digits, * # or +, like 9")
    national_prefix: str | None = Field(default=None, pattern=r"^[0-9]{0,4}$", description="0 to 4 digits, like 8")
    international_prefix: str = Field(
        default="", pattern=r"^[0-9*#+]{0,8}$", description="0 to 8 digits, * # or +, like 810 or 00"
    )
    trunks: tuple[EmbeddedTrunk, ...] = Field(default=(), max_length=50, description="a list of tables")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [trunk.name for trunk in self.trunks]
        if len(names) != len(set(names)):
            raise PlainError("two of embedded.trunks have one name; give each its own")
        return self


def has_library() -> bool:
    """Whether the telephone library is installed on this machine."""
    return importlib.util.find_spec(LIBRARY) is not None


def line_of(embedded: Embedded, home: Path) -> Pbx:
    """The engine as the line that everything else knows.

    Args:
        embedded: its settings.
        home: the gateway's, under which the exchange lives.
    """
    folder = home / "exchange"
    return Pbx(
        name=EMBEDDED,
        journal=Journal(path=folder / "journal" / EMBEDDED_JOURNAL, history_days=0),
        recordings=PbxRecordings(folder=folder / "recordings", keep_days=0),
        originate=Originate(
            channel="SIP/{endpoint}",
            prefix=embedded.prefix,
            national_prefix=embedded.national_prefix,
            international_prefix=embedded.international_prefix,
        ),
        trunks=tuple(
            Trunk(endpoint=f"SIP/{t.name}", region=t.region, area_code=t.area_code, own_numbers=_own(t))
            for t in embedded.trunks
        ),
    )


def _own(trunk: EmbeddedTrunk) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*trunk.dids, *filter(None, (trunk.caller_id,)))))
