"""What excellent service is, as agreed with each customer, and how we keep to it. Pure (I-12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Self, assert_never

from pydantic import Field, model_validator

from services.issues.model import Words
from services.issues.projections import IssueCard
from shared.command import DatedCommand, HappenedCommand
from shared.events import Envelope
from shared.events.issues import (
    AgreementEvent,
    AnswerWithin,
    ServiceAgreed,
    ServiceArea,
    ServiceAssessed,
    ServicePoint,
    Severity,
)
from shared.projection import Projection
from shared.references import PersonStream

DAYS_MAX = 400


def agreement_of(company: str) -> str:
    """Return the stream of what is agreed with a company."""
    return f"agreement-{company.removeprefix('company-')}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Only what a rule needs to know: what holds, and what was said of it."""

    agreed: ServiceAgreed | None = None
    assessed: frozenset[ServiceAssessed] = frozenset()


class AgreeService(DatedCommand):
    """Agree with a customer what excellent service is, and how quickly issues are answered."""

    points: Annotated[tuple[ServicePoint, ...], Field(max_length=50)] = ()
    answers: Annotated[tuple[AnswerWithin, ...], Field(max_length=4)] = ()
    person: PersonStream | None = None

    @model_validator(mode="after")
    def _say_something_once(self) -> Self:
        if not self.points and not self.answers:
            raise ValueError("an agreement has points or answers")
        severities = [one.severity for one in self.answers]
        if len(set(severities)) < len(severities):
            raise ValueError("a severity is answered within one number of days")
        if any(not 0 <= one.days <= DAYS_MAX for one in self.answers):
            raise ValueError(f"within 0 to {DAYS_MAX} days")
        if any(not one.what.strip() for one in self.points):
            raise ValueError("a point says what excellent service is")
        return self


class AssessService(HappenedCommand):
    area: ServiceArea
    score: Annotated[int, Field(ge=0, le=10)]
    person: PersonStream | None = None
    words: Words | None = None


AgreementCommand = AgreeService | AssessService


def decide_agreement(known: Agreement, command: AgreementCommand) -> list[AgreementEvent]:
    """Say which facts the command would record. No facts: nothing is new."""
    told = command.model_dump(exclude={"date_unknown"})
    match command:
        case AgreeService():
            agreed = ServiceAgreed(**told)
            before = known.agreed and known.agreed.model_copy(update={"on": agreed.on})
            return [] if before == agreed else [agreed]
        case AssessService():
            assessed = ServiceAssessed(**told)
            return [] if assessed in known.assessed else [assessed]
        case _:
            assert_never(command)


def evolve_agreement(known: Agreement, event: AgreementEvent) -> Agreement:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case ServiceAgreed():
            return replace(known, agreed=event)
        case ServiceAssessed():
            return replace(known, assessed=known.assessed | {event})
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed, from a day on."""

    since: date | None
    points: tuple[ServicePoint, ...]
    answers: tuple[AnswerWithin, ...]
    person: str | None


@dataclass(frozen=True, slots=True)
class Assessed:
    """How well a customer finds that we keep to it, from 0 to 10."""

    area: ServiceArea
    score: int
    on: date | None
    person: str | None
    words: str | None


@dataclass(frozen=True, slots=True)
class AgreementCard:
    """Answers: what is agreed with this customer, what was before, what do they say of it?"""

    agreement: str
    company: str | None = None
    held: tuple[Agreed, ...] = ()
    assessed: tuple[Assessed, ...] = ()

    def on(self, day: date) -> Agreed | None:
        """Return what was agreed on a day."""
        held = [one for one in self.held if (one.since or date.min) <= day]
        return held[-1] if held else None


agreement_card = Projection(
    "agreement_card",
    version=1,
    view=AgreementCard,
    indexes=("company",),
    streams=("agreement",),
)


def _of(card: AgreementCard, at: Envelope) -> AgreementCard:
    return replace(card, company=f"company-{at.stream.removeprefix('agreement-')}")


@agreement_card.on(ServiceAgreed)
def agreed(card: AgreementCard, event: ServiceAgreed, at: Envelope) -> AgreementCard:
    told = (*card.held, Agreed(event.on, event.points, event.answers, event.person))
    in_order = sorted(told, key=lambda one: one.since or date.min)
    return replace(_of(card, at), held=tuple(in_order))


@agreement_card.on(ServiceAssessed)
def assessed(card: AgreementCard, event: ServiceAssessed, at: Envelope) -> AgreementCard:
    said = Assessed(event.area, event.score, event.on, event.person, event.words)
    return replace(_of(card, at), assessed=(*card.assessed, said))


def answer_within(card: AgreementCard, severity: Severity | None, day: date) -> int | None:
    """Return within how many days an issue of that day is answered; None: nothing is agreed."""
    held = card.on(day)
    answers = held.answers if held is not None else ()
    return next((one.days for one in answers if one.severity == severity), None)


@dataclass(frozen=True, slots=True)
class Answered:
    """One issue under the agreement. `kept` None: it is not answered, and there is time left."""

    issue: str
    severity: Severity | None
    registered_on: date
    answered_on: date | None
    within: int
    days: int
    kept: bool | None


@dataclass(frozen=True, slots=True)
class ServiceKept:
    """Answers: what is agreed with this customer, and do we keep to it? (I-12).

    `kept` and `late` count `items`; `share` is of these two, None where nothing is decided.
    """

    company: str
    agreed: Agreed | None
    before: tuple[Agreed, ...]
    assessed: tuple[Assessed, ...]
    kept: int
    late: int
    waiting: int
    share: float | None
    items: tuple[Answered, ...]


def service_kept(card: AgreementCard, issues: Iterable[IssueCard], today: date) -> ServiceKept:
    """Look at each issue by what was agreed when it was registered."""
    items = tuple(sorted(_answered(card, issues, today), key=lambda one: (one.days, one.issue)))
    kept = sum(one.kept is True for one in items)
    late = sum(one.kept is False for one in items)
    return ServiceKept(
        company=card.company or "",
        agreed=card.on(today),
        before=tuple(one for one in card.held if one != card.on(today)),
        assessed=card.assessed,
        kept=kept,
        late=late,
        waiting=len(items) - kept - late,
        share=round(kept / (kept + late), 4) if kept + late else None,
        items=items,
    )


def _answered(card: AgreementCard, issues: Iterable[IssueCard], today: date) -> Iterable[Answered]:
    for issue in issues:
        since = issue.registered_on
        within = None if since is None else answer_within(card, issue.severity, since)
        if since is None or within is None:
            continue
        told = next((one.on for one in issue.feedback if one.on is not None), None)
        days = ((told or today) - since).days
        kept = days <= within if told is not None or days > within else None
        yield Answered(issue.issue, issue.severity, since, told, within, days, kept)
