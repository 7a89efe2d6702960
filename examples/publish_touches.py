"""Publish touches on Kafka as CloudEvents 1.0, with aiokafka alone.

    python examples/publish_touches.py --kafka 127.0.0.1:9092 --source /campaigns [--binary]

Reads an event a line, without what is the same in all: `{"id": ..., "time": ..., "data": {...}}`.
Prints `sent N` when the broker has all of them. Run again, the same lines are the same touches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

TOPIC = "touches-inbox"
TYPE = "touches.touch_recorded.v1"


def structured(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    media = b"application/cloudevents+json; charset=UTF-8"
    return json.dumps(event).encode(), [("content-type", media)]


def binary(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = {name: value for name, value in event.items() if name != "data"}
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


async def publish(kafka: str, source: str, lines: Iterable[str], *, as_headers: bool) -> int:
    write = binary if as_headers else structured
    # Idempotent, and acknowledged by all replicas: what is `sent` is not lost.
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        sending = []
        for line in lines:
            event = {"specversion": "1.0", "type": TYPE, "source": source, **json.loads(line)}
            value, headers = write(event)
            # The key is the publisher's to choose: what has the same one is read in order.
            key = str(event["id"]).encode()
            sending.append(await producer.send(TOPIC, value, key, headers=headers))
        return len(await asyncio.gather(*sending))
    finally:
        await producer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Publish touches, one event a line of stdin.")
    parser.add_argument("--kafka", required=True, help="bootstrap address, HOST:PORT")
    parser.add_argument("--source", required=True, help="which system sends, such as /campaigns")
    parser.add_argument("--binary", action="store_true", help="attributes as headers")
    told = parser.parse_args()
    lines = [line for line in sys.stdin if line.strip()]
    sent = asyncio.run(publish(told.kafka, told.source, lines, as_headers=told.binary))
    print(f"sent {sent}")


if __name__ == "__main__":
    main()
