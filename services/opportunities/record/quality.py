"""How good an opportunity is to work on, and why (O-08): a pure function of record and day.

Amounts play no part: a large hope without evidence ranks below a small deal that is in hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.record.people import Say, says
from services.opportunities.record.views import OpportunityRecord

PartName = Literal["evidence", "next_step", "age", "coverage"]
AlertName = Literal[
    "no_next_step", "next_step_overdue", "stale", "closing_overdue", "action_overdue"
]
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the score: `percent` of what it could be, and its weight among the parts."""

    part: PartName
    weight: int
    percent: int
    why: str


@dataclass(frozen=True, slots=True)
class Quality:
    """From 0 to 100, with what it is made of."""

    score: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that its owner should look at today."""

    alert: Literal[
        "no_next_step", "next_step_overdue", "stale", "closing_overdue", "action_overdue"
    ]
    why: str


def quality(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults) -> Quality:
    """Return the score as of a day, with its parts."""
    weights = rules.quality_weights
    parts = (
        Part("evidence", weights.evidence, *_evidence(view, today, rules.evidence_days)),
        Part("next_step", weights.next_step, *_next_step(view, today)),
        Part("age", weights.age, *_age(view, today, rules.stage_days)),
        Part("coverage", weights.coverage, *_coverage(view, rules.coverage_people)),
    )
    points = sum(part.percent * part.weight for part in parts)
    whole = sum(part.weight for part in parts)
    # Half a point is a point: whole numbers only, so that it is the same everywhere.
    return Quality((2 * points + whole) // (2 * whole), parts)


def _evidence(view: OpportunityRecord, today: date, fresh_days: int) -> tuple[int, str]:
    stage = view.card.stage if view.card else None
    told = [one for one in view.record.progress.evidence if one.on is None or one.on <= today]
    shown = [one for one in told if one.stage == stage]
    if not shown:
        before = "only for earlier stages" if told else "none"
        return (25 if told else 0), f"evidence: {before}"
    newest = max((one.on for one in shown if one.on is not None), default=None)
    if newest is None:
        return WHOLE // 2, "evidence for this stage, undated"
    days = (today - newest).days
    return (WHOLE if days <= fresh_days else WHOLE // 2), f"evidence is {days} days old"


def _next_step(view: OpportunityRecord, today: date) -> tuple[int, str]:
    step = view.record.progress.next_step
    if step is None:
        return 0, "no next step"
    if step.due_on is None:
        return WHOLE // 2, "a next step without a date"
    if step.due_on < today:
        return 0, f"next step overdue since {step.due_on}"
    return WHOLE, f"next step due on {step.due_on}"


def _age(view: OpportunityRecord, today: date, stage_days: int) -> tuple[int, str]:
    days = days_in_stage(view, today)
    if days is None:
        return WHOLE // 2, "nobody knows since when it is in this stage"
    over = max(0, days - stage_days)
    return max(0, WHOLE - WHOLE * over // (2 * stage_days)), f"{days} days in this stage"


def days_in_stage(view: OpportunityRecord, today: date) -> int | None:
    on = view.card.stage_on if view.card else None
    return None if on is None else max(0, (today - on).days)


def _coverage(view: OpportunityRecord, enough: int) -> tuple[int, str]:
    known = decision_map(view)
    decider = any(say.influence == "decides" for say in known)
    friend = any(say.stance in {"champion", "supporter"} for say in known)
    people = min(len(known), enough)
    thirds = decider * enough + friend * enough + people
    why = (
        f"{len(known)} people known; who decides is {'' if decider else 'not '}known; "
        f"{'somebody' if friend else 'nobody'} is for us"
    )
    return WHOLE * thirds // (3 * enough), why


def decision_map(view: OpportunityRecord) -> tuple[Say, ...]:
    """Return who has a say in it, the weightiest first (O-09)."""
    roles = [(one.person, one.role) for one in view.card.people] if view.card else []
    return says(view.record.people, roles)


def snoozed_until(view: OpportunityRecord, today: date) -> date | None:
    """Return until when it rests, None when it does not."""
    snoozed = view.record.deal.snoozed
    return snoozed.resume_on if view.open and snoozed and snoozed.rests(today) else None


def alerts(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults) -> tuple[Alert, ...]:
    """Return what needs a look; nothing of what rests, is decided or is not real yet."""
    if not view.open or view.latent or snoozed_until(view, today) is not None:
        return ()
    return tuple(_alerts(view, today, rules))


def _alerts(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults) -> Iterator[Alert]:
    step = view.record.progress.next_step
    if step is None:
        yield Alert("no_next_step", "nobody knows what happens next")
    elif step.due_on is not None and step.due_on < today:
        yield Alert("next_step_overdue", f"{step.what}: due on {step.due_on}")
    days = days_in_stage(view, today)
    if days is not None and days > rules.stage_days:
        yield Alert("stale", f"{days} days in this stage")
    closing = view.card.expected_close_on if view.card else None
    if closing is not None and closing < today:
        yield Alert("closing_overdue", f"expected to close on {closing}")
    for action in view.record.plan.actions:
        if action.state == "open" and action.due_on < today:
            yield Alert("action_overdue", f"{action.what}: due on {action.due_on}")
