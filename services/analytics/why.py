"""Why is this number? What makes a row, down to the facts, and what is left out of it. Pure.

Whatever may make a row is told of, once: it adds something to it, or there is a reason why not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

from services.analytics.entities import Entity
from services.analytics.measures import contributions
from services.analytics.pipeline import Key, Part, PartOf, PartsOf, Reason, no_more
from services.analytics.sink import entity_from
from shared.store import Document

REASONS: tuple[Reason, ...] = get_args(Reason)
# So many of what is left out for one reason are named; all are counted.
NAMED_MAX = 100


class Why(NamedTuple):
    """What one entity adds to a row, and the ids of the facts that it is folded from."""

    stream: str
    amounts: Mapping[str, int]
    facts: tuple[str, ...]


@dataclass(slots=True)
class Explained:
    """What makes a row, and the streams that are not in it, by reason."""

    contributing: list[Why] = field(default_factory=list)
    left_out: dict[Reason, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entity: Entity, amounts: Mapping[str, int], reasons: Collection[Reason]) -> None:
        """Add what an entity comes to: amounts of the row, or else the first of the reasons."""
        rest = {measure: amount for measure, amount in sorted(amounts.items()) if amount}
        if rest:
            self.contributing.append(Why(entity.stream, rest, entity.facts))
            return
        # It has been in the row, and what it added was taken away again.
        told: set[Reason] = {*reasons, "not_counted"}
        if amounts:
            told.add("no_longer")
        reason = next(one for one in REASONS if one in told)
        self.left_out[reason].append(entity.stream)

    @property
    def total(self) -> dict[str, int]:
        """Return what it all adds up to: the row."""
        sums: Counter[str] = Counter()
        for one in self.contributing:
            sums.update(one.amounts)
        return dict(sorted(sums.items()))

    def document(self, *, named: bool) -> dict[str, Any]:
        """Return both as they are answered; `named` as in `left_out`."""
        return {
            "contributions": [
                {"stream": one.stream, **one.amounts, "facts": one.facts}
                for one in self.contributing
            ],
            "left_out": left_out(self.left_out, named=named),
        }


def left_out(told: Mapping[Any, Collection[str]], *, named: bool) -> list[dict[str, Any]]:
    """Return what is left out as it is answered: how much for which reason, the first by name.

    Not `named`, only what has been in the row is: who may see one unit may not see the next.
    """
    return [
        {
            "reason": reason,
            "count": len(streams),
            "streams": sorted(streams)[:NAMED_MAX] if named or reason == "no_longer" else [],
        }
        for reason, streams in sorted(told.items())
        if streams
    ]


def each_entity(entities: Mapping[str, Document]) -> Iterator[Entity]:
    for _, document in sorted(entities.items()):
        yield entity_from(document)


def why(
    part_of: PartOf,
    keys: Collection[Key],
    entities: Iterable[Entity],
    owner: str | None = None,
    also: PartsOf = no_more,
) -> Explained:
    """Say which entities make a row of a report, what each adds, and why others are not in it."""
    found = Explained()
    for entity in entities:
        if owner is not None and owner not in entity.owners:
            continue  # It never was theirs: nothing of it is asked for, or told.
        amounts: Counter[str] = Counter()
        reasons: set[Reason] = set()
        for cell, amount in contributions(entity).items():
            told = part_of(cell, amount)
            parts = [*([told] if isinstance(told, Part) else ()), *also(cell, amount)]
            if isinstance(told, str):
                reasons.add(told)
            if parts and owner not in (None, cell.owner):
                reasons.add("other_seller")
                continue
            for one in parts:
                if one.key in keys:
                    amounts[one.measure] += one.amount
                else:
                    reasons.add("other_row")
        found.add(entity, amounts, reasons)
    return found
