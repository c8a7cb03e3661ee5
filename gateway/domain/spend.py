"""What channels cost: sums entered by hand for spans of days, spread evenly over them.

A share is the difference of two rounded sums from the span's begin, so the shares of periods that join give the whole
amount to the last cent, whatever the number of days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from gateway.domain.periods import Period

CENT = Decimal("0.01")


class ChannelBy(StrEnum):
    """What a channel is told by."""

    DID = "did"  # our number that was called
    SOURCE = "source"  # where the card says the client came from


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Channel:
    """A way on which clients come."""

    kind: str
    """Of a source, like campaign or site; empty for a DID."""
    name: str
    """The DID, or the source's name; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """A sum for a channel and a span of days."""

    channel: Channel
    days: Period
    amount: Decimal
    currency: str
    """ISO 4217."""


def share(spend: Spend, period: Period) -> Decimal:
    """The part of a sum that falls on a period's days."""
    first, last = max(spend.days.first, period.first), min(spend.days.last, period.last)
    if last < first:
        return Decimal(0)
    return _up_to(spend, (last - spend.days.first).days + 1) - _up_to(spend, (first - spend.days.first).days)


def _up_to(spend: Spend, days: int) -> Decimal:
    """What is spent on the span's first days."""
    return (spend.amount * days / spend.days.days).quantize(CENT, ROUND_HALF_UP)


def spent(spends: Iterable[Spend], period: Period) -> Mapping[Channel, Mapping[str, Decimal]]:
    """What each channel cost in a period, by currency."""
    found: dict[Channel, dict[str, Decimal]] = {}
    for spend in spends:
        if part := share(spend, period):
            sums = found.setdefault(spend.channel, {})
            sums[spend.currency] = sums.get(spend.currency, Decimal(0)) + part
    return found


def cost_per(amount: Decimal, count: int) -> Decimal | None:
    """What one of them cost; None: there was none."""
    return (amount / count).quantize(CENT, ROUND_HALF_UP) if count else None
