"""docs/webhooks.md says the times, bounds and kinds that the code has."""

import json
import re
from datetime import timedelta
from pathlib import Path

from gateway.domain import webhooks
from gateway.store import delivery_log

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
UNITS = {"s": 1, "min": 60, "h": 3600}


def pause(text: str) -> timedelta:
    number, _, unit = text.partition(" ")
    return timedelta(seconds=int(number) * UNITS[unit or "s"])


def test_the_table_of_attempts_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d) \| (.+?) \|$", PAGE, re.MULTILINE)

    assert [pause(text) for _, text in rows] == [timedelta(0), *webhooks.RETRIES]
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"within {webhooks.SECONDS:g} seconds" in PAGE
    assert f"waits {webhooks.SETTLING.seconds} seconds" in PAGE
    assert f"first {webhooks.ANSWER_KEPT} bytes" in PAGE
    assert f"up to {webhooks.AT_ONCE} messages at once" in PAGE
    assert f"{webhooks.FAILING_AFTER} attempts in a row" in PAGE
    assert f"{webhooks.OFF_AFTER.days} days of failing" in PAGE
    assert f"after {webhooks.LEASE.seconds} seconds" in PAGE
    assert f"kept for {delivery_log.KEPT.days} days" in PAGE
    assert f"for {webhooks.OVERLAP // timedelta(hours=1)} hours" in PAGE


def test_the_states_of_the_page_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(webhooks.WebhookState)


def test_the_example_of_a_message_is_json_with_the_names_of_a_message() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    assert list(json.loads(block)) == ["type", "timestamp", "position", "call_id", "contact_id", "data"]
