"""What folding costs each domain, without a log and a store: `python -m tests.bench.folds`.

Each view decodes what it reads, folds it, and turns what a batch has changed into documents, as its
projector does. What is left out is the broker, the driver and the database.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sellers.node import MODULES
from shared.events import decode, encode
from shared.projection import Projection
from shared.settings import Settings
from tests.bench.company import company

FACTS = 20_000
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one domain: views that read such facts, and what one fact of the mixture costs it."""

    domain: str
    views: int
    microseconds: float
    touch_microseconds: float


def batches(facts: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    left = iter(facts)
    while batch := list(islice(left, BATCH)):
        yield batch


def seconds(projection: Projection[Any], facts: Sequence[tuple[str, bytes]]) -> float:
    """Return how much of a core a view takes for those of the facts that are on its topics."""
    views: dict[str, Any] = {}
    began = time.process_time()
    for batch in batches([fact for fact in facts if fact[0] in projection.topics]):
        changed = set()
        for _, value in batch:
            at = decode(value)
            for key in projection.keys(at):
                views[key] = projection.apply(key, views.get(key), at)
                changed.add(key)
        for key in changed:
            if views[key] is not None:
                projection.to_document(views[key])
    return time.process_time() - began


def cost_of(module: Any, facts: Sequence[tuple[str, bytes]]) -> Cost:
    zone = Settings.model_fields["zone_name"].default
    inside = [p.within(Settings(SELLERS_ZONE=zone).zone) for p in module.domain.projections]
    touches = [fact for fact in facts if fact[0] == "touches"]
    read = [p for p in inside if {topic for topic, _ in facts} & {*p.topics}]
    whole = sum(seconds(projection, facts) for projection in read)
    of_touches = sum(seconds(projection, touches) for projection in read)
    return Cost(
        module.domain.name,
        len(read),
        1e6 * whole / len(facts),
        1e6 * of_touches / len(touches),
    )


def main() -> None:
    told = [fact for stream in company(FACTS) for fact in stream]
    facts = [(fact.data.topic, encode(fact)) for fact in told]
    sizes: Counter[str] = Counter()
    for topic, value in facts:
        sizes[topic] += len(value)
    counts = Counter(topic for topic, _ in facts)
    print(f"{len(facts):,} facts")
    for topic, count in sorted(counts.items()):
        print(f"  {topic:14} {count:7,}  {sizes[topic] / count:6.0f} bytes each")
    print(f"{'domain':14} {'views':>5} {'µs a fact':>10} {'facts/s/core':>13} {'µs a touch':>11}")
    for module in MODULES:
        cost = cost_of(module, facts)
        rate = 1e6 / cost.microseconds if cost.microseconds else 0.0
        print(
            f"{cost.domain:14} {cost.views:5} {cost.microseconds:10.1f} {rate:13,.0f} "
            f"{cost.touch_microseconds:11.1f}"
        )


if __name__ == "__main__":
    main()
