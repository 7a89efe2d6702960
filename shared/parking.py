"""HTTP for facts that were set aside: which and why, once more, or left out for good.

Lists come page by page: what parks one stream may park all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from shared.aside import Aside
from shared.command import Command
from shared.errors import NotFoundError
from shared.projector import DROPPED
from shared.runtime import Runtime
from shared.web import CommandMeta, PageWanted, Paging, Runtimes, cursor_of, key_of
from shared.web.router import Router

# What the cursors of a list have, and those of others have not.
PARKED_LIST, DROPPED_LIST = "parked", "dropped"

router = Router(tags=["operations"])


@router.get("/parked")
async def parked(runtimes: Runtimes, wanted: PageWanted) -> dict[str, Any]:
    """Every fact that is set aside, with the reason: a page of them."""
    domain, place = _after(wanted, PARKED_LIST)
    collection, _, position = place.partition("/")
    found: list[dict[str, Any]] = []
    for name in _from(runtimes, domain):
        after = (collection, position) if name == domain else ("", "")
        held = await runtimes[name].parked(wanted.limit + 1 - len(found), after)
        found += [_parked(name, coll, fact) for coll, facts in held.items() for fact in facts]
    return _page(PARKED_LIST, found, wanted, ("domain", "collection", "position"))


@router.get("/parked/dropped")
async def dropped(runtimes: Runtimes, wanted: PageWanted) -> dict[str, Any]:
    """Every fact that was left out for good: who did so, when and why; a page of them."""
    domain, place = _after(wanted, DROPPED_LIST)
    found: list[dict[str, Any]] = []
    for name in _from(runtimes, domain):
        where = {"_id": {"$gt": place}} if name == domain else {}
        left = wanted.limit + 1 - len(found)
        if left:
            store = runtimes[name].store
            held = await store.find(DROPPED, where, sort=(("_id", 1),), limit=left)
            found += [
                {"domain": name, **fact, "value": _text(fact)}
                for fact in await _readable(runtimes[name], held)
            ]
    return _page(DROPPED_LIST, found, wanted, ("domain", "_id"))


def _after(wanted: Paging, listed: str) -> tuple[str, str]:
    """Return in which domain, and after which place in it, the page begins."""
    key = "" if wanted.cursor is None else key_of(wanted.cursor, listed)
    domain, _, place = key.partition("/")
    return domain, place


def _from(runtimes: dict[str, Runtime], domain: str) -> list[str]:
    return [name for name in sorted(runtimes) if name >= domain]


def _page(
    listed: str, found: Sequence[dict[str, Any]], wanted: Paging, place: Sequence[str]
) -> dict[str, Any]:
    last = found[wanted.limit - 1] if len(found) > wanted.limit else None
    cursor = None if last is None else cursor_of("/".join(last[part] for part in place), listed)
    return {listed: found[: wanted.limit], "next_cursor": cursor}


def _parked(domain: str, collection: str, held: dict[str, Any]) -> dict[str, Any]:
    return {
        "domain": domain,
        "collection": collection,
        "stream": held["stream"],
        "version": held["version"],
        "position": held["_id"],
        "reason": held["reason"],
        "parked_at": held["parked_at"],
        "value": _text(held),
    }


async def _readable(runtime: Runtime, held: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was left out as it came, where it was sealed."""
    opened = await Aside(runtime.seals).opened(held)
    told = []
    for kept, said in zip(held, opened, strict=True):
        record = {"value": said["value"], "parked_for": said["reason"]}
        told.append(kept | record if "sealed" in kept else kept)
    return told


def _text(held: dict[str, Any]) -> str:
    return (held["value"] or b"").decode("utf-8", "replace")


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


def _runtime(runtimes: dict[str, Runtime], domain: str) -> Runtime:
    if domain not in runtimes:
        raise NotFoundError(f"no domain {domain!r} here", field="#/domain")
    return runtimes[domain]
