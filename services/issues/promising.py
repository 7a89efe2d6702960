"""By when a customer hears from us: what rules of promises and issues cannot know (I-08, I-12)."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from services.issues.agreements import agreement_card, agreement_of, answer_within
from services.issues.commitments import Make, MakeCommitment
from services.issues.defaults import IssuesDefaults
from services.issues.model import Register, RegisterAgreed
from shared.runtime import Runtime
from shared.workplace_reads import WorkplaceReads
from shared.workplaces import midnight, places

PLACES = places("issues_")


async def prepare(runtime: Runtime, command: BaseModel) -> BaseModel:
    """Give a promise its clock, and an issue the answer that is agreed with its customer.

    Whoever says that the day is not known has neither.
    """
    if isinstance(command, Register):
        return await _agreed(runtime, command)
    if not isinstance(command, MakeCommitment):
        return command
    made_at = _made_at(runtime, command)
    by = None if made_at is None else await _by(runtime, command.owner, made_at)
    return Make(**command.model_dump(), follow_up_by=by)


def _made_at(runtime: Runtime, command: MakeCommitment) -> datetime | None:
    if command.made_at is not None:
        return command.made_at
    if command.date_unknown:
        return None
    if command.on is None or command.on == runtime.today:
        return runtime.clock.now()
    # Of the hour nobody said anything: the clock begins when the day is over.
    return midnight(command.on + timedelta(days=1), runtime.settings.zone)


async def _by(runtime: Runtime, owner: str, made_at: datetime) -> datetime:
    chosen = runtime.domain.defaults
    assert isinstance(chosen, IssuesDefaults)
    span = timedelta(hours=chosen.follow_up_hours)
    if chosen.follow_up_clock == "wall":
        return made_at + span
    reads = WorkplaceReads(runtime, places=PLACES)
    place = await reads.of(owner, runtime.settings.zone, chosen)
    return place.clock(made_at, span)


async def _agreed(runtime: Runtime, command: Register) -> Register:
    if command.company is None or command.answer_by is not None or command.date_unknown:
        return command
    found = await runtime.reader(agreement_card).get(agreement_of(command.company), None)
    day = command.on or runtime.today
    days = None if found is None else answer_within(found.value, command.severity, day)
    if days is None:
        return command
    by = midnight(day + timedelta(days=days + 1), runtime.settings.zone)
    return RegisterAgreed(**command.model_dump(), agreed_by=by)
