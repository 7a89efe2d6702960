"""Rules of people and companies. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.contacts.main import domain
from services.contacts.model import (
    Affiliate,
    AssignCompanyOwner,
    CompanyAlreadyRegisteredError,
    CompanyCommand,
    CompanyUnknownError,
    DescribeCompany,
    EndAffiliation,
    MirrorCompany,
    NotAffiliatedError,
    PersonAlreadyRegisteredError,
    PersonCommand,
    PersonUnknownError,
    PlaceCompanyUnder,
    RegisterCompany,
    RegisterPerson,
    StateDetails,
)
from shared.events.contacts import (
    AffiliationEnded,
    CompanyDescribed,
    CompanyEvent,
    CompanyOwnerAssigned,
    CompanyPlacedUnder,
    CompanyRegistered,
    PersonAffiliated,
    PersonDetailsStated,
    PersonEvent,
    PersonRegistered,
)
from shared.testing import check_decider, commands, facts, given

person = domain.decider("person-1")
company = domain.decider("company-1")
MONDAY = date(2026, 1, 5)
KIM = PersonRegistered(name="김민준", on=MONDAY)
ACME = CompanyRegistered(name="Acme", on=MONDAY)


def test_a_person_needs_no_company_and_is_registered_once() -> None:
    given(person).when(RegisterPerson(name=" 김민준 ", on=MONDAY)).then(KIM)
    given(person, KIM).when(RegisterPerson(name="Kim")).then_refused(PersonAlreadyRegisteredError)


@pytest.mark.parametrize(
    "command", [Affiliate(company="company-1"), EndAffiliation(company="company-1")]
)
def test_nothing_happens_to_a_person_nobody_registered(command: Any) -> None:
    given(person).when(command).then_refused(PersonUnknownError)


def test_a_person_works_for_several_companies() -> None:
    one = PersonAffiliated(company="company-1", on=MONDAY)
    given(person, KIM).when(Affiliate(company="company-1", on=MONDAY)).then(one)
    given(person, KIM, one).when(Affiliate(company="company-2", kind="dealer", on=MONDAY)).then(
        PersonAffiliated(company="company-2", kind="dealer", on=MONDAY)
    )


def test_the_same_affiliation_again_records_nothing_another_role_does() -> None:
    buyer = PersonAffiliated(company="company-1", role="buyer")
    given(person, KIM, buyer).when(Affiliate(company="company-1", role="buyer")).then_nothing()
    given(person, KIM, buyer).when(Affiliate(company="company-1", role="head")).then(
        PersonAffiliated(company="company-1", role="head")
    )


def test_only_who_is_with_a_company_leaves_it() -> None:
    leaving = EndAffiliation(company="company-1", reason="moved", on=MONDAY)
    refused = given(person, KIM).when(leaving).then_refused(NotAffiliatedError)
    assert refused.field == "#/company"
    ended = AffiliationEnded(company="company-1", reason="moved", on=MONDAY)
    with_acme = PersonAffiliated(company="company-1")
    given(person, KIM, with_acme).when(leaving).then(ended)
    given(person, KIM, with_acme, ended).when(leaving).then_refused(NotAffiliatedError)


def test_the_date_of_an_affiliation_is_put_right_by_an_earlier_one() -> None:
    later, sooner = date(2026, 3, 1), date(2026, 1, 1)
    buyer = PersonAffiliated(company="company-1", role="buyer", on=later)
    right = Affiliate(company="company-1", role="buyer", on=sooner)
    corrected = buyer.model_copy(update={"on": sooner})
    given(person, KIM, buyer).when(right).then(corrected)
    given(person, KIM, buyer, corrected).when(right).then_nothing()
    still = Affiliate(company="company-1", role="buyer", on=date(2026, 6, 1))
    given(person, KIM, buyer).when(still).then_nothing()


def test_nobody_leaves_before_they_came() -> None:
    buyer = PersonAffiliated(company="company-1", role="buyer", on=MONDAY)
    before = EndAffiliation(company="company-1", on=date(2025, 12, 1))
    assert given(person, KIM, buyer).when(before).then_refused(NotAffiliatedError).field == "#/on"


def test_one_mistake_is_taken_back_once() -> None:
    roles = [PersonAffiliated(company="company-1", role=role, on=MONDAY) for role in ("a", "b")]
    mistaken = EndAffiliation(company="company-1", reason="mistaken", on=MONDAY)
    never_was = AffiliationEnded(company="company-1", reason="mistaken", on=MONDAY)
    given(person, KIM, *roles).when(mistaken).then(never_was)
    given(person, KIM, *roles, never_was).when(mistaken).then_nothing()
    given(person, KIM, *roles, never_was, roles[1]).when(mistaken).then(never_was)
    leaving = EndAffiliation(company="company-1", on=MONDAY)
    given(person, KIM, *roles, never_was).when(leaving).then(
        AffiliationEnded(company="company-1", on=MONDAY)
    )


def test_another_address_is_stated_once_and_its_date_put_right_by_an_earlier_one() -> None:
    command = StateDetails(email="kim@b.example", on=MONDAY)
    stated = PersonDetailsStated(email="kim@b.example", on=MONDAY)
    given(person, KIM).when(command).then(stated)
    given(person, KIM, stated).when(command).then_nothing()
    given(person, KIM, stated).when(StateDetails(email="kim@b.example")).then_nothing()
    given(person, KIM).when(StateDetails(name="김민준")).then_nothing()
    given(person, KIM).when(StateDetails()).then_nothing()
    sooner = date(2025, 12, 1)
    given(person, KIM, stated).when(command.model_copy(update={"on": sooner})).then(
        stated.model_copy(update={"on": sooner})
    )


def test_c_08_a_company_is_given_to_an_owner_once() -> None:
    given_to = CompanyOwnerAssigned(owner="employee-1", on=MONDAY)
    command = AssignCompanyOwner(owner="employee-1", on=MONDAY)
    given(company, ACME).when(command).then(given_to)
    given(company, ACME, given_to).when(command).then_nothing()
    given(company).when(command).then_refused(CompanyUnknownError)


def test_a_company_is_registered_once() -> None:
    given(company).when(RegisterCompany(name="Acme", on=MONDAY)).then(ACME)
    given(company, ACME).when(RegisterCompany(name="Acme")).then_refused(
        CompanyAlreadyRegisteredError
    )


@pytest.mark.parametrize(
    "command", [PlaceCompanyUnder(parent="company-2"), DescribeCompany(stated_by="crm")]
)
def test_nothing_happens_to_a_company_nobody_registered(command: Any) -> None:
    given(company).when(command).then_refused(CompanyUnknownError)


def test_a_company_is_placed_under_its_parent() -> None:
    under = CompanyPlacedUnder(parent="company-2", on=MONDAY)
    given(company, ACME).when(PlaceCompanyUnder(parent="company-2", on=MONDAY)).then(under)
    given(company, ACME, under).when(PlaceCompanyUnder(parent="company-2")).then_nothing()
    sooner = date(2025, 1, 1)
    given(company, ACME, under).when(PlaceCompanyUnder(parent="company-3", on=sooner)).then(
        CompanyPlacedUnder(parent="company-3", on=sooner)
    )


def test_a_source_states_what_a_company_is() -> None:
    stated = CompanyDescribed(stated_by="crm", sector="medical", revenue=Decimal(5), on=MONDAY)
    command = DescribeCompany(stated_by="crm", sector="medical", revenue=Decimal(5), on=MONDAY)
    given(company, ACME).when(command).then(stated)
    given(company, ACME, stated).when(command).then_nothing()


def test_a_mirrored_company_is_as_its_row_says_and_the_same_row_is_nothing() -> None:
    row = MirrorCompany(name="Acme", stated_by="crm", parent="company-2", sector="medical")
    told = (
        CompanyRegistered(name="Acme"),
        CompanyPlacedUnder(parent="company-2"),
        CompanyDescribed(stated_by="crm", sector="medical"),
    )
    given(company).when(row).then(*told)
    given(company, *told).when(row).then_nothing()
    other = row.model_copy(update={"sector": "retail"})
    given(company, *told).when(other).then(CompanyDescribed(stated_by="crm", sector="retail"))


@for_all(st.lists(facts(PersonEvent), max_size=6), st.lists(commands(PersonCommand), max_size=6))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(person, history, asked)


@for_all(st.lists(facts(CompanyEvent), max_size=6), st.lists(commands(CompanyCommand), max_size=6))
def test_so_it_is_with_companies(history: list[Any], asked: list[Any]) -> None:
    check_decider(company, history, asked)


def test_a_company_is_placed_where_it_stood_then_once() -> None:
    march, february = date(2026, 3, 1), date(2026, 2, 1)
    january = CompanyPlacedUnder(parent="company-2", on=date(2026, 1, 1))
    moved = CompanyPlacedUnder(parent="company-3", on=march)
    # In February it stood there already, whatever it stands under now.
    again = PlaceCompanyUnder(parent="company-2", on=february)
    given(company, ACME, january, moved).when(again).then_nothing()
    # It stood under its present parent earlier than we knew.
    earlier = PlaceCompanyUnder(parent="company-3", on=february)
    given(company, ACME, january, moved).when(earlier).then(
        CompanyPlacedUnder(parent="company-3", on=february)
    )
