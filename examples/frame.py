"""Turn a published view into a pandas DataFrame that follows it. Needs `pip install pandas`.

    python examples/frame.py --url http://127.0.0.1:8080 [--csv FILE]

Prints the open pipeline by stage and currency, again whenever an opportunity has changed, a second
apart at least. `--csv` writes the whole frame each time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from sellers.client import ApiError
from sellers.subscribing import Subscriber

try:
    import pandas as pd
except ModuleNotFoundError:
    sys.exit("frame.py needs pandas: pip install pandas")

VIEW = "opportunity_card"
APART_S = 1.0
DATES = ("discovered_on", "stage_on", "expected_close_on", "closed_on")
# Decimals come as text, to the cent. For sums that go to an invoice keep them as `Decimal`.
NUMBERS = ("amount", "value")


def frame_of(views: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return a row for each opportunity, under its key."""
    frame = pd.DataFrame.from_dict(views, orient="index")
    for name in DATES:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name])
    for name in NUMBERS:
        if name in frame:
            frame[name] = pd.to_numeric(frame[name])
    return frame.sort_index()


def open_by_stage(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many are open and for how much; amounts of two currencies are never added."""
    if frame.empty:
        return pd.DataFrame(columns=["count", "amount"])
    still_open = frame[frame["outcome"].isna() & ~frame["latent"].astype(bool)]
    groups = still_open.groupby(["stage", "currency"], dropna=False)["amount"]
    return groups.agg(count="size", amount="sum")


async def follow(url: str, csv: Path | None) -> None:
    changed = asyncio.Event()
    async with Subscriber(url, VIEW) as subscriber:
        await asyncio.gather(listen(subscriber, changed), show(subscriber, changed, csv))


async def listen(subscriber: Subscriber, changed: asyncio.Event) -> None:
    async with aclosing(subscriber.changes()) as changes:
        async for _ in changes:
            changed.set()


async def show(subscriber: Subscriber, changed: asyncio.Event, csv: Path | None) -> None:
    while await changed.wait():
        changed.clear()
        frame = frame_of(subscriber.copy.views)
        if csv is not None:
            frame.to_csv(csv, index_label="key")
        print(f"{len(frame)} opportunities, open:", open_by_stage(frame), sep="\n", flush=True)
        await asyncio.sleep(APART_S)


def main() -> None:
    parser = argparse.ArgumentParser(description="A published view as a pandas DataFrame.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--csv", type=Path, help="where to write the frame each time")
    told = parser.parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(follow(told.url, told.csv))
    except ApiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
