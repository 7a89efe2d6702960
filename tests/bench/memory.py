"""What processes hold while they work: after a tenth of it, and most after that.

A projector folds a backlog; an API takes in touches, one by one. What a process remembers on
purpose is full, or grows no more, after a tenth: what grows from there on has no end.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from services.contacts.main import domain
from shared import builds
from shared.clock import SystemClock
from shared.log import Log
from shared.projector import Collections
from shared.store import Store
from tests.bench.live import STARTS_S, Servers
from tests.bench.taking import SINGLE_AT_ONCE, done, door, post_one

LOOKS_S = 0.2
LOOKS = 100


@dataclass(frozen=True, slots=True)
class Held:
    """How much was done, and MB of memory: after a tenth of it, and most after that."""

    done: int
    tenth: float
    most: float

    @property
    def ratio(self) -> float:
        return self.most / self.tenth


def held(looks: Sequence[tuple[int, float]], total: int) -> Held:
    """Return what was held, of how much was done and the MB at each look.

    Raises:
        RuntimeError: nobody looked between a tenth and the end.

    """
    after = [mb for count, mb in looks if total // 10 <= count]
    if not any(total // 10 <= count < total for count, _ in looks):
        raise RuntimeError(f"nobody looked before the last of {total}")
    return Held(looks[-1][0], after[0], max(after))


async def projector(log: Log, store: Store, servers: Servers) -> Held:
    """Let the projector of contacts fold what is in the log into its views.

    On the embedded log no projector is a process of its own: it is the whole node that is looked
    at, which folds the views of all others meanwhile.
    """
    ends = {
        topic: sum((await log.ends(topic)).values())
        for projection in domain.projections
        for topic in projection.topics
    }
    total = sum(ends[topic] for one in domain.projections for topic in one.topics)
    looks: list[tuple[int, float]] = []
    part = ("whole",) if servers.embedded else ("projector", domain.name)
    told = {
        "SELLERS_PORT": "0",
        "SELLERS_ACCESS": "open",  # Nobody asks it for anything.
        "SELLERS_MASTER_KEY": b64encode(bytes(32)).decode(),
    }
    with servers.child("projector", ("sellers.node", *part), **told) as child:
        heard = time.perf_counter()
        while not looks or looks[-1][0] < total:
            child.check()
            looks.append((await _folded(store), child.holds_mb()))
            if looks[-1][0] > looks[-2:][0][0]:
                heard = time.perf_counter()
            if time.perf_counter() - heard > STARTS_S:
                raise TimeoutError(f"{looks[-1][0]} of {total} folded, and nothing since")
            await asyncio.sleep(LOOKS_S)
    return held(looks, total)


async def _folded(store: Store) -> int:
    """Count how often a view has come past a fact: as often as there are views of its topic."""
    found = 0
    for projection in domain.projections:
        collection = (await builds.read(store, projection)).active.collection
        cursors = await store.find(Collections(collection).cursors, {})
        found += sum(
            cursor["offset"]
            for cursor in cursors
            if cursor["_id"].rpartition("/")[0] in projection.topics
        )
    return found


async def api(servers: Servers, requests: int) -> Held:
    """Let an API take in so many touches, some at once, each acknowledged."""
    looks: list[tuple[int, float]] = []
    taken, run = 0, SystemClock().new_id()
    limits = httpx2.Limits(max_connections=SINGLE_AT_ONCE)
    with door("ours", servers) as (url, child):
        async with httpx2.AsyncClient(
            base_url=url, timeout=60, limits=limits, trust_env=False
        ) as http:

            async def post(turn: int) -> int:
                nonlocal taken
                await post_one(http, run, turn)
                taken += 1
                if taken % max(1, requests // LOOKS) == 0:
                    looks.append((taken, child.holds_mb()))
                return 1

            sent = await done(post, 0, SINGLE_AT_ONCE, lambda: taken < requests)
            looks.append((sent, child.holds_mb()))
    return held(looks, requests)
