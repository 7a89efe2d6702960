"""Our organisation through time: in which units somebody was on a day, and under whom. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import NamedTuple

from services.analytics.projections import Held, OrgNode


class Place(NamedTuple):
    """Where somebody was. None where nobody told us."""

    team: str | None = None
    division: str | None = None
    company: str | None = None
    manager: str | None = None


class Organization:
    """Looks up places, each once: reports ask for the same few people and days again and again."""

    def __init__(self, nodes: Mapping[str, OrgNode]) -> None:
        self._nodes = nodes
        self._turns: dict[str, tuple[date, ...]] = {}
        self._places: dict[tuple[str, int], Place] = {}
        self._above: dict[tuple[str, int], frozenset[str]] = {}

    @property
    def nodes(self) -> Mapping[str, OrgNode]:
        return self._nodes

    @cached_property
    def turns(self) -> frozenset[date]:
        """Return the days from which on anybody, or any unit, was somewhere else or led otherwise.

        Between two of them every place is the same on all days.
        """
        return frozenset(
            held.since
            for node in self._nodes.values()
            for held in (*node.under, *node.managers)
            if held.since is not None
        )

    def place(self, employee: str, day: date) -> Place:
        when = employee, bisect_right(self._turns_of(employee), day)
        known = self._places.get(when)
        if known is None:
            known = self._places[when] = self._look_up(employee, day)
        return known

    def belongs(self, employee: str, unit: str, day: date) -> bool:
        """Whether somebody was in a unit, or in one below it, on a day."""
        return unit in self.units_above(employee, day)

    def units_above(self, employee: str, day: date) -> frozenset[str]:
        """Return every unit that somebody was in, or in one below it, on a day."""
        when = employee, bisect_right(self._turns_of(employee), day)
        above = self._above.get(when)
        if above is None:
            found = frozenset(stream for stream, _ in self._walk_up(employee, day))
            above = self._above[when] = found
        return above

    def _turns_of(self, name: str) -> tuple[date, ...]:
        """Return the days from which on the place of somebody is another one, or may be."""
        known = self._turns.get(name)
        if known is None:
            seen, left, turns = {name}, [name], set[date]()
            while left:
                node = self._nodes.get(left.pop())
                if node is None:
                    continue
                turns.update(one.since or date.min for one in (*node.under, *node.managers))
                above = {one.what for one in node.under} - seen
                seen |= above
                left += above
            known = self._turns[name] = tuple(sorted(turns))
        return known

    def _look_up(self, employee: str, day: date) -> Place:
        kinds: dict[str, str] = {}
        manager: str | None = None
        for number, (stream, unit) in enumerate(self._walk_up(employee, day)):
            # A unit of unstated kind is the team of whoever works in it.
            kinds.setdefault(unit.kind or ("team" if number == 0 else ""), stream)
            manager = manager or _on(unit.managers, day)
        return Place(kinds.get("team"), kinds.get("division"), kinds.get("company"), manager)

    def _walk_up(self, employee: str, day: date) -> Iterator[tuple[str, OrgNode]]:
        seen = {employee}
        below = self._nodes.get(employee)
        while below is not None:
            above = _on(below.under, day)
            if above is None or above in seen:
                return  # The top; or two units were placed under each other.
            seen.add(above)
            below = self._nodes.get(above, OrgNode(above))
            yield above, below


def _on(held: Sequence[Held], day: date) -> str | None:
    found = None
    for one in held:
        if one.since is not None and one.since > day:
            break
        found = one.what
    return found
