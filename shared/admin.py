"""HTTP for the people who run it: lag, parked streams, timers, rebuilds, verification, traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from shared import builds
from shared.command import Command
from shared.errors import NotFoundError
from shared.events import Envelope, UndecodableError, decode, encode
from shared.log import Partition, partition_of
from shared.projection import Projection
from shared.projector import DROPPED, Collections
from shared.runtime import Runtime
from shared.topics import declared_topics
from shared.verify import Check, verify_domain
from shared.web import CommandMeta, PageWanted, cursor_of, key_of, started_runtimes

TRACE_RECORDS_MAX = 20_000
# What the cursors of that list have, and those of others have not.
PARKED = "parked"

router = APIRouter(tags=["operations"])

Verifier = Callable[[], AsyncIterator[Check]]


Runtimes = Annotated[dict[str, Runtime], Depends(started_runtimes)]


@router.get("/lag")
async def lag(runtimes: Runtimes) -> dict[str, Any]:
    """How far everything that is folded is behind the log, in records."""
    return {
        "projections": [
            {
                "domain": name,
                "collection": progress.collection,
                "folded": progress.folded,
                "written": progress.written,
                "lag": progress.lag,
            }
            for name, runtime in runtimes.items()
            for progress in await runtime.lag()
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


@router.get("/parked")
async def parked(runtimes: Runtimes, wanted: PageWanted) -> dict[str, Any]:
    """Every fact that is set aside, with the reason: a page of them."""
    domain, _, place = (key_of(wanted.cursor, PARKED) if wanted.cursor else "").partition("/")
    collection, _, position = place.partition("/")
    found: list[dict[str, Any]] = []
    for name in sorted(runtimes):
        if name < domain:
            continue
        after = (collection, position) if name == domain else ("", "")
        held = await runtimes[name].parked(wanted.limit + 1 - len(found), after)
        found += [_parked(name, coll, fact) for coll, facts in held.items() for fact in facts]
    last = found[wanted.limit - 1] if len(found) > wanted.limit else None
    key = "/".join(last[part] for part in ("domain", "collection", "position")) if last else None
    return {
        "parked": found[: wanted.limit],
        "next_cursor": None if key is None else cursor_of(key, PARKED),
    }


def _parked(domain: str, collection: str, held: dict[str, Any]) -> dict[str, Any]:
    return {
        "domain": domain,
        "collection": collection,
        "stream": held["stream"],
        "version": held["version"],
        "position": held["_id"],
        "reason": held["reason"],
        "parked_at": held["parked_at"],
        "value": (held["value"] or b"").decode("utf-8", "replace"),
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


class Replay(Command):
    """Which parked stream to try again."""

    domain: str
    collection: str
    stream: str


class Drop(Replay):
    """Which of its facts to leave out for good, and why: it stays written down."""

    position: str
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


@router.post("/parked/replay")
async def replay(command: Replay, runtimes: Runtimes) -> dict[str, int]:
    """Fold the parked facts of a stream again, in version order; say how many are left."""
    projector = _runtime(runtimes, command.domain).projector_of(command.collection)
    return {"left": await projector.unpark(command.stream)}


@router.post("/parked/drop")
async def drop(command: Drop, runtimes: Runtimes, meta: CommandMeta) -> dict[str, int]:
    """Leave one parked fact out for good, here and in every rebuild; go on with its stream."""
    projector = _runtime(runtimes, command.domain).projector_of(command.collection)
    left = await projector.drop(
        command.stream, command.position, reason=command.reason, by=meta.actor
    )
    return {"left": left}


@router.get("/parked/dropped")
async def dropped(runtimes: Runtimes) -> dict[str, Any]:
    """Every fact that was left out for good: who did so, when and why."""
    return {
        "dropped": [
            {"domain": name, **held, "value": (held["value"] or b"").decode("utf-8", "replace")}
            for name, runtime in runtimes.items()
            for held in await runtime.store.find(DROPPED, {}, sort=(("_id", 1),))
        ]
    }


def _runtime(runtimes: dict[str, Runtime], domain: str) -> Runtime:
    if domain not in runtimes:
        raise NotFoundError(f"no domain {domain!r} here", field="#/domain")
    return runtimes[domain]


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


@router.get("/verify")
async def verify(request: Request, runtimes: Runtimes) -> StreamingResponse:
    """Recompute everything from the log; one JSON line a check, the last one says `equal`."""
    verifiers: list[Verifier] = [
        *(lambda runtime=runtime: verify_domain(runtime) for runtime in runtimes.values()),
        *request.app.state.verifiers,
    ]
    return StreamingResponse(_checks(verifiers), media_type="application/x-ndjson")


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
