"""What leaders said of how people worked, and what these answered (N-12). Pure folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.analytics import AssessmentAnswered, AssessmentGiven, AssessmentWithdrawn
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of it once, before it was said otherwise."""

    on: date | None
    process: int | None
    quality: int | None
    words: str


@dataclass(frozen=True, slots=True)
class AssessmentCard:
    """Answers: how did somebody work in a period, as their leader and they themselves see it?

    `process` and `quality` from 1 to 5; `before` is what was said earlier, the oldest first.
    """

    assessment: str
    leader: str | None = None
    of: str | None = None
    period: str | None = None
    on: date | None = None
    process: int | None = None
    quality: int | None = None
    words: str | None = None
    beside: tuple[str, ...] = ()
    answer: str | None = None
    answered_on: date | None = None
    withdrawn: bool = False
    withdrawn_because: str | None = None
    before: tuple[Said, ...] = ()


assessment_card = Projection(
    "assessment_card",
    version=1,
    view=AssessmentCard,
    indexes=("of", "leader", "period"),
    streams=("assessment",),
)


@assessment_card.on(AssessmentGiven)
def given(card: AssessmentCard, event: AssessmentGiven, at: Envelope) -> AssessmentCard:
    said = card.before
    if card.words is not None:
        said = (*said, Said(card.on, card.process, card.quality, card.words))
    return replace(card, **dict(event), before=said)


@assessment_card.on(AssessmentAnswered)
def answered(card: AssessmentCard, event: AssessmentAnswered, at: Envelope) -> AssessmentCard:
    return replace(card, answer=event.words, answered_on=event.on)


@assessment_card.on(AssessmentWithdrawn)
def withdrawn(card: AssessmentCard, event: AssessmentWithdrawn, at: Envelope) -> AssessmentCard:
    return replace(card, withdrawn=True, withdrawn_because=event.reason)
