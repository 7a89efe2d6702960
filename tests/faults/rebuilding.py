"""The store is lost, or comes back as it was long ago; the log makes it what it was.

Also with the code of the next release, to which half of the log is of an older one. The keys of
words about people are no fold of the log: they come back from a backup of their own, or not at all.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sellers.client import Api, ApiError
from services.analytics.proof_api import PROVED
from services.analytics.sink import MEASURES
from shared.store import Document
from tests.faults import export, keys
from tests.faults.campaign import Import
from tests.faults.ledger import Ledger
from tests.faults.plant import Plant
from tests.faults.release import V1, V2, upgraded
from tests.faults.scenario import Engines, Load, Told, compare, engines, load, telling
from tests.faults.truth import facts_on, records_on

ROWS, BATCH = 300, 100
# Some hundred acknowledgements of each publisher.
LOADED = 60
RELEASE = "tests.faults.release"
UNPROCESSABLE = 422

Digests = dict[str, tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Stand:
    """What the views of analytics hold, who recorded which fact, and the keys, at one moment."""

    digests: Digests
    facts: dict[str, str]
    keys: list[Document]


def lost_store(work: Path, seed: int = 1, kind: str = "embedded") -> Told:
    """All data of the store is gone but the keys: from the log come equal digests; life goes on."""
    told = Told("all data of the store lost, no backup but that of the keys", "")
    with telling(told), engines(work, kind) as servers:
        told.engines = servers.name
        with Plant(work, servers.log, servers.store) as plant:
            _import(plant, work)
            with load(plant, work, first=seed) as first:
                first.goes_on(LOADED)
            before = _stands(plant, servers)
        _lose(servers, before.keys)
        began = time.monotonic()
        with Plant(work, servers.log, servers.store) as plant:
            _compare_digests(plant, servers, before, told, began)
            _same_commands(plant, servers, first, told)
            _go_on(plant, work, first, servers, told)
    return told


def lost_keys(work: Path, seed: int = 1, kind: str = "embedded") -> Told:
    """All data of the store is gone, the keys with it: what counts stays, no word can be read."""
    told = Told("all data of the store lost, and the keys of words about people", "")
    with telling(told), engines(work, kind) as servers:
        told.engines = servers.name
        with Plant(work, servers.log, servers.store) as plant:
            with load(plant, work, first=seed) as first:
                first.goes_on(LOADED)
            before = _stands(plant, servers)
        _lose(servers, [])
        began = time.monotonic()
        with Plant(work, servers.log, servers.store) as plant:
            _compare_digests(plant, servers, before, told, began)
            _refused_commands(plant, servers, first, told)
            _go_on(plant, work, first, servers, told, sealed=first.ledgers)
    return told


def old_backup(work: Path, seed: int = 1, kind: str = "embedded") -> Told:
    """The store comes back from a copy that knows only the first half of the log."""
    told = Told("store restored from an old backup", "")
    with telling(told), engines(work, kind) as servers:
        told.engines = servers.name
        with (
            Plant(work, servers.log, servers.store) as plant,
            load(plant, work, first=seed) as first,
        ):
            first.goes_on(LOADED)
            first.stop()
            plant.settle()
        servers.store.stop()
        shutil.copytree(servers.store.data_dir, work / "backup")
        servers.store.start()
        with Plant(work, servers.log, servers.store) as plant:
            _import(plant, work)
            with load(plant, work, first=seed + 10) as second:
                second.goes_on(LOADED)
            before = _stands(plant, servers)
        _lose(servers, before.keys, backup=work / "backup")
        began = time.monotonic()
        with Plant(work, servers.log, servers.store) as plant:
            _compare_digests(plant, servers, before, told, began)
            _same_commands(plant, servers, second, told)
            _go_on(plant, work, Load(first.ledgers + second.ledgers), servers, told)
    return told


def next_release(work: Path, seed: int = 1, kind: str = "embedded") -> Told:
    """Facts of v1 are on the log; the next release goes on with them, then folds them all anew."""
    told = Told("facts of schema v1 replayed by code of v2", "")
    with telling(told), engines(work, kind) as servers, upgraded():
        told.engines = servers.name
        with (
            Plant(work, servers.log, servers.store) as plant,
            load(plant, work, first=seed) as first,
        ):
            first.goes_on(LOADED)
        with Plant(work, servers.log, servers.store, through=RELEASE) as plant:
            with load(plant, work, first=seed + 10) as second:
                second.goes_on(LOADED)
            before = _stands(plant, servers)
        kinds = _wire_names(servers)
        told.check(bool(kinds[V1] and kinds[V2]), f"the log has no mix of releases: {kinds}")
        told.say(f"{kinds[V1]} facts of v1 and {kinds[V2]} of v2 of one kind on the log")
        _lose(servers, before.keys)
        began = time.monotonic()
        with Plant(work, servers.log, servers.store, through=RELEASE) as plant:
            _compare_digests(plant, servers, before, told, began)
            _go_on(plant, work, Load(first.ledgers + second.ledgers), servers, told)
    return told


def _wire_names(servers: Engines) -> Counter[str]:
    records = records_on(servers.log.address, **servers.options)
    return Counter(orjson.loads(record.value or b"{}").get("type") for record in records)


def _import(plant: Plant, work: Path) -> None:
    """Deals, so that the figures are of more than touches."""
    importing = Import(plant.url, export.generate(work / "export", 1, ROWS), work, BATCH)
    try:
        importing.finished()
    finally:
        importing.end()


def _stands(plant: Plant, servers: Engines) -> Stand:
    plant.settle()
    return Stand(_digests(plant), _facts(servers), keys.backed_up(servers.store.address))


def _lose(servers: Engines, kept: list[Document], backup: Path | None = None) -> None:
    """Lose the store; it begins empty or with a backup, and these keys are put back first."""
    servers.store.stop()
    shutil.rmtree(servers.store.data_dir)
    if backup is not None:
        shutil.copytree(backup, servers.store.data_dir)
    servers.store.start()
    if kept:
        keys.restore(servers.store.address, kept)


def _facts(servers: Engines) -> dict[str, str]:
    """Return who recorded each fact."""
    facts = facts_on(servers.log.address, **servers.options)
    return {fact.id: fact.actor for fact in facts}


def _recorded_since(servers: Engines, before: dict[str, str]) -> list[str]:
    """Return who recorded what is new. Timers go on: what falls due meanwhile is theirs to say."""
    since = {id_: actor for id_, actor in _facts(servers).items() if id_ not in before}
    return [actor for actor in since.values() if not actor.startswith("timer:")]


def _digests(plant: Plant) -> Digests:
    with Api(plant.url, patience_s=60.0, actor="faults") as api:
        proofs = {name: api.get(f"/analytics/views/{name}/proof") for name in PROVED}
    return {name: (proof["positions"], proof["digest"]) for name, proof in proofs.items()}


def _compare_digests(
    plant: Plant, servers: Engines, before: Stand, told: Told, began: float
) -> None:
    plant.settle()
    told.say(f"{len(before.facts):,} facts folded again within {time.monotonic() - began:.0f} s")
    after, was = _digests(plant), before.digests
    # A timer may have spoken meanwhile: what covers more than before is compared with the log alone
    # (by `verify`, below).
    same = [name for name in was if was[name][0] == after[name][0]]
    differing = sorted(name for name in same if was[name] != after[name])
    told.differences += len(differing)
    told.check(not differing, f"digests differ: {', '.join(differing)}")
    told.check(MEASURES.name in same, "the figures cover other facts than before")
    told.say(f"{len(same) - len(differing)} of {len(was)} digests equal")
    new = _recorded_since(servers, before.facts)
    told.check(not new, f"rebuilding recorded {len(new)} facts, as {new[:3]}")


def _same_commands(plant: Plant, servers: Engines, earlier: Load, told: Told) -> None:
    """What was recorded before the loss is known by its id after it."""
    before = _facts(servers)
    with Api(plant.url, patience_s=60.0, actor="faults") as api:
        for ledger in earlier.ledgers:
            for key, (path, command) in list(ledger.commands.items())[-5:]:
                answer = api.post(path, command, headers={"idempotency-key": key})
                told.check(answer["duplicate"], f"{key} was recorded once more")
    plant.settle()
    new = _recorded_since(servers, before)
    told.check(not new, f"commands sent again recorded {len(new)} facts, as {new[:3]}")


def _refused_commands(plant: Plant, servers: Engines, earlier: Load, told: Told) -> None:
    """Whether it is the same command nobody can tell without its key: it is not recorded again."""
    before = _facts(servers)
    refused = 0
    with Api(plant.url, patience_s=60.0, actor="faults") as api:
        for ledger in earlier.ledgers:
            for key, (path, command) in list(ledger.commands.items())[-5:]:
                try:
                    answer = api.post(path, command, headers={"idempotency-key": key})
                    told.wrong.append(f"{key} was taken: {answer}")
                except ApiError as error:
                    told.check(error.status == UNPROCESSABLE, f"{key}: {error}")
                    refused += 1
    plant.settle()
    new = _recorded_since(servers, before)
    told.check(not new, f"commands sent again recorded {len(new)} facts, as {new[:3]}")
    told.say(f"{refused} commands sent again, refused with {UNPROCESSABLE}")


def _go_on(
    plant: Plant,
    work: Path,
    earlier: Load,
    servers: Engines,
    told: Told,
    sealed: Sequence[Ledger] = (),
) -> None:
    with load(plant, work, first=21) as more:
        more.goes_on()
    everything = Load(earlier.ledgers + more.ledgers)
    options = {**servers.options, "sealed": sealed}
    compare(plant, everything, servers.log.address, told, **options)
