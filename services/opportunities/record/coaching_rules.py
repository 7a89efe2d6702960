"""What may be recorded of coaching and of questions to the customer (O-03, O-11). Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities import state
from services.opportunities.record.coaching import Question, Session
from services.opportunities.record.commands import (
    AnswerQuestion,
    AskQuestion,
    CoachingCommand,
    HoldCoaching,
    NoteCoachingOutcome,
)
from services.opportunities.record.plan_rules import agree
from services.opportunities.state import Opportunity
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.opportunities import (
    ActionAgreed,
    CoachingEvent,
    CoachingHeld,
    CoachingOutcomeNoted,
    PlanEvent,
    QuestionAnswered,
    QuestionAsked,
)


class CoachingUnknownError(NotFoundError):
    """Nobody held a coaching session of that name."""


class CoachingHeldAlreadyError(DomainError):
    """A session of that name was held, and other things were said."""


class QuestionUnknownError(NotFoundError):
    """Nobody asked a question of that name."""


class QuestionAskedAlreadyError(DomainError):
    """A question of that name was asked, in other words."""


def decide_coaching(
    opportunity: Opportunity, command: CoachingCommand
) -> list[CoachingEvent | PlanEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    coaching = opportunity.record.coaching
    match command:
        case HoldCoaching():
            return _hold(opportunity, command)
        case NoteCoachingOutcome(session=session, outcome=outcome, on=on):
            held = coaching.session(session)
            if held is None:
                raise CoachingUnknownError(f"there was no session {session!r}", field="#/session")
            return [
                *_outcome(
                    held, outcome, CoachingOutcomeNoted(session=session, outcome=outcome, on=on)
                )
            ]
        case AskQuestion(question=question):
            return [*_ask(coaching.question(question), command)]
        case AnswerQuestion(question=question, answer=answer, verdict=verdict, on=on):
            asked = coaching.question(question)
            if asked is None:
                raise QuestionUnknownError(f"nobody asked {question!r}", field="#/question")
            if (asked.answer, asked.verdict) == (answer, verdict):
                return []
            return [QuestionAnswered(question=question, answer=answer, verdict=verdict, on=on)]
        case _:
            assert_never(command)


def _hold(opportunity: Opportunity, command: HoldCoaching) -> list[CoachingEvent | PlanEvent]:
    coaching, plan = opportunity.record.coaching, opportunity.record.plan
    names = [action.action for action in command.actions]
    if len(set(names)) < len(names):
        raise InvalidError("two actions of one name", field="#/actions")
    seller = command.seller or state.held_on(opportunity.hands, command.on).owner
    held = CoachingHeld(
        session=command.session,
        step=command.step,
        stage=state.held_on(opportunity.steps, command.on).stage,
        coach=command.coach,
        seller=seller,
        facts=command.facts,
        problem=command.problem,
        cause=command.cause,
        on=command.on,
    )
    known = coaching.session(command.session)
    if known is not None and not _same(known, command):
        raise CoachingHeldAlreadyError(field="#/session")
    facts: list[CoachingEvent | PlanEvent] = [] if known else [held]
    for action in command.actions:
        agreed = ActionAgreed(session=command.session, on=command.on, **action.model_dump())
        facts += agree(plan, agreed)
    if command.outcome is not None:
        noted = CoachingOutcomeNoted(
            session=command.session, outcome=command.outcome, on=command.on
        )
        facts += _outcome(known, command.outcome, noted)
    return facts


def _same(known: Session, command: HoldCoaching) -> bool:
    said = ("step", "coach", "facts", "problem", "cause", "on")
    same = all(getattr(known, name) == getattr(command, name) for name in said)
    return same and command.seller in (None, known.seller)


def _outcome(
    held: Session | None, outcome: str, noted: CoachingOutcomeNoted
) -> list[CoachingEvent]:
    return [] if held is not None and held.outcome == outcome else [noted]


def _ask(known: Question | None, command: AskQuestion) -> list[CoachingEvent]:
    if known is None:
        return [QuestionAsked(**command.model_dump(exclude={"date_unknown"}))]
    said = ("words", "validates", "person", "asked_by", "on")
    if any(getattr(known, name) != getattr(command, name) for name in said):
        raise QuestionAskedAlreadyError(field="#/question")
    return []
