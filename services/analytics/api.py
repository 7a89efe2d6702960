"""HTTP for the figures: sums of cells, each of which opens into the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, overload

from fastapi import Depends, Query, Request

from services.analytics import flows, why
from services.analytics import pipeline as report
from services.analytics.cells import Axis, Per
from services.analytics.figures import (
    Asked,
    Figures,
    GrainOf,
    Row,
    exact,
    opened_figures,
    read_figures,
)
from services.analytics.forecast import Span
from services.analytics.marks import NEWS, mark
from services.analytics.paged import Paged, PagedWhy
from services.analytics.pipeline import (
    PartOf,
    PartsOf,
    axes_of,
    in_order,
    row_document,
)
from services.analytics.report_by import DealsBy, PipelineBy, TouchesBy
from services.analytics.row_keys import DEALS, OURS, PIPELINE
from shared.command import Day, Instant
from shared.errors import InvalidError
from shared.events import timestamp
from shared.exports import note_names
from shared.reading import Token
from shared.references import ID, UnitStream
from shared.runtime import Runtime
from shared.web import AtLeast, runtime_of
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
Analytics = Annotated[Runtime, Depends(runtime_of("analytics"))]
AsOf = Annotated[Day | None, Query(description="as it stood at the end of this day")]
KnownAt = Annotated[
    Instant | None, Query(description="by what had been recorded until this instant (C-06)")
]

Unit = Annotated[
    UnitStream | None, Query(description="who is in this unit or below it: `unit-...`")
]
Seller = Annotated[
    str | None, Query(pattern=f"^{ID}$", description="this colleague's alone: `employee-...`")
]


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when somebody asks, and by whose knowledge: at least by what they just wrote."""

    as_of: date | None
    known_at: datetime | None
    at_least: Token | None
    # Whose alone is asked for, by the name of the parameter.
    of: Mapping[str, str]

    def day(self, runtime: Runtime) -> date:
        """Return the day asked about: without one, the day on which it was known, or today."""
        if self.as_of is None and self.known_at is not None:
            return self.known_at.astimezone(runtime.settings.zone).date()
        return self.as_of or runtime.today

    async def figures(
        self,
        runtime: Runtime,
        axes: Sequence[Axis],
        *,
        owner: str | None = None,
        row: Row | None = None,
        grain_of: GrainOf | None = exact,
    ) -> Figures:
        asked = Asked(owner, row, self.at_least, self.known_at, grain_of, of=self.of)
        return await read_figures(runtime, axes, asked)

    def opened(
        self,
        runtime: Runtime,
        axes: Sequence[Axis] = (),
        *,
        owner: str | None = None,
        row: Row | None = None,
        grain_of: GrainOf | None = exact,
        named: bool = False,
    ) -> AbstractAsyncContextManager[Figures]:
        """Read them with what is behind a row, as long as they are open."""
        asked = Asked(owner, row, self.at_least, self.known_at, grain_of, named, self.of)
        return opened_figures(runtime, axes, asked)

    @property
    def text(self) -> str | None:
        return timestamp(self.known_at) if self.known_at else None

    def document(self) -> dict[str, Any]:
        return {"as_of": self.as_of, "known_at": self.text}


# Parameters that name of what alone something is asked: of what nobody knows, nothing is told.
NAMING = ("seller", "owner", "of", "unit", "product", "stage")


async def _moment(
    request: Request, at_least: AtLeast, as_of: AsOf = None, known_at: KnownAt = None
) -> Moment:
    of = {name: one for name in NAMING if (one := request.query_params.get(name))}
    of |= {name: employee(of[name]) for name in ("seller", "owner") if name in of}
    return Moment(as_of, known_at, at_least, of)


At = Annotated[Moment, Depends(_moment)]


def days_between(first: date | None, last: date | None, field: str) -> Span:
    """Return the days from the first to the last; without one, there is no end on that side.

    Raises:
        InvalidError: they run backwards; `field` names the parameter.

    """
    if first is not None and last is not None and last < first:
        raise InvalidError("the last day is before the first", field=field)
    return Span(first, last)


async def _look(
    runtime: Analytics,
    moment: At,
    first: Day | None = None,
    last: Day | None = None,
    unit: Unit = None,
) -> flows.Look:
    return flows.Look(days_between(first, last, "query/first"), moment.day(runtime), unit)


Looked = Annotated[flows.Look, Depends(_look)]


@router.get("/pipeline")
async def pipeline(
    runtime: Analytics,
    moment: At,
    by: PipelineBy = "stage",
    seller: Seller = None,
) -> dict[str, Any]:
    """Opportunities by stage, product, seller, ... (N-06): counts, value won, rate, mean cycle.

    By `quality` what is open is told by what shows that it is in its stage, and whether its next
    step is known; by `segment`, by the sector of its company. By `age` and `quality` nothing is
    told of what was decided: `won`, `lost` and `value_won` are null.

    Without `as_of` as it stands today in the company's zone. `latent` counts what is not real yet
    (O-02): it is neither `open` nor in `count`. `key` is the name of the row, `id` the stream
    behind the name; both null where a row has none. Money and rates are decimal text; `win_rate`
    is in percent. `stale` is how much that is open nobody has told anything of for a month (N-08):
    of all that is asked about and, by seller, unit, product, company, segment and in all, of each
    row that has any. `positions` say which facts of the log are in the figures,
    `parked_facts` how many of those are set aside.
    """
    axes = sorted({*axes_of(by), NEWS})
    day = moment.day(runtime)
    figures = await moment.figures(
        runtime, axes, owner=employee(seller), grain_of=lambda held: report.grain(by, held, day)
    )
    rows = report.pipeline(by, figures.cells, figures.organization, day, figures.segments)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, **row_document(by, figures.name(key), rows[key], currency)}
            for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        "currency": currency,
        "stale": mark(figures, day, employee(seller)),
        **facts_of(figures),
    }


