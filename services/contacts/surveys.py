"""Which questions were asked of customers, how often, and how often again too soon. Pure (C-12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.contacts.statement_views import PersonStatements
from shared.events import Envelope
from shared.events.contacts import QuestionAnswered, QuestionAsked
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """Answers: who asks this question, how often, with how many answers, how often repeated?"""

    question: str
    asked: int = 0
    answered: int = 0
    repeated: int = 0
    last_asked_on: date | None = None
    asked_by: tuple[str, ...] = ()
    surveys: tuple[str, ...] = ()


survey_question = Projection(
    "survey_question",
    version=1,
    view=SurveyQuestion,
    indexes=("asked_by", "surveys"),
    streams=("person",),
)


def _question(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, QuestionAsked | QuestionAnswered)
    return (at.data.question,)


def _among(known: tuple[str, ...], one: str | None) -> tuple[str, ...]:
    return known if one is None else tuple(sorted({*known, one}))


@survey_question.on(QuestionAsked, keys=_question)
def asked(view: SurveyQuestion, event: QuestionAsked, at: Envelope) -> SurveyQuestion:
    days = [day for day in (view.last_asked_on, event.on) if day is not None]
    return replace(
        view,
        asked=view.asked + 1,
        repeated=view.repeated + (event.repeats is not None),
        last_asked_on=max(days, default=None),
        asked_by=_among(view.asked_by, event.asked_by),
        surveys=_among(view.surveys, event.survey),
    )


@survey_question.on(QuestionAnswered, keys=_question)
def answered(view: SurveyQuestion, event: QuestionAnswered, at: Envelope) -> SurveyQuestion:
    surveys = _among(view.surveys, event.survey)
    return replace(view, answered=view.answered + 1, surveys=surveys)


@dataclass(frozen=True, slots=True)
class MayAsk:
    """Whether a question may be put to a person now, and when and by whom it was put last."""

    question: str
    may: bool
    again_from: date | None = None
    last_asked_on: date | None = None
    asked_by: str | None = None


def may_ask(told: PersonStatements, question: str, *, window: int, today: date) -> MayAsk:
    """Look through what all entries of the person were asked."""
    days = [
        (one.since, one.asked_by or "")
        for one in told.questions
        if one.question == question and one.answer is None and one.since is not None
    ]
    if not days:
        return MayAsk(question, may=True)
    last, by = max(days)
    again = last + timedelta(days=window)
    return MayAsk(question, again <= today, again, last, by or None)
