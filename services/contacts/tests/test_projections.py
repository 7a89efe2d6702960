"""Views of people, companies and touches: the same whatever arrives first, or twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.contacts.held import Affiliation, Parent
from services.contacts.projections import (
    PROJECTIONS,
    company_card,
    person_card,
    timeline,
)
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    CompanyDescribed,
    CompanyEvent,
    CompanyPlacedUnder,
    CompanyRegistered,
    PersonAffiliated,
    PersonEvent,
    PersonRegistered,
    SegmentEvent,
    VisitEvent,
)
from shared.events.opportunities import OpportunityEvent
from shared.events.touches import TouchesEvent, TouchRecorded
from shared.testing import check_projection, histories, recorded
from shared.testing.histories import BEGIN

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)
KINDS = {
    "person": PersonEvent,
    "company": CompanyEvent,
    "touch": TouchesEvent,
    "opportunity": OpportunityEvent,
    "visit": VisitEvent,
    "segment": SegmentEvent,
}
KIM = PersonRegistered(name="김민준")


def touch(number: int, *, day: int, person: str = "person-1") -> list[Envelope]:
    told = TouchRecorded(publisher="crm", publisher_id=str(number), person=person, channel="call")
    at = BEGIN + timedelta(days=day)
    return recorded(told, stream=f"touch-{number}", occurred_at=at)


@for_all(histories(KINDS, streams=3), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_a_late_touch_is_not_the_newest_one() -> None:
    told = [recorded(KIM, stream="person-1"), touch(1, day=9), touch(2, day=3)]
    card = check_projection(person_card, told)["person-1"]
    assert (card.touch_count, card.last_touch_at) == (2, BEGIN + timedelta(days=9))


def test_a_touch_counts_before_the_person_is_known() -> None:
    card = check_projection(person_card, [touch(1, day=0)])["person-1"]
    assert (card.name, card.touch_count) == (None, 1)


def test_a_timeline_is_in_the_order_in_which_things_happened_a_month_each() -> None:
    told = [touch(1, day=9), touch(2, day=3), touch(3, day=40), touch(4, day=0, person="person-2")]
    months = check_projection(timeline, told)
    assert [entry.touch for entry in months["person-1/2026-01"].touches] == ["touch-2", "touch-1"]
    assert [entry.touch for entry in months["person-1/2026-02"].touches] == ["touch-3"]
    assert set(months) == {"person-1/2026-01", "person-1/2026-02", "person-2/2026-01"}


def test_an_early_morning_is_on_the_page_of_its_own_month() -> None:
    called = TouchRecorded(publisher="crm", publisher_id="1", person="person-1", channel="call")
    half_past_eight = datetime.fromisoformat("2026-04-01T08:30:00+09:00")
    told = recorded(called, stream="touch-1", occurred_at=half_past_eight)
    assert set(check_projection(timeline.within(SEOUL), [told])) == {"person-1/2026-04"}
    assert set(check_projection(timeline.within(NEW_YORK), [told])) == {"person-1/2026-03"}


def test_what_is_stated_without_a_date_in_the_morning_counts_from_that_day() -> None:
    morning = datetime.fromisoformat("2026-03-01T08:30:00+09:00")
    told = recorded(
        CompanyDescribed(stated_by="crm", sector="retail", on=MARCH),
        CompanyDescribed(stated_by="seller", sector="medical"),
        stream="company-1",
        occurred_at=morning,
    )
    card = check_projection(company_card.within(SEOUL), [told])["company-1"]
    assert (card.sector, card.stated_on) == ("medical", MARCH)


def test_who_changes_role_or_company_keeps_the_history() -> None:
    told = recorded(
        KIM,
        PersonAffiliated(company="company-1", role="buyer", on=JANUARY),
        PersonAffiliated(company="company-1", role="head", on=MARCH),
        AffiliationEnded(company="company-1", reason="moved", on=JUNE),
        PersonAffiliated(company="company-2", kind="dealer", on=JUNE),
        stream="person-1",
    )
    card = check_projection(person_card, [told])["person-1"]
    assert card.companies == ("company-2",)
    assert card.affiliations == (
        Affiliation("company-1", "employee", "buyer", JANUARY, MARCH, ended=True),
        Affiliation("company-1", "employee", "head", MARCH, JUNE, ended=True, left=True),
        Affiliation("company-2", "dealer", None, JUNE),
    )


def test_a_mistaken_affiliation_never_was() -> None:
    told = recorded(
        KIM,
        PersonAffiliated(company="company-1", on=JANUARY),
        AffiliationEnded(company="company-1", reason="mistaken"),
        stream="person-1",
    )
    card = check_projection(person_card, [told])["person-1"]
    assert (card.affiliations, card.companies) == ((), ())


def career(*told: PersonEvent) -> tuple[tuple[str | None, date | None, date | None], ...]:
    """Say who was what from when to when, where everything is at one company."""
    card = check_projection(person_card, [recorded(KIM, *told, stream="person-1")])["person-1"]
    assert card.companies == (("company-1",) if not all(a.ended for a in card.affiliations) else ())
    return tuple((a.role, a.since, a.until) for a in card.affiliations)


def role(role: str, on: date | None) -> PersonAffiliated:
    return PersonAffiliated(company="company-1", role=role, on=on)


def end(reason: Literal["left", "mistaken"], on: date | None) -> AffiliationEnded:
    return AffiliationEnded(company="company-1", reason=reason, on=on)


def test_an_earlier_role_learnt_late_does_not_end_the_present_one() -> None:
    assert career(role("cto", MARCH), role("engineer", JANUARY)) == (
        ("engineer", JANUARY, MARCH),
        ("cto", MARCH, None),
    )


def test_who_left_is_gone_also_when_we_learn_of_a_role_before() -> None:
    told = (role("buyer", JANUARY), end("left", JUNE), role("head", MARCH))
    assert career(*told) == (("buyer", JANUARY, MARCH), ("head", MARCH, JUNE))


def test_a_mistaken_role_change_leaves_the_role_before_as_it_was() -> None:
    told = (role("buyer", JANUARY), role("head", MARCH), end("mistaken", JUNE))
    assert career(*told) == (("buyer", JANUARY, None),)
    assert career(*told[:2], end("left", JUNE), end("mistaken", JUNE)) == (
        ("buyer", JANUARY, JUNE),
    )


def test_of_several_roles_the_one_of_that_day_was_the_mistake() -> None:
    told = (role("cto", MARCH), role("engineer", JANUARY), end("mistaken", date(2026, 2, 1)))
    assert career(*told) == (("cto", MARCH, None),)


def test_the_date_of_an_affiliation_is_put_right() -> None:
    assert career(role("buyer", MARCH), role("buyer", JANUARY)) == (("buyer", JANUARY, None),)
    assert career(role("buyer", None), role("buyer", JANUARY)) == (("buyer", JANUARY, None),)
    left_earlier = (role("buyer", JANUARY), end("left", JUNE), end("left", MARCH))
    assert career(*left_earlier) == (("buyer", JANUARY, MARCH),)


def test_what_is_told_without_a_date_comes_after_what_was_known_then() -> None:
    assert career(role("buyer", None), role("head", MARCH))[-1] == ("head", MARCH, None)
    assert career(role("buyer", MARCH), role("head", None))[-1] == ("head", None, None)
    gone = (role("buyer", JANUARY), end("left", None))
    assert career(*gone) == (("buyer", JANUARY, None),)
    assert career(*gone, role("buyer", JUNE)) == (
        ("buyer", JANUARY, None),
        ("buyer", JUNE, None),
    )


def test_the_newest_parent_is_current_not_the_one_entered_last() -> None:
    told = recorded(
        CompanyPlacedUnder(parent="company-3", on=MARCH),
        CompanyPlacedUnder(parent="company-2", on=JANUARY),
        stream="company-1",
    )
    card = check_projection(company_card, [told])["company-1"]
    assert card.parent == "company-3"
    assert card.parents == (Parent("company-2", JANUARY), Parent("company-3", MARCH))


def test_the_newest_statement_about_a_company_is_current() -> None:
    told = recorded(
        CompanyRegistered(name="Acme"),
        CompanyDescribed(stated_by="crm", sector="retail", on=MARCH),
        CompanyDescribed(stated_by="old book", sector="medical", on=JANUARY),
        stream="company-1",
    )
    card = check_projection(company_card, [told])["company-1"]
    assert (card.sector, card.stated_by, card.stated_on) == ("retail", "crm", MARCH)
