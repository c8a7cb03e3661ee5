"""The gateway's own exchange: whether it listens, whom it reaches, and whom it locked out.

It is asked over its control socket, beside the gateway and without disturbing it. One that does not run says nothing;
then the place where it should listen is tried: a port that is taken and a missing address are told with the cure.
"""

import socket
from collections.abc import Iterator

from exchange.doorway import look_at, runs
from exchange.front import AddressMissing, PortTaken, check_place
from exchange.guard import PublicAddress
from exchange.options import Places
from exchange.pool import EngineMissing, check_library
from exchange.standing import standing_of
from gateway import __version__
from gateway.doctor.findings import Area, Finding, length
from gateway.domain.exchange_standing import ExchangeStanding, ExchangeTrunk
from gateway.settings import Settings

KIND = "embedded"
_AREA = Area(name="exchange")
_LISTED = 10
_START = "start the gateway; what the exchange said stands in exchange/exchange.log under home"


async def check_exchange(settings: Settings) -> list[Finding]:
    """Everything there is to say of the exchange.

    Args:
        settings: the site's; the engine is one of its lines.
    """
    places = Places(home=settings.home)
    seen = await look_at(places)
    if seen is None:
        return [_silent()] if runs(places) else list(_down(settings))
    standing = standing_of(seen)
    return [
        *_front(settings, standing),
        *_phones(standing),
        *_trunks(standing),
        *look_at_workers(standing),
        *_locks(standing),
    ]


def _silent() -> Finding:
    return _AREA.advice(
        "The exchange runs and did not answer within five seconds: the machine is very busy, or it is starting.",
        "look again in a minute; what it says stands in exchange/exchange.log under home",
        code="exchange_silent",
    )


def _down(settings: Settings) -> Iterator[Finding]:
    embedded = settings.embedded
    try:
        check_library()
        check_place(embedded.bind, embedded.port)
    except EngineMissing as fault:
        remedy = "write `enabled = false` under [embedded] and configure an Asterisk as [pbx.NAME]"
        yield _AREA.fault(str(fault), remedy, code="engine_missing")
    except PortTaken as fault:
        yield _AREA.fault(f"The exchange does not run: {fault}.", *_port_lines(embedded.port), code="port_taken")
    except AddressMissing as fault:
        yield _AREA.fault(
            f"The exchange does not run: {fault}.",
            "[embedded]",
            f'bind = "{own_address() or "127.0.0.1"}"',
            code="address_missing",
        )
    except (PublicAddress, OSError) as fault:
        yield _AREA.fault(f"The exchange does not run: {fault}.", "look at [embedded] bind", code="address_public")
    else:
        yield _AREA.fault("The exchange does not run, or does not answer.", _START, code="exchange_down")


def _port_lines(port: int) -> tuple[str, ...]:
    return (f"ss --udp --listening --processes 'sport = :{port}'", "[embedded]", f"port = {port + 100}")


def _front(settings: Settings, standing: ExchangeStanding) -> Iterator[Finding]:
    age = length(standing.at - standing.started_at)
    yield _AREA.ok(
        f"The exchange listens at {standing.bind}, port {standing.port}, over UDP only, for {age};"
        f" {standing.calls} calls stand."
    )
    if standing.bind.startswith("127."):
        yield _AREA.advice(
            "It listens on this machine alone, so no telephone of the office reaches it.",
            "[embedded]",
            f'bind = "{own_address() or "(this machine in the office network)"}"',
            code="exchange_loopback",
        )
    told = (settings.embedded.bind, settings.embedded.port)
    if (standing.bind, standing.port) != told or standing.release != __version__:
        yield _AREA.advice(
            "The exchange that runs has other settings than the gateway; it is started anew as soon as it carries no"
            " call."
            if standing.release == __version__
            else f"The exchange that runs is of another release ({standing.release or 'unknown'}) than the gateway"
            f" ({__version__}); it is started anew as soon as it carries no call.",
            "nothing: its calls are not cut; where it never rests, end them at night and restart the gateway",
            code="exchange_older",
        )


