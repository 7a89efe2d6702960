"""Views of the calendar: unmoved by duplicates and by the order in which streams arrive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.calendar.projections import PROJECTIONS, entry_card
from shared.events import Envelope
from shared.events.calendar import (
    AgendaEvent,
    EntryCancelled,
    EntryDisplaced,
    EntryDone,
    EntryEvent,
    EntryMoved,
    EntryPlanned,
    SeriesEvent,
)
from shared.events.contacts import CompanyEvent, PersonEvent, VisitEvent
from shared.events.issues import IssuesEvent
from shared.events.opportunities import (
    OpportunityEvent,
    PlanEvent,
    ProductListed,
    ProductRepriced,
    ProgressEvent,
)
from shared.events.organization import EmployeeEvent, UnitEvent, WorkcalendarEvent
from shared.events.touches import TouchesEvent
from shared.testing import check_projection, histories, recorded

SEOUL = ZoneInfo("Asia/Seoul")
EIGHT_IN_SEOUL = datetime.fromisoformat("2026-01-05T08:00:00+09:00")
VISIT = EntryPlanned(
    seller="employee-1",
    category="customer",
    starts_at=EIGHT_IN_SEOUL,
    ends_at=EIGHT_IN_SEOUL + timedelta(hours=1),
    title="Visit",
)


KINDS = {
    "entry": EntryEvent,
    "series": SeriesEvent,
    "agenda": AgendaEvent,
    "person": PersonEvent,
    "company": CompanyEvent,
    "visit": VisitEvent,
    "touch": TouchesEvent,
    "issue": IssuesEvent,
    "opportunity": OpportunityEvent | ProgressEvent | PlanEvent,
    "product": ProductListed | ProductRepriced,
    "employee": EmployeeEvent,
    "unit": UnitEvent,
    "workcalendar": WorkcalendarEvent,
}


@for_all(histories(KINDS), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_a_card_shows_plan_and_outcome_side_by_side() -> None:
    ended_at = VISIT.ends_at + timedelta(minutes=30)
    done = EntryDone(started_at=VISIT.starts_at, ended_at=ended_at)
    card = check_projection(entry_card, [recorded(VISIT, done, stream="entry-1")])["entry-1"]
    assert (card.status, card.ends_at, card.ended_at) == ("done", VISIT.ends_at, ended_at)


@pytest.mark.parametrize("written_in", [SEOUL, UTC])
def test_the_day_is_the_companys_in_whatever_offset_it_was_written(written_in: tzinfo) -> None:
    starts_at = EIGHT_IN_SEOUL.astimezone(written_in)
    told = recorded(VISIT.model_copy(update={"starts_at": starts_at}), stream="entry-1")
    card = check_projection(entry_card.within(SEOUL), [told])["entry-1"]
    assert card.day == date(2026, 1, 5)
    assert card.starts_at.utcoffset() == starts_at.utcoffset()


def test_a_cancelled_entry_stays_to_be_seen() -> None:
    told = recorded(VISIT, EntryCancelled(reason="ill"), stream="entry-1")
    card = check_projection(entry_card, [told])["entry-1"]
    assert (card.status, card.cancelled_because, card.title) == ("cancelled", "ill", "Visit")


def test_k_03_a_moved_entry_tells_the_plan_as_it_was_and_as_it_stands() -> None:
    later = VISIT.starts_at + timedelta(days=1)
    moved = EntryMoved(starts_at=later, ends_at=later + timedelta(hours=1), reason="ill")
    history = recorded(VISIT, EntryDisplaced(by="entry-2"), moved, stream="entry-1")
    card = check_projection(entry_card.within(SEOUL), [history])["entry-1"]
    assert (card.first_starts_at, card.starts_at, card.day) == (
        VISIT.starts_at,
        later,
        date(2026, 1, 6),
    )
    assert (card.status, card.moves, card.moved_because, card.displaced_by) == (
        "planned",
        1,
        "ill",
        None,
    )


def test_k_12_everybody_a_visit_is_with_is_found_by() -> None:
    told = VISIT.model_copy(update={"person": "person-2", "people": ("person-1", "person-2")})
    card = check_projection(entry_card, [recorded(told, stream="entry-1")])["entry-1"]
    assert card.people == ("person-2", "person-1")
