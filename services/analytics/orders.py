"""What became of what was won: ordered, contracted, fulfilled and invoiced, beside it (X-01). Pure.

Each counts on its own day, where its seller was on that day. What is called off by the company's
words for it is counted as that, and in no value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.analytics import flows
from services.analytics.cells import Axis, Cell
from services.analytics.forecast import key_of
from services.analytics.hand_offs import handed_over, told_of
from services.analytics.pipeline import (
    NOBODY,
    Key,
    Part,
    PartOf,
    Reason,
    in_order,
    money,
    ratio,
)
from services.analytics.report_by import OrdersBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization
from shared.hand_offs import STEPS, HandOffStep

HAND_OFF: Axis = "hand_off"
# How many there are, and how much they are, by step.
NAMES: Mapping[HandOffStep, tuple[str, str]] = {
    "order": ("orders", "value_ordered"),
    "contract": ("contracts", "value_contracted"),
    "fulfilment": ("deliveries", "value_fulfilled"),
    "finance": ("invoices", "value_invoiced"),
}
# In the order in which it happens.
BY_STEP: Sequence[str] = ("won", *STEPS)


class Look(NamedTuple):
    """Which days and of whom, as of every flow, and what is called off."""

    of: flows.Look
    called_off: frozenset[str]


def axes_of(by: OrdersBy) -> tuple[Axis, ...]:
    """Return the axes whose cells a report needs."""
    return (_axis_of_won(by), HAND_OFF)


def _axis_of_won(by: OrdersBy) -> Axis:
    match by:
        case "product":
            return "product"
        case "company" | "segment":
            return "company"
        case _:
            return "owner"


def grain(by: OrdersBy, organization: Organization, look: Look) -> Grain:
    """Return what it tells apart: the days that things count on, and where sellers were then."""
    placed = by in ("team", "region", "our_company", "manager") or look.of.unit is not None
    turns = organization.turns if placed else frozenset()
    per = by if by in ("day", "week", "month", "quarter") else None
    alike: dict[Axis, Callable[[str], str]] = {HAND_OFF: _alike(by, look.called_off)}
    return Grain(
        Apart(),
        Apart(turns | bounds(*look.of.span), per),
        last=look.of.day,
        owners=placed or by == "seller",
        alike=alike,
    )


@lru_cache(maxsize=64)  # What it has said is remembered as long as it is there.
def _alike(by: OrdersBy, called_off: frozenset[str]) -> Callable[[str], str]:
    """Say what stands for all of one product or company, if rows are of that, and off or not."""
    off = min(called_off, default="")

    def standing_for(value: str) -> str:
        product, company, status = told_of(value)
        return handed_over(
            product if by == "product" else "",
            company if by in ("company", "segment") else "",
            off if status in called_off else "",
        )

    return standing_for


class Told(NamedTuple):
    """What a cell tells: of which step, of which product and customer, which measure of a row."""

    step: str
    product: str
    company: str
    measure: str


def in_orders(
    by: OrdersBy,
    organization: Organization,
    look: Look,
    segments: Mapping[str, str] = NOBODY,
) -> PartOf:
    """Say to which row a cell adds what; `segments` as in the pipeline."""
    axis = _axis_of_won(by)

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        told, on = _told(cell, axis, look.called_off), cell.credited
        if told is None or on is None:
            return None
        reason = flows.left_out(cell, on, look.of, organization)
        key = _key(by, told, cell.owner, on, organization, segments)
        return reason or Part(key, told.measure, amount)

    return part_of


def _told(cell: Cell, axis: Axis, called_off: frozenset[str]) -> Told | None:
    """Return what a cell tells; None: nothing of what was won or came of it."""
    if cell.axis != HAND_OFF:
        is_won = cell.measure == "won" or cell.measure.startswith("value_")
        told = Told("won", cell.value, cell.value, cell.measure)
        return told if is_won and cell.axis == axis else None
    product, company, status = told_of(cell.value)
    step, _, currency = cell.measure.partition("_")
    if status not in called_off:
        return Told(step, product, company, cell.measure)
    # That it is off is told once, by its count.
    return None if currency else Told(step, product, company, "called_off")


def _key(
    by: OrdersBy,
    told: Told,
    owner: str,
    on: date,
    organization: Organization,
    segments: Mapping[str, str],
) -> Key:
    match by:
        case "product":
            return told.product or None
        case "company":
            return told.company or None
        case "segment":
            return segments.get(told.company)
        case "step":
            return told.step
        case _:
            place = "company" if by == "our_company" else by
            return key_of(place, owner, organization, on, on)


def ordered(by: OrdersBy, keys: Iterable[Key]) -> list[Key]:
    """Return the rows as they are answered: steps as they follow one another."""
    found = in_order(keys)
    return sorted(found, key=lambda key: BY_STEP.index(key or "")) if by == "step" else found


def document(by: OrdersBy, amounts: Counter[str], currency: str) -> dict[str, Any]:
    """Return a row as it is answered: money and percent as text; other currencies beside."""
    won = amounts[f"value_{currency}"]
    # What was won is a step of its own: no row has a share of it.
    whole = 0 if by == "step" else won
    row: dict[str, Any] = {"won": amounts["won"], "value_won": money(won)}
    for step, (count, value) in NAMES.items():
        row |= {count: amounts[step], value: money(amounts[f"{step}_{currency}"])}
    row |= {
        "ordered_share": ratio(100 * amounts[f"order_{currency}"], whole),
        "invoiced_share": ratio(100 * amounts[f"finance_{currency}"], whole),
        "called_off": amounts["called_off"],
    }
    for kind, value in (("value", "value_won"), *((s, value) for s, (_, value) in NAMES.items())):
        others = _others(amounts, kind, currency)
        row |= {f"{value}_other": others} if others else {}
    return row


def _others(amounts: Counter[str], kind: str, currency: str) -> dict[str, str]:
    """Return what is of other currencies: they are never added up."""
    told = (measure.partition("_") for measure, amount in sorted(amounts.items()) if amount)
    return {
        code: money(amounts[f"{kind}_{code}"])
        for of, _, code in told
        if of == kind and code not in ("", currency)
    }
