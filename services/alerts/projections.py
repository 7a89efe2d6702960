"""What each rule watches, who was told of what, and which customers were won. Pure folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from services.alerts.model import RaiseAlert, RaiseToSelf, TellWin
from services.alerts.rules import ALL, Rule
from services.alerts.watching import Alert, Terms, Watch, marked, told
from shared.clock import derived_id
from shared.events import Envelope, Event
from shared.events.alerts import (
    AlertAcknowledged,
    AlertRaised,
    AlertRaisedToSelf,
    CustomerWon,
    RuleName,
)
from shared.events.opportunities import (
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
)
from shared.projection import Projection
from shared.timers import DueAt, Overdue, Timer

# Goes up when the folds below change; what a company changes about a rule counts beside it.
FOLD_VERSION = 2
VERSIONS_A_FOLD = 1_000
STREAMS = (
    "touch",
    "person",
    "visit",
    "opportunity",
    "issue",
    "commitment",
    "handover",
    "win",
    "overwork",
    "alert",
)


@dataclass(frozen=True, slots=True)
class AlertCard:
    """Answers: whom did a rule call, about what, since when, and have they seen it? (N-07).

    `own_until`: up to that day it is told to its owner alone (K-09); None: to all.
    """

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
    own_until: date | None = None


alert_card = Projection(
    "alert_card",
    version=3,
    view=AlertCard,
    indexes=("owner", "subject", "rule", "acknowledged"),
    streams=("alert",),
)
RULES = {rule.name: rule for rule in ALL}


def _raised(card: AlertCard, event: AlertRaised | AlertRaisedToSelf, at: Envelope) -> AlertCard:
    return replace(
        card,
        rule=event.rule,
        says=RULES[event.rule].tells(event.subject),
        subject=event.subject,
        part=event.part,
        owner=event.owner,
        since=event.since,
        raised_at=at.occurred_at,
        set_by=event.set_by,
    )


@alert_card.on(AlertRaised)
def alert_raised(card: AlertCard, event: AlertRaised, at: Envelope) -> AlertCard:
    return _raised(card, event, at)


@alert_card.on(AlertRaisedToSelf)
def alert_raised_to_self(card: AlertCard, event: AlertRaisedToSelf, at: Envelope) -> AlertCard:
    return replace(_raised(card, event, at), own_until=event.own_until)


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
class Watching:
    """What the rules watch, on the terms that a company chose, and the timer that calls."""

    projection: Projection[Watch]
    timer: Timer[Watch]


def watching(rules: Mapping[RuleName, Terms], version: int) -> Watching:
    """Make the view and the timer of these rules; one view, so that a touch is folded once."""
    held = [(rule, rules[rule.name]) for rule in ALL if rule.name in rules]
    projection = Projection(
        "watch",
        version=FOLD_VERSION * VERSIONS_A_FOLD + version,
        view=Watch,
        indexes=("due_at",),
        streams=STREAMS,
    )
    for event in dict.fromkeys(event for rule, _ in held for event in rule.means):
        _register(projection, held, event)

    def raised(
        watch: Watch, event: AlertRaised | AlertRaisedToSelf, at: Envelope, zone: tzinfo
    ) -> Watch:
        terms = rules.get(event.rule)
        told_of = replace(watch, rule=event.rule, subject=event.subject)
        return told_of if terms is None else told(told_of, event.part, event.set_by, terms, zone)

    projection.on_zoned(AlertRaised, keys=_its_watch)(raised)
    projection.on_zoned(AlertRaisedToSelf, keys=_its_watch)(raised)

    timer = Timer("alerts", projection=projection, due="due_at", fire=call)
    return Watching(projection, timer)


def _its_watch(at: Envelope, _zone: tzinfo) -> Sequence[str]:
    assert isinstance(at.data, AlertRaised | AlertRaisedToSelf)
    return (watch_of(at.data.rule, at.data.subject),)


def watch_of(rule: RuleName, subject: str) -> str:
    """Return the key of what a rule watches of a subject."""
    return f"{rule}/{subject}"


def _register(
    projection: Projection[Watch], held: Sequence[tuple[Rule, Terms]], event: type[Event]
) -> None:
    concerned = [(rule, terms) for rule, terms in held if event in rule.means]

    def watches(at: Envelope, zone: tzinfo) -> Sequence[str]:
        marks = [(rule, rule.mark(at, zone)) for rule, _ in concerned]
        return [watch_of(rule.name, meant[0]) for rule, meant in marks if meant is not None]

    @projection.on_zoned(event, keys=watches)
    def meant(watch: Watch, _event: Any, at: Envelope, zone: tzinfo) -> Watch | None:
        for rule, terms in concerned:
            found = rule.mark(at, zone)
            if found is not None and watch.watch == watch_of(rule.name, found[0]):
                if watch.rule is None and rule.is_idle(found[1]):
                    return None  # No clock ever ran: most issues are settled in time.
                named = replace(watch, rule=rule.name, subject=found[0])
                return marked(named, (found[1],), terms, zone)
        return watch


def call(watch: Watch) -> Iterator[Overdue]:
    """Tell whom it concerns what is due, and has been due since somebody looked last."""
    for alert in watch.pending or (() if watch.coming is None else (watch.coming,)):
        if watch.rule is not None:
            yield _overdue(watch.rule, watch.subject, alert)


def _overdue(rule: RuleName, subject: str, alert: Alert) -> Overdue:
    said: dict[str, Any] = {
        "rule": rule,
        "subject": subject,
        "part": alert.part,
        "owner": alert.owner,
        "since": alert.since,
        "set_by": alert.set_by,
    }
    until = alert.own_until
    command = RaiseAlert(**said) if until is None else RaiseToSelf(**said, own_until=until)
    stream = alert_of(rule, subject, alert)
    return Overdue(stream, command, deadline=alert.at, set_by=alert.set_by, about=stream)


def alert_of(rule: RuleName, subject: str, alert: Alert) -> str:
    """Return the stream of an alert: the same one, whoever calls, however often."""
    return f"alert-{derived_id('alert', rule, subject, alert.part, alert.set_by)}"
