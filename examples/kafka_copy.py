"""Keep a copy of a published view from its compacted Kafka topic, with aiokafka alone.

    python examples/kafka_copy.py --kafka 127.0.0.1:9092 --view opportunity_card [--once]
                                  [--ca FILE --user NAME]

Prints `whole N` when the copy holds all that the topic held at the start, then a line for each
change. `--once` prints the copy instead, a JSON object a line, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka_account import account_of, add_account

WAIT_MS = 500
ANSWER_S = 30.0


@dataclass
class Copy:
    """For each key the newest state, by its rev; a tombstone is remembered as one."""

    held: dict[str, tuple[tuple[int, ...], Any]] = field(default_factory=dict)

    def take(self, record: Any) -> bool:
        """Fold one record; say whether it was news."""
        key = record.key.decode()
        told = dict(record.headers)["ce_rev"].decode()
        rev = tuple(int(part) for part in told.split("."))
        # A record may land late, behind a newer one: the greatest rev holds, not the last record.
        if key in self.held and rev <= self.held[key][0]:
            return False
        self.held[key] = rev, None if record.value is None else json.loads(record.value)
        return True

    @property
    def views(self) -> dict[str, Any]:
        return {key: view for key, (_, view) in self.held.items() if view is not None}


async def follow(broker: dict[str, Any], view: str, *, once: bool) -> None:
    topic = f"views.{view}"
    consumer = AIOKafkaConsumer(
        **broker,
        # No group: the copy lives in this process, so it reads all of the topic at each start.
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    # A flag, looked at between two fetches: a client may swallow the cancellation that Ctrl-C is.
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(await _taken(consumer, topic))
        copy, whole = Copy(), False
        while not stopping.is_set():
            if not whole and await _reached(consumer, ends):
                whole = True
                if once:
                    for key, kept in sorted(copy.views.items()):
                        say(key=key, view=kept)
                    return
                print(f"whole {len(copy.views)}", flush=True)
            for records in (await consumer.getmany(timeout_ms=WAIT_MS)).values():
                for record in records:
                    if copy.take(record) and whole:
                        key = record.key.decode()
                        say(key=key, view=copy.held[key][1])
    finally:
        await consumer.stop()


async def _taken(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Take all partitions of a topic that is there: asking for another one might make it."""
    if topic not in await consumer.topics():
        raise SystemExit(f"there is no topic {topic}: is the view published?")
    consumer.subscribe([topic])
    async with asyncio.timeout(ANSWER_S):
        while not consumer.assignment():  # noqa: ASYNC110 - the client tells nobody.
            await asyncio.sleep(0.05)
    return sorted(consumer.assignment())


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """By position, not by count: compaction leaves offsets without a record."""
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def say(**what: Any) -> None:
    print(json.dumps(what, ensure_ascii=False), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep a copy of views.<view> of a Kafka broker.")
    parser.add_argument("--kafka", required=True, help="bootstrap address, HOST:PORT")
    parser.add_argument("--view", default="opportunity_card")
    parser.add_argument("--once", action="store_true", help="print the copy and end")
    add_account(parser)
    told = parser.parse_args()
    broker = {"bootstrap_servers": told.kafka, **account_of(told)}
    asyncio.run(follow(broker, told.view, once=told.once))


if __name__ == "__main__":
    main()
