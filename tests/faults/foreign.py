"""Somebody else writes into our topics: the same records once more, or what is no fact at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import orjson
from aiokafka import AIOKafkaProducer

from shared.log import Record, partition_of
from tests.faults.plant import Plant
from tests.faults.scenario import Load, Told, compare, engines, load, telling
from tests.faults.truth import parked_in, records_on

TIMES = 2
# So many streams may be parked in a minute before folding stops: that many bad ones are no accident
# but a bad release.
STREAMS, POISON = 40, 2_000
TOO_MANY = 200
SEEN_S = 90.0
PARTITIONS = 4


def published_twice(work: Path, seed: int = 1, kind: str = "kafka") -> Told:
    """Every record of the log is produced again, twice, while the load goes on."""
    told = Told("every record published again, twice", "")
    with (
        telling(told),
        engines(work, kind) as servers,
        Plant(work, servers.log, servers.store) as plant,
        load(plant, work, first=seed) as running,
    ):
        told.engines = servers.name
        running.goes_on(60)
        for _ in range(TIMES):
            copies = records_on(servers.log.address, **servers.options)
            Random(seed).shuffle(copies)  # Not even in their order.
            asyncio.run(_produce(servers.log.address, copies))
            told.say(f"{len(copies):,} records produced again, shuffled")
            running.goes_on()
        compare(plant, running, servers.log.address, told, **servers.options)
        told.check(told.again >= len(copies), "the copies are not on the log")
    return told


def poison(work: Path, seed: int = 1, kind: str = "kafka") -> Told:
    """Thousands of records that are no facts: they park their streams, and nobody else's."""
    told = Told(f"{POISON:,} records that are no facts, in {STREAMS} streams", "")
    with (
        telling(told),
        engines(work, kind) as servers,
        Plant(work, servers.log, servers.store) as plant,
        load(plant, work, first=seed) as running,
    ):
        told.engines = servers.name
        bad = list(_poison(Random(seed), STREAMS))
        began = time.monotonic()
        asyncio.run(_produce(servers.log.address, bad))
        streams = {record.key.decode() for record in bad if record.key}
        plant.wait_for("the poison in /parked", lambda: _parked(plant) == streams, SEEN_S)
        told.say(f"all in sight after {time.monotonic() - began:.1f} s")
        running.goes_on()
        told.say(f"{running.longest_gap_s(began):.1f} s without an acknowledgement")
        compare(plant, running, servers.log.address, told, streams, **servers.options)
    return told


def flood(work: Path, seed: int = 1, kind: str = "kafka") -> Told:
    """Too many streams at once: folding stops, says why, and goes on when told to."""
    told = Told(f"{POISON:,} records that are no facts, in {TOO_MANY} streams", "")
    with telling(told), engines(work, kind) as servers:
        told.engines = servers.name
        bad = list(_poison(Random(seed), TOO_MANY))
        streams = {record.key.decode() for record in bad if record.key}
        with (
            Plant(work, servers.log, servers.store) as plant,
            load(plant, work, first=seed) as first,
        ):
            asyncio.run(_produce(servers.log.address, bad))
            began = time.monotonic()
            plant.wait_for("unreadiness", lambda: not plant.is_ready(), SEEN_S)
            told.say(f"unready after {time.monotonic() - began:.1f} s")
            first.goes_on()  # What is told to us is kept all the same.
            first.stop()
        more = {"SELLERS_PARKED_MAX": str(2 * TOO_MANY)}
        with (
            Plant(work, servers.log, servers.store, settings=more) as plant,
            load(plant, work, first=seed + 10) as second,
        ):
            second.goes_on()
            everything = Load(first.ledgers + second.ledgers)
            second.stop()
            compare(plant, everything, servers.log.address, told, streams, **servers.options)
            told.say(f"{len(streams)} streams set aside once that was allowed")
    return told


def _parked(plant: Plant) -> set[str]:
    return {fact["stream"] for fact in parked_in(plant.api)}


async def _produce(address: str, records: list[Record]) -> None:
    """As a program of somebody else does that knows where each belongs."""
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        sent = [
            await producer.send(
                record.topic,
                record.value,
                record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            for record in records
        ]
        await asyncio.gather(*sent)


def _poison(random: Random, streams: int) -> Iterator[Record]:
    for number in range(POISON):
        topic, kind = (("contacts", "person"), ("touches", "touch"))[number % 2]
        stream = f"{kind}-poison-{number % streams}"
        value = random.choice(VENOM)(topic, stream, number)
        place = partition_of(stream, PARTITIONS)
        yield Record(topic, place, 0, stream.encode(), value, ())


def _no_json(_topic: str, _stream: str, number: int) -> bytes:
    return b"\xff\x00 no fact %d" % number


def _no_envelope(_topic: str, stream: str, number: int) -> bytes:
    return orjson.dumps({"id": str(number), "subject": stream, "nested": [[[[number]]]] * 100})


def _nothing(_topic: str, _stream: str, _number: int) -> bytes | None:
    return None


def _unknown(topic: str, stream: str, number: int) -> bytes:
    return _envelope(f"{topic}.never_heard_of.v1", stream, number, {"a": "b" * 10_000})


def _incomplete(topic: str, stream: str, number: int) -> bytes:
    wire = {"contacts": "contacts.person_registered.v1", "touches": "touches.touch_recorded.v1"}
    return _envelope(wire[topic], stream, number, {"name": ["no", "text"]})


def _envelope(wire: str, stream: str, number: int, said: dict[str, object]) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"poison-{number}",
            "source": "elsewhere",
            "type": wire,
            "subject": stream,
            "time": "2026-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "recordedat": "2026-01-01T00:00:00Z",
            "streamversion": 1,
            "actor": "elsewhere",
            "correlationid": "poison",
            "data": said,
        }
    )


VENOM: tuple[Callable[[str, str, int], bytes | None], ...] = (
    _no_json,
    _no_envelope,
    _nothing,
    _unknown,
    _incomplete,
)
