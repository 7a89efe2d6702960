"""HTTP for what the numbers do not tell (N-12): given, answered, and read beside them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.analytics.api import Analytics, At, facts_of
from services.analytics.assessment_views import AssessmentCard, assessment_card
from services.analytics.assessments import AnswerAssessment, GiveAssessment, WithdrawAssessment
from services.analytics.forecast_api import Period
from services.analytics.kpi_measures import (
    KPI_MEASURES,
    Scope,
    Term,
    per_of,
    portions,
    shown,
    term_of,
)
from services.analytics.marks import NEWS, mark
from services.analytics.spans import span_of
from services.analytics.workload_api import defaults_of
from shared.known import views_at
from shared.references import EmployeeStream
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)

Of = Annotated[str | None, Query(description="of whom: `employee-...`, `unit-...`")]


@router.post("/assessments/{assessment}/give", status_code=202)
async def give(
    assessment: StreamId,
    command: GiveAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say how somebody worked in a period, beside what the numbers say; they can read it."""
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.post("/assessments/{assessment}/answer", status_code=202)
async def answer(
    assessment: StreamId,
    command: AnswerAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say what you think of what was said of you."""
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.post("/assessments/{assessment}/withdraw", status_code=202)
async def withdraw(
    assessment: StreamId,
    command: WithdrawAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.get("/assessments/{assessment}")
async def get_assessment(
    assessment: StreamId,
    runtime: Analytics,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> AssessmentCard:
    found = await runtime.reader(assessment_card).get(f"assessment-{assessment}", at_least)
    card: AssessmentCard = seen(found, "assessment", request, response)
    return card


@router.get("/evaluation")
async def evaluation(
    runtime: Analytics,
    moment: At,
    period: Period,
    of: Annotated[EmployeeStream, Query(description="`employee-...`")],
) -> dict[str, Any]:
    """What a colleague's numbers say of a time, and beside them what leaders and they say (N-12).

    `numbers` are the measures of `/analytics/kpi-measures`, summed over the time (a year without
    `from`), as decimal text. `assessments` are those of periods that overlap it, answers included;
    withdrawn ones are left out. `stale` is of how much that is open nobody has told anything for a
    month (N-08).
    """
    span = span_of(moment, period, runtime)
    assert span.first is not None
    assert span.last is not None
    term = Term("asked", span.first, span.last)
    axes = sorted({NEWS, *(measure.axis for measure in KPI_MEASURES.values())})
    figures = await moment.figures(runtime, axes, owner=of)
    currency = runtime.settings.currency
    scope = Scope(
        "total",
        figures.organization,
        min(span.last, moment.day(runtime)),
        currency,
        called_off=defaults_of(runtime).called_off,
    )
    sums: Counter[str] = Counter()
    for portion in portions(KPI_MEASURES, scope, (term,), figures.cells):
        sums[portion.name] += portion.amount
    known = await views_at(runtime, assessment_card, moment.known_at, {"of": of}, moment.at_least)
    said = [
        card
        for card in known
        if not card.withdrawn and card.period is not None and _overlaps(card.period, term)
    ]
    return {
        "of": of,
        "name": figures.name(of),
        "stale": mark(figures, scope.until, of),
        "numbers": {name: str(shown(name, sums[name])) for name in KPI_MEASURES},
        "assessments": sorted(said, key=lambda card: (card.period or "", card.assessment)),
        "currency": currency,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **facts_of(figures),
    }


def _overlaps(period: str, term: Term) -> bool:
    held = term_of(per_of(period), period)
    return held.first <= term.last and term.first <= held.last


@router.get("/assessments")
async def list_assessments(
    runtime: Analytics,
    wanted: PageWanted,
    at_least: AtLeast,
    of: Of = None,
    leader: EmployeeStream | None = None,
    period: str | None = None,
) -> dict[str, Any]:
    """What leaders said, of whom, of which period; withdrawn ones say so."""
    where = {"of": of, "leader": leader, "period": period}
    return await page(runtime.reader(assessment_card), where, wanted, at_least)
