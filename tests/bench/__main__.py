"""Measure, and print the table of docs/benchmarks.md: `python -m tests.bench --facts 50000`."""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
import tempfile
from pathlib import Path

from services.analytics.measures import TOPICS
from shared.kafka.log import KafkaLog
from shared.log import TopicSpec
from shared.mongo import MongoStore
from tests.bench.replay import build, fill, replay
from tests.conftest import document_server, log_server

PARTITIONS = 4


def say(text: str) -> None:
    print(text, flush=True)


async def measure(address: str, mongo: str, facts: int, rounds: int, *, embedded: bool) -> None:
    log = await KafkaLog.open(address, embedded=embedded)
    store = await MongoStore.open(mongo, "bench", "bench")
    try:
        await log.create_topics([TopicSpec(topic, PARTITIONS) for topic in TOPICS])
        say(f"writing about {facts:,} facts ...")
        await fill(log, facts)
        found = await replay(log, rounds)
        say(f"| decoding {found.facts:,} facts alone | {found.decoding:,.0f} facts/s | |")
        say(f"| recomputing the measures | {found.recomputing:,.0f} facts/s | {found.ratio:.2f} |")
        say("building them in the store ...")
        say(f"| building them in the store | {await build(log, store):,.0f} facts/s | |")
    finally:
        await store.close()
        await log.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--facts", type=int, default=50_000, help="about how many")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is told")
    chosen = parser.parse_args()
    if chosen.facts < 1 or chosen.rounds < 1:
        parser.error("--facts and --rounds are 1 at least")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        with log_server(work) as log, document_server(work) as mongo:
            say(f"log: {log.name}, store: {mongo.name}, Python {platform.python_version()}")
            url = mongo.address
            embedded = log.name == "noida-db"
            asyncio.run(measure(log.address, url, chosen.facts, chosen.rounds, embedded=embedded))
    return 0


if __name__ == "__main__":
    sys.exit(main())
