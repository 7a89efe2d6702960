"""Reads what is stored of the cells, as nobody who remembers anything would."""

from __future__ import annotations

from collections.abc import Callable

from services.analytics.cells import AXES, Cell
from services.analytics.kept_cells import Mirrors, changes_of, read
from services.analytics.packing import pack
from services.analytics.tables import Tables
from shared.store import Reads, Store


async def stored_cells(reads: Reads, collection: str) -> dict[Cell, int]:
    tables = await Mirrors().read(reads, collection)
    return tables.cells(AXES)


async def tamper(store: Store, collection: str, change: Callable[[Cell, int], int]) -> list[Cell]:
    """Change amounts by hand in one document that has any to change; return the cells changed."""
    for document in await store.find(changes_of(collection), {}, sort=(("_id", 1),)):
        cells = Tables().with_([read(document)]).cells(AXES)
        changed = {cell: change(cell, amount) for cell, amount in cells.items()}
        differs = [cell for cell, amount in changed.items() if amount != cells[cell]]
        if differs:
            await store.put_many(changes_of(collection), [document | {"cells": pack(changed)}])
            return differs
    raise AssertionError("there is nothing to change")
