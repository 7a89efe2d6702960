"""What may be recorded of how we mean to win it (O-04). Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities.record import Record
from services.opportunities.record.commands import (
    AgreeAction,
    AssessCompetitor,
    ChoosePositioning,
    CompleteAction,
    DropAction,
    PlanCommand,
    WithdrawCompetitor,
)
from services.opportunities.record.dated import held_on
from services.opportunities.record.plan import Action, WinPlan
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    ActionDropped,
    CompetitorAssessed,
    CompetitorWithdrew,
    PlanEvent,
    PositioningChosen,
)


class ActionUnknownError(NotFoundError):
    """Nobody agreed on an action of that name."""


class ActionClosedError(DomainError):
    """It is done or dropped already: agree on another one."""


def decide_plan(record: Record, command: PlanCommand) -> list[PlanEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    plan = record.plan
    match command:
        case ChoosePositioning(positioning=positioning, on=on):
            chosen = held_on(plan.positionings, on, lambda _: True)
            if chosen is not None and chosen.positioning == positioning:
                return []
            return [PositioningChosen(positioning=positioning, on=on)]
        case AssessCompetitor(competitor=name, strength=strength, answer=answer, on=on):
            held = plan.competitor(name, on)
            if held and (held.strength, held.answer, held.gone) == (strength, answer, False):
                return []
            return [CompetitorAssessed(competitor=name, strength=strength, answer=answer, on=on)]
        case WithdrawCompetitor(competitor=name, reason=reason, on=on):
            held = plan.competitor(name, on)
            if held is None or held.gone:
                return []
            return [CompetitorWithdrew(competitor=name, reason=reason, on=on)]
        case AgreeAction(session=session):
            if session is not None and record.coaching.session(session) is None:
                raise InvalidError(f"there was no session {session!r}", field="#/session")
            return agree(plan, ActionAgreed(**command.model_dump(exclude={"date_unknown"})))
        case CompleteAction(action=action, outcome=outcome, on=on):
            done = _open(plan, action, "done")
            return [ActionDone(action=action, outcome=outcome, on=on)] if done else []
        case DropAction(action=action, reason=reason, on=on):
            dropped = _open(plan, action, "dropped")
            return [ActionDropped(action=action, reason=reason, on=on)] if dropped else []
        case _:
            assert_never(command)


def agree(plan: WinPlan, event: ActionAgreed) -> list[PlanEvent]:
    """Return the action that is agreed on, unless it had been before."""
    known = plan.action(event.action)
    if known is None:
        return [event]
    if known.state != "open":
        raise ActionClosedError(f"{event.action!r} is {known.state}", field="#/action")
    told = (event.what, event.owner, event.due_on, event.session)
    return [] if told == (known.what, known.owner, known.due_on, known.session) else [event]


def _open(plan: WinPlan, name: str, state: str) -> Action | None:
    """Return the action while it is open, None when it is in that state already."""
    known = plan.action(name)
    if known is None:
        raise ActionUnknownError(f"there is no action {name!r}", field="#/action")
    if known.state == "open":
        return known
    if known.state != state:
        raise ActionClosedError(f"it was {known.state}", field="#/action")
    return None
