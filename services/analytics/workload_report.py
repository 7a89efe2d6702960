"""Workload: where the time of a seller, a unit or the company went, and was the plan kept. Pure.

An entry belongs to where its seller was on its day; what is carried, to where its seller is on the
last day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, get_args

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span, key_of
from services.analytics.names import StandsFor
from services.analytics.pipeline import (
    Key,
    Part,
    PartOf,
    PartsOf,
    Reason,
    not_theirs,
    ratio,
    within,
)
from services.analytics.report_by import WorkloadBy
from services.analytics.tables import Apart, Grain, PlaceOf, bounds
from services.analytics.tree import Organization
from services.analytics.worklife import WHEN, Clocks, KeyOf, When
from shared.events.calendar import Category

CATEGORIES: tuple[Category, ...] = get_args(Category)
TIMES: tuple[Axis, ...] = ("time", "plan", "lateness")
CLOCK: Axis = "clock"
CARRIED: tuple[Axis, ...] = ("owner", "issue_total")
# What stands for any lateness within the grace.
IN_TIME = "00"
# Of each category: what a row tells, by which measure.
MEASURED: Mapping[Category, Mapping[str, str]] = {
    name: {
        "planned_minutes": f"planned {name}",
        "actual_minutes": f"actual {name}",
        "entries": f"entries {name}",
    }
    for name in CATEGORIES
}
MINUTES: Mapping[When, str] = {when: f"{when}_minutes" for when in WHEN}
PLANS = ("plans", "done", "missed", "displaced", "cancelled", "moved", "unplanned")


def axes_of(by: WorkloadBy) -> tuple[Axis, ...]:
    """Return the axes whose cells a report needs: what is carried is nobody's of a period."""
    return (*TIMES, *CARRIED) if by in PLACES else TIMES


PLACES = frozenset({"team", "division", "company", "manager", "seller", "total"})


def grain(
    by: WorkloadBy, organization: Organization, span: Span, unit: Key, grace_minutes: int
) -> Grain:
    """Return what the workload tells apart: periods, where sellers were, and who was in time."""
    placed = by in ("team", "division", "company", "manager") or unit is not None
    turns = organization.turns if placed else frozenset()
    per = by if by in ("day", "week", "month", "quarter") else None
    days = Apart(turns | bounds(*span), per)
    return Grain(
        days,
        Apart(),
        last=span.last,
        owners=placed or by == "seller",
        placed=_places(by, organization, span, unit) if by != "seller" else None,
        alike={"lateness": _in_time(grace_minutes)},
    )


@lru_cache(maxsize=8)  # What it has said is remembered as long as it is there.
def _in_time(grace_minutes: int) -> StandsFor:
    """Let all that is within the grace be one; leave out what is later."""
    in_time = {f"{late:02}" for late in range(grace_minutes + 1)}
    return lambda late: IN_TIME if late in in_time else None


def _places(by: WorkloadBy, organization: Organization, span: Span, unit: Key) -> PlaceOf:
    def place_of(axis: Axis, owner: str, on: date, _credited: date | None) -> Hashable:
        assert span.last is not None
        at = on if axis in TIMES else span.last
        key = None if by == "category" else key_of(by, owner, organization, at, on)
        return key, not_theirs(unit, owner, at, organization)

    return place_of


def key_by(by: WorkloadBy, organization: Organization, unit: Key) -> KeyOf:
    """Say to which row somebody's time on a day belongs."""

    def key_of_time(owner: str, on: date) -> tuple[Key] | tuple[()]:
        if not_theirs(unit, owner, on, organization):
            return ()
        return (key_of(by, owner, organization, on, on),)

    return key_of_time


def outside_of(clocks: Clocks, key_of_time: KeyOf, span: Span) -> PartsOf:
    """Say what a cell of the clock adds to which row: minutes of evenings, weekends, holidays."""

    def parts_of(cell: Cell, amount: int) -> Iterator[Part]:
        if cell.axis == CLOCK and within(cell.day, *span):
            for key in key_of_time(cell.owner, cell.day):
                for when in WHEN:
                    yield Part(key, f"{when} minutes", amount * clocks.shows(cell, when))

    return parts_of


def in_workload(by: WorkloadBy, organization: Organization, span: Span, unit: Key) -> PartOf:
    """Say to which row a cell adds what: time and plans within the span, what is open at its end.

    `span.last` has to be told: what is carried is carried on that day.
    """
    last = span.last
    assert last is not None

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        carried = cell.axis in CARRIED and by in PLACES
        measure, on = (_carried(cell), last) if carried else (_measure(cell, by), cell.day)
        if measure is None:
            return None
        if carried and cell.day > last:
            return "later"
        if not carried and not within(cell.day, *span):
            return "outside_period"
        reason = not_theirs(unit, cell.owner, on, organization)
        return reason or Part(_key(by, cell, organization, on), measure, amount)

    return part_of


def _measure(cell: Cell, by: WorkloadBy) -> str | None:
    match cell.axis:
        case "time":
            return f"{cell.measure} {cell.value}"
        case "plan":
            return None if by == "category" else cell.measure
        case "lateness":
            return None if by == "category" else f"{cell.measure} {cell.value}"
        case _:
            return None


def _carried(cell: Cell) -> str | None:
    if cell.measure != "open":
        return None
    return "carried issues" if cell.axis == "issue_total" else "carried opportunities"


def _key(by: WorkloadBy, cell: Cell, organization: Organization, on: date) -> Key:
    if by == "category":
        return cell.value
    return key_of(by, cell.owner, organization, on, cell.day)


def document(
    by: WorkloadBy, amounts: Counter[str], outside: Mapping[When, int], grace_minutes: int
) -> dict[str, Any]:
    """Return a row as it is answered: minutes whole, shares in percent as text, null of nothing."""
    times = {
        name: {what: amounts.get(measure, 0) for what, measure in measures.items()}
        for name, measures in MEASURED.items()
    }
    worked = {name: told for name, told in times.items() if name != "private"}
    work = sum(told["actual_minutes"] for told in worked.values())
    row: dict[str, Any] = {
        "work_minutes": work,
        "planned_minutes": sum(told["planned_minutes"] for told in worked.values()),
        "categories": {
            name: told for name, told in times.items() if told["entries"] or told["planned_minutes"]
        },
    }
    if by == "category":
        return row
    in_time = sum(amounts.get(measure, 0) for measure in _measured_in_time(grace_minutes))
    done = amounts.get("done", 0)
    row |= {
        "shares": {
            name: ratio(100 * told["actual_minutes"], work) for name, told in worked.items()
        },
        **{told: outside.get(when, 0) for when, told in MINUTES.items()},
        **{name: amounts.get(name, 0) for name in PLANS},
        "kept_share": ratio(100 * done, amounts.get("plans", 0)),
        "on_time_share": ratio(100 * in_time, 2 * done),
    }
    if by in PLACES:
        row["carried_opportunities"] = amounts.get("carried opportunities", 0)
        row["carried_issues"] = amounts.get("carried issues", 0)
    return row


@lru_cache(maxsize=8)
def _measured_in_time(grace_minutes: int) -> tuple[str, ...]:
    """Return the measures of what began and ended within the grace."""
    lates = range(grace_minutes + 1)
    return tuple(f"{what} {late:02}" for what in ("started", "ended") for late in lates)
