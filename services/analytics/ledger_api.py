"""HTTP for the forecast ledger (O-06): how far what was stood by came true, down to each line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from services.analytics.api import Analytics, At, Moment
from services.analytics.entities import Opportunity
from services.analytics.figures import Figures, read_entities
from services.analytics.forecast_api import facts_of
from services.analytics.known import known_measures, views_at
from services.analytics.ledger import Judged, Which, judged, ledger
from services.analytics.pipeline import in_order
from services.analytics.projections import FrozenForecast, frozen_forecasts
from services.analytics.report_by import LedgerBy
from services.analytics.workload_api import defaults_of
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
Confidence = Annotated[Literal["commit", "upside"], Query()]
Currency = Annotated[str | None, Query(pattern=r"^[A-Z]{3}$", description="without: the company's")]


async def _judged(runtime: Runtime, moment: Moment, which: Which) -> tuple[Figures, list[Judged]]:
    figures = await moment.figures(runtime, ())
    day = moment.day(runtime)
    rolled_up = await views_at(runtime, frozen_forecasts, moment.known_at)
    if moment.known_at is not None:
        entities = (await known_measures(runtime, moment.known_at)).entities
    else:
        entities = await read_entities(runtime, _named(rolled_up))
    known = {stream: one for stream, one in entities.items() if isinstance(one, Opportunity)}
    return figures, list(judged(rolled_up, known, day, which))


def _named(rolled_up: list[FrozenForecast]) -> set[str]:
    return {line.opportunity for one in rolled_up for frozen in one.frozen for line in frozen.lines}


@router.get("/forecast-ledger")
async def forecast_ledger(
    runtime: Analytics,
    moment: At,
    by: LedgerBy = "seller",
    which: Which = "first",
    confidence: Confidence = "commit",
    currency: Currency = None,
) -> dict[str, Any]:
    """Frozen forecasts whose period is over, against what became of them.

    `came` is what was won of them in time, `bias` in percent how much more (or less) that is than
    was stood by, `error` how far single lines were off, `slipped_share` how many came later or not
    at all so far. With `known_at`, from what had been recorded by then alone: what is recorded
    later never changes it. Of fewer lines than the company's floor no share is told.
    """
    figures, lines = await _judged(runtime, moment, which)
    wanted = currency or runtime.settings.currency
    rows = ledger(by, lines, wanted, confidence)
    floor = defaults_of(runtime).sample_floor
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(floor)}
            for key in in_order(rows)
        ],
        "by": by,
        "currency": wanted,
        "sample_floor": floor,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/forecast-ledger/why")
async def explain_ledger(
    runtime: Analytics,
    moment: At,
    by: LedgerBy,
    key: str | None = None,
    which: Which = "first",
    confidence: Confidence = "commit",
    currency: Currency = None,
) -> dict[str, Any]:
    """The lines behind a row of `/analytics/forecast-ledger`, each with what became of it."""
    figures, lines = await _judged(runtime, moment, which)
    wanted = currency or runtime.settings.currency
    meant = {key, *(stream for stream, name in figures.names.items() if name == key)}
    return {
        "key": key,
        "contributions": [
            {
                "stream": told.line.opportunity,
                "seller": told.line.seller,
                "roll_up": line.roll_up,
                "frozen_on": line.frozen.on,
                "stage": line.stage,
                "committed": told.line.amount,
                "close_on": told.line.close_on,
                "outcome": told.outcome,
                "on": told.on,
                "value": told.value,
            }
            for line in lines
            for told in (line.outcome,)
            if line.key(by) in meant
            and (told.line.currency, told.line.confidence) == (wanted, confidence)
        ],
        **moment.document(),
        **facts_of(figures),
    }
