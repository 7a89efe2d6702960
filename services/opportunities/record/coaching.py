"""What coach and seller found together, and what the customer answered (O-03, O-11). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, assert_never

from services.opportunities.record.dated import Told
from shared.events.opportunities import (
    CoachingEvent,
    CoachingHeld,
    CoachingOutcomeNoted,
    QuestionAnswered,
    QuestionAsked,
)


@dataclass(frozen=True, slots=True)
class Session(Told):
    """A coaching session; its actions are among the plan's, under its name."""

    session: str
    step: Literal["discovery", "management", "goal", "kpi"]
    stage: str
    coach: str
    seller: str | None
    facts: str
    problem: str | None = None
    cause: str | None = None
    outcome: str | None = None
    outcome_on: date | None = None


@dataclass(frozen=True, slots=True)
class Question(Told):
    """What we asked the customer, and what they answered last."""

    question: str
    words: str
    validates: Literal["issue", "opportunity", "budget", "decision", "timing", "other"]
    person: str | None = None
    asked_by: str | None = None
    answer: str | None = None
    verdict: Literal["confirmed", "refuted", "open"] | None = None
    answered_on: date | None = None


@dataclass(frozen=True, slots=True)
class Coaching:
    """Sessions and questions as they were told."""

    sessions: tuple[Session, ...] = ()
    questions: tuple[Question, ...] = ()

    def session(self, name: str) -> Session | None:
        return next((one for one in self.sessions if one.session == name), None)

    def question(self, name: str) -> Question | None:
        return next((one for one in self.questions if one.question == name), None)


def evolve_coaching(coaching: Coaching, event: CoachingEvent) -> Coaching:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case CoachingHeld():
            others = tuple(one for one in coaching.sessions if one.session != event.session)
            return replace(coaching, sessions=(*others, _held(event)))
        case CoachingOutcomeNoted(session=session, outcome=outcome, on=on):
            sessions = tuple(
                replace(one, outcome=outcome, outcome_on=on) if one.session == session else one
                for one in coaching.sessions
            )
            return replace(coaching, sessions=sessions)
        case QuestionAsked():
            rest = tuple(one for one in coaching.questions if one.question != event.question)
            return replace(coaching, questions=(*rest, _asked(event)))
        case QuestionAnswered(question=question, answer=answer, verdict=verdict, on=on):
            questions = tuple(
                replace(one, answer=answer, verdict=verdict, answered_on=on)
                if one.question == question
                else one
                for one in coaching.questions
            )
            return replace(coaching, questions=questions)
        case _:
            assert_never(event)


def _held(event: CoachingHeld) -> Session:
    return Session(
        event.on,
        event.session,
        event.step,
        event.stage,
        event.coach,
        event.seller,
        event.facts,
        event.problem,
        event.cause,
    )


def _asked(event: QuestionAsked) -> Question:
    return Question(
        event.on, event.question, event.words, event.validates, event.person, event.asked_by
    )
