"""Composes the calendar domain."""

from __future__ import annotations

from functools import partial

from services.calendar import model
from services.calendar.access import RULES
from services.calendar.api import router
from services.calendar.defaults import CalendarDefaults
from services.calendar.finding import decide_overwork, evolve_overwork
from services.calendar.judging import judge_weeks
from services.calendar.overwork import own_first
from services.calendar.policies import POLICIES
from services.calendar.projections import PROJECTIONS
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain

ENTRY_COMMANDS: dict[str, type[Command]] = {
    "plan": model.Plan,
    "mirror": model.Mirror,
    "describe": model.Describe,
    "move": model.Move,
    "start": model.Start,
    "done": model.Done,
    "miss": model.Miss,
    "displace": model.Displace,
    "cancel": model.Cancel,
    "reassign": model.Reassign,
}
SERIES_COMMANDS: dict[str, type[Command]] = {
    "plan": model.PlanSeries,
    "mirror": model.MirrorSeries,
    "skip_occurrence": model.SkipOccurrence,
    "end": model.EndSeries,
    "reassign": model.Reassign,
}
AGENDA_COMMANDS: dict[str, type[Command]] = {
    "set_zone": model.SetZone,
    "register_key": model.RegisterKey,
    "open_feed": model.OpenFeed,
    "revoke_feed": model.RevokeFeed,
    "note_fetched": model.NoteFetched,
    "see_overwork": model.SeeOverwork,
}


def build(defaults: CalendarDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="calendar",
        deciders={
            "entry": Decider(model.Entry(), model.decide_entry, model.evolve_entry, ENTRY_COMMANDS),
            "series": Decider(
                model.Series(), model.decide_series, model.evolve_series, SERIES_COMMANDS
            ),
            "agenda": Decider(
                model.Agenda(), model.decide_agenda, model.evolve_agenda, AGENDA_COMMANDS
            ),
            "overwork": Decider(frozenset(), decide_overwork, evolve_overwork),
        },
        projections=PROJECTIONS,
        policies=POLICIES,
        works={"judge weeks": judge_weeks},
        own_first=partial(own_first, chosen=defaults),
        defaults=defaults,
        build=build,
    )


domain = build(CalendarDefaults())

__all__ = ["RULES", "domain", "router"]
