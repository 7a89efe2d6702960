"""What differs is named, whatever pieces it comes in; what is alike is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.analytics.cells import Cell
from services.analytics.differences import Comparison
from services.analytics.packing import pack, unpack
from services.analytics.tests.world import on

CELLS = st.builds(
    Cell,
    st.sampled_from(("won", "touches")),
    st.sampled_from(("", "employee-kim", "employee-lee")),
    st.sampled_from(("owner", "touch", "stage")),
    st.sampled_from(("", "x", "y")),
    st.sampled_from((on("01-05"), on("01-06"), on("12-31"))),
    st.sampled_from((None, on("01-05"))),
)
AMOUNTS = st.integers(-3, 3) | st.integers(-(2**62), 2**62)
PIECES = st.lists(st.dictionaries(CELLS, AMOUNTS, max_size=8), max_size=5)


def total(pieces: list[dict[Cell, int]]) -> dict[Cell, int]:
    found: Counter[Cell] = Counter()
    for piece in pieces:
        found.update(piece)
    return {cell: amount for cell, amount in found.items() if amount}


def made(
    stored: list[dict[Cell, int]], told: list[dict[Cell, int]]
) -> tuple[int, dict[Cell, tuple[int, int]]]:
    comparison = Comparison()
    for piece in told:
        comparison.tell(piece)
    for piece in stored:
        comparison.store(unpack(pack(piece)))
    count, found = comparison.made()
    return count, {one.cell: (one.stored, one.told) for one in found}


def fits(cells: Mapping[Cell, int]) -> bool:
    return all(-(2**63) <= amount < 2**63 for amount in cells.values())


@given(PIECES, PIECES)
def test_exactly_what_differs_is_named(
    stored: list[dict[Cell, int]], told: list[dict[Cell, int]]
) -> None:
    held, wanted = total(stored), total(told)
    both = held.keys() | wanted.keys()
    assume(fits(held) and fits(wanted))
    assert made(stored, told) == (
        len(both),
        {
            cell: (held.get(cell, 0), wanted.get(cell, 0))
            for cell in both
            if held.get(cell, 0) != wanted.get(cell, 0)
        },
    )


@pytest.mark.parametrize("seed", range(5))
def test_how_it_was_cut_into_pieces_is_no_matter(seed: int) -> None:
    chance = Random(seed)
    cells = {
        Cell("won", f"employee-{n % 7}", "owner", str(n % 3), on(f"0{1 + n % 9}-0{1 + n % 8}")): n
        for n in range(1, 500)
    }
    told: list[dict[Cell, int]] = [{} for _ in range(4)]
    stored: list[dict[Cell, int]] = [{} for _ in range(9)]
    for cell, amount in cells.items():
        chance.choice(told)[cell] = amount
        chance.choice(stored)[cell] = amount - 5
        chance.choice(stored[:3]).setdefault(cell, 0)
        piece = chance.choice([one for one in stored if cell not in one])
        piece[cell] = 5
    assert made(stored, told)[1] == {}
    cell = chance.choice(list(cells))
    stored.append({cell: 1})
    assert made(stored, told) == (len(cells), {cell: (cells[cell] + 1, cells[cell])})