@overload
def employee(seller: str) -> str: ...
@overload
def employee(seller: str | None) -> str | None: ...
def employee(seller: str | None) -> str | None:
    if seller is None or seller.startswith("employee-"):
        return seller
    return f"employee-{seller}"


@router.get("/inflow")
async def inflow(
    runtime: Analytics,
    moment: At,
    look: Looked,
    per: Per = "month",
    by: DealsBy | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What was discovered, won and lost in each period, by what holds at the end of `as_of`.

    With `by`, of all these days together, by whose it was then, what is bought by whom, and in
    which stage, how old and how good to work on it was when it came in or last before it was
    decided. `win_rate` is in percent of what was decided.
    """
    told = by or per
    figures = await moment.figures(
        runtime,
        ("flow",),
        owner=employee(seller),
        grain_of=lambda held: flows.inflow_grain(told, held, look),
    )
    rows = flows.inflow(told, figures.cells, figures.organization, look, figures.segments)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(currency)}
            for key in in_order(rows)
        ],
        "by": told,
        "per": per,
        "currency": currency,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/touches")
async def touches(
    runtime: Analytics,
    moment: At,
    look: Looked,
    by: TouchesBy = "seller",
    seller: Seller = None,
) -> dict[str, Any]:
    """Touches by seller, unit or period (N-01), each where its employee was on its day."""
    figures = await moment.figures(
        runtime,
        ("touch",),
        owner=employee(seller),
        grain_of=lambda held: flows.touches_grain(by, held, look),
    )
    counts = flows.touches(by, figures.cells, figures.organization, look)
    return {
        "rows": [
            {"key": figures.name(key), "id": key, "touches": counts[key]}
            for key in in_order(counts)
        ],
        "by": by,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/why")
async def explain(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    by: PipelineBy,
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Why is this number? The opportunities behind a row of `/analytics/pipeline`.

    `key` is the row's id or name, `ids` all that it may mean; without it, the row that has none.
    What they add is in the row's own measures (money in ten-thousandths) and adds up to the row;
    `/opportunities/history/<stream>` has the facts of each. `contributions` is a page of them;
    `total`, and what is counted as left out, is of all, and all pages of the same `positions` add
    up to it. docs/figures.md lists every reason, and which measures make which field of a row.
    """
    owner, row = employee(seller), Row(by, key, PIPELINE[by])
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        day = moment.day(runtime)
        part_of = report.in_pipeline(by, figures.organization, day, figures.segments)
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}


@router.get("/inflow/why")
async def explain_inflow(
    runtime: Analytics,
    moment: At,
    look: Looked,
    paged: PagedWhy,
    key: str | None = None,
    per: Per = "month",
    by: DealsBy | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/inflow`."""
    told = by or per
    owner, row = employee(seller), Row(told, key, DEALS[told], unit=look.unit)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = flows.in_inflow(told, figures.organization, look, figures.segments)
        found = await explained(figures, key, part_of, owner, paged)
    return {"by": told, "per": per, **moment.document(), **found}


@router.get("/touches/why")
async def explain_touches(
    runtime: Analytics,
    moment: At,
    look: Looked,
    paged: PagedWhy,
    by: TouchesBy = "seller",
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The touches behind a row of `/analytics/touches`, found as those of `/analytics/why` are."""
    owner, row = employee(seller), Row(by, key, OURS[by], "touch", unit=look.unit)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = flows.in_touches(by, figures.organization, look)
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}


async def explained(
    figures: Figures,
    key: str | None,
    part_of: PartOf,
    owner: str | None,
    paged: Paged,
    also: PartsOf = report.no_more,
    told_by: object = None,
) -> dict[str, Any]:
    """Answer why a row is what it is: what adds to it, the facts of each, and what is left out.

    Of what makes it some is held at a time, however much that is; `told_by` as in `Paged.of`.
    """
    asked = why.Asked(part_of, figures.keys, owner, also)
    found = await paged.of(figures, why.Explained(paged.page()), asked.explain, told_by)
    named = owner is not None or figures.names_others
    if found.total:
        note_names(("stream", *found.total, "facts"), all_pages=True)
    return {
        "key": key,
        "ids": figures.ids,
        "total": found.total,
        **found.document(named=named),
        "next_cursor": paged.next_cursor(found.page),
        **unheard(figures),
    }


def unheard(figures: Figures) -> dict[str, Any]:
    """Return how far the figures know the facts, and which of them are in no figure."""
    return {"left_out_facts": figures.left_out, **facts_of(figures)}


def facts_of(figures: Figures) -> dict[str, Any]:
    """Return which facts of the log are in the figures, and how many of those are set aside."""
    return {"positions": figures.positions, "parked_facts": figures.parked}
