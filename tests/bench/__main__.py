"""Measure, and print the table of docs/benchmarks.md: `python -m tests.bench --facts 50000`."""

from __future__ import annotations

import argparse
import asyncio
import platform
import signal
import sys
import tempfile
from pathlib import Path

from sellers.client import Api
from sellers.processes import EngineMissingError
from services.analytics.measures import TOPICS
from shared.kafka.log import KafkaLog
from shared.kept import keep_for_good
from shared.log import TopicSpec
from shared.mongo import MongoStore
from shared.topics import load_topics
from tests.bench.deciding import Env, decisions, sqlite
from tests.bench.folding import projector
from tests.bench.freshness import loaded, maximum, probe
from tests.bench.live import Servers, live
from tests.bench.memory import Held, api
from tests.bench.memory import projector as projector_held
from tests.bench.postgres import postgres
from tests.bench.quarter import rollups
from tests.bench.replay import build, fill, replay, verified
from tests.bench.reports import measured
from tests.bench.scale import cost, stored
from tests.bench.taking import Taken, batches, singles
from tests.conftest import document_server, log_server
from tests.integration.started import started

PARTITIONS = 4
PARTS = ("replay", "stored", "live", "memory", "beside", "reports", "rollups", "fresh")
# The embedded store takes some thousand documents a second: more would only take longer.
LIVE_MAX = 20_000


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
        keep_for_good()  # As whoever verifies has done when it serves.
        proved = await verified(log, store, found.facts, rounds)
        ratio = proved.facts / found.decoding
        say(f"| comparing them with the log | {proved.facts:,.0f} facts/s | {ratio:.2f} |")
        say(f"| processor time of that for a fact | {proved.micros:.1f} µs | |")
    finally:
        await store.close()
        await log.close()


async def roll_up(mongo: str, sellers: int) -> None:
    store = await MongoStore.open(mongo, "bench_quarter", "bench")
    try:
        say(f"writing a quarter of {sellers:,} sellers ...")
        rolled = await rollups(store, sellers)
    finally:
        await store.close()
    say(f"| the first report reads all {rolled.cells:,} cells | {rolled.first:.2f} s | |")
    for name, seconds in sorted(rolled.reports.items(), key=lambda told: -told[1]):
        say(f"| {name} | {seconds:.2f} s | |")
    say(f"| any of them, p95 | {rolled.p95:.2f} s | |")


async def keep_folding(mongo: str, history: int) -> None:
    store = await MongoStore.open(mongo, "bench_stored", "bench")
    try:
        say("folding into the store, as the worker does ...")
        async for number, micros in stored(store, history):
            say(f"| a fact among {number:,}, with the store | {micros:.1f} µs | |")
    finally:
        await store.close()


async def keep_up(servers: Servers, facts: int) -> None:
    log = await KafkaLog.open(servers.log, embedded=servers.embedded)
    store = await MongoStore.open(servers.mongo, f"{servers.prefix}analytics", "bench")
    try:
        await log.create_topics([TopicSpec(topic, PARTITIONS) for topic in TOPICS])
        say(f"letting a worker catch up with {facts:,} facts ...")
        found = await live(log, store, servers, facts)
        say(f"| a Faust agent that counts them | {found.counting:,.0f} facts/s | |")
        say(f"| the worker, live | {found.measuring:,.0f} facts/s | {found.ratio:.2f} |")
        tenth, most = found.held
        told = f"| its memory after a tenth, and at most | {tenth:.0f}, {most:.0f} MB |"
        say(f"{told} {most / tenth:.2f} |")
    finally:
        await store.close()
        await log.close()


async def remember(servers: Servers, facts: int, requests: int) -> None:
    log = await KafkaLog.open(servers.log, embedded=servers.embedded)
    store = await MongoStore.open(servers.mongo, f"{servers.prefix}contacts", "bench")
    try:
        await log.create_topics(load_topics())
        say(f"letting an API take in {requests:,} touches ...")
        holds("an API", "touches taken in", await api(servers, requests))
        say(f"letting the projector of contacts fold {await fill(log, facts):,} facts more ...")
        holds("a projector", "steps of its views", await projector_held(log, store, servers))
    finally:
        await store.close()
        await log.close()


def holds(who: str, what: str, found: Held) -> None:
    mb = f"{found.tenth:.0f}, {found.most:.0f} MB"
    say(f"| memory of {who}, {found.done:,} {what} | {mb} | {found.ratio:.2f} |")


