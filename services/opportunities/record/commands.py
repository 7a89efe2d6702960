"""What people ask to write down about an opportunity. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.command import Day, HappenedCommand
from shared.references import EmployeeStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Sentences = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Stage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


class MakeReal(HappenedCommand):
    """What was latent is a real opportunity now, in this stage or the one it is in (O-02)."""

    stage: Stage | None = None
    evidence: Sentences | None = None


class RecordEvidence(HappenedCommand):
    """Of the stage it was in that day, unless told."""

    what: Sentences
    stage: Stage | None = None


class AgreeNextStep(HappenedCommand):
    what: Text
    due_on: Day | None = None
    owner: EmployeeStream | None = None


class CompleteNextStep(HappenedCommand):
    outcome: Sentences | None = None


class JoinTeam(HappenedCommand):
    employee: EmployeeStream
    role: Text


class LeaveTeam(HappenedCommand):
    employee: EmployeeStream
    reason: str | None = Field(None, max_length=1_000)


ProgressCommand = RecordEvidence | AgreeNextStep | CompleteNextStep | JoinTeam | LeaveTeam
RecordCommand = MakeReal | ProgressCommand
