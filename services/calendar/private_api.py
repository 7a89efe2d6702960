"""HTTP for private entries (K-02): what they are is sealed before anything else happens to it."""

from __future__ import annotations

from fastapi import Response

from services.calendar.about import Zone
from services.calendar.model import Describe, Plan, PlanSeries
from services.calendar.reads import Calendar, agenda_of, take_out
from services.calendar.sealing import PrivateWords, seal
from services.calendar.series import Dates, RuleText
from shared.command import Instant
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, record
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"])
WHEN = {"seller", "starts_at", "ends_at", "all_day", "busy", "zone", "rule", "dates"}


class PlanPrivately(PrivateWords):
    """When it is, for all to see as busy; and what it is, for its owner alone."""

    seller: EmployeeStream
    starts_at: Instant
    ends_at: Instant
    all_day: bool = False
    busy: bool = True
    zone: Zone | None = None


class PlanSeriesPrivately(PlanPrivately):
    zone: Zone
    rule: RuleText | None = None
    dates: Dates = ()


class DescribePrivately(PrivateWords):
    seller: EmployeeStream
    busy: bool = True


async def _sealed(
    runtime: Runtime, told: PlanPrivately | DescribePrivately, at_least: Token | None
) -> dict[str, object]:
    """Return what a command may say of it: when, and the rest sealed."""
    agenda = await agenda_of(runtime, told.seller, at_least)
    words = told.model_dump(include=set(PrivateWords.model_fields))
    sealed, key = seal(PrivateWords(**words), agenda)
    when = told.model_dump(include=WHEN)
    return {**when, "category": "private", "sealed": sealed, "sealed_to": key}


@router.post("/entries/{entry}/plan-private", status_code=202)
async def plan_private(
    entry: StreamId,
    told: PlanPrivately,
    runtime: Calendar,
    meta: CommandMeta,
    at_least: AtLeast,
    response: Response,
) -> Recorded:
    """Plan something private: sealed to its owner's newest key, readable by nobody else."""
    command = Plan.model_validate(await _sealed(runtime, told, at_least))
    return await record(runtime, f"entry-{entry}", command, meta, response)


@router.post("/entries/{entry}/describe-private", status_code=202)
async def describe_private(
    entry: StreamId,
    told: DescribePrivately,
    runtime: Calendar,
    meta: CommandMeta,
    at_least: AtLeast,
    response: Response,
) -> Recorded:
    """Tell anew what a private entry is; also to seal it to another key."""
    said = await _sealed(runtime, told, at_least)
    said.pop("seller")
    stream = f"entry-{entry}"
    await take_out(runtime, stream, meta)
    return await record(runtime, stream, Describe.model_validate(said), meta, response)


@router.post("/series/{series}/plan-private", status_code=202)
async def plan_series_private(
    series: StreamId,
    told: PlanSeriesPrivately,
    runtime: Calendar,
    meta: CommandMeta,
    at_least: AtLeast,
    response: Response,
) -> Recorded:
    """Plan something private that repeats."""
    command = PlanSeries.model_validate(await _sealed(runtime, told, at_least))
    return await record(runtime, f"series-{series}", command, meta, response)
