"""What a leader may say of how somebody worked, and what these may answer (N-12, N-13). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from services.analytics.model import KpiStream, Period, Words
from shared.command import DatedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.analytics import (
    AssessmentAnswered,
    AssessmentEvent,
    AssessmentGiven,
    AssessmentWithdrawn,
)
from shared.references import EmployeeStream

Score = Annotated[int, Field(strict=True, ge=1, le=5)]


class AssessmentUnknownError(NotFoundError):
    """Nobody gave an assessment of that id."""


class OtherAssessmentError(DomainError):
    """An assessment stays by the same leader, of the same person and period."""


class AssessmentWithdrawnError(DomainError):
    """The leader does not stand by it any more."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Only what a rule needs to know."""

    given: AssessmentGiven | None = None
    answer: AssessmentAnswered | None = None
    withdrawn: bool = False


class GiveAssessment(DatedCommand):
    """Say how somebody worked in a period; told again, it stands in place of what was said."""

    leader: EmployeeStream
    of: Annotated[str, StringConstraints(pattern=r"^(employee|unit)-.{1,100}$")]
    period: Period
    process: Score | None = None
    quality: Score | None = None
    words: Words
    beside: tuple[KpiStream, ...] = Field((), max_length=20)


class AnswerAssessment(DatedCommand):
    """Say what you think of what was said of you; told again, the newest stands."""

    words: Words


class WithdrawAssessment(DatedCommand):
    reason: Words


AssessmentCommand = GiveAssessment | AnswerAssessment | WithdrawAssessment


def decide_assessment(known: Assessment, command: AssessmentCommand) -> list[AssessmentEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case GiveAssessment():
            return _given(known, command)
        case _ if known.given is None:
            raise AssessmentUnknownError
        case AnswerAssessment(words=words, on=on):
            answered = AssessmentAnswered(words=words, on=on)
            return [] if known.answer == answered else [answered]
        case WithdrawAssessment(reason=reason, on=on):
            return [] if known.withdrawn else [AssessmentWithdrawn(reason=reason, on=on)]
        case _:
            assert_never(command)


def _given(known: Assessment, command: GiveAssessment) -> list[AssessmentEvent]:
    if command.leader == command.of:
        raise InvalidError("nobody assesses themselves here", field="#/of")
    given = AssessmentGiven(**command.model_dump(exclude={"date_unknown"}))
    if known.withdrawn:
        raise AssessmentWithdrawnError
    if known.given is None:
        return [given]
    for name in ("leader", "of", "period"):
        if getattr(known.given, name) != getattr(given, name):
            raise OtherAssessmentError(f"it is {getattr(known.given, name)}", field=f"#/{name}")
    return [] if known.given == given else [given]


def evolve_assessment(known: Assessment, event: AssessmentEvent) -> Assessment:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case AssessmentGiven():
            return replace(known, given=event)
        case AssessmentAnswered():
            return replace(known, answer=event)
        case AssessmentWithdrawn():
            return replace(known, withdrawn=True)
        case _:
            assert_never(event)
