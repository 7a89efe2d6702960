"""How fast touches are taken in: in batches beside raw aiokafka, one by one beside an empty route.

Raw aiokafka produces the very bytes that our API has put on the log, with `acks=all` and
idempotence, in waves as large as the batches. Interleaved, in rounds.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from aiokafka import AIOKafkaProducer

from sellers.processes import HOST, free_ports
from shared.access.keys import SECRET_BYTES, key_of
from shared.clock import SystemClock
from shared.kafka import KafkaLog
from shared.log import Partition, partition_of
from tests.bench import doors
from tests.bench.live import Child, Servers

BATCH = 500
AT_ONCE = 4
SINGLE_AT_ONCE = 16
STARTS_S = 60.0
PERSONS = 5_000
SOURCE = "bench"
TOUCHES = "touches"
# Of all doors of a run: what one of them has issued, the next one on these servers knows.
SECRET = secrets.token_hex(SECRET_BYTES)
SHOWN = {"authorization": f"Bearer {key_of(doors.KEY, SECRET)}"}


@dataclass(frozen=True, slots=True)
class Taken:
    """Touches a second: ours, and of what we are compared with; the median of the ratios."""

    ours: float
    other: float
    ratio: float


@contextmanager
def door(kind: str, servers: Servers) -> Iterator[tuple[str, Child]]:
    """Serve one of the two doors as a child; its address, and the child."""
    (port,) = free_ports(1)
    words = ("tests.bench.doors", kind, str(port))
    with servers.child(f"door-{kind}", words, **{doors.SECRET: SECRET}) as child:
        url = f"http://{HOST}:{port}"
        _until_open(url, child)
        yield url, child


def _until_open(url: str, child: Child) -> None:
    deadline = time.monotonic() + STARTS_S
    while True:
        try:
            if httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            pass  # Not open yet; the deadline is below.
        child.check()
        if time.monotonic() > deadline:
            raise TimeoutError(child.said.read_text()[-2_000:])
        time.sleep(0.05)


def touch(number: int) -> dict[str, Any]:
    return {
        "person": f"person-{number % PERSONS}",
        "channel": "call",
        "employee": f"employee-{number % 200}",
        "subject": "About the offer of last week",
    }


async def batches(servers: Servers, rounds: int, seconds: float) -> Taken:
    """Compare batches over HTTP with raw aiokafka."""
    with door("ours", servers) as (url, _):
        async with (
            httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
            AIOKafkaProducer(
                bootstrap_servers=servers.log, acks="all", enable_idempotence=True
            ) as raw,
        ):
            run = SystemClock().new_id()
            await _post_batch(http, f"{run}-warm")
            written = await _written(servers)

            async def produce(turn: int) -> int:
                sent = [
                    await raw.send(TOUCHES, value, key, partition=partition_of(key.decode(), 4))
                    for key, value in written
                ]
                await asyncio.gather(*sent)
                return len(sent)

            return await _compared(
                lambda turn: _post_batch(http, f"{run}-{turn}"),
                produce,
                rounds,
                seconds,
                AT_ONCE,
            )


async def singles(servers: Servers, rounds: int, seconds: float) -> Taken:
    """Compare touches one by one with an empty route that reads the same bodies."""
    limits = httpx2.Limits(max_connections=SINGLE_AT_ONCE)
    with door("ours", servers) as (url, _), door("empty", servers) as (nothing, _):
        async with (
            httpx2.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http,
            httpx2.AsyncClient(base_url=nothing, timeout=60, limits=limits, trust_env=False) as no,
        ):
            run = SystemClock().new_id()

            return await _compared(
                lambda turn: post_one(http, run, turn),
                lambda turn: post_one(no, run, turn),
                rounds,
                seconds,
                SINGLE_AT_ONCE,
            )


async def post_one(http: httpx2.AsyncClient, run: str, turn: int) -> int:
    headers = {"idempotency-key": f"{run}-{turn}", **SHOWN}
    answer = await http.post(f"/touches?source={SOURCE}", json=touch(turn), headers=headers)
    answer.raise_for_status()
    return 1


async def _post_batch(http: httpx2.AsyncClient, name: str) -> int:
    items = [{"id": f"{name}-{number}", "touch": touch(number)} for number in range(BATCH)]
    body = orjson.dumps({"source": SOURCE, "touches": items})
    headers = {"content-type": "application/json", **SHOWN}
    answer = await http.post("/touches/batch", content=body, headers=headers)
    answer.raise_for_status()
    told = answer.json()
    if told["accepted"] != BATCH:
        raise RuntimeError(f"{told['accepted']} of {BATCH} touches taken")
    return BATCH


async def _written(servers: Servers) -> list[tuple[bytes, bytes]]:
    """Return key and value of as many touches on the log as a batch has."""
    log = await KafkaLog.open(servers.log, embedded=servers.embedded)
    found: list[tuple[bytes, bytes]] = []
    try:
        deadline = time.monotonic() + STARTS_S
        # On the embedded log they are published a moment after they were accepted.
        while sum((await log.ends(TOUCHES)).values()) < BATCH:
            if time.monotonic() > deadline:
                raise TimeoutError("the first batch is not on the log")
            await asyncio.sleep(0.05)
        for partition, end in (await log.ends(TOUCHES)).items():
            async for records in log.read(Partition(*partition), 0, end):
                found += [(r.key, r.value) for r in records if r.key and r.value]
    finally:
        await log.close()
    return found[:BATCH]


Turn = Callable[[int], Awaitable[int]]


async def _compared(ours: Turn, other: Turn, rounds: int, seconds: float, at_once: int) -> Taken:
    rates: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        pair = (
            await _rate(ours, number, seconds, at_once),
            await _rate(other, number, seconds, at_once),
        )
        if number:  # The first one warms up.
            rates.append(pair)
    ratios = [mine / theirs for mine, theirs in rates]
    return Taken(
        statistics.median(mine for mine, _ in rates),
        statistics.median(theirs for _, theirs in rates),
        statistics.median(ratios),
    )


async def _rate(turn: Turn, number: int, seconds: float, at_once: int) -> float:
    """Let so many take turns for so long; return how many touches a second were acknowledged."""
    began = time.perf_counter()

    def in_time() -> bool:
        return time.perf_counter() - began < seconds

    return await done(turn, number, at_once, in_time) / (time.perf_counter() - began)


async def done(turn: Turn, number: int, at_once: int, goes_on: Callable[[], bool]) -> int:
    """Let so many take turns beside each other; return how much they did together."""

    async def work(place: int) -> int:
        own = step = 0
        while goes_on():
            own += await turn((number * 1_000_000 + step) * at_once + place)
            step += 1
        return own

    return sum(await asyncio.gather(*(work(place) for place in range(at_once))))
