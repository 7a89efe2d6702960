"""Pages of what makes a row, as of every list: a cursor is of the very row that it was made for.

All of a row is counted with its first page. The next ones need not count it again while nothing
has changed: what it came to is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Annotated, Any, Protocol, TypeVar

import orjson
from fastapi import Depends, Request

from services.analytics.entities import Entity
from services.analytics.figures import Figures
from services.analytics.why import Page
from shared.runtime import Runtime
from shared.web import PageWanted, cursor_of, key_of, runtime_of

# What says which page of it is wanted, and as what; all else says which row.
NOT_ASKED = ("cursor", "limit", "format")
# Of so many rows it is remembered what they came to.
REMEMBERED = 64


class Found(Protocol):
    """What makes a row: a page of it, and what all of it comes to. A dataclass."""

    page: Page[Any]


F = TypeVar("F", bound=Found)


@dataclass(frozen=True, slots=True)
class Paged:
    """The page that is wanted of what makes a row."""

    runtime: Runtime
    limit: int
    after: str | None
    mark: str

    def page(self) -> Page[Any]:
        return Page(self.limit, self.after)

    def next_cursor(self, page: Page[Any]) -> str | None:
        return None if page.next_key is None else cursor_of(page.next_key, self.mark)

    async def of(
        self,
        figures: Figures,
        found: F,
        add: Callable[[Sequence[Entity], F], Any],
        told_by: object = None,
    ) -> F:
        """Add all entities behind a row, some at a time; `told_by`: on what else it depends.

        `found` is of this page. Of a later page only its own entities are read, while all stands
        as it did when the row was counted.
        """
        runtime = self.runtime
        stands = (runtime.today, runtime.domain.defaults, figures.stands, told_by)
        counted: dict[str, tuple[Any, F]] = runtime.remembered.setdefault("why", {})
        known = counted.pop(self.mark, None) if figures.stands is not None else None
        if known is not None and known[0] == stands and self.after is not None:
            counted[self.mark] = known
            async for entities in figures.entities(self.after):
                await asyncio.to_thread(add, entities, found)
                if found.page.next_key is not None:
                    break
            return replace(known[1], page=found.page)  # type: ignore[type-var]
        async for entities in figures.entities(""):
            await asyncio.to_thread(add, entities, found)
        if figures.stands is not None:
            counted[self.mark] = stands, replace(found, page=Page())  # type: ignore[type-var]
            while len(counted) > REMEMBERED:
                del counted[next(iter(counted))]
        return found


async def _paged(
    request: Request,
    runtime: Annotated[Runtime, Depends(runtime_of("analytics"))],
    wanted: PageWanted,
) -> Paged:
    query = sorted(one for one in request.query_params.multi_items() if one[0] not in NOT_ASKED)
    asked = orjson.dumps([request.url.path, query])
    mark = blake2b(asked, digest_size=16).hexdigest()
    after = None if wanted.cursor is None else key_of(wanted.cursor, mark)
    return Paged(runtime, wanted.limit, after, mark)


PagedWhy = Annotated[Paged, Depends(_paged)]
