"""HTTP for the people who run it: lag, timers, rebuilds, verification, traces; parked streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from shared import builds, parking
from shared.errors import NotFoundError
from shared.events import Envelope, UndecodableError, decode, encode
from shared.log import Partition, partition_of
from shared.projection import Projection
from shared.projector import Collections
from shared.runtime import Runtime
from shared.topics import declared_topics
from shared.verify import Check, verify_domain
from shared.web import Runtimes
from shared.web.described import text_answer
from shared.web.router import Router

TRACE_RECORDS_MAX = 20_000
LINES = "application/x-ndjson"

router = Router(tags=["operations"])
router.include_router(parking.router)

Verifier = Callable[[], AsyncIterator[Check]]


@router.get("/lag")
async def lag(runtimes: Runtimes) -> dict[str, Any]:
    """How far everything that is folded is behind the log, in records."""
    found = await asyncio.gather(*(runtime.lag() for runtime in runtimes.values()))
    return {
        "projections": [
            {
                "domain": name,
                "collection": progress.collection,
                "folded": progress.folded,
                "written": progress.written,
                "lag": progress.lag,
            }
            for name, lag in zip(runtimes, found, strict=True)
            for progress in lag
        ],
        "outbox": {
            name: await runtime.journal.backlog()
            for name, runtime in runtimes.items()
            if runtime.decides
        },
        # Views too large for their topic, whose subscribers know an older state of them.
        "unpublished": {
            view: count
            for runtime in runtimes.values()
            for view, count in (await runtime.unpublished()).items()
        },
    }


@router.get("/timers")
async def timers(runtimes: Runtimes) -> dict[str, Any]:
    """Every timer: what is due now, when the next deadline passes, who scans for it."""
    return {
        "timers": [
            {"domain": name, **(await timer.status())._asdict()}
            for name, runtime in runtimes.items()
            for timer in runtime.timers.values()
        ]
    }


@router.get("/views")
async def views(runtimes: Runtimes) -> dict[str, Any]:
    """Every view: which build answers queries, and how far its successor is."""
    found = []
    for name, runtime in runtimes.items():
        for projection, topics in _folded(runtime):
            stands = await builds.read(runtime.store, projection)
            building = None
            if stands.coming is not None:
                progress = await runtime.progress(stands.coming.collection, topics)
                building = {
                    "collection": progress.collection,
                    "folded": progress.folded,
                    "written": progress.written,
                }
            found.append(
                {
                    "name": projection.name,
                    "domain": name,
                    "version": stands.active.version,
                    "generation": stands.active.generation,
                    "collection": stands.active.collection,
                    "building": building,
                }
            )
    return {"views": found}


def _folded(runtime: Runtime) -> list[tuple[Projection[Any], tuple[str, ...]]]:
    """Return every projection of a domain with its topics, whichever process folds it."""
    here = [(projection, projection.topics) for projection in runtime.domain.projections]
    return here + [(held.projection, held.topics) for held in runtime.folded_elsewhere.values()]


@router.post("/views/{name}/rebuild", status_code=202)
async def rebuild(name: str, runtimes: Runtimes) -> dict[str, str]:
    """Fold a view again from the first fact beside the present one, then let queries switch."""
    known = {
        projection.name: (runtime, projection)
        for runtime in runtimes.values()
        for projection, _ in _folded(runtime)
    }
    if name not in known:
        raise NotFoundError(f"no view {name!r}; there are {', '.join(sorted(known))}")
    runtime, projection = known[name]
    return {"collection": (await builds.begin(runtime.store, projection)).collection}


@router.get("/topics")
async def topics(runtimes: Runtimes) -> dict[str, Any]:
    """Every declared topic, with what the log holds of it."""
    log = next(iter(runtimes.values())).log
    found = []
    for topic in declared_topics():
        ends = await log.ends(topic.name)
        found.append(
            {
                **topic.model_dump(),
                "partitions_found": len(ends),
                "records": sum(ends.values()),
            }
        )
    return {"topics": found}


@router.get("/verify", response_class=Response, responses=text_answer(LINES))
async def verify(request: Request, runtimes: Runtimes) -> StreamingResponse:
    """Recompute everything from the log; one JSON line a check, the last one says `equal`."""
    verifiers: list[Verifier] = [
        *(lambda runtime=runtime: verify_domain(runtime) for runtime in runtimes.values()),
        *request.app.state.verifiers,
    ]
    return StreamingResponse(_checks(verifiers), media_type=LINES)


async def _checks(verifiers: list[Verifier]) -> AsyncIterator[bytes]:
    differences: list[str] = []
    for verifier in verifiers:
        async for check in verifier():
            differences += [f"{check.name}: {what}" for what in check.differences]
            yield orjson.dumps(check.document()) + b"\n"
            await asyncio.sleep(0)
    yield orjson.dumps({"equal": not differences, "differences": differences}) + b"\n"


@router.get("/trace/{stream}")
async def trace(stream: str, runtimes: Runtimes) -> dict[str, Any]:
    """Where the facts of a stream are: their places in the log and the views they reached."""
    found: list[dict[str, Any]] = []
    for runtime in runtimes.values():
        topics = ((runtime.domain.name,) if runtime.decides else ()) + runtime.domain.intake
        for topic in topics:
            found += [
                {"position": position, "fact": orjson.loads(encode(fact)), "at": fact}
                async for position, fact in _in_log(runtime, topic, stream)
            ]
    facts = [entry.pop("at") for entry in found]
    if not facts:
        raise NotFoundError(f"the newest records of the log hold nothing on {stream}")
    reached = [place for runtime in runtimes.values() for place in await _views(runtime, facts)]
    return {"stream": stream, "facts": found, "views": reached}


async def _in_log(runtime: Runtime, topic: str, stream: str) -> AsyncIterator[tuple[str, Envelope]]:
    partition = Partition(topic, partition_of(stream, await runtime.log.partitions(topic)))
    end = (await runtime.log.ends(topic))[partition]
    start = max(0, end - TRACE_RECORDS_MAX)
    async for records in runtime.log.read(partition, start, end):
        for record in records:
            if record.key != stream.encode():
                continue
            try:
                yield "/".join(map(str, record.position)), decode(record.value)
            except UndecodableError:
                continue  # It is no fact; `/parked` shows it with the reason.


async def _views(runtime: Runtime, facts: list[Envelope]) -> list[dict[str, Any]]:
    places = []
    for runner in runtime.runners.values():
        keys = sorted({key for fact in facts for key in runner.projection.keys(fact)})
        if not keys:
            continue
        names = Collections((await runner.active()).collection)
        head = await runtime.store.get(names.heads, facts[0].stream)
        places.append(
            {
                "domain": runtime.domain.name,
                "view": runner.projection.name,
                "collection": names.views,
                "keys": keys,
                "folded_version": head["version"] if head else 0,
            }
        )
    return places
