"""What each rule watches, who was told of what, and which customers were won. Pure folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from services.alerts.model import RaiseAlert, TellWin
from services.alerts.rules import ALL, Rule
from services.alerts.watching import Alert, Terms, Watch, marked, told
from shared.clock import derived_id
from shared.events import Envelope, Event
from shared.events.alerts import AlertAcknowledged, AlertRaised, CustomerWon, RuleName
from shared.events.opportunities import (
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
)
from shared.projection import Projection
from shared.timers import DueAt, Overdue, Timer

# Goes up when the folds below change; what a company changes about a rule counts beside it.
FOLD_VERSION = 1
VERSIONS_A_FOLD = 1_000
STREAMS: dict[RuleName, tuple[str, ...]] = {
    "overdue_commitment": ("commitment", "issue", "alert"),
    "stale_opportunity": ("opportunity", "alert"),
    "cadence_gap": ("touch", "person", "alert"),
    "milestone": ("opportunity", "visit", "alert"),
    "coverage_gap": ("touch", "person", "alert"),
    "post_win_neglect": ("touch", "win", "alert"),
    "first_meeting": ("handover", "alert"),
}


@dataclass(frozen=True, slots=True)
class AlertCard:
    """Answers: whom did a rule call, about what, since when, and have they seen it? (N-07)."""

    alert: str
    rule: RuleName | None = None
    says: str | None = None
    subject: str | None = None
    part: str = ""
    owner: str | None = None
    since: date | None = None
    raised_at: datetime | None = None
    set_by: str | None = None
    acknowledged: bool = False
    acknowledged_by: str | None = None
    acknowledged_on: date | None = None
    note: str | None = None


alert_card = Projection(
    "alert_card",
    version=1,
    view=AlertCard,
    indexes=("owner", "subject", "rule", "acknowledged"),
    streams=("alert",),
)
SAYS = {rule.name: rule.says for rule in ALL}


@alert_card.on(AlertRaised)
def alert_raised(card: AlertCard, event: AlertRaised, at: Envelope) -> AlertCard:
    return replace(
        card,
        rule=event.rule,
        says=SAYS[event.rule],
        subject=event.subject,
        part=event.part,
        owner=event.owner,
        since=event.since,
        raised_at=at.occurred_at,
        set_by=event.set_by,
    )


@alert_card.on(AlertAcknowledged)
def acknowledged(card: AlertCard, event: AlertAcknowledged, at: Envelope) -> AlertCard:
    return replace(
        card,
        acknowledged=True,
        acknowledged_by=event.by,
        acknowledged_on=event.on,
        note=event.note,
    )


@dataclass(frozen=True, slots=True)
class WonDeal:
    """Answers: with which company was this deal won, and does everybody know? `due_at`: not yet."""

    opportunity: str
    company: str | None = None
    owner: str | None = None
    won_on: date | None = None
    won_by: str | None = None
    known_at: datetime | None = None
    told: tuple[date, ...] = ()
    due_at: DueAt | None = None


won_deal = Projection(
    "won_deal", version=1, view=WonDeal, indexes=("due_at",), streams=("opportunity", "win")
)


@won_deal.on(OpportunityDiscovered)
def discovered(view: WonDeal, event: OpportunityDiscovered, at: Envelope) -> WonDeal:
    return replace(view, company=event.company, owner=event.owner)


@won_deal.on(OpportunityCorrected)
def corrected(view: WonDeal, event: OpportunityCorrected, at: Envelope) -> WonDeal:
    return replace(view, company=event.company or view.company)


@won_deal.on(OpportunityReassigned)
def reassigned(view: WonDeal, event: OpportunityReassigned, at: Envelope) -> WonDeal:
    return replace(view, owner=event.owner)


@won_deal.on_zoned(OpportunityWon)
def won(view: WonDeal, event: OpportunityWon, at: Envelope, zone: tzinfo) -> WonDeal:
    return _due(replace(view, won_on=at.day(zone), won_by=at.id, known_at=at.recorded_at))


def _opportunity(at: Envelope) -> Sequence[str]:
    assert isinstance(at.data, CustomerWon)
    return (at.data.opportunity,)


@won_deal.on(CustomerWon, keys=_opportunity)
def known(view: WonDeal, event: CustomerWon, at: Envelope) -> WonDeal:
    on = () if event.on is None else (event.on,)
    return _due(replace(view, told=tuple(sorted({*view.told, *on}))))


def _due(view: WonDeal) -> WonDeal:
    """Say when there is something to tell; the two topics are folded in any order."""
    heard = view.company is None or view.won_on is None or view.won_on in view.told
    return replace(view, due_at=None if heard else view.known_at)


def tell_win(view: WonDeal) -> Iterator[Overdue]:
    """The deal was won, and the company's watch has not heard of it: its facts name no company."""
    company, on, by, at = view.company, view.won_on, view.won_by, view.due_at
    if company is None or on is None or by is None or at is None:
        return
    command = TellWin(opportunity=view.opportunity, company=company, owner=view.owner, on=on)
    stream = f"win-{view.opportunity.removeprefix('opportunity-')}"
    yield Overdue(stream, command, deadline=at, set_by=by)


