"""HTTP for the workload (N-01): where the time went, what is carried, and what is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Depends

from services.analytics import workload_report as report
from services.analytics.api import (
    Analytics,
    At,
    Moment,
    Seller,
    Unit,
    employee,
    explained,
    facts_of,
)
from services.analytics.defaults import AnalyticsDefaults
from services.analytics.entities import Entity
from services.analytics.figures import Figures, Row, read_places
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.marks import NEWS, mark
from services.analytics.measures import contributions
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import Key, PartsOf, in_order, no_more, tallied
from services.analytics.report_by import WorkloadBy
from services.analytics.row_keys import OURS, Keys, one_of
from services.analytics.worklife import Clocks, Outside, Places, When
from services.analytics.workload import Entry
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


KEYS: Mapping[str, Keys] = {**OURS, "category": one_of(report.CATEGORIES)}


def defaults_of(runtime: Runtime) -> AnalyticsDefaults:
    chosen = runtime.domain.defaults
    assert isinstance(chosen, AnalyticsDefaults)
    return chosen


def until(moment: Moment, period: Span, runtime: Runtime) -> Span:
    """Return the period up to the day asked about; without a last day, that is it."""
    day = moment.day(runtime)
    return period if period.last is not None else Span(period.first, day)


@router.get("/workload")
async def workload(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: WorkloadBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Minutes planned and spent by category, plans kept, open items carried (N-01).

    Of an entry that began late, `on_time_share` asks the grace that the company chose. Private time
    is minutes and nothing else; it is no work. A time of a series is planned as an entry is, and no
    plan that was kept or missed, until it is one: from ten years before anything of the series was
    recorded to the end of the year after the one in which something was last. `evening_minutes`,
    `weekend_minutes` and `holiday_minutes` are of work outside the hours of the working calendar
    and the zone of whoever worked (K-07). `stale` marks what is carried: of how many opportunities
    open at the end of the period nobody had told anything for a month (N-08).
    """
    span, grace = until(moment, period, runtime), defaults_of(runtime).grace_minutes
    figures = await moment.figures(
        runtime,
        (*report.axes_of(by), report.CLOCK, NEWS),
        owner=employee(seller),
        grain_of=lambda held: report.grain(by, held, span, unit, grace),
    )
    assert span.last is not None
    outside = await _outside(runtime, moment, figures, by, span, unit, employee(seller))

    def summed() -> list[dict[str, Any]]:
        rows = tallied(figures.cells, report.in_workload(by, figures.organization, span, unit))
        return [
            {"id": key, "key": figures.name(key)}
            | report.document(by, rows[key], outside.get(key, {}), grace)
            for key in in_order(rows)
        ]

    return {
        # Half a second where there are ten thousand: nobody else has to wait for it.
        "rows": await asyncio.to_thread(summed),
        "by": by,
        "from": span.first,
        "to": span.last,
        "stale": mark(figures, span.last, employee(seller), unit),
        **moment.document(),
        **facts_of(figures),
    }


async def _outside(
    runtime: Runtime,
    moment: Moment,
    figures: Figures,
    by: WorkloadBy,
    span: Span,
    unit: str | None,
    owner: str | None,
) -> Mapping[Key, Mapping[When, int]]:
    table = figures.tables.by_axis.get(report.CLOCK)
    if by == "category" or table is None:
        return {}
    assert span.last is not None
    first = span.first or table.first
    assert first is not None
    clocks = Clocks(await _places(runtime, moment), first, span.last)
    grace = defaults_of(runtime).grace_minutes
    grain = replace(report.grain(by, figures.organization, span, unit, grace), first=span.first)
    key_of = report.key_by(by, figures.organization, unit)
    return await asyncio.to_thread(Outside(table, clocks).by, grain, owner, key_of)


async def _places(runtime: Runtime, moment: Moment) -> Places:
    return await read_places(runtime, defaults_of(runtime), moment.known_at)


class _Behind(NamedTuple):
    """Of which row what kind of things is asked for, and of whom alone."""

    by: WorkloadBy
    key: str | None
    kind: Literal["entry", "opportunity", "issue"]
    unit: str | None

    @property
    def row(self) -> Row:
        return Row(self.by, self.key, KEYS[self.by], self.kind, unit=self.unit)


async def _behind(
    by: WorkloadBy,
    key: str | None = None,
    kind: Literal["entry", "opportunity", "issue"] = "entry",
    unit: Unit = None,
) -> _Behind:
    return _Behind(by, key, kind, unit)


@router.get("/workload/why")
async def explain_workload(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    asked: Annotated[_Behind, Depends(_behind)],
    seller: Seller = None,
) -> dict[str, Any]:
    """What is behind a row of `/analytics/workload`: entries and series, or what it carries.

    `kind` `entry` opens both that time is planned by, and adds up to the row's minutes.
    """
    by, key, unit = asked.by, asked.key, asked.unit
    owner, span = employee(seller), until(moment, period, runtime)
    # Before anything is opened: who reads one thing inside of another waits for himself.
    places = await _places(runtime, moment)
    async with moment.opened(runtime, owner=owner, row=asked.row) as figures:
        part_of = report.in_workload(by, figures.organization, span, unit)
        also: PartsOf = no_more
        days = await _clocked(figures) if by != "category" else None
        if days is not None:
            clocks = Clocks(places, *days)
            also = report.outside_of(clocks, report.key_by(by, figures.organization, unit), span)
        told = await explained(figures, key, part_of, owner, paged, also)
    return {"by": by, **moment.document(), **told}


async def _clocked(figures: Figures) -> tuple[date, date] | None:
    """Return the first and last day of which the clocks have to tell; None: of none.

    What each entity contributes is reckoned twice for it, and never held: a company has many.
    """
    days: set[date] = set()
    async for entities in figures.entities(""):
        days |= await asyncio.to_thread(_days_of_clocks, entities)
    return (min(days), max(days)) if days else None


def _days_of_clocks(entities: Iterable[Entity]) -> set[date]:
    # Times of series are planned, and no clock has shown them yet.
    entries = (one for one in entities if isinstance(one, Entry))
    cells = (cell for entry in entries for cell in contributions(entry))
    return {cell.day for cell in cells if cell.axis == report.CLOCK}
