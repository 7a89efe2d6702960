"""HTTP for what a figure comes to (N-02): by period, by two definitions, and from what."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Annotated, Any

from fastapi import Query

from services.analytics.api import Analytics, At, Moment, Seller, employee, facts_of, unheard
from services.analytics.cells import Axis
from services.analytics.entities import Entity
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.kpi_expression import parse
from services.analytics.kpi_measures import (
    KPI_MEASURES,
    Portion,
    Scope,
    Term,
    axis_of,
    portions,
    shown,
    term_of,
    terms,
    told,
)
from services.analytics.kpi_views import KpiCard, kpi_card
from services.analytics.marks import NEWS, mark, tells_of_open
from services.analytics.measures import contributions
from services.analytics.model import stands
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import Amounts, Key, Reason, in_order
from services.analytics.report_traits import alike_by
from services.analytics.row_keys import OURS
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization
from services.analytics.why import Explained
from services.analytics.workload_api import defaults_of
from shared.errors import InvalidError, NotFoundError
from shared.events.analytics import KpiDefined
from shared.exports import note_names
from shared.known import view_at
from shared.runtime import Runtime
from shared.web import StreamId
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
Definition = Annotated[int | None, Query(ge=1, description="without: the one that holds")]
CENT = Decimal("0.01")
# Of these no figure tells what the deals were like, but of which product it is if it is of one.
COURSES: tuple[Axis, ...] = ("passage", "slip")
ANY_TRAITS: Mapping[Axis, Callable[[str], str]] = dict.fromkeys(COURSES, lambda _: "")
OF_PRODUCTS: Mapping[Axis, Callable[[str], str]] = dict.fromkeys(COURSES, alike_by("product"))
# How far back figures go that nobody gave a first day, in days.
USUALLY = {"day": 30, "week": 90, "month": 365, "quarter": 730}


@dataclass(frozen=True, slots=True)
class Asked:
    """A figure by one definition, over some periods."""

    defined: KpiDefined
    held: Sequence[Term]
    day: date

    @property
    def names(self) -> frozenset[str]:
        return parse(self.defined.expression, KPI_MEASURES).names

    def grain(self, organization: Organization) -> Grain:
        """Return what it tells apart: its periods, and where sellers were in them."""
        turns = {turn for term in self.held for turn in bounds(term.first, term.last)}
        apart = Apart(organization.turns | turns | bounds(None, self.day))
        owners = self.defined.level != "total"
        alike = ANY_TRAITS if self.defined.product is None else OF_PRODUCTS
        return Grain(apart, apart, last=self.day, owners=owners, alike=alike)

    def scope(self, organization: Organization, currency: str, called_off: frozenset[str]) -> Scope:
        told, day = self.defined, self.day
        return Scope(told.level, organization, day, currency, told.product, called_off=called_off)


async def _card(runtime: Runtime, kpi: str, moment: Moment, *, by_number: bool) -> KpiCard:
    """Return it as it is; where no definition is named, and it was known then, as it was known."""
    at_least = moment.at_least
    own = at_least if at_least is not None and at_least.stream.startswith("kpi-") else None
    found = await view_at(runtime, kpi_card, f"kpi-{kpi}", None, own)
    if found is None:
        raise NotFoundError("no such kpi")
    if by_number or moment.known_at is None:
        return found
    return await view_at(runtime, kpi_card, f"kpi-{kpi}", moment.known_at) or found


def _defined(card: KpiCard, number: int | None) -> KpiDefined:
    defined = card.defined(number)
    if defined is None:
        raise NotFoundError(f"no definition {number}", field="query/definition")
    return defined


def _asked(card: KpiCard, number: int | None, period: Span, day: date) -> Asked:
    defined = _defined(card, number)
    last = min(period.last or day, day)
    before = min(USUALLY[defined.frequency], (last - date.min).days)
    first = period.first or last - timedelta(days=before)
    if first > last:
        raise InvalidError(f"{first} is after {last}", field="query/from")
    try:
        return Asked(defined, terms(defined.frequency, first, last), day)
    except ValueError as error:
        raise InvalidError(str(error), field="query/from") from None


def _scope(runtime: Runtime, asked: Asked, figures: Figures) -> Scope:
    called_off = defaults_of(runtime).called_off
    return asked.scope(figures.organization, runtime.settings.currency, called_off)


Sums = dict[tuple[Key, str], dict[str, int]]


async def _sums(
    runtime: Runtime, moment: Moment, asked: Asked, owner: str | None
) -> tuple[Figures, Sums]:
    figures = await moment.figures(runtime, _axes(asked), owner=owner, grain_of=asked.grain)
    scope = _scope(runtime, asked, figures)
    return figures, await asyncio.to_thread(summed, asked, scope, figures.cells)


def _axes(asked: Asked) -> list[Any]:
    measures = [KPI_MEASURES[name] for name in asked.names]
    by_product = asked.defined.product is not None
    told = {axis_of(measure, by_product=by_product) for measure in measures}
    return sorted(told | {NEWS} if tells_of_open(asked.names) else told)


def summed(asked: Asked, scope: Scope, cells: Amounts) -> Sums:
    """Return what the cells come to: by row and term, how much of each measure."""
    sums: Sums = defaultdict(lambda: defaultdict(int))
    for key, term, name, amount in portions(asked.names, scope, asked.held, cells):
        sums[key, term][name] += amount
    return sums


def _value(defined: KpiDefined, amounts: Mapping[str, int]) -> Decimal | None:
    told = {name: shown(name, amount) for name, amount in amounts.items()}
    value = parse(defined.expression, KPI_MEASURES).value(told)
    return None if value is None else value.quantize(CENT, ROUND_HALF_UP)


def _row(
    asked: Asked, figures: Figures, key: Key, term: str, amounts: Mapping[str, int]
) -> dict[str, Any]:
    value = _value(asked.defined, amounts)
    told = {name: str(shown(name, amounts.get(name, 0))) for name in sorted(asked.names)}
    return {
        "id": key,
        "key": figures.name(key),
        "period": term,
        "value": None if value is None else str(value),
        "stands": stands(asked.defined, value),
        "measures": told,
    }


def _places(asked: Asked, *sums: Sums) -> list[tuple[Key, str]]:
    keys = in_order({key for one in sums for key, _ in one})
    return [(key, term.name) for key in keys for term in asked.held]


@router.get("/kpis/{kpi}/values")
async def values(
    kpi: StreamId,
    runtime: Analytics,
    moment: At,
    period: Period,
    definition: Definition = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The figure by period, of each seller, unit or of all, over any part of all history (N-02).

    Periods are whole ones; the last may have only begun. `value` is decimal text with two digits,
    null where it divides by nothing; `measures` are what it was computed from. `stale` is, where
    these tell of what is open, of how much of it, of the definition's product if it is of one,
    nobody has told anything for a month (N-08); else null.
    """
    card = await _card(runtime, kpi, moment, by_number=definition is not None)
    asked = _asked(card, definition, period, moment.day(runtime))
    figures, sums = await _sums(runtime, _not_own(moment), asked, employee(seller))
    return {
        "rows": [
            _row(asked, figures, key, term, sums.get((key, term), {}))
            for key, term in _places(asked, sums)
        ],
        "kpi": f"kpi-{kpi}",
        "definition": asked.defined,
        "currency": runtime.settings.currency,
        "stale": (
            mark(figures, asked.day, employee(seller), product=asked.defined.product)
            if tells_of_open(asked.names)
            else None
        ),
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/kpis/{kpi}/restatement")
async def restatement(
    kpi: StreamId,
    runtime: Analytics,
    moment: At,
    period: Period,
    before: Annotated[int, Query(ge=1)],
    after: Annotated[int, Query(ge=1)],
    seller: Seller = None,
) -> dict[str, Any]:
    """The same periods by two definitions, side by side, and by how much they differ (N-02)."""
    card, day = await _card(runtime, kpi, moment, by_number=True), moment.day(runtime)
    old, new = (_asked(card, number, period, day) for number in (before, after))
    if (old.defined.frequency, old.defined.level) != (new.defined.frequency, new.defined.level):
        raise InvalidError("they are not told of the same periods and places", field="query/after")
    moment = _not_own(moment)
    figures, were = await _sums(runtime, moment, old, employee(seller))
    also, are = await _sums(runtime, moment, new, employee(seller))
    rows = []
    for key, term in _places(new, were, are):
        then = _value(old.defined, were.get((key, term), {}))
        now = _value(new.defined, are.get((key, term), {}))
        row = {"id": key, "key": figures.name(key), "period": term, "before": then, "after": now}
        differs = None if then is None or now is None else now - then
        rows.append(row | {"difference": differs})
    marked = tells_of_open(old.names) or tells_of_open(new.names)
    read = figures if tells_of_open(old.names) else also
    products = {one.defined.product for one in (old, new)}
    about = products.pop() if len(products) == 1 else None
    stale = mark(read, day, employee(seller), product=about) if marked else None
    compared = {"before": old.defined, "after": new.defined, "stale": stale}
    return {"rows": rows, **compared, **moment.document()}


@router.get("/kpis/{kpi}/why")
async def explain(
    kpi: StreamId,
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Annotated[str, Query(description="2026-03-31, 2026-W05, 2026-03 or 2026-Q1")],
    key: str | None = None,
    definition: Definition = None,
) -> dict[str, Any]:
    """The opportunities, touches, issues and entries behind one value, by measure."""
    card = await _card(runtime, kpi, moment, by_number=definition is not None)
    defined = _defined(card, definition)
    try:
        term = term_of(defined.frequency, period)
    except ValueError:
        cause = f"{period!r} is no {defined.frequency}"
        raise InvalidError(cause, field="query/period") from None
    asked = Asked(defined, (term,), moment.day(runtime))
    kinds = sorted({KPI_MEASURES[name].kind for name in asked.names})
    row = Row(defined.level, key, OURS[defined.level], kinds[0], tuple(kinds[1:]))
    async with _not_own(moment).opened(runtime, row=row) as figures:
        scope = _scope(runtime, asked, figures)
        add = partial(explain_values, asked, scope, figures.keys)
        found = await paged.of(figures, Explained(paged.page()), add, defined)
    total = found.total
    if total:
        note_names(("stream", *total, "facts"), all_pages=True)
    value = _value(defined, total)
    return {
        "key": key,
        "ids": figures.ids,
        "period": term.name,
        "value": None if value is None else str(value),
        "total": {name: str(shown(name, total.get(name, 0))) for name in sorted(asked.names)},
        "contributions": [
            {
                "stream": one.stream,
                **{name: str(shown(name, amount)) for name, amount in one.amounts.items()},
                "facts": one.facts,
            }
            for one in found.page.items
        ],
        "next_cursor": paged.next_cursor(found.page),
        "left_out": found.left_out.document(named=figures.names_others),
        "definition": defined,
        **moment.document(),
        **unheard(figures),
    }


def explain_values(
    asked: Asked,
    scope: Scope,
    keys: Collection[Key],
    entities: Iterable[Entity],
    found: Explained,
) -> Explained:
    """Add what each entity adds to a row, by measure, and why others add nothing."""
    for entity in entities:
        amounts: Counter[str] = Counter()
        reasons: set[Reason] = set()
        for one in told(asked.names, scope, asked.held, contributions(entity)):
            if not isinstance(one, Portion):
                reasons.add(one)
            elif one.key in keys:
                amounts[one.name] += one.amount
            else:
                reasons.add("other_row")
        found.add(entity, amounts, reasons)
    return found


def _not_own(moment: Moment) -> Moment:
    """The measures know nothing of definitions: who wrote one does not wait for them to."""
    at_least = moment.at_least
    own = at_least is not None and at_least.stream.startswith(("kpi-", "review-"))
    return replace(moment, at_least=None) if own else moment
