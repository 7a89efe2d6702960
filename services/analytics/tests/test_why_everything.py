"""What makes a row and what is left out of it are everything, once: of every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.analytics import (
    adoption,
    data_quality,
    flows,
    forecast,
    growth,
    issues_api,
    ledger,
    losses,
    orders,
    pipeline,
    stages_report,
    workload_report,
)
from services.analytics.adoption_why import Opened as OpenedAdoption
from services.analytics.entities import Entity, Opportunity
from services.analytics.forecast import Span
from services.analytics.kpi_measures import KPI_MEASURES, axis_of, term_of
from services.analytics.kpi_values_api import Asked as KpiAsked
from services.analytics.kpi_values_api import explain_values, summed
from services.analytics.measures import contributions, recompute
from services.analytics.packing import pack, unpack
from services.analytics.pipeline import Key, PartOf, PartsOf, no_more, tallied
from services.analytics.projections import Away, Frozen, FrozenForecast, Held, Line
from services.analytics.report_by import (
    AdoptionBy,
    GrowthBy,
    IssuesBy,
    LedgerBy,
    OrdersBy,
    PipelineBy,
    QualityBy,
    WorkloadBy,
)
from services.analytics.tables import Tables
from services.analytics.tests.histories import DAYS, ZONE, histories
from services.analytics.tests.test_tables import OFF, SEGMENTS, organizations, targets_of, units
from services.analytics.tree import Organization
from services.analytics.why import Asked, Explained
from shared.events import Envelope
from shared.events.analytics import KpiDefined

Report = tuple[str, PartOf, PartsOf]


def reports(held: Organization, day: date, span: Span, unit: Key) -> Iterator[Report]:
    """Yield what says to which row a cell adds what, of every report that is opened by cells."""
    look, year = flows.Look(span, day, unit), Span(date(2026, 1, 1), day)
    for by in get_args(PipelineBy):
        yield f"pipeline {by}", pipeline.in_pipeline(by, held, day, SEGMENTS), no_more
    yield "inflow", flows.in_inflow("quality", held, look), no_more
    yield "touches", flows.in_touches("team", held, look), no_more
    for by in get_args(WorkloadBy):
        part = workload_report.in_workload(by, held, Span(span.first, span.last or day), unit)
        yield f"workload {by}", part, no_more
    yield "forecast", forecast.in_forecast("month", held, day, span, unit), no_more
    yield "yield", forecast.in_yield("seller", held, span, day), no_more
    course = stages_report.Look(span, unit, "Engaging", "product-x")
    yield "stages", stages_report.in_course("passage", "stage", held, course), no_more
    course = stages_report.Look(span, unit)
    yield "slippage", stages_report.in_course("slip", "segment", held, course, SEGMENTS), no_more
    for by in get_args(IssuesBy):
        yield (
            f"issues {by}",
            issues_api.in_issues(by, held, day),
            issues_api.aged(by, held, day),
        )
    for by in get_args(GrowthBy):
        yield (
            f"growth {by}",
            growth.Accounts(by, held, year, day, SEGMENTS, {}).part_of(),
            no_more,
        )
    yield "losses", losses.in_losses(held, span, unit), no_more
    for by in get_args(OrdersBy):
        asked = orders.Look(look, OFF)
        yield f"orders {by}", orders.in_orders(by, held, asked, SEGMENTS), no_more
    for number, target in enumerate(targets_of(span, unit)):
        yield f"target {number}", forecast.in_target(target, held, day), no_more


@given(
    histories(),
    organizations(),
    DAYS,
    st.tuples(st.none() | DAYS, st.none() | DAYS).map(lambda told: Span(*told)),
    units,
)
def test_what_makes_a_row_and_what_is_left_out_is_everything_once(
    found: Sequence[Sequence[Envelope]],
    held: Organization,
    day: date,
    span: Span,
    unit: Key,
) -> None:
    entities, cells = recompute((fact for history in found for fact in history), ZONE)
    for name, part_of, also in reports(held, day, span, unit):
        # And of a row that nothing is in.
        for key, row in {**tallied(cells, part_of, also), "nothing": Counter()}.items():
            asked = Asked(part_of, {key}, None, also)
            told = asked.explain(entities.values(), Explained())
            assert told.total == {m: n for m, n in row.items() if n}, (name, key)
            assert_all_told_once(told, entities)


def assert_all_told_once(told: Explained, entities: dict[str, Entity]) -> None:
    streams = [one.stream for one in told.page.items]
    streams += [stream for others in told.left_out.streams.values() for stream in others]
    assert sorted(streams) == sorted(entities)


@given(histories(), DAYS)
def test_an_entity_names_the_facts_that_it_is_folded_from(
    found: Sequence[Sequence[Envelope]], day: date
) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    for history in found:
        assert entities[history[0].stream].facts == tuple(fact.id for fact in history)
    part_of = pipeline.in_pipeline("total", Organization({}), day)
    for one in Asked(part_of, {"total"}).explain(entities.values(), Explained()).page.items:
        assert one.facts == entities[one.stream].facts


@given(histories(), organizations(), DAYS, st.sampled_from(["2026-01", "2026-02"]))
def test_of_figures_that_a_company_defines_everything_is_told_once_too(
    found: Sequence[Sequence[Envelope]], held: Organization, day: date, period: str
) -> None:
    entities, cells = recompute((fact for history in found for fact in history), ZONE)
    term = term_of("month", period)
    for name in KPI_MEASURES:
        for product in (None, "product-x"):
            asked = KpiAsked(_kpi(name, product), (term,), day)
            scope = asked.scope(held, "USD", OFF)
            sums = summed(asked, scope, cells)
            for key, _ in {*sums, ("nothing", "")}:
                told = explain_values(asked, scope, {key}, entities.values(), Explained())
                row = sums.get((key, term.name), {})
                assert told.total == {m: n for m, n in row.items() if n}, (name, key)
                assert_all_told_once(told, entities)
                for stream in told.left_out.streams["not_counted"]:
                    assert not _tells(name, product, entities[stream]), (name, stream)


def _kpi(name: str, product: str | None) -> KpiDefined:
    return KpiDefined(
        definition=1,
        name=name,
        expression=name,
        measured_in="number",
        frequency="month",
        level="team",
        product=product,
        direction="up",
    )


def _tells(name: str, product: str | None, entity: Entity) -> bool:
    """Whether an entity tells anything of a measure, in whatever time, currency and product."""
    measure = KPI_MEASURES[name]
    axis = axis_of(measure, by_product=product is not None)
    return any(
        cell.axis == axis
        and (cell.measure.startswith if measure.money else cell.measure.__eq__)(measure.measure)
        and (axis == "product" or measure.value in (None, cell.value))
        for cell in contributions(entity)
    )


owners = st.none() | st.sampled_from(["employee-a", "employee-none"])


@given(histories(), organizations(), DAYS, units, owners)
def test_of_the_quality_of_data_everything_is_told_once(
    found: Sequence[Sequence[Envelope]], held: Organization, day: date, unit: Key, owner: str | None
) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    asked = data_quality.Asked(day, 7, held, unit, owner)
    for by in get_args(QualityBy):
        rows = data_quality.Rows(by)
        rows.add(asked, entities.values())
        for key, row in {**rows.sums, "nothing": Counter()}.items():
            told = data_quality.Opened()
            asked.explain(by, {key}, entities.values(), told)
            assert told.total == row, (by, key)
            streams = [one.stream for one in told.page.items]
            streams += [one for others in told.left_out.streams.values() for one in others]
            assert sorted(streams) == sorted(entities)


@st.composite
def staffed(draw: st.DrawFn) -> Organization:
    """Everybody comes, goes, is away and sells, or not, from some day on."""
    places, nodes = draw(organizations()), {}
    functions = st.builds(Held, st.sampled_from(["sales", "support"]), st.none() | DAYS)
    away = st.tuples(DAYS, DAYS).map(lambda told: Away("a", min(told), max(told)))
    for name, node in places.nodes.items():
        held = draw(st.lists(functions, max_size=3))
        nodes[name] = replace(
            node,
            functions=tuple(sorted(held, key=lambda one: one.since or date.min)),
            joined_on=draw(st.none() | DAYS),
            left_on=draw(st.none() | DAYS),
            away=tuple(draw(st.lists(away, max_size=2))),
        )
    return Organization(nodes)


@given(histories(), staffed(), st.tuples(DAYS, DAYS), units, owners)
def test_of_adoption_everything_is_told_once(
    found: Sequence[Sequence[Envelope]],
    held: Organization,
    days: tuple[date, date],
    unit: Key,
    owner: str | None,
) -> None:
    _, cells = recompute((fact for history in found for fact in history), ZONE)
    span = Span(min(days), max(days))
    entries = adoption.Entries(Tables().with_([unpack(pack(cells))]), max(days))
    sellers = None if owner is None else {owner}
    measured = adoption.Measured(held, frozenset({"sales"}), span, unit, sellers)
    told = list(measured.told(entries))
    weeks = {(one.seller, one.first) for one, _ in told if not isinstance(one, adoption.Month)}
    staff = [name for name in held.nodes if name.startswith("employee-")]
    whose = [name for name in staff if sellers is None or name in sellers]
    assert {seller for seller, _ in weeks} <= {*whose}
    assert len(weeks) == len(whose) * len({first for _, first in weeks})
    counted = [one for one, reason in told if reason is None]
    for by in get_args(AdoptionBy):
        rows = adoption.rows_of(by, counted, held)
        for key, row in {**rows, "nothing": Counter()}.items():
            opened = OpenedAdoption()
            opened.add(by, {key}, told, held)
            assert opened.total == row, (by, key)
            rest = Counter[str]()
            for counts in opened.rest.values():
                rest.update(counts)
            held_weeks = sum(isinstance(one, adoption.Week) for one in opened.page.items)
            assert held_weeks + rest["weeks"] == len(weeks)
            months = 0 if by == "week" else len(told) - len(weeks)
            assert len(opened.page.items) - held_weeks + rest["months"] == months


def lines(deals: Iterable[str]) -> st.SearchStrategy[Line]:
    return st.builds(
        Line,
        opportunity=st.sampled_from([*deals, "opportunity-none"]),
        seller=st.sampled_from(["employee-a", "employee-b"]),
        confidence=st.sampled_from(["commit", "upside"]),
        amount=st.integers(0, 9).map(Decimal),
        currency=st.sampled_from(["USD", "KRW"]),
        close_on=DAYS,
    )


@given(histories(), DAYS, st.sampled_from(["first", "last"]), st.data())
def test_of_the_ledger_every_line_is_told_once(
    found: Sequence[Sequence[Envelope]], day: date, which: ledger.Which, data: st.DataObject
) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    deals = {name: one for name, one in entities.items() if isinstance(one, Opportunity)}
    periods = st.tuples(DAYS, DAYS).map(sorted)
    # Of few periods, so that some are frozen again.
    period = st.sampled_from(data.draw(st.lists(periods, min_size=1, max_size=2)))
    frozen = st.builds(
        lambda on, told, held: Frozen(on, told[0], told[1], tuple(held)),
        DAYS,
        period,
        st.lists(lines(sorted(deals)), max_size=4),
    )
    rolled_up = [
        FrozenForecast(name, frozen=tuple(data.draw(st.lists(frozen, max_size=3))))
        for name in ("forecast-1", "forecast-1-a")
    ]
    everything = Counter(
        line.opportunity for one in rolled_up for held in one.frozen for line in held.lines
    )
    for by in get_args(LedgerBy):
        asked = ledger.Asked(by, "USD", "commit")
        rows: dict[Key, ledger.Balance] = {}
        asked.add(ledger.judged(rolled_up, deals, day, which), rows)
        for key, row in {**rows, "nothing": ledger.Balance()}.items():
            told = ledger.Opened()
            for one in rolled_up:
                judged = ledger.judged([one], deals, day, which)
                told.add(asked, {key}, judged, ledger.not_judged(one, day, which))
            assert told.total == row, (by, key)
            streams = Counter(one.outcome.line.opportunity for one in told.page.items)
            for others in told.left_out.streams.values():
                streams.update(others)
            assert streams == everything
