"""Of whom and of what something is counted, though nobody has told us what it is. Pure.

Of what nobody knows nothing is told, not figures of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from services.analytics.cells import Axis
from services.analytics.tables import Tables
from shared.errors import NotFoundError


class Counted(NamedTuple):
    """Of whom something is counted, and of which values of an axis, whoever has named them."""

    owners: Callable[[], Collection[str]]
    values: Callable[[Axis], Collection[str]]

    def check(self, asked: Iterable[tuple[str, str]]) -> None:
        """Take what something is counted of, though nobody has told us what it is.

        Raises:
            NotFoundError: nothing is known of it; it names the parameter.

        """
        for parameter, one in asked:
            match parameter:
                case "product" | "stage":
                    known = one in self.values(parameter)
                case _:
                    known = one in self.owners()
            if not known:
                raise NotFoundError(f"nothing is known of {one}", field=f"query/{parameter}")

    @staticmethod
    def in_tables(tables: Tables) -> Counted:
        def owners() -> set[str]:
            held = (table.names.parts[1].names for table in tables.by_axis.values())
            return {name for names in held for name in names}

        def values(axis: Axis) -> Collection[str]:
            table = tables.by_axis.get(axis)
            return () if table is None else table.values

        return Counted(owners, values)


def unnamed(asked: Mapping[str, str], *called: Collection[str]) -> list[tuple[str, str]]:
    """Return what is asked for and has no name, by parameter."""
    return [(name, one) for name, one in asked.items() if not any(one in of for of in called)]
