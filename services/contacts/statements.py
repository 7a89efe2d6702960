"""Dated statements about a person: what they think, whom they recommend, what they were asked.

Pure. A statement is never wrong by its date: what is learnt late holds from its own day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints

from services.contacts.defaults import ContactsDefaults
from shared.command import HappenedCommand
from shared.errors import DomainError
from shared.events.contacts import (
    AccessStated,
    AdvocacyStated,
    BuyingRole,
    BuyingRoleStated,
    OpinionStated,
    QuestionAnswered,
    QuestionAsked,
    Stance,
)
from shared.references import CompanyStream, EmployeeStream, TouchStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000)]

Statement = (
    BuyingRoleStated
    | OpinionStated
    | AdvocacyStated
    | AccessStated
    | QuestionAsked
    | QuestionAnswered
)
Topic = tuple[str, ...]


class QuestionRepeatedError(DomainError):
    """The person was asked the same question not long ago."""


class StateBuyingRole(HappenedCommand):
    company: CompanyStream
    role: BuyingRole


class StateOpinion(HappenedCommand):
    about: Literal["us", "product", "competitor", "other"]
    subject: Text | None = None
    stance: Stance
    words: Words | None = None
    touch: TouchStream | None = None
    stated_by: EmployeeStream | None = None


class StateAdvocacy(HappenedCommand):
    """Without a seller: whether the person recommends our company."""

    seller: EmployeeStream | None = None
    recommends: Literal["yes", "no", "unsure"]
    touch: TouchStream | None = None


class StateAccess(HappenedCommand):
    employee: EmployeeStream
    ease: Literal["easily", "with_effort", "not_at_all"]


class AskQuestion(HappenedCommand):
    """`question` is what makes it the same one, whoever asks: a code, or its words."""

    question: Text
    survey: Text | None = None
    asked_by: Text | None = Field(None, description="The unit or colleague that asks.")


class AnswerQuestion(HappenedCommand):
    question: Text
    answer: Annotated[Words, Field(min_length=1)]
    survey: Text | None = None


StatementCommand = (
    StateBuyingRole | StateOpinion | StateAdvocacy | StateAccess | AskQuestion | AnswerQuestion
)


def topic_of(statement: Statement) -> Topic:
    """Return about what it is: the newest of the same topic is current."""
    match statement:
        case BuyingRoleStated(company=company):
            return ("buying_role", company)
        case OpinionStated(about=about, subject=subject):
            return ("opinion", about, subject or "")
        case AdvocacyStated(seller=seller):
            return ("advocacy", seller or "")
        case AccessStated(employee=employee):
            return ("access", employee)
        case QuestionAsked(question=question):
            return ("asked", question)
        case QuestionAnswered(question=question):
            return ("answered", question)
        case _:
            assert_never(statement)


def decide_statement(
    stated: Mapping[Topic, Statement], command: StatementCommand, rules: ContactsDefaults
) -> list[Statement]:
    """Record the statement, unless it is the very one that was made last."""
    told = command.model_dump(exclude={"date_unknown"})
    statement: Statement
    match command:
        case StateBuyingRole():
            statement = BuyingRoleStated(**told)
        case StateOpinion():
            statement = OpinionStated(**told)
        case StateAdvocacy():
            statement = AdvocacyStated(**told)
        case StateAccess():
            statement = AccessStated(**told)
        case AskQuestion():
            return _ask(stated, QuestionAsked(**told), rules)
        case AnswerQuestion():
            statement = QuestionAnswered(**told)
        case _:
            assert_never(command)
    return [] if stated.get(topic_of(statement)) == statement else [statement]


def _ask(
    stated: Mapping[Topic, Statement], question: QuestionAsked, rules: ContactsDefaults
) -> list[Statement]:
    """Refuse, or mark, what another department asked a month ago (C-12)."""
    before = stated.get(topic_of(question))
    if not isinstance(before, QuestionAsked):
        return [question]
    if before.model_copy(update={"repeats": None}) == question:
        return []
    if not within(rules.question_window_days, before.on, question.on):
        return [question]
    if rules.question_repeated == "refuse":
        raise QuestionRepeatedError(
            f"asked on {before.on}" + (f" by {before.asked_by}" if before.asked_by else ""),
            field="#/question",
        )
    return [question.model_copy(update={"repeats": before.on})]


def within(window: int, before: date | None, on: date | None) -> bool:
    """Whether both days are known and fewer days apart than that."""
    return before is not None and on is not None and abs((on - before).days) < window
