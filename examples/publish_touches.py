"""Publish touches on Kafka as CloudEvents 1.0, with aiokafka alone.

    python examples/publish_touches.py --kafka 127.0.0.1:9092 --source /campaigns [--binary]
                                       [--answers [SECONDS]] [--ca FILE --user NAME]

Reads an event a line, without what is the same in all: `{"id": ..., "time": ..., "data": {...}}`.
Prints `sent N` when the broker has all of them. Run again, the same lines are the same touches.
With `--answers` it then prints, for so many seconds (10), what the platform answers to them, a JSON
object a line. Of a touch that is recorded without any remark it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from kafka_account import account_of, add_account

TOPIC = "touches-inbox"
ANSWERS = "touches-answers"
TYPE = "touches.touch_recorded.v1"
WAIT_MS = 250
ANSWER_S = 30.0
ANSWERS_S_MAX = 86_400

Place = tuple[str, int, int]


def structured(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    media = b"application/cloudevents+json; charset=UTF-8"
    return json.dumps(event).encode(), [("content-type", media)]


def binary(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = {name: value for name, value in event.items() if name != "data"}
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


def events_of(lines: Iterable[str], source: str) -> list[dict[str, Any]]:
    """Read all lines before any is sent, so that a slip in the last one sends nothing."""
    same = {"specversion": "1.0", "type": TYPE, "source": source}
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SystemExit(f"line {number} is not JSON: {error}") from None
        if not isinstance(told, dict) or not {"id", "data"} <= told.keys():
            raise SystemExit(f"line {number} is no event: an object with `id` and `data`")
        found.append({**same, **told})
    return found


async def publish(
    broker: dict[str, Any], events: Sequence[dict[str, Any]], *, as_headers: bool
) -> set[Place]:
    """Send them, and return where each of them lies."""
    write = binary if as_headers else structured
    # Idempotent, and acknowledged by all replicas: what is `sent` is not lost.
    producer = AIOKafkaProducer(**broker, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        sending = []
        for event in events:
            value, headers = write(event)
            # The key is the publisher's to choose: what has the same one is read in order.
            key = str(event["id"]).encode()
            sending.append(await producer.send(TOPIC, value, key, headers=headers))
        acknowledged = await asyncio.gather(*sending)
        return {(told.topic, told.partition, told.offset) for told in acknowledged}
    finally:
        await producer.stop()


async def listen(consumer: AIOKafkaConsumer) -> None:
    """Begin to read where the answers end now, before anything is sent."""
    await consumer.start()
    if ANSWERS not in await consumer.topics():
        raise SystemExit(f"there is no topic {ANSWERS} that this account may read")
    consumer.subscribe([ANSWERS])
    async with asyncio.timeout(ANSWER_S):
        while not consumer.assignment():  # noqa: ASYNC110 - the client tells nobody.
            await asyncio.sleep(0.05)
    await consumer.seek_to_end()


async def print_answers(consumer: AIOKafkaConsumer, sent: set[Place], seconds: float) -> None:
    """Print what is answered to what was sent, once: the same answer may come again."""
    seen: set[str] = set()
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        for records in (await consumer.getmany(timeout_ms=WAIT_MS)).values():
            for record in records:
                event = json.loads(record.value)
                at = event["data"]["record"]
                ours = (at["topic"], at["partition"], at["offset"]) in sent
                if ours and event["id"] not in seen:
                    seen.add(event["id"])
                    print(json.dumps(event["data"], ensure_ascii=False), flush=True)


async def run(events: Sequence[dict[str, Any]], told: argparse.Namespace) -> None:
    broker = {"bootstrap_servers": told.kafka, **account_of(told)}
    if told.answers is None:
        print(f"sent {len(await publish(broker, events, as_headers=told.binary))}")
        return
    # No group: it reads what comes while it runs. A publisher that always runs has one, and goes on
    # where it was.
    consumer = AIOKafkaConsumer(**broker, group_id=None, enable_auto_commit=False)
    try:
        await listen(consumer)
        sent = await publish(broker, events, as_headers=told.binary)
        print(f"sent {len(sent)}", flush=True)
        await print_answers(consumer, sent, told.answers)
    finally:
        await consumer.stop()


def seconds(text: str) -> float:
    """Read how long to wait: not for ever, and no time that is none."""
    try:
        told = float(text)
    except ValueError:
        told = math.nan
    if not 0 < told <= ANSWERS_S_MAX:
        wanted = f"seconds, more than 0 and {ANSWERS_S_MAX:,} at most"
        raise argparse.ArgumentTypeError(f"{text!r}: {wanted}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="Publish touches, one event a line of stdin.")
    parser.add_argument("--kafka", required=True, help="bootstrap address, HOST:PORT")
    parser.add_argument("--source", required=True, help="which system sends, such as /campaigns")
    parser.add_argument("--binary", action="store_true", help="attributes as headers")
    parser.add_argument(
        "--answers",
        nargs="?",
        type=seconds,
        const=10.0,
        metavar="SECONDS",
        help="print what is answered to them within so many seconds (10)",
    )
    add_account(parser)
    told = parser.parse_args()
    # What its client has to say of a broker that is not there is said below, in one line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    events = events_of(sys.stdin, told.source)
    try:
        asyncio.run(run(events, told))
    except KafkaConnectionError:
        raise SystemExit(f"nothing answers as Kafka at {told.kafka}") from None
    except TimeoutError:
        raise SystemExit(f"{told.kafka} does not answer in time") from None
    except (KafkaError, OSError, OverflowError, ValueError) as error:
        raise SystemExit(f"{told.kafka}: {error}") from None


if __name__ == "__main__":
    main()
