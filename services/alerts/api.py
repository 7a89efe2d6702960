"""HTTP for alerts: whom the rules called, what they have seen, and what a changed rule would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from services.alerts.defaults import AlertsDefaults
from services.alerts.dry_run import Asked, DryRun, dry_run
from services.alerts.model import AcknowledgeAlert
from services.alerts.projections import AlertCard, alert_card, watch_of
from services.alerts.rules import ALL, Rule
from services.alerts.subjects import AlertTold, subjects, told
from services.alerts.watching import Terms, Watch
from shared.command import Command, Day
from shared.errors import InvalidError, NotFoundError
from shared.events.alerts import RuleName
from shared.exports import note_columns
from shared.own_first import Own
from shared.reading import Reader, Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    Viewer,
    composed,
    page,
    record,
    runtime_of,
)
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/alerts", tags=["alerts"], route_class=Noticed)
Alerts = Annotated[Runtime, Depends(runtime_of("alerts"))]


@dataclass(frozen=True, slots=True)
class Inbox:
    """An alert, and whether what it says is still so."""

    card: AlertTold
    still: bool


@dataclass(frozen=True, slots=True)
class RuleTold:
    """Answers: when does this rule call, and what does it say?

    `says_of`: what it says instead of subjects of some kinds.
    """

    rule: RuleName
    says: str
    says_of: Mapping[str, str]
    on: bool
    days: int
    once: bool


class TryRule(Command):
    """The rule on other terms, and the days in which its calls are compared."""

    rule: RuleName
    days: int = Field(ge=0, le=3_650)
    first: Day | None = None
    last: Day | None = None


def _defaults(runtime: Runtime) -> AlertsDefaults:
    chosen = runtime.domain.defaults
    assert isinstance(chosen, AlertsDefaults)
    return chosen


def _rule(name: RuleName) -> Rule:
    return next(rule for rule in ALL if rule.name == name)


@router.get("/rules")
async def list_rules(runtime: Alerts) -> dict[str, Any]:
    """The rules, on the terms that the company chose."""
    defaults = _defaults(runtime)
    items = [
        RuleTold(rule.name, rule.says, rule.says_of, chosen.on, chosen.days, rule.once)
        for rule in ALL
        for chosen in (defaults.of(rule),)
    ]
    return {"items": items, "next_cursor": None}


@router.post("/dry-run")
async def try_rule(asked: TryRule, runtime: Alerts) -> DryRun:
    """Replay all history with a changed rule; nothing is recorded and nobody is called."""
    rule, today = _rule(asked.rule), runtime.today
    last = asked.last or today
    if asked.first is not None and asked.first > last:
        raise InvalidError(f"{asked.first} is after {last}", field="#/first")
    now = _defaults(runtime).of(rule).terms(rule)
    changed = Terms(asked.days, rule.once, now.in_force_from)
    return await dry_run(runtime, Asked(rule, now, changed, asked.first, last))


@router.get("/inbox/{employee}")
async def get_inbox(
    employee: StreamId,
    runtime: Alerts,
    viewer: Viewer,
    wanted: PageWanted,
    at_least: AtLeast,
    *,
    acknowledged: bool = False,
) -> dict[str, Any]:
    """What this colleague has to look at; `still` says whether it is still so."""
    owner = f"employee-{employee}"
    where = {"owner": owner, "acknowledged": acknowledged}
    shown = _shown(viewer, owner, runtime.today)
    found = await page(runtime.reader(alert_card), where, wanted, at_least, shown)
    items = [
        Inbox(card, await _still(runtime, card, at_least))
        for card in await _named(runtime, found["items"])
    ]
    return found | {"items": items}


def _shown(viewer: str, owner: str | None, today: date) -> dict[str, Any]:
    """Return which alerts a list shows: those that are somebody's alone yet only to them (K-09).

    A list of everybody's is the same for all who may see it, and so holds none of those.
    """
    return {} if viewer == owner else {"own_until": {"$not": {"$gte": today.isoformat()}}}


async def _named(runtime: Runtime, cards: Sequence[AlertCard]) -> list[AlertTold]:
    """Return alerts with what they are about in words; whoever names it is read after it."""
    reader = runtime.reader(subjects)
    called = await reader.many({card.subject for card in cards if card.subject})
    called |= await reader.many({of.named_by for of in called.values() if of.named_by})
    return [told(card, called) for card in cards]


async def _still(runtime: Runtime, card: AlertCard, at_least: Token | None) -> bool:
    if card.rule is None or card.subject is None:
        return False
    reader: Reader[Watch] = runtime.reader(runtime.runners["watch"].projection)
    watch = await reader.get(watch_of(card.rule, card.subject), at_least)
    return watch is not None and watch.value.counting.get(card.part) == card.set_by


@router.post("/{alert}/acknowledge", status_code=202)
async def acknowledge(
    alert: StreamId,
    command: AcknowledgeAlert,
    runtime: Alerts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Whom it concerns has seen it: it leaves their inbox."""
    return await record(runtime, f"alert-{alert}", command, meta, response)


@router.get("/{alert}")
async def get_alert(
    alert: StreamId,
    runtime: Alerts,
    viewer: Viewer,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> AlertTold:
    """One alert; what is somebody's alone at first is, for others, not there yet."""
    found = await runtime.reader(alert_card).get(f"alert-{alert}", at_least)
    if found is None or not _told_to(viewer, found.value, runtime.today):
        raise NotFoundError("no such alert")
    (named,) = await _named(runtime, [found.value])
    card: AlertTold = composed(found, named, request, response)
    return card


def _told_to(viewer: str, card: AlertCard, today: date) -> bool:
    if card.owner is None or card.own_until is None:
        return True
    return Own(card.owner, card.own_until).told_to(viewer, today)


@router.get("")
async def list_alerts(
    runtime: Alerts,
    viewer: Viewer,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    subject: str | None = None,
    rule: RuleName | None = None,
    *,
    acknowledged: Annotated[bool | None, Query()] = None,
) -> dict[str, Any]:
    where = {"owner": owner, "subject": subject, "rule": rule, "acknowledged": acknowledged}
    shown = _shown(viewer, owner, runtime.today)
    found = await page(runtime.reader(alert_card), where, wanted, at_least, shown)
    note_columns(AlertTold)
    return found | {"items": await _named(runtime, found["items"])}
