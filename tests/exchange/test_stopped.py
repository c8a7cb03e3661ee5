"""An exchange that is told to stop says goodbye to whoever talks, and tells the journal why."""

import os
import signal
from pathlib import Path

import pytest

from exchange.journal import NAME
from tests.contract.exchange_site import BehindExchange, open_exchange_site

pytestmark = pytest.mark.asyncio


async def test_a_stopped_exchange_hangs_up_and_says_why(tmp_path: Path) -> None:
    async with open_exchange_site(tmp_path) as site:
        behind = site.behind
        assert isinstance(behind, BehindExchange)
        call, taken = await site.inbound()
        before = behind.places.folder / "farewells.jsonl"
        kept = before.read_text().count('"say"')
        os.kill(behind.pid, signal.SIGTERM)
        await call.ended()
        await taken.ended()
        journal = (behind.places.journal / NAME).read_bytes()

    assert kept >= 2
    assert b"exchange_stopped" in journal
