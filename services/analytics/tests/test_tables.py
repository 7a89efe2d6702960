"""Cells packed, kept and read again; and reports that are given only what they tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.analytics import (
    adoption,
    flows,
    forecast,
    issues_api,
    kpi_values_api,
    losses,
    orders,
    pipeline,
    stages_report,
    workload_report,
)
from services.analytics.cells import AXES, Axis, Cell, Per
from services.analytics.forecast import Span
from services.analytics.hand_offs import handed_over
from services.analytics.kept_cells import (
    Mirrors,
    Tidying,
    add_cells,
    changes_of,
    put_together,
    worth_it,
)
from services.analytics.kpi_measures import KPI_MEASURES, terms
from services.analytics.measures import closing, recompute
from services.analytics.packing import UnreadableCellsError, pack, unpack
from services.analytics.pipeline import Amounts, Key, PartOf, tallied
from services.analytics.projections import Held, OrgNode, Target
from services.analytics.report_by import DealsBy, IssuesBy, OrdersBy, PipelineBy, WorkloadBy
from services.analytics.tables import EXACT, Apart, Grain, Tables
from services.analytics.tests.histories import ZONE, histories
from services.analytics.traits import Traits
from services.analytics.tree import Organization
from shared.events import Envelope
from shared.events.analytics import KpiDefined, KpiLevel
from shared.memory import MemoryStore

DAY = date(2026, 1, 5)
GRACE = 5
OFF = frozenset({"cancelled"})
days = st.dates(date(2025, 11, 1), date(2026, 6, 30))
names = st.sampled_from(["", "employee-1", "employee-10", "김", "a/b"])
cells = st.builds(
    Cell,
    st.sampled_from(["open", "won", "value_USD"]),
    names,
    st.sampled_from(AXES),
    names,
    days,
    st.none() | days,
)
amounts = st.dictionaries(cells, st.integers(-(2**62), 2**62).filter(bool), max_size=12)


@given(amounts)
def test_what_is_packed_is_read_again(told: dict[Cell, int]) -> None:
    assert Tables().with_([unpack(pack(told))]).cells(AXES) == told


@example(b"\x81\xa1\x80")
@given(st.binary(max_size=60))
def test_any_bytes_are_cells_or_refused(written: bytes) -> None:
    try:
        found = unpack(written)
    except UnreadableCellsError:
        return
    Tables().with_([found]).cells(AXES)


@given(st.lists(st.dictionaries(cells, st.integers(-9, 9).filter(bool), max_size=6), max_size=8))
def test_differences_add_up_however_they_are_put_together(told: list[dict[Cell, int]]) -> None:
    wanted: Counter[Cell] = Counter()
    for one in told:
        wanted.update(one)
    expected = {cell: amount for cell, amount in wanted.items() if amount}
    tables = Tables().with_(unpack(pack(one)) for one in told)
    assert tables.cells(AXES) == expected
    assert Tables().with_([unpack(tables.written())]).cells(AXES) == expected
    for owner in ("", "employee-1", "nobody"):
        theirs = {cell: amount for cell, amount in expected.items() if cell.owner == owner}
        assert tables.cells(AXES, EXACT, owner) == theirs


def _cells(found: list[list[Envelope]]) -> dict[Cell, int]:
    return recompute((fact for history in found for fact in history), ZONE)[1]


@st.composite
def organizations(draw: st.DrawFn, days: st.SearchStrategy[date] = days) -> Organization:
    """Everybody of the histories is somewhere, and elsewhere later on; so are the teams."""

    def holds(*of: str) -> tuple[Held, ...]:
        held = st.builds(Held, st.sampled_from(of), st.none() | days)
        told = draw(st.lists(held, max_size=3))
        return tuple(sorted(told, key=lambda one: one.since or date.min))

    nodes = {"unit-all": OrgNode("unit-all", "All", "company")}
    for division in ("unit-east", "unit-west"):
        nodes[division] = OrgNode(division, division, "division", holds("unit-all"))
    for unit in ("unit-a", "unit-b"):
        above = holds("unit-east", "unit-west", "unit-all")
        nodes[unit] = OrgNode(
            unit, unit, "team", above, holds("employee-a", "employee-b", "employee-m")
        )
    for name in ("employee-a", "employee-b", "employee-c"):  # The owners of the histories.
        nodes[name] = OrgNode(name, under=holds("unit-a", "unit-b"))
    return Organization(nodes)


spans = st.tuples(st.none() | days, st.none() | days).map(lambda told: Span(*told))
SEGMENTS = {"company-p": "steel"}
units = st.sampled_from([None, "unit-a", "unit-all"])


def _reports(
    held: Organization, day: date, span: Span, unit: str | None
) -> Iterator[tuple[str, Grain, Any]]:
    """Yield each report over cells with the grain that it says it has."""
    until, look = Span(span.first, span.last or day), flows.Look(span, day, unit)
    for by in get_args(PipelineBy):
        grain = pipeline.grain(by, held, day)
        yield f"pipeline {by}", grain, lambda told, by=by: pipeline.pipeline(by, told, held, day)
    for by in get_args(workload_report.WorkloadBy):
        grain = workload_report.grain(by, held, until, unit, GRACE)
        part = workload_report.in_workload(by, held, until, unit)
        yield f"workload {by}", grain, partial(_workload, by, part)
    for by in get_args(DealsBy):
        grain = flows.inflow_grain(by, held, look)
        yield (
            f"inflow {by}",
            grain,
            lambda told, by=by: flows.inflow(by, told, held, look, SEGMENTS),
        )
    for by in get_args(flows.TouchesBy):
        grain = flows.touches_grain(by, held, look)
        yield f"touches {by}", grain, lambda told, by=by: flows.touches(by, told, held, look)
    for by in get_args(forecast.ForecastBy):
        grain = forecast.forecast_grain(by, day, span, unit)
        yield (
            f"forecast {by}",
            grain,
            lambda told, by=by: forecast.forecast(by, told, held, day, span, unit),
        )
    for by in get_args(forecast.YieldBy):
        grain = forecast.yield_grain(by, held, span, day)
        yield f"yield {by}", grain, lambda told, by=by: forecast.yields(by, told, held, span, day)
    of_them = stages_report.Look(span, unit)
    narrowed = of_them._replace(stage="Engaging", product="product-x")
    for by in get_args(DealsBy):
        for axis, course in (("passage", of_them), ("passage", narrowed), ("slip", of_them)):
            grain = stages_report.grain(axis, by, held, course)
            part = stages_report.in_course(axis, by, held, course, SEGMENTS)
            yield f"{axis} {by}", grain, lambda told, part=part: tallied(told, part)
    for by in get_args(OrdersBy):
        asked = orders.Look(flows.Look(until, day, unit), OFF)
        grain = orders.grain(by, held, asked)
        part = orders.in_orders(by, held, asked, SEGMENTS)
        yield f"orders {by}", grain, lambda told, part=part: tallied(told, part)
    last = span.last or day
    yield from _by_week(held, day, Span(min(span.first or day, last), last), unit)
    yield from _measured(held, day, span, unit)


def _workload(by: WorkloadBy, part_of: PartOf, told: Amounts) -> dict[Key, Any]:
    rows = tallied(told, part_of)
    return {key: workload_report.document(by, row, {}, GRACE) for key, row in rows.items()}


def _by_week(
    held: Organization, day: date, span: Span, unit: str | None
) -> Iterator[tuple[str, Grain, Any]]:
    """Yield what is told of weeks: time that was lost."""
    look, rules = losses.Look(span, unit, day, frozenset()), losses.Rules(5, 14)
    yield (
        "losses",
        losses.grain(span, unit),
        lambda told: losses.rows_of(told, held, look, rules, {}, []),
    )


def _measured(
    held: Organization, day: date, span: Span, unit: str | None
) -> Iterator[tuple[str, Grain, Any]]:
    """Yield what is told of cases, targets and figures that a company defines."""
    for by in get_args(IssuesBy):
        grain = issues_api.grain(by, day)
        parts = issues_api.in_issues(by, held, day), issues_api.aged(by, held, day)
        yield f"issues {by}", grain, lambda told, parts=parts: tallied(told, *parts)
    wanted = list(targets_of(span, unit))
    grain = forecast.target_grain(wanted, held, day)
    for target in wanted:
        yield (
            f"target {target}",
            grain,
            lambda told, target=target: forecast.attained(target, told, held, day),
        )
    # All of them do not fit into one expression: each period asks for either half, by turns.
    halves = (sorted(KPI_MEASURES)[::2], sorted(KPI_MEASURES)[1::2])
    for turn, (level, per) in enumerate(product(get_args(KpiLevel), get_args(Per))):
        half = halves[(turn + turn // 4) % 2]
        kpi = _kpi(half, level, per, None if turn % 3 else "product-x", span, day)
        yield f"kpi {level} {per}", kpi.grain(held), partial(_kpi_values, kpi, held)


def targets_of(span: Span, unit: str | None) -> Iterator[Target]:
    """Yield what one seller, a unit or everybody is to reach, in money or in deals."""
    period = {"period_from": span.first, "period_to": span.last}
    for named in (None, "product-x"):
        for owner, of in (("employee-a", None), (None, unit)):
            told = {"owner": owner, "unit": of, "product": named, "amount": Decimal(1_000)}
            yield Target("target-1", **told, **period, measure="value_won", currency="USD")
            yield Target("target-2", **told, **period, measure="count_won")


def _kpi(
    names: Iterable[str], level: KpiLevel, per: Per, of: str | None, span: Span, day: date
) -> kpi_values_api.Asked:
    defined = KpiDefined(
        definition=1,
        name="All",
        expression=" + ".join(names),
        measured_in="number",
        frequency=per,
        level=level,
        product=of,
        direction="up",
    )
    last = span.last or day
    first = max(span.first or date.min, last - timedelta(days=40))
    return kpi_values_api.Asked(defined, terms(per, min(first, last), last), day)


def _kpi_values(
    asked: kpi_values_api.Asked, held: Organization, told: Amounts
) -> dict[tuple[Key, str], dict[str, int]]:
    sums = kpi_values_api.summed(asked, asked.scope(held, "USD", OFF), told)
    found = {place: {name: n for name, n in row.items() if n} for place, row in sums.items()}
    return {place: row for place, row in found.items() if row}


@settings(max_examples=40)
@given(histories(), organizations(), days, spans, units)
def test_a_report_is_the_same_from_what_it_tells_apart(
    found: list[list[Envelope]], held: Organization, day: date, span: Span, unit: str | None
) -> None:
    exact = _cells(found)
    told = [*exact.items()]
    tables = Tables().with_([unpack(pack(dict(told[::2])))])
    # What stands for which value is remembered; others come later.
    for _, grain, _ in _reports(held, day, span, unit):
        tables.cells(AXES, grain)
    tables = tables.with_([unpack(pack(dict(told[1::2])))])
    for name, grain, report in _reports(held, day, span, unit):
        coarse = tables.cells(AXES, grain)
        assert report(coarse) == report(exact), name


@settings(max_examples=60)
@given(histories(), st.integers(1, 4), days)
def test_what_was_entered_of_a_week_is_what_its_cells_say(
    found: list[list[Envelope]], parts: int, last: date
) -> None:
    """What was taken back on another day was entered all the same."""
    exact = _cells(found)
    # What is added and taken away again within the log is nothing that was entered.
    told = [*exact.items()]
    added = [dict(told[number::parts]) for number in range(parts)]
    undone = {cell: -amount for cell, amount in added[0].items()}
    tables = Tables().with_(unpack(pack(one)) for one in (*added, undone, added[0]))
    entries = adoption.Entries(tables, last)
    weeks: Counter[tuple[str, date, int]] = Counter()
    months: Counter[tuple[str, date]] = Counter()
    for cell, amount in exact.items():
        kinds = (adoption.ACTIVITY, adoption.ENTERED)
        of = [n for n, kind in enumerate(kinds) if cell.measure in kind.get(cell.axis, ())]
        if of and amount > 0 and cell.day <= last:
            weeks[cell.owner, cell.day - timedelta(days=cell.day.weekday()), *of] += amount
            months[cell.owner, cell.day.replace(day=1)] += amount
    assert entries.first == min((week for _, week, _ in weeks), default=None)
    for seller, week in product({cell.owner for cell in exact}, {week for _, week, _ in weeks}):
        activities, opportunities = weeks[seller, week, 0], weeks[seller, week, 1]
        assert entries.week(seller, week) == (seller, week, activities, opportunities)
    held = entries.months(Span(date(2020, 1, 1), date(2030, 1, 1)))
    assert {(month.seller, month.first) for month in held} == set(months)


def test_whoever_was_late_within_the_grace_was_in_time() -> None:
    late = {f"{minutes:02}": minutes + 1 for minutes in range(10)}
    exact = {
        Cell(measure, "employee-a", "lateness", value, DAY): amount
        for measure in ("started", "ended")
        for value, amount in late.items()
    } | {Cell("done", "employee-a", "plan", "", DAY): sum(late.values())}
    held, span = Organization({}), Span(DAY, DAY)
    grain = workload_report.grain("total", held, span, None, GRACE)
    coarse = Tables().with_([unpack(pack(exact))]).cells(AXES, grain)
    assert len(coarse) == 3
    part_of = workload_report.in_workload("total", held, span, None)
    (row,) = _workload("total", part_of, coarse).values()
    assert [row] == [*_workload("total", part_of, exact).values()]
    assert row["on_time_share"] == "38.18"  # 21 of 55.


near = st.dates(date(2026, 1, 20), date(2026, 2, 20))
# Of these the value says what a deal was like.
COURSE = ("passage", "slip", "flow")
LIKE = [
    Traits("product-x", "company-p", "00 months", "evidence", "Engaging").written(),
    Traits(stage="Pro/posal").written(),
]
# What is counted of sellers: axis, measure, value.
KINDS = [
    *(
        (measure.axis, f"{measure.measure}USD" if measure.money else measure.measure, value)
        for measure in KPI_MEASURES.values()
        for value in (LIKE if measure.axis in COURSE else (measure.value or "", "customer"))
    ),
    *(("flow", measure, value) for measure in ("discovered", "won", "value_USD") for value in LIKE),
    *(("product", measure, "product-x") for measure in ("won", "lost", "value_USD", "open_USD")),
    *(("owner", measure, "") for measure in ("won", "value_USD", "open_USD")),
    *(
        ("hand_off", measure, handed_over(name, "company-p", status))
        for measure in ("order", "order_USD", "finance_USD")
        for name in ("", "product-x")
        for status in ("confirmed", "cancelled")
    ),
    *(("commitment", "commit_USD", closing(date(2026, 2, 10), name)) for name in ("", "product-x")),
]


@st.composite
def crowded(draw: st.DrawFn) -> dict[Cell, int]:
    """A month of a few kinds of figures of two sellers."""
    some = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
    of_them = st.builds(
        lambda kind, owner, day, credited: Cell(kind[1], owner, kind[0], kind[2], day, credited),
        st.sampled_from(some),
        st.sampled_from(["employee-a", "employee-b"]),
        near,
        st.none() | near,
    )
    return draw(st.dictionaries(of_them, st.integers(1, 9), min_size=30, max_size=60))


@pytest.mark.timeout(600)  # A failing one is made smaller for minutes.
@settings(max_examples=60)
@given(crowded(), organizations(near), near, st.tuples(near, near).map(lambda d: Span(*sorted(d))))
def test_so_it_is_where_sellers_move_amid_all_that_counts(
    exact: dict[Cell, int], held: Organization, day: date, span: Span
) -> None:
    """Random histories seldom have two of the same, one before and one after such a day."""
    tables = Tables().with_([unpack(pack(exact))])
    for name, grain, report in _reports(held, day, span, "unit-a"):
        assert report(tables.cells(AXES, grain)) == report(exact), name


def test_a_quarter_of_days_is_one_cell_where_nobody_tells_them_apart() -> None:
    told = {
        Cell("actual", f"employee-{n}", "time", "customer", DAY + timedelta(days=day)): 1
        for n in range(3)
        for day in range(90)
    }
    tables = Tables().with_([unpack(pack(told))])
    assert len(tables.cells(AXES)) == 270
    assert sorted(tables.cells(AXES, Grain(Apart(), Apart())).values()) == [90, 90, 90]
    assert list(tables.cells(AXES, Grain(Apart(), Apart(), owners=False)).values()) == [270]
    placed = Grain(Apart(), Apart(), placed=lambda _axis, owner, *_days: owner == "employee-0")
    assert sorted(tables.cells(AXES, placed).values()) == [90, 180]
    months = tables.cells(AXES, Grain(Apart(per="month"), Apart(), owners=False))
    assert sorted(months.values()) == [4 * 3, 27 * 3, 28 * 3, 31 * 3]


def test_closing_days_are_one_cell_where_nobody_tells_them_apart() -> None:
    told = {
        Cell(
            "commit_USD", f"employee-{n}", "commitment", closing(DAY + timedelta(days=n), name), DAY
        ): 1
        for n in range(90)
        for name in ("product-x", "product-y")
    }
    tables = Tables().with_([unpack(pack(told))])

    def amounts(by: forecast.ForecastBy, span: Span) -> list[int]:
        grain = forecast.forecast_grain(by, DAY, span, None)
        return sorted(tables.cells(["commitment"], grain).values())

    assert amounts("total", Span()) == [180]
    assert amounts("product", Span()) == [90, 90]
    assert amounts("month", Span()) == [2 * 4, 2 * 27, 2 * 28, 2 * 31]
    assert amounts("total", Span(DAY + timedelta(days=10), DAY + timedelta(days=19))) == [20]


async def add(store: MemoryStore, told: Mapping[str, Mapping[Cell, int]]) -> None:
    async with store.transaction() as tx:
        await add_cells(tx, "cells", told)


def one(owner: str, axis: Axis = "owner") -> Cell:
    return Cell("open", owner, axis, "", DAY)


async def test_who_has_read_before_reads_only_what_is_new() -> None:
    store, mirrors = MemoryStore(), Mirrors()
    await add(store, {"issues/0": {one("a"): 1}, "issues/1": {one("a"): 2}})
    before = await mirrors.read(store, "cells")
    assert before.cells(AXES) == {one("a"): 3}
    assert await mirrors.read(store, "cells") is before
    await add(store, {"issues/1": {one("a"): -2, one("b"): 5}})
    # What it has read is gone: it must not need it any more.
    await store.delete_many(changes_of("cells"), ["issues/0/000000000001"])
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("a"): 1, one("b"): 5}
    assert before.cells(AXES) == {one("a"): 3}


async def test_what_was_put_together_is_read_by_all() -> None:
    store, early, late = MemoryStore(), Mirrors(), Mirrors()
    for number in range(40):
        await add(store, {"issues/1": {one(f"{number % 7}"): 1}, "issues/10": {one("x"): 1}})
        if number == 20:
            await early.read(store, "cells")
    wanted = (await Mirrors().read(store, "cells")).cells(AXES)
    await put_together(store, "cells", "issues/1", 30)
    held = await store.find(changes_of("cells"), {}, sort=(("_id", 1),))
    assert len(held) == 40 + 1 + 10
    for mirrors in (early, late):
        assert (await mirrors.read(store, "cells")).cells(AXES) == wanted
    await put_together(store, "cells", "issues/1", 40)
    assert (await late.read(store, "cells")).cells(AXES) == wanted
    assert (await Mirrors().read(store, "cells")).cells(AXES) == wanted


async def test_what_was_put_together_with_what_is_known_counts_once() -> None:
    """Who lacks just the last addition meets it in one document with those that they have."""
    store, mirrors = MemoryStore(), Mirrors()
    for _ in range(20):
        await add(store, {"issues/1": {one("a"): 1}})
    await mirrors.read(store, "cells")
    await add(store, {"issues/1": {one("a"): 1}})
    await put_together(store, "cells", "issues/1", 21)
    assert await store.count(changes_of("cells"), {}) == 1
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("a"): 21}


async def test_what_an_older_release_put_together_counts_once() -> None:
    store, mirrors = MemoryStore(), Mirrors()
    for number in range(21):
        if number == 20:
            await mirrors.read(store, "cells")
        await add(store, {"issues/1": {one("a"): 1}})
    await put_together(store, "cells", "issues/1", 21)
    (whole,) = await store.find(changes_of("cells"), {})
    whole = {name: told for name, told in whole.items() if name != "first"}
    await store.put_many(changes_of("cells"), [whole])
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("a"): 21}
    await add(store, {"issues/1": {one("a"): 1}})
    await put_together(store, "cells", "issues/1", 22, at_least=2)
    (whole,) = await store.find(changes_of("cells"), {})
    assert whole["first"] == 0
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("a"): 22}


async def test_what_is_new_is_left_alone_until_everybody_has_read_it() -> None:
    store, tidying = MemoryStore(), Tidying("cells")
    for _ in range(30):
        await add(store, {"issues/1": {one("a"): 1}, "issues/2": {one("a"): 1}})
    await tidying.tidy(store, {"issues/1"})
    assert await store.count(changes_of("cells"), {}) == 60
    await tidying.tidy(store, {"issues/1"})
    assert await store.count(changes_of("cells"), {}) == 31
    assert (await Mirrors().read(store, "cells")).cells(AXES) == {one("a"): 60}


async def test_a_build_that_begins_anew_is_read_anew() -> None:
    store, mirrors = MemoryStore(), Mirrors()
    await add(store, {"issues/0": {one("a"): 1}})
    await add(store, {"issues/0": {one("a"): 1}})
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("a"): 2}
    for name in await store.collections():
        await store.drop(name)
    await add(store, {"issues/0": {one("b"): 1}})
    assert (await mirrors.read(store, "cells")).cells(AXES) == {one("b"): 1}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([1] * 15, 0),
        ([1] * 16, 16),
        ([40, *[1] * 16], 16),
        ([32, *[1] * 16], 17),
        ([200_000, *[1] * 16], 16),
        ([150_000, 70_000, *[4_000] * 16], 17),
    ],
)
def test_what_is_worth_putting_together(rows: list[int], wanted: int) -> None:
    assert worth_it(rows) == wanted


async def test_a_row_is_written_again_only_as_its_history_doubles() -> None:
    store, written = MemoryStore(), 0
    for number in range(1, 1_001):
        await add(store, {"issues/0": {one(f"{number}"): 1}})
        if number % 16 == 0:
            before = await store.count(changes_of("cells"), {})
            await put_together(store, "cells", "issues/0", number)
            after = await store.find(changes_of("cells"), {}, sort=(("_id", 1),))
            if len(after) < before:
                written += after[-1]["rows"]
    assert await store.count(changes_of("cells"), {}) < 40
    assert written < 1_000 * 12
