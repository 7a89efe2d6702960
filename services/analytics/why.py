"""Why is this number? What makes a row, down to the facts, and what is left out of it. Pure.

Whatever may make a row is told of, once: it adds something to it, or there is a reason why not. A
row may be made of any number of things: all are counted, and one page of them is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from services.analytics.entities import Entity
from services.analytics.measures import contributions
from services.analytics.pipeline import Key, Part, PartOf, PartsOf, Reason, no_more

T = TypeVar("T")
REASONS: tuple[Reason, ...] = get_args(Reason)
# So many of what is left out for one reason are named; all are counted.
NAMED_MAX = 100


@dataclass(slots=True)
class Page(Generic[T]):
    """One page of what comes in the order of its keys; the rest goes by. No `limit`: all of it."""

    limit: int | None = None
    # The last key of the page before.
    after: str | None = None
    items: list[T] = field(default_factory=list)
    # Where the next page goes on; None: this is the last one.
    next_key: str | None = None
    _last: str | None = None

    def take(self, key: str, item: T) -> None:
        if self.after is not None and key <= self.after:
            return
        if self.limit is None or len(self.items) < self.limit:
            self.items.append(item)
            self._last = key
        else:
            self.next_key = self._last


@dataclass(slots=True)
class LeftOut:
    """How much is left out for which reason, and the first of it by name."""

    counts: Counter[Reason] = field(default_factory=Counter)
    streams: dict[Reason, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: Reason, stream: str) -> None:
        self.counts[reason] += 1
        if len(self.streams[reason]) < NAMED_MAX:
            self.streams[reason].append(stream)

    def document(self, *, named: bool) -> list[dict[str, Any]]:
        """Return it as it is answered.

        Not `named`, only what has been in the row is: who may see one unit may not see the next.
        """
        return [
            {
                "reason": reason,
                "count": count,
                "streams": sorted(self.streams[reason]) if named or reason == "no_longer" else [],
            }
            for reason, count in sorted(self.counts.items())
        ]


class Why(NamedTuple):
    """What one entity adds to a row, and the ids of the facts that it is folded from."""

    stream: str
    amounts: Mapping[str, int]
    facts: tuple[str, ...]


@dataclass(slots=True)
class Explained:
    """What makes a row, in the order of streams, and what is not in it, by reason."""

    page: Page[Why] = field(default_factory=Page)
    left_out: LeftOut = field(default_factory=LeftOut)
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, entity: Entity, amounts: Mapping[str, int], reasons: Collection[Reason]) -> None:
        """Add what an entity comes to: amounts of the row, or else the first of the reasons."""
        rest = {measure: amount for measure, amount in sorted(amounts.items()) if amount}
        if rest:
            self.sums.update(rest)
            self.page.take(entity.stream, Why(entity.stream, rest, entity.facts))
            return
        # It has been in the row, and what it added was taken away again.
        told: set[Reason] = {*reasons, "not_counted"}
        if amounts:
            told.add("no_longer")
        self.left_out.add(next(one for one in REASONS if one in told), entity.stream)

    @property
    def total(self) -> dict[str, int]:
        """Return what it all adds up to: the row."""
        return dict(sorted(self.sums.items()))

    def document(self, *, named: bool) -> dict[str, Any]:
        """Return both as they are answered; `named` as in `LeftOut`."""
        return {
            "contributions": [
                {"stream": one.stream, **one.amounts, "facts": one.facts} for one in self.page.items
            ],
            "left_out": self.left_out.document(named=named),
        }


class Asked(NamedTuple):
    """Which rows of a report are asked about, and of whom alone."""

    part_of: PartOf
    keys: Collection[Key]
    owner: str | None = None
    also: PartsOf = no_more

    def explain(self, entities: Iterable[Entity], found: Explained) -> Explained:
        """Add which entities make the row, what each adds, and why others are not in it."""
        for entity in entities:
            if self.owner is not None and self.owner not in entity.owners:
                continue  # It never was theirs: nothing of it is asked for, or told.
            amounts: Counter[str] = Counter()
            reasons: set[Reason] = set()
            for cell, amount in contributions(entity).items():
                told = self.part_of(cell, amount)
                parts = [*([told] if isinstance(told, Part) else ()), *self.also(cell, amount)]
                if isinstance(told, str):
                    reasons.add(told)
                if parts and self.owner not in (None, cell.owner):
                    reasons.add("other_seller")
                    continue
                for one in parts:
                    if one.key in self.keys:
                        amounts[one.measure] += one.amount
                    else:
                        reasons.add("other_row")
            found.add(entity, amounts, reasons)
        return found
