"""Of whom and of what something is counted, though nobody has told us what it is. Pure.

Of what nobody knows nothing is told, not figures of nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.analytics.tables import Tables
from shared.errors import NotFoundError

# Parameters that name a value of an axis, which is called so; others name whose something is.
VALUES = frozenset({"product", "stage"})


def unnamed(asked: Mapping[str, str], *called: Collection[str]) -> list[tuple[str, str]]:
    """Return what is asked for and has no name, by parameter."""
    return [(name, one) for name, one in asked.items() if not any(one in of for of in called)]


def check_counted(asked: Iterable[tuple[str, str]], tables: Tables) -> None:
    """Take what something is counted of, whoever has named it.

    Raises:
        NotFoundError: nothing is known of it; it names the parameter.

    """
    for parameter, one in asked:
        if one not in (tables.values(parameter) if parameter in VALUES else tables.owners):
            raise NotFoundError(f"nothing is known of {one}", field=f"query/{parameter}")
