"""What may be recorded of who has a say (O-09). Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities.record.commands import AssessPerson, ReleasePerson, SayCommand
from services.opportunities.state import Opportunity
from shared.errors import InvalidError
from shared.events.opportunities import PersonAssessed, PersonReleased, SayEvent


def decide_people(opportunity: Opportunity, command: SayCommand) -> list[SayEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    held = opportunity.record.people.of(command.person, command.on)
    match command:
        case AssessPerson(influence=influence, stance=stance, reached_through=through, note=note):
            if through == command.person:
                raise InvalidError(
                    "nobody is reached through themselves", field="#/reached_through"
                )
            told = (influence, stance, through, note)
            if held and told == (held.influence, held.stance, held.reached_through, held.note):
                return []
            return [PersonAssessed(**command.model_dump(exclude={"date_unknown"}))]
        case ReleasePerson(person=person, reason=reason, on=on):
            involved = any(who == person for who, _ in opportunity.people)
            if (held.influence is None) if held else not involved:
                return []
            return [PersonReleased(person=person, reason=reason, on=on)]
        case _:
            assert_never(command)