async def beside(servers: Servers, facts: int, rounds: int, seconds: float) -> None:
    """What is asked of us next to what does only the unavoidable part of it."""
    taken = await batches(servers, rounds, seconds)
    told("touches in batches of 500 over HTTP", "raw aiokafka", taken)
    told("touches one by one", "an empty FastAPI route", await singles(servers, rounds, seconds))
    store = await MongoStore.open(servers.mongo, "bench_beside", "bench")
    try:
        folding = await projector(store, facts, rounds)
        told("a projector", "a loop that stores the same documents", folding)
        await decide(store, sqlite(servers.folder / "theirs.db"), "SQLite", rounds, seconds)
        try:
            with postgres() as server:
                await decide(store, server.settings(), server.name, rounds, seconds)
        except EngineMissingError as error:
            say(f"| decisions on 200 events | not measured: {error} | |")
    finally:
        await store.close()


async def decide(store: MongoStore, where: Env, name: str, rounds: int, seconds: float) -> None:
    for remembering in (False, True):
        made = await decisions(store, where, rounds, seconds, remembering=remembering)
        how = ", remembering" if remembering else ""
        told("decisions on 200 events", f"eventsourcing on {name}{how}", made)


def told(what: str, other: str, taken: Taken) -> None:
    say(f"| {what} | {taken.ours:,.0f}/s | {other}: {taken.other:,.0f}/s | {taken.ratio:.2f} |")


def folded(facts: int) -> None:
    say("folding in memory, as the worker does ...")
    for number, micros in cost(facts):
        say(f"| a fact among {number:,} | {micros:.1f} µs | |")


async def play(part: str, servers: Servers, chosen: argparse.Namespace) -> None:
    facts, rounds = chosen.facts, chosen.rounds
    if part == "replay":
        await measure(servers.log, servers.mongo, facts, rounds, embedded=servers.embedded)
    elif part == "live":
        await keep_up(servers, chosen.live or min(facts, LIVE_MAX))
    elif part == "memory":
        await remember(servers, chosen.live or min(facts, LIVE_MAX), chosen.requests)
    elif part == "beside":
        await beside(servers, min(facts, LIVE_MAX), rounds, chosen.seconds)
    elif part == "rollups":
        await roll_up(servers.mongo, chosen.sellers)
    elif part == "stored":
        await keep_folding(servers.mongo, chosen.history)
    else:
        await ask(servers, chosen.opportunities)


async def ask(servers: Servers, most: int) -> None:
    for opportunities in sorted({most // 10, most}):
        say(f"writing the cells of {opportunities:,} opportunities ...")
        store = await MongoStore.open(servers.mongo, f"bench_{opportunities}", "bench")
        try:
            p95 = await measured(store, opportunities)
        finally:
            await store.close()
        say(f"| any report over {opportunities:,} opportunities, p95 | {1000 * p95:.0f} ms | |")


def fresh(work: Path, probes: int) -> None:
    """The whole platform, as `sellers up` starts it."""
    work.mkdir()
    with started(work / "data") as api:
        say(f"sending {probes:,} touches, one after the other ...")
        for line in probe(api, probes).lines("idle"):
            say(line)
        taken, most = maximum(api, say)
        say(f"| touches taken in while nothing else is asked | {taken:,.0f}/s | |")
        say(f"| of these into every view and cell | {most:,.0f}/s | |")
        say(f"sending {probes:,} touches while {most / 2:,.0f} come in a second ...")
        with loaded(lambda: Api(api.url), most / 2):
            waits = probe(api, probes)
        for line in waits.lines("at half of that"):
            say(line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--facts", type=int, default=50_000, help="about how many")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is told")
    parser.add_argument(
        "--history", type=int, default=100_000, help="facts of the longest one; 0: none"
    )
    parser.add_argument(
        "--live", type=int, help="facts that the worker, or a projector, catches up with"
    )
    parser.add_argument("--requests", type=int, default=20_000, help="while memory is looked at")
    parser.add_argument("--probes", type=int, default=1_000, help="touches that are waited for")
    parser.add_argument("--opportunities", type=int, default=100_000, help="of the largest company")
    parser.add_argument("--sellers", type=int, default=10_000, help="whose quarter is rolled up")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round, beside others")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="only these")
    chosen = parser.parse_args()
    if chosen.facts < 1 or chosen.rounds < 1:
        parser.error("--facts and --rounds are 1 at least")
    # Whoever is told to end ends what it started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        for part in chosen.parts:
            if part == "stored" and not chosen.history:
                continue
            if part == "fresh":
                fresh(work / part, chosen.probes)
                continue
            with log_server(work / part) as log, document_server(work / part) as mongo:
                say(f"log: {log.name}, store: {mongo.name}, Python {platform.python_version()}")
                servers = Servers(log.address, mongo.address, work, "bench_", log.embedded)
                asyncio.run(play(part, servers, chosen))
    if chosen.history:
        folded(chosen.history)
    return 0


if __name__ == "__main__":
    sys.exit(main())
