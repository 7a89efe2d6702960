"""How we mean to win it: positioning, competitors, and who does what by when (O-04). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, assert_never

from services.opportunities.record.dated import Told, held_on
from shared.dated import placed
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    ActionDropped,
    CompetitorAssessed,
    CompetitorWithdrew,
    PlanEvent,
    PositioningChosen,
)


@dataclass(frozen=True, slots=True)
class Positioning(Told):
    positioning: str


@dataclass(frozen=True, slots=True)
class Competitor(Told):
    """How we saw a competitor from a day on; `gone`: they want it no more."""

    competitor: str
    strength: str | None = None
    answer: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Action(Told):
    """Who does what by when. `session` names the coaching session it is of, None: the plan."""

    action: str
    what: str
    owner: str
    due_on: date
    session: str | None = None
    state: Literal["open", "done", "dropped"] = "open"
    closed_on: date | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class WinPlan:
    """Positionings and competitors in the order in which they hold; actions as they were told."""

    positionings: tuple[Positioning, ...] = ()
    competitors: tuple[Competitor, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def positioning(self) -> str | None:
        return self.positionings[-1].positioning if self.positionings else None

    @property
    def competitors_now(self) -> tuple[Competitor, ...]:
        last = {one.competitor: one for one in self.competitors}
        return tuple(one for one in last.values() if not one.gone)

    def competitor(self, name: str, on: date | None) -> Competitor | None:
        return held_on(self.competitors, on, lambda one: one.competitor == name)

    def action(self, action: str) -> Action | None:
        return next((one for one in self.actions if one.action == action), None)

    def actions_of(self, session: str | None) -> tuple[Action, ...]:
        return tuple(one for one in self.actions if one.session == session)


def evolve_plan(plan: WinPlan, event: PlanEvent) -> WinPlan:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case PositioningChosen(positioning=positioning, on=on):
            chosen = placed(plan.positionings, Positioning(on, positioning))
            return replace(plan, positionings=chosen)
        case CompetitorAssessed(competitor=name, strength=strength, answer=answer, on=on):
            return _competitor(plan, Competitor(on, name, strength, answer))
        case CompetitorWithdrew(competitor=name, on=on):
            return _competitor(plan, Competitor(on, name, gone=True))
        case ActionAgreed(action=action, what=what, owner=owner, due_on=due_on, on=on):
            others = tuple(one for one in plan.actions if one.action != action)
            agreed = Action(on, action, what, owner, due_on, event.session)
            return replace(plan, actions=(*others, agreed))
        case ActionDone(action=action, outcome=outcome, on=on):
            return _closed(plan, action, "done", on, outcome)
        case ActionDropped(action=action, reason=reason, on=on):
            return _closed(plan, action, "dropped", on, reason)
        case _:
            assert_never(event)


def _competitor(plan: WinPlan, competitor: Competitor) -> WinPlan:
    return replace(plan, competitors=placed(plan.competitors, competitor))


def _closed(
    plan: WinPlan,
    action: str,
    state: Literal["done", "dropped"],
    on: date | None,
    outcome: str | None,
) -> WinPlan:
    actions = tuple(
        replace(one, state=state, closed_on=on, outcome=outcome) if one.action == action else one
        for one in plan.actions
    )
    return replace(plan, actions=actions)
