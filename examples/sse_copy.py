"""Keep a copy of a published view from the platform's server-sent events.

    python examples/sse_copy.py --url http://127.0.0.1:8080 --view opportunity_card [--keep FILE]

Prints a line for each change, the first ones for what is there. With `--keep` the copy is written
to a file at the end (Ctrl-C, or a plain `kill`), and the next run goes on from it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import aclosing
from pathlib import Path

from sellers.client import ApiError
from sellers.subscribing import Copy, Subscriber


async def follow(url: str, view: str, copy: Copy) -> None:
    """Print what changes until it is told to end."""
    waiting = lambda why: print(f"coming back: {why}", file=sys.stderr, flush=True)  # noqa: E731
    async with (
        Subscriber(url, view, copy=copy, waiting=waiting) as subscriber,
        aclosing(subscriber.changes()) as changes,
    ):
        async for changed in changes:
            for change in changed:
                print(json.dumps(change._asdict(), ensure_ascii=False), flush=True)
            print(f"whole {len(copy.views)}", file=sys.stderr, flush=True)


async def until_told_to_end(url: str, view: str, copy: Copy) -> None:
    following = asyncio.create_task(follow(url, view, copy))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    await asyncio.wait({following})
    if not following.cancelled() and (error := following.exception()):
        raise error


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep a copy of a published view.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--view", default="opportunity_card")
    parser.add_argument("--keep", type=Path, help="where the copy is between two runs")
    told = parser.parse_args()
    kept: Path | None = told.keep
    copy = Copy.load(kept.read_bytes()) if kept and kept.exists() else Copy()
    try:
        asyncio.run(until_told_to_end(told.url, told.view, copy))
    except ApiError as error:
        sys.exit(str(error))
    if kept is not None:
        # Whole or not at all: a kill in the midst leaves the last one.
        coming = kept.with_name(f"{kept.name}.coming")
        coming.write_bytes(copy.dump())
        coming.replace(kept)


if __name__ == "__main__":
    main()
