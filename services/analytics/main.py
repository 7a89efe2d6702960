"""Composes analytics: its own views, its figures, and a look at the worker that folds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from fastapi import Depends

from services.analytics import (
    about_api,
    adoption_api,
    api,
    assessments_api,
    daily_api,
    data_quality_api,
    forecast_api,
    growth_api,
    issues_api,
    kpi_api,
    kpi_values_api,
    ledger_api,
    looks_api,
    losses_api,
    orders_api,
    proof_api,
    stages_api,
    workload_api,
)
from services.analytics.access import RULES
from services.analytics.assessments import (
    AnswerAssessment,
    Assessment,
    GiveAssessment,
    WithdrawAssessment,
    decide_assessment,
    evolve_assessment,
)
from services.analytics.coaching import coaching
from services.analytics.defaults import AnalyticsDefaults
from services.analytics.figures import read_ahead
from services.analytics.files import columns_noted
from services.analytics.looking import Looking
from services.analytics.looks import Look, decide_look, evolve_look
from services.analytics.measures import TOPICS
from services.analytics.model import (
    CoachKpi,
    DefineKpi,
    Kpi,
    RetireKpi,
    SwitchKpi,
    decide_kpi,
    decide_review,
    evolve_kpi,
    evolve_review,
)
from services.analytics.projections import PROJECTIONS
from services.analytics.proof import verify_measures
from services.analytics.sink import MEASURES, MeasuresSink
from services.analytics.worker import silence
from shared import builds
from shared.decider import Decider
from shared.runtime import Elsewhere, Runtime
from shared.service import Domain
from shared.verify import Check
from shared.web.router import Router


def build(defaults: AnalyticsDefaults) -> Domain:
    """Return the domain by the rules and numbers of this deployment."""
    return Domain(
        name="analytics",
        deciders={
            "kpi": Decider(
                Kpi(),
                decide_kpi,
                evolve_kpi,
                {"define": DefineKpi, "switch": SwitchKpi, "retire": RetireKpi},
            ),
            "review": Decider(None, decide_review, evolve_review, {"hold": CoachKpi}),
            "look": Decider(Look(), decide_look, evolve_look),
            "assessment": Decider(
                Assessment(),
                decide_assessment,
                evolve_assessment,
                {
                    "give": GiveAssessment,
                    "answer": AnswerAssessment,
                    "withdraw": WithdrawAssessment,
                },
            ),
        },
        projections=(*PROJECTIONS, coaching),
        defaults=defaults,
        build=build,
    )


domain = build(AnalyticsDefaults())
router = Router(dependencies=[Depends(columns_noted)])
router.include_router(api.router)
router.include_router(forecast_api.router)
router.include_router(issues_api.router)
router.include_router(workload_api.router)
router.include_router(stages_api.router)
router.include_router(ledger_api.router)
router.include_router(proof_api.router)
router.include_router(kpi_api.router)
router.include_router(kpi_values_api.router)
router.include_router(assessments_api.router)
router.include_router(adoption_api.router)
router.include_router(growth_api.router)
router.include_router(daily_api.router)
router.include_router(data_quality_api.router)
router.include_router(looks_api.router)
router.include_router(about_api.router)
router.include_router(losses_api.router)
router.include_router(orders_api.router)


async def watch(runtime: Runtime) -> None:
    """Count what the worker folds among this domain's progress and parked streams."""
    runtime.folded_elsewhere[MEASURES.name] = Elsewhere(MEASURES, TOPICS)
    stands = await builds.read(runtime.store, MEASURES)
    wanted = {b.collection: b for b in (stands.active, stands.coming) if b is not None}
    for collection in runtime.watched - wanted.keys():
        runtime.forget(collection)
    for collection in wanted.keys() - runtime.watched:
        sink = MeasuresSink(collection, runtime.settings.zone)
        runtime.projector(sink).renew = partial(builds.renew, MEASURES, wanted[collection])
    runtime.watched = set(wanted)


async def worker_missing(runtime: Runtime) -> str | None:
    """Say why no worker keeps the measures folded; None while one does."""
    return await silence(runtime.store, runtime.clock.now())


async def verify(runtime: Runtime) -> AsyncIterator[Check]:
    yield await verify_measures(runtime)


__all__ = [
    "RULES",
    "Looking",
    "domain",
    "read_ahead",
    "router",
    "verify",
    "watch",
    "worker_missing",
]
