"""HTTP for the forecast ledger (O-06): how far what was stood by came true, down to each line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Query

from services.analytics.api import Analytics, At, Moment, facts_of, unheard
from services.analytics.figures import Figures, Row, opportunities_at
from services.analytics.ledger import Judged, Which, judged, ledger, not_judged
from services.analytics.marks import NEWS, mark
from services.analytics.pipeline import in_order
from services.analytics.projections import FrozenForecast, frozen_forecasts
from services.analytics.report_by import LedgerBy
from services.analytics.row_keys import ANY, THEIRS, Keys, of_stream
from services.analytics.why import left_out
from services.analytics.workload_api import defaults_of
from shared.known import views_at
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
Confidence = Annotated[Literal["commit", "upside"], Query()]
Currency = Annotated[str | None, Query(pattern=r"^[A-Z]{3}$", description="without: the company's")]


KEYS: Mapping[str, Keys] = {**THEIRS, "roll_up": of_stream("forecast", "a forecast")}
# Who asks for no row's entities still asks for names.
NAMES = Row("ledger", None, ANY, read=False)


class _Lines(NamedTuple):
    """Frozen roll-ups, and which of their lines are judged."""

    figures: Figures
    rolled_up: list[FrozenForecast]
    judged: list[Judged]


async def _judged(runtime: Runtime, moment: Moment, which: Which, row: Row | None = None) -> _Lines:
    figures = await moment.figures(runtime, (NEWS,), row=row or NAMES)
    day = moment.day(runtime)
    rolled_up = await views_at(runtime, frozen_forecasts, moment.known_at)
    known = await opportunities_at(runtime, _named(rolled_up), moment.known_at)
    return _Lines(figures, rolled_up, list(judged(rolled_up, known, day, which)))


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
    later never changes it. Of fewer lines than the company's floor no share is told. A line may be
    open still: `stale` is how much that is open nobody has told anything of for a month (N-08).
    """
    figures, _, lines = await _judged(runtime, moment, which)
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
        "stale": mark(figures, moment.day(runtime)),
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
    """The lines behind a row of `/analytics/forecast-ledger`, each with what became of it.

    Left out is what is of another row, currency or confidence, whose period is `not_over`, or
    `frozen_again`: of several freezings for a period one is judged.
    """
    # Its lines are frozen with the roll-up: no stream has to be looked through for them.
    row = Row(by, key, KEYS[by], read=False)
    figures, rolled_up, lines = await _judged(runtime, moment, which, row)
    rest = not_judged(rolled_up, moment.day(runtime), which)
    wanted = currency or runtime.settings.currency
    held = []
    for line in lines:
        reason = _left_out(line, wanted, confidence)
        if line.key(by) not in figures.keys:
            reason = "other_row"
        if reason is None:
            held.append(line)
        else:
            rest[reason].append(line.outcome.line.opportunity)
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
                "facts": line.facts,
            }
            for line in held
            for told in (line.outcome,)
        ],
        # Roll-ups hold lines of everybody.
        "left_out": left_out(rest, named=False),
        **moment.document(),
        **unheard(figures),
    }


def _left_out(line: Judged, currency: str, confidence: str) -> str | None:
    told = line.outcome.line
    if told.currency != currency:
        return "other_currency"
    return "other_confidence" if told.confidence != confidence else None
