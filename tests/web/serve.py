"""Serve the page over a day of calls until it is stopped, with a database of its own:

    python -m tests.web.serve [--static FOLDER] [--port 8090] [--large]

Then `TRUNKLINE_URL=http://127.0.0.1:8090 npx vite` in web/ shows every change of a source at once.
"""

import argparse
import asyncio
import contextlib
import tempfile
from pathlib import Path

from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import PASSWORD
from tests.database import FAST, open_folder
from tests.web.crowd import fill_crowd
from tests.web.day import open_day
from web.build import STATIC, build


async def serve(static: Path, port: int, *, large: bool) -> None:
    """Serve until cancelled."""
    with open_folder() as place:
        async with open_embedded(place / "session", settings=FAST) as server:
            await upgrade(server.dsn)
            folder = Path(tempfile.mkdtemp(prefix="trunkline-page-"))
            async with open_day(server.dsn, folder, static, port=port) as day:
                if large:
                    await fill_crowd(day.api.site.pool)
                print(f"{day.api.origin}  anna, boris (managers), head, root: {PASSWORD}", flush=True)
                await asyncio.Event().wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="Serve the page over a day of calls.")
    parser.add_argument("--static", type=Path, help="built files (gateway/static, built where its sources changed)")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0: a free one")
    parser.add_argument("--large", action="store_true", help="with 100,000 calls of 100 managers")
    args = parser.parse_args()
    if args.static is None:
        build()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(args.static or STATIC, args.port, large=args.large))


if __name__ == "__main__":
    main()
