"""C-09: with an opportunity come its next step and what the leaver was to do for it."""

from __future__ import annotations

from datetime import date

from services.opportunities.main import domain
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityReassigned,
)
from shared.handovers import TakeOver
from shared.testing import given

opportunity = domain.decider("opportunity-1")
MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)
CHANCE = OpportunityDiscovered(title="Pump", stage="Prospecting", owner="employee-1", on=MONDAY)
TAKE = TakeOver(giver="employee-1", receiver="employee-2", on=FRIDAY)
THEIRS = OpportunityReassigned(owner="employee-2", reason="handover", on=FRIDAY)


def step(owner: str, on: date) -> NextStepAgreed:
    return NextStepAgreed(stage="Prospecting", what="Call", due_on=FRIDAY, owner=owner, on=on)


def action(name: str, owner: str, on: date) -> ActionAgreed:
    return ActionAgreed(action=name, what="Show it", owner=owner, due_on=FRIDAY, on=on)


def test_c_09_the_next_step_and_open_actions_of_a_leaver_are_the_receivers() -> None:
    known = (
        *(CHANCE, step("employee-1", MONDAY), action("a", "employee-1", MONDAY)),
        *(
            action("b", "employee-1", MONDAY),
            ActionDone(action="b"),
            action("c", "employee-3", MONDAY),
        ),
    )
    taken = (THEIRS, step("employee-2", FRIDAY), action("a", "employee-2", FRIDAY))
    given(opportunity, *known).when(TAKE).then(*taken)
    given(opportunity, *known, *taken).when(TAKE).then_nothing()


def test_c_09_what_others_do_for_it_stays_theirs() -> None:
    given(opportunity, CHANCE, step("employee-3", MONDAY)).when(TAKE).then(THEIRS)