def own_address() -> str:
    """The address of this machine in the network behind its first route, where that is private; empty: none is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.168.255.255", 9))  # sends nothing; it only chooses the way
            found: str = probe.getsockname()[0]
            check_place(found, 0)
        except (OSError, PublicAddress):
            return ""
    return "" if found.startswith("127.") else found


def _phones(standing: ExchangeStanding) -> Iterator[Finding]:
    phones = standing.phones
    if not phones:
        yield _AREA.advice(
            "No phone is entered, so nobody can be rung.",
            "trunkline user extension LOGIN 101",
            "PUT /api/v1/users/ID/extensions/embedded/101/phone makes the phone's password (docs/embedded.md)",
            code="phones_none",
        )
        return
    told = f"{standing.registered} of {len(phones)} phones are registered."
    if not standing.registered:
        yield _AREA.advice(
            told, f"registrar of the phones: {standing.bind}, UDP port {standing.port}", code="phones_unregistered"
        )
        return
    away = [phone.endpoint for phone in phones if not phone.places]
    listed = ", ".join(away[:_LISTED]) + (f" and {len(away) - _LISTED} more" if len(away) > _LISTED else "")
    yield _AREA.ok(" ".join((told, f"Away: {listed}.")) if away else told)


def _trunks(standing: ExchangeStanding) -> Iterator[Finding]:
    if not standing.trunks:
        yield _AREA.advice(
            "No provider is entered, so no client can call or be called.",
            "[[embedded.trunks]]",
            'name = "operator"',
            'host = "sip.example.com"',
            code="providers_none",
        )
    yield from map(_trunk, standing.trunks)


def _trunk(trunk: ExchangeTrunk) -> Finding:
    told = f"The provider {trunk.name}: {trunk.text if trunk.text.endswith('.') else f'{trunk.text}.'}"
    match trunk.works:
        case True:
            return _AREA.ok(told)
        case None:
            return _AREA.advice(told, "look again in a minute", code=f"provider_waits_{trunk.name}")
    word = "refused" if trunk.registration == "refused" else "unreachable"
    remedy = (
        "compare user, password and caller_id of this [[embedded.trunks]] with the provider's letter"
        if word == "refused"
        else "see host and port of this [[embedded.trunks]], the firewall (UDP both ways), and that bind reaches it"
    )
    return _AREA.fault(told, remedy, code=f"provider_{word}_{trunk.name}")


def look_at_workers(standing: ExchangeStanding) -> Iterator[Finding]:
    """What there is to say of the processes that carry calls: room is asked for, for a worker takes several calls."""
    if standing.worker_deaths:
        yield _AREA.advice(
            f"{standing.worker_deaths} workers died since the exchange's start and were replaced; calls they carried"
            " ended as worker_died, their recordings are kept.",
            "what each said stands in exchange/exchange.log under home",
            code="workers_died",
        )
    room = standing.idle_workers if standing.room is None else standing.room
    if not room and standing.workers >= standing.most_workers:
        yield _AREA.fault(
            f"All {standing.most_workers} workers are full: further calls are turned away.",
            "[embedded]",
            f"workers = {min(50, standing.most_workers + 5)}",
            code="workers_taken",
        )
        return
    if not standing.workers:
        yield _AREA.fault("No worker runs, so no call can be taken.", _START, code="workers_none")
        return
    yield _AREA.ok(
        f"{standing.workers} workers run with room for {room} calls; at most {standing.most_workers} workers."
    )


def _locks(standing: ExchangeStanding) -> Iterator[Finding]:
    for lock in standing.lock_outs[:_LISTED]:
        left = length(lock.until - standing.at)
        yield _AREA.advice(
            f"The account {lock.account} is locked out at the host {lock.host} for {left}: wrong passwords."
            if lock.account
            else f"The host {lock.host} is locked out altogether for {left}: wrong passwords.",
            "enter the right password there, or a new one: it ends the lock at once",
            code="phone_locked_out",
        )
    if not standing.lock_outs:
        yield _AREA.ok(f"Nobody is locked out; {standing.wrong_passwords} wrong passwords since its start.")
