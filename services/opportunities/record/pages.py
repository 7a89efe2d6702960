"""The seller's page, the coaching sheet, the report and the summary: one record, four views (O-05).

Each part is made by one function of the record, so no two pages can tell it differently. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.projections import OpportunityCard
from services.opportunities.record.plan import Action
from services.opportunities.record.quality import (
    alerts,
    decision_map,
    quality,
    snoozed_until,
)
from services.opportunities.record.views import OpportunityRecord
from shared.documents import Document, Row, Section, section

Audience = Literal["seller", "coaching", "report", "executive"]
NAMES: dict[Audience, str] = {
    "seller": "Seller's page",
    "coaching": "Coaching sheet",
    "report": "Report",
    "executive": "Executive summary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Document):
    """What is told to one audience."""

    audience: Audience


@dataclass(frozen=True, slots=True)
class _Told:
    view: OpportunityRecord
    card: OpportunityCard
    today: date
    rules: OpportunitiesDefaults


def _at_a_glance(told: _Told) -> Section:
    card, view = told.card, told.view
    money = f"{card.amount} {card.currency}" if card.amount is not None else None
    price = f"{card.value} {card.value_currency}" if card.value is not None else None
    score = quality(view, told.today, told.rules).score
    facts = (
        ("Company", card.company),
        ("Owner", card.owner),
        ("Product", card.product),
        ("Stage", card.stage),
        ("In this stage since", card.stage_on),
        ("Latent", "yes" if card.latent else None),
        ("Outcome", card.outcome),
        ("Closed on", card.closed_on),
        ("Price", price),
        ("Lost because", card.lost_reason),
        ("Amount", money),
        ("Expected to close on", card.expected_close_on),
        ("Quality", f"{score} of 100"),
        ("Rests until", snoozed_until(view, told.today)),
    )
    return section("At a glance", ("", ""), [(name, one) for name, one in facts if one])


def _quality(told: _Told) -> Section:
    parts = quality(told.view, told.today, told.rules).parts
    rows = [
        (part.part.replace("_", " "), f"{part.percent} %", part.weight, part.why) for part in parts
    ]
    return section("Quality", ("Part", "Reached", "Weight", "Why"), rows)


def _alerts(told: _Told) -> Section:
    found = alerts(told.view, told.today, told.rules)
    rows = [(one.alert.replace("_", " "), one.why) for one in found]
    return section("Needs a look", ("What", "Why"), rows)


def _stages(told: _Told) -> Section:
    progress = told.view.record.progress
    rows = [
        (one.on, one.stage, "; ".join(shown.what for shown in progress.evidence_of(one.stage)))
        for one in told.view.stages
    ]
    return section("Stages and evidence", ("On", "Stage", "Evidence"), rows)


def _next_steps(told: _Told) -> Section:
    steps = told.view.record.progress.next_steps
    rows = [
        (one.due_on, one.what, one.owner, "done" if one.done else "", one.outcome)
        for one in reversed(steps)
    ]
    return section("Next steps", ("Due on", "What", "Who", "State", "Outcome"), rows)


def _team(told: _Told) -> Section:
    rows = [(one.employee, one.role, one.on) for one in told.view.record.progress.team]
    return section("Team", ("Who", "Role", "Since"), rows)


def _people(told: _Told) -> Section:
    rows = [
        (one.person, ", ".join(one.roles), one.influence, one.stance, one.reached_through, one.note)
        for one in decision_map(told.view)
    ]
    columns = ("Person", "Role", "Influence", "Stance", "Reached through", "Note")
    return section("Who decides", columns, rows)


def _positioning(told: _Told) -> Section:
    plan = told.view.record.plan
    rows: list[Row] = [("Positioning", plan.positioning, "")] if plan.positioning else []
    competitors = [
        (one.competitor, one.strength or "", one.answer or "") for one in plan.competitors_now
    ]
    return section("How we win", ("", "Strength", "Our answer"), [*rows, *competitors])


def _actions(told: _Told) -> Section:
    return _listed("Actions", told.view.record.plan.actions)


def _coaching_actions(told: _Told) -> Section:
    found = [one for one in told.view.record.plan.actions if one.session is not None]
    return _listed("Actions agreed in coaching", found)


def _listed(title: str, actions: Iterable[Action]) -> Section:
    rows = [
        (one.due_on, one.what, one.owner, one.state, one.outcome)
        for one in sorted(actions, key=lambda one: (one.due_on, one.action))
    ]
    return section(title, ("Due on", "What", "Who", "State", "Outcome"), rows)


def _coaching(told: _Told) -> Section:
    rows = [
        (one.on, one.step, one.coach, one.facts, one.problem, one.cause, one.outcome)
        for one in told.view.record.coaching.sessions
    ]
    columns = ("On", "Step", "Coach", "Facts", "Problem", "Cause", "Outcome")
    return section("Coaching", columns, rows)


def _questions(told: _Told) -> Section:
    rows = [
        (one.on, one.validates, one.words, one.person, one.answer, one.verdict)
        for one in told.view.record.coaching.questions
    ]
    columns = ("On", "To know", "Question", "Asked of", "Answer", "Verdict")
    return section("Questions asked", columns, rows)


def _commitment(told: _Told) -> Section:
    rows = [
        (
            one.on,
            one.seller,
            "withdrawn" if one.withdrawn else one.confidence,
            "" if one.withdrawn else f"{one.amount} {one.currency}",
            one.close_on,
        )
        for one in told.view.record.commitments.told
    ]
    return section("Committed", ("On", "Seller", "How surely", "Amount", "Close on"), rows)


def _credit(told: _Told) -> Section:
    credit = told.view.record.deal.credit
    rows = [
        (one.division, f"{one.percent} %", "yes" if one.division == credit.introduced_by else "")
        for one in (credit.shares if credit else ())
        if credit
    ]
    return section("Credit", ("Division", "Share", "Introduced it"), rows)


def _hand_off(told: _Told) -> Section:
    rows = [
        (one.step, one.status, one.reference, one.system, one.on)
        for one in told.view.record.deal.hand_offs_now
    ]
    return section("Hand-off", ("Step", "Status", "Reference", "System", "On"), rows)


PARTS: dict[Audience, tuple[Callable[[_Told], Section], ...]] = {
    "seller": (
        *(_at_a_glance, _alerts, _quality, _next_steps, _stages, _team, _people, _positioning),
        *(_actions, _coaching, _questions, _commitment, _credit, _hand_off),
    ),
    "coaching": (
        *(_at_a_glance, _quality, _alerts, _stages, _people, _questions),
        *(_coaching, _coaching_actions, _next_steps),
    ),
    "report": (
        *(_at_a_glance, _alerts, _commitment, _quality, _stages, _people, _positioning),
        *(_actions, _credit, _hand_off),
    ),
    "executive": (_at_a_glance, _commitment, _people, _positioning, _alerts),
}


def document(
    view: OpportunityRecord, audience: Audience, today: date, rules: OpportunitiesDefaults
) -> Page:
    """Return what one audience is told of an opportunity."""
    card = view.card or OpportunityCard(view.opportunity)
    told = _Told(view, card, today, rules)
    title = card.title or view.opportunity
    return Page(
        title=title,
        name=NAMES[audience],
        today=today,
        sections=tuple(part(told) for part in PARTS[audience]),
        audience=audience,
    )
