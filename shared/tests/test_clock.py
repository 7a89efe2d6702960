"""Ids made of names: the same for ever, and different names never give the same one."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from shared.clock import derived_id

PARTS = st.lists(st.text("ab-:1", max_size=4), max_size=4)


def test_a_derived_id_is_a_promise() -> None:
    # The stream of every touch ever sent under this name: it may never become another one.
    assert derived_id("touch", "/crm", "42") == "f1a04df7-b745-5409-a36a-a82a7d51de1b"


def test_where_a_name_ends_matters() -> None:
    assert derived_id("touch", "a-b", "c") != derived_id("touch", "a", "b-c")
    assert derived_id("1:a") != derived_id("1", "a")


@for_all(PARTS, PARTS)
def test_other_parts_give_another_id(some: list[str], others: list[str]) -> None:
    assert (derived_id(*some) == derived_id(*others)) == (some == others)
