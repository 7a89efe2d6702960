"""HTTP for the forecast ledger (O-06): how far what was stood by came true, down to each line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Depends, Query

from services.analytics.api import Analytics, At, Moment, facts_of, unheard
from services.analytics.figures import Figures, Row
from services.analytics.ledger import Asked, Balance, Judged, Opened, Which, judged, not_judged
from services.analytics.marks import NEWS, mark
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import Key, in_order
from services.analytics.projections import FrozenForecast, frozen_forecasts
from services.analytics.report_by import LedgerBy
from services.analytics.row_keys import THEIRS, Keys, of_stream
from services.analytics.workload_api import defaults_of
from shared.known import each_at
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
Confidence = Annotated[Literal["commit", "upside"], Query()]
Currency = Annotated[str | None, Query(pattern=r"^[A-Z]{3}$", description="without: the company's")]


KEYS: Mapping[str, Keys] = {**THEIRS, "roll_up": of_stream("forecast", "a forecast")}


class _RollUp(NamedTuple):
    """A frozen roll-up, and its lines that are judged."""

    rolled_up: FrozenForecast
    judged: list[Judged]


async def _judged(
    runtime: Runtime, moment: Moment, which: Which, figures: Figures
) -> AsyncIterator[_RollUp]:
    """Yield the roll-ups in order, by what the open figures know of their opportunities."""
    day = moment.day(runtime)
    async for one in each_at(runtime, frozen_forecasts, moment.known_at):
        known = await figures.opportunities(_named(one))
        yield _RollUp(one, list(judged([one], known, day, which)))


def _named(one: FrozenForecast) -> set[str]:
    return {line.opportunity for frozen in one.frozen for line in frozen.lines}


async def _asked(
    runtime: Analytics,
    by: LedgerBy = "seller",
    confidence: Confidence = "commit",
    currency: Currency = None,
) -> Asked:
    return Asked(by, currency or runtime.settings.currency, confidence)


@router.get("/forecast-ledger")
async def forecast_ledger(
    runtime: Analytics,
    moment: At,
    asked: Annotated[Asked, Depends(_asked)],
    which: Which = "first",
) -> dict[str, Any]:
    """Frozen forecasts whose period is over, against what became of them.

    `came` is what was won of them in time, `bias` in percent how much more (or less) that is than
    was stood by, `error` how far single lines were off, `slipped_share` how many came later or not
    at all so far. With `known_at`, from what had been recorded by then alone: what is recorded
    later never changes it. Of fewer lines than the company's floor no share is told. A line may be
    open still: `stale` is how much that is open nobody has told anything of for a month (N-08).
    """
    rows: dict[Key, Balance] = {}
    async with moment.opened(runtime, (NEWS,), named=True) as figures:
        async for told in _judged(runtime, moment, which, figures):
            asked.add(told.judged, rows)
    floor = defaults_of(runtime).sample_floor
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(floor)}
            for key in in_order(rows)
        ],
        "by": asked.by,
        "currency": asked.currency,
        "sample_floor": floor,
        "stale": mark(figures, moment.day(runtime)),
        **moment.document(),
        **facts_of(figures),
    }


async def _row_asked(by: LedgerBy, key: str | None = None) -> Row:
    # Its lines are frozen with the roll-up: no stream has to be looked through for them.
    return Row(by, key, KEYS[by], read=False)


@router.get("/forecast-ledger/why")
async def explain_ledger(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    row: Annotated[Row, Depends(_row_asked)],
    asked: Annotated[Asked, Depends(_asked)],
    which: Which = "first",
) -> dict[str, Any]:
    """The lines behind a row of `/analytics/forecast-ledger`, each with what became of it.

    Left out is what is of another row, currency or confidence, whose period is `not_over`, or
    `frozen_again`: of several freezings for a period one is judged.
    """
    found, day = Opened(paged.page()), moment.day(runtime)
    async with moment.opened(runtime, row=row) as figures:
        async for told in _judged(runtime, moment, which, figures):
            rest = not_judged(told.rolled_up, day, which)
            found.add(asked, figures.keys, told.judged, rest)
    return {
        "key": row.key,
        "ids": figures.ids,
        "total": found.total.document(defaults_of(runtime).sample_floor),
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
            for line in found.page.items
            for told in (line.outcome,)
        ],
        # Roll-ups hold lines of everybody.
        "left_out": found.left_out.document(named=False),
        "next_cursor": paged.next_cursor(found.page),
        **moment.document(),
        **unheard(figures),
    }