customers_won = Timer("customers_won", projection=won_deal, due="due_at", fire=tell_win)


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule as a company has it: what it watches, and the timer that calls."""

    rule: Rule
    terms: Terms
    projection: Projection[Watch]
    timer: Timer[Watch]


def watched(rule: Rule, terms: Terms, version: int) -> Watched:
    """Make the view and the timer of a rule on these terms."""
    projection = Projection(
        f"watch_{rule.name}",
        version=FOLD_VERSION * VERSIONS_A_FOLD + version,
        view=Watch,
        indexes=("due_at",),
        streams=STREAMS[rule.name],
    )
    for event in rule.means:
        _register(projection, rule, terms, event)

    def raised_of(at: Envelope, _zone: tzinfo) -> Sequence[str]:
        assert isinstance(at.data, AlertRaised)
        return (at.data.subject,) if at.data.rule == rule.name else ()

    @projection.on_zoned(AlertRaised, keys=raised_of)
    def raised(watch: Watch, event: AlertRaised, at: Envelope, zone: tzinfo) -> Watch:
        return told(watch, event.part, event.set_by, terms, zone)

    def call(watch: Watch) -> Iterator[Overdue]:
        for alert in watch.pending or (() if watch.coming is None else (watch.coming,)):
            yield _overdue(rule, watch.subject, alert)

    timer = Timer(f"alert_{rule.name}", projection=projection, due="due_at", fire=call)
    return Watched(rule, terms, projection, timer)


def _register(projection: Projection[Watch], rule: Rule, terms: Terms, event: type[Event]) -> None:
    def subjects(at: Envelope, zone: tzinfo) -> Sequence[str]:
        meant = rule.mark(at, zone)
        return () if meant is None else (meant[0],)

    @projection.on_zoned(event, keys=subjects)
    def meant(watch: Watch, _event: Any, at: Envelope, zone: tzinfo) -> Watch:
        found = rule.mark(at, zone)
        return watch if found is None else marked(watch, (found[1],), terms, zone)


def _overdue(rule: Rule, subject: str, alert: Alert) -> Overdue:
    command = RaiseAlert(
        rule=rule.name,
        subject=subject,
        part=alert.part,
        owner=alert.owner,
        since=alert.since,
        set_by=alert.set_by,
    )
    stream = alert_of(rule.name, subject, alert)
    return Overdue(stream, command, deadline=alert.at, set_by=alert.set_by)


def alert_of(rule: RuleName, subject: str, alert: Alert) -> str:
    """Return the stream of an alert: the same one, whoever calls, however often."""
    return f"alert-{derived_id('alert', rule, subject, alert.part, alert.set_by)}"
