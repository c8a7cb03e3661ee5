"""What an exchange says of itself, in the words of the gateway (`gateway.domain.exchange_standing`)."""

from datetime import UTC, datetime

from exchange.control import Seen
from gateway.domain.exchange_standing import ExchangePhone, ExchangeStanding, ExchangeTrunk, LockOut, PhonePlace


def standing_of(seen: Seen) -> ExchangeStanding:
    """The standing of an exchange.

    Args:
        seen: what it said.
    """
    return ExchangeStanding(
        at=_moment(seen.at),
        started_at=_moment(seen.started_at),
        release=seen.release,
        retiring=seen.retiring,
        bind=seen.bind,
        port=seen.port,
        calls=seen.calls,
        legs=len(seen.legs),
        phones=tuple(
            ExchangePhone(
                endpoint=phone.endpoint,
                extension=phone.extension,
                places=tuple(
                    PhonePlace(address=p.address, user_agent=p.user_agent, expires_at=_moment(p.until))
                    for p in phone.places
                ),
            )
            for phone in seen.phones
        ),
        trunks=tuple(
            ExchangeTrunk(
                name=trunk.name,
                registration=trunk.registration,
                reachable=trunk.reachable,
                code=trunk.code,
                text=trunk.text,
                registered_until=None if trunk.until is None else _moment(trunk.until),
                round_trip=trunk.round_trip,
            )
            for trunk in seen.trunks
        ),
        workers=seen.workers,
        idle_workers=seen.idle_workers,
        room=seen.room,
        most_workers=seen.most_workers,
        worker_deaths=seen.deaths,
        lock_outs=tuple(
            LockOut(host=lock.host, account=lock.account, until=_moment(seen.at + lock.seconds)) for lock in seen.locks
        ),
        wrong_passwords=seen.wrong_passwords,
        strangers=seen.strangers,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
