"""A long look at the API by schemathesis: requests made from the served document against the real application.

`python -m bench.api_fuzz --examples 100` prints JSON; it ends with an error at the first answer that is not what the
document says. The tests do the same with a few examples.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from pathlib import Path

from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.fuzz import explore, tireless_admin
from tests.api.known import known_things
from tests.api.site import open_api
from tests.database import FAST, open_folder
from tests.gateway.site import SCENARIOS, rows_of


async def main(examples: int) -> None:
    """Fill the application with every recorded journal, and ask it."""
    with open_folder() as folder:
        async with open_embedded(folder / "server", settings=FAST) as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                for scenario in sorted(p.name for p in SCENARIOS.iterdir() if (p / "journal.cel.csv").exists()):
                    await api.site.take_all(rows_of(scenario))
                api.board.refuse("no_phone")
                root = await api.browser()
                async with root.get("openapi.json") as response:
                    document = await response.json()
                headers = await tireless_admin(api)
                began = time.monotonic()
                answers = await asyncio.to_thread(
                    explore, document, api.origin, headers, await known_things(api), examples=examples
                )
                print(json.dumps(_told(answers, time.monotonic() - began), indent=2))


def _told(answers: Counter[str], seconds: float) -> dict[str, object]:
    statuses: Counter[str] = Counter()
    for line, count in answers.items():
        statuses[line.rpartition(" ")[2]] += count
    good = {line.rpartition(" ")[0] for line in answers if line.rpartition(" ")[2].startswith("2")}
    asked = {line.rpartition(" ")[0] for line in answers}
    return {
        "requests": answers.total(),
        "operations": len(asked),
        "never_succeeded": sorted(asked - good),
        "by_status": dict(sorted(statuses.items())),
        "server_errors": sum(count for status, count in statuses.items() if status.startswith("5")),
        "requests_per_second": round(answers.total() / seconds),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100, help="good and bad requests for each operation")
    asyncio.run(main(parser.parse_args().examples))
