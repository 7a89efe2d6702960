"""Composes the organization domain."""

from __future__ import annotations

from functools import partial

from services.organization import handovers, keys, model
from services.organization.access import RULES
from services.organization.api import router
from services.organization.defaults import OrganizationDefaults
from services.organization.policies import POLICIES
from services.organization.projections import PROJECTIONS
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain

EMPLOYEE_COMMANDS: dict[str, type[Command]] = {
    "join": model.Join,
    "assign": model.Assign,
    "grade": model.Grade,
    "take_function": model.TakeFunction,
    "take_role": model.TakeRole,
    "lay_down_role": model.LayDownRole,
    "plan_absence": model.PlanAbsence,
    "cancel_absence": model.CancelAbsence,
    "leave": model.Leave,
    "mirror": model.MirrorEmployee,
}
UNIT_COMMANDS: dict[str, type[Command]] = {
    "form": model.FormUnit,
    "place_under": model.PlaceUnitUnder,
    "appoint_manager": model.AppointManager,
    "assign_calendar": model.AssignCalendar,
    "mirror": model.MirrorUnit,
}
WORKCALENDAR_COMMANDS: dict[str, type[Command]] = {
    "open": model.OpenWorkcalendar,
    "set_hours": model.SetHours,
    "declare_holidays": model.DeclareHolidays,
    "withdraw_holiday": model.WithdrawHoliday,
}
HANDOVER_COMMANDS: dict[str, type[Command]] = {
    "start": handovers.StartHandover,
    "name_receiver": handovers.NameReceiver,
    "acknowledge": handovers.Acknowledge,
    "meet_customer": handovers.MeetCustomer,
    "call_off": handovers.CallOffHandover,
}


def build(defaults: OrganizationDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="organization",
        deciders={
            "employee": Decider(
                model.Employee(), model.decide_employee, model.evolve_employee, EMPLOYEE_COMMANDS
            ),
            "unit": Decider(model.Unit(), model.decide_unit, model.evolve_unit, UNIT_COMMANDS),
            "workcalendar": Decider(
                model.Workcalendar(),
                model.decide_workcalendar,
                model.evolve_workcalendar,
                WORKCALENDAR_COMMANDS,
            ),
            "handover": Decider(
                handovers.Handover(),
                partial(handovers.decide_handover, rules=defaults),
                handovers.evolve_handover,
                HANDOVER_COMMANDS,
            ),
            # Not among many commands at once: who may import may not let others in.
            "key": Decider(keys.Key(), keys.decide_key, keys.evolve_key),
        },
        projections=PROJECTIONS,
        policies=POLICIES,
        defaults=defaults,
        build=build,
    )


domain = build(OrganizationDefaults())

__all__ = ["RULES", "domain", "router"]
