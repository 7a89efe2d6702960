"""What was acknowledged, against the views, the figures' own proof and the log itself.

Lost: acknowledged and not there. Twice: counted more often than once. Disorder: a fact of a stream
that lies in the log before its predecessor, or whose predecessor is not there. A record may lie in
the log twice (its acknowledgement was lost on the way): it must count once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from sellers.client import Api
from shared.batch import decoded
from shared.events import Envelope
from shared.kafka import KafkaLog
from shared.log import Record
from shared.personal import UNREADABLE
from shared.topics import load_topics
from tests.faults.ledger import Ledger

SHOWN = 3


@dataclass(slots=True)
class Findings:
    """`wrong` is empty when nothing was lost, nothing counted twice and all is in order."""

    wrong: list[str] = field(default_factory=list, kw_only=True)
    touches: int = field(default=0, kw_only=True)
    decisions: int = field(default=0, kw_only=True)
    facts: int = field(default=0, kw_only=True)
    lost: int = field(default=0, kw_only=True)
    twice: int = field(default=0, kw_only=True)
    disorder: int = field(default=0, kw_only=True)
    # Records that lie in the log once more; they count once.
    again: int = field(default=0, kw_only=True)
    differences: int = field(default=0, kw_only=True)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


def compare_touches(
    api: Api, ledger: Ledger, found: Findings, *, dated: bool = True, readable: bool = True
) -> None:
    """Everything acknowledged is there, once; and nothing else is.

    What was decided last is what stands, unless the decisions were not `dated` in their order.
    Where words are not `readable`, they say so, and nothing else is known of them.
    """
    if ledger.failure is not None:
        found.wrong.append(f"the stream of touches broke off: {ledger.failure!r}")
    found.decisions += ledger.decisions
    for person, touches in ledger.touches.items():
        card = api.get(f"/contacts/people/{person}")
        name, phone = ledger.people[person], ledger.phones.get(person)
        if not readable:
            name, phone = UNREADABLE, UNREADABLE if phone else None
        found.check(card["name"] == name, f"{person} is called {card['name']}")
        found.check(
            not dated or card["phone"] == phone, f"{person}: phone {card['phone']}, decided {phone}"
        )
        found.check(
            card["touch_count"] == len(touches),
            f"{person}: {card['touch_count']} touches counted, {len(touches)} acknowledged",
        )
        months = pages(api, f"/contacts/people/{person}/timeline")
        listed = Counter(touch["touch"] for month in months for touch in month["touches"])
        lost, extra = touches - listed.keys(), listed.keys() - touches
        found.check(not lost, f"{person}: acknowledged and lost: {sorted(lost)[:SHOWN]}")
        found.check(not extra, f"{person}: never sent: {sorted(extra)[:SHOWN]}")
        twice = [touch for touch, count in listed.items() if count > 1]
        found.check(not twice, f"{person}: counted twice: {twice[:SHOWN]}")
        found.touches += len(touches)
        found.lost += len(lost)
        found.twice += len(twice) + max(0, card["touch_count"] - len(touches))


def compare_verdict(api: Api, found: Findings, poison: AbstractSet[str] = frozenset()) -> None:
    """Nothing is set aside but streams with poison; views, cells, journal and log are equal."""
    parked = {fact["stream"] for fact in parked_in(api)}
    found.check(
        parked == poison, f"parked: {sorted(parked ^ poison)[:SHOWN]} are not as they ought"
    )
    *_, verdict = api.lines("/verify")
    found.differences += len(verdict["differences"])
    for difference in verdict["differences"]:
        found.wrong.append(f"verify: {difference}")


def compare_log(address: str, ledgers: Sequence[Ledger], found: Findings, **options: Any) -> None:
    """Read the whole log: all that was acknowledged lies there, each stream in order."""
    streams: dict[str, dict[int, Envelope]] = defaultdict(dict)
    for fact in facts_on(address, **options):
        found.facts += 1
        place(streams[fact.stream], fact, found)
    for stream, versions in streams.items():
        holes = set(range(1, len(versions) + 1)) ^ versions.keys()
        found.disorder += len(holes)
        found.check(not holes, f"{stream}: the log has versions {sorted(versions)[-SHOWN:]}")
    for ledger in ledgers:
        wanted = {touch: 1 for touches in ledger.touches.values() for touch in touches}
        wanted |= ledger.versions
        gone = [
            stream for stream, version in wanted.items() if version not in streams.get(stream, {})
        ]
        found.lost += len(gone)
        found.check(not gone, f"acknowledged and not in the log: {gone[:SHOWN]}")


def facts_on(address: str, **options: Any) -> list[Envelope]:
    """Return every fact of the log, each partition in its order."""
    read = [decoded(record) for record in records_on(address, **options)]
    return [fact for fact in read if isinstance(fact, Envelope)]


def records_on(address: str, **options: Any) -> list[Record]:
    """Return every record of the topics that hold facts."""
    return asyncio.run(_records_on(address, {"embedded": False, **options}))


async def _records_on(address: str, options: dict[str, Any]) -> list[Record]:
    found: list[Record] = []
    log = await KafkaLog.open(address, **options)
    try:
        for topic in load_topics():
            if topic.compacted:
                continue
            for partition, end in (await log.ends(topic.name)).items():
                async for records in log.read(partition, 0, end):
                    found += records
    finally:
        await log.close()
    return found


def place(versions: dict[int, Envelope], fact: Envelope, found: Findings) -> None:
    """Note one fact of a stream, as it lies in the log."""
    known = versions.get(fact.version)
    if known is not None:
        found.again += 1
        found.check(known.id == fact.id, f"{fact.stream}@{fact.version}: two facts, a fork")
        return
    if fact.version != len(versions) + 1:
        found.disorder += 1
        found.wrong.append(f"{fact.stream}: version {fact.version} after {len(versions)}")
    before = versions.get(fact.version - 1)
    if before is not None and before.recorded_at > fact.recorded_at:
        found.wrong.append(f"{fact.stream}@{fact.version}: recorded before its predecessor")
    versions[fact.version] = fact


def parked_in(api: Api) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = api.get("/parked", {"limit": 200, "cursor": cursor})
        yield from page["parked"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return


def pages(api: Api, path: str) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = api.get(path, {"limit": 200, "cursor": cursor})
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
