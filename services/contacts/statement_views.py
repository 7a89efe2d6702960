"""What was stated about a person, in the order of its dates. Pure folds, never refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from services.contacts.held import merged_by_date
from services.contacts.person_views import PersonCard
from shared.events import Envelope
from shared.events.contacts import (
    AccessStated,
    AdvocacyStated,
    OpinionStated,
    QuestionAnswered,
    QuestionAsked,
)
from shared.held import in_order
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Opinion:
    about: str
    subject: str | None
    stance: str
    words: str | None
    touch: str | None
    stated_by: str | None
    since: date | None


@dataclass(frozen=True, slots=True)
class Advocacy:
    seller: str | None
    recommends: str
    touch: str | None
    since: date | None


@dataclass(frozen=True, slots=True)
class Access:
    employee: str
    ease: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question asked, or (with an answer) answered."""

    question: str
    survey: str | None
    asked_by: str | None
    answer: str | None
    repeats: date | None
    since: date | None


@dataclass(frozen=True, slots=True)
class PersonStatements:
    """Answers: what does this person think, whom do they recommend, what were they asked?

    All that was ever stated, in the order of its dates: the last about a thing is current.
    """

    person: str
    opinions: tuple[Opinion, ...] = field(default=())
    advocacy: tuple[Advocacy, ...] = field(default=())
    access: tuple[Access, ...] = field(default=())
    questions: tuple[Question, ...] = field(default=())


person_statements = Projection(
    "person_statements", version=1, view=PersonStatements, streams=("person",)
)


@person_statements.on(OpinionStated)
def opinion_stated(view: PersonStatements, event: OpinionStated, at: Envelope) -> PersonStatements:
    said = Opinion(
        event.about,
        event.subject,
        event.stance,
        event.words,
        event.touch,
        event.stated_by,
        event.on,
    )
    return replace(view, opinions=in_order(view.opinions, said))


@person_statements.on(AdvocacyStated)
def advocacy_stated(
    view: PersonStatements, event: AdvocacyStated, at: Envelope
) -> PersonStatements:
    said = Advocacy(event.seller, event.recommends, event.touch, event.on)
    return replace(view, advocacy=in_order(view.advocacy, said))


@person_statements.on(AccessStated)
def access_stated(view: PersonStatements, event: AccessStated, at: Envelope) -> PersonStatements:
    said = Access(event.employee, event.ease, event.on)
    return replace(view, access=in_order(view.access, said))


@person_statements.on(QuestionAsked)
def question_asked(view: PersonStatements, event: QuestionAsked, at: Envelope) -> PersonStatements:
    said = Question(event.question, event.survey, event.asked_by, None, event.repeats, event.on)
    return replace(view, questions=in_order(view.questions, said))


@person_statements.on(QuestionAnswered)
def question_answered(
    view: PersonStatements, event: QuestionAnswered, at: Envelope
) -> PersonStatements:
    said = Question(event.question, event.survey, None, event.answer, None, event.on)
    return replace(view, questions=in_order(view.questions, said))


def all_statements(views: Sequence[PersonStatements], person: str) -> PersonStatements:
    """Return what was stated of all entries of one person."""
    return PersonStatements(
        person,
        merged_by_date(view.opinions for view in views),
        merged_by_date(view.advocacy for view in views),
        merged_by_date(view.access for view in views),
        merged_by_date(view.questions for view in views),
    )


def current(told: Sequence[Any], about: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the newest statement about each thing, which the fields `about` tell apart."""
    newest = {tuple(getattr(one, name) for name in about): one for one in told}
    return tuple(newest[key] for key in sorted(newest, key=lambda key: [str(k) for k in key]))


@dataclass(frozen=True, slots=True)
class PersonPage(PersonCard):
    """All that a page about one person shows but the timeline; each list in order of its dates.

    `stances`: the newest opinion about each thing (C-05).
    """

    stances: tuple[Opinion, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    advocacy: tuple[Advocacy, ...] = ()
    access: tuple[Access, ...] = ()
    questions: tuple[Question, ...] = ()


def person_page(card: PersonCard, told: PersonStatements) -> PersonPage:
    return PersonPage(
        **{one.name: getattr(card, one.name) for one in fields(card)},
        stances=current(told.opinions, ("about", "subject")),
        opinions=told.opinions,
        advocacy=told.advocacy,
        access=told.access,
        questions=told.questions,
    )
