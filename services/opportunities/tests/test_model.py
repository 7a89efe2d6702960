"""Rules of opportunities and products. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.opportunities.main import domain
from services.opportunities.model import (
    Advance,
    Discover,
    InvolvePerson,
    Lose,
    OpportunityAlreadyDiscoveredError,
    OpportunityClosedError,
    OpportunityCommand,
    OpportunityStillOpenError,
    OpportunityUnknownError,
    Reassign,
    Reopen,
    Revalue,
    Win,
)
from services.opportunities.products import (
    ListProduct,
    MirrorProduct,
    ProductAlreadyListedError,
    ProductCommand,
    ProductUnknownError,
    Reprice,
)
from shared.errors import InvalidError
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    PersonInvolved,
    ProductEvent,
    ProductListed,
    ProductRepriced,
    StageAdvanced,
)
from shared.handovers import TakeOver
from shared.testing import check_decider, commands, facts, given

opportunity = domain.decider("opportunity-1")
product = domain.decider("product-1")
MONDAY, FEBRUARY, EASTER = date(2026, 1, 5), date(2026, 2, 1), date(2026, 4, 5)
CHANCE = OpportunityDiscovered(
    title="Pump", stage="Engaging", amount=Decimal(10), currency="USD", on=MONDAY
)
WON = OpportunityWon(value=Decimal(100), currency="USD", on=MONDAY)
LOST = OpportunityLost(reason="price")
PUMP = ProductListed(name="Pump", price=Decimal(10), currency="USD")


def test_a_chance_is_discovered_before_it_is_real() -> None:
    latent = OpportunityDiscovered(title="Pump", stage="Prospecting", latent=True, on=MONDAY)
    given(opportunity).when(Discover(title=" Pump ", latent=True, on=MONDAY)).then(latent)


def test_an_opportunity_is_discovered_once() -> None:
    given(opportunity, CHANCE).when(Discover(title="Pump")).then_refused(
        OpportunityAlreadyDiscoveredError
    )


def test_an_amount_has_a_currency() -> None:
    for command in (Discover(title="Pump", amount=1), Discover(title="Pump", currency="USD")):
        assert given(opportunity).when(command).then_refused(InvalidError).field == "#/currency"
    half = Revalue(amount=Decimal(5))
    assert given(opportunity, CHANCE).when(half).then_refused(InvalidError).field == "#/currency"


def test_nothing_happens_to_a_chance_nobody_discovered() -> None:
    for command in (
        Advance(stage="Proposal"),
        Win(value=Decimal(1), currency="USD"),
        Lose(),
        Reopen(stage="Proposal"),
        Reassign(owner="employee-1", reason="leave"),
        Revalue(expected_close_on=EASTER),
        InvolvePerson(person="person-1", role="buyer"),
    ):
        given(opportunity).when(command).then_refused(OpportunityUnknownError)


def test_it_advances_to_another_stage_on_its_date() -> None:
    given(opportunity, CHANCE).when(Advance(stage="Proposal", on=EASTER)).then(
        StageAdvanced(stage="Proposal", on=EASTER)
    )
    given(opportunity, CHANCE).when(Advance(stage="Engaging", on=EASTER)).then_nothing()


def test_a_step_entered_late_does_not_bring_it_back() -> None:
    proposal = StageAdvanced(stage="Proposal", on=EASTER)
    late = StageAdvanced(stage="Offer", on=FEBRUARY)
    given(opportunity, CHANCE, proposal).when(Advance(stage="Offer", on=FEBRUARY)).then(late)
    known = opportunity.state([CHANCE, proposal, late])
    assert (known.stage, known.stage_on) == ("Proposal", EASTER)
    given(opportunity, CHANCE, proposal, late).when(
        Advance(stage="Offer", on=FEBRUARY)
    ).then_nothing()


def test_a_handover_entered_late_does_not_take_it_from_who_has_it_since() -> None:
    easter = OpportunityReassigned(owner="employee-2", reason="leave", on=EASTER)
    late = OpportunityReassigned(owner="employee-1", reason="leave", on=FEBRUARY)
    given(opportunity, CHANCE, easter).when(
        Reassign(owner="employee-1", reason="leave", on=FEBRUARY)
    ).then(late)
    assert opportunity.state([CHANCE, easter, late]).owner == "employee-2"


def test_nothing_happens_to_it_before_it_was_discovered() -> None:
    new_year = date(2026, 1, 1)
    for command in (
        Advance(stage="Proposal", on=new_year),
        Win(value=Decimal(1), currency="USD", on=new_year),
        Lose(on=new_year),
        Reassign(owner="employee-1", reason="leave", on=new_year),
    ):
        refused = given(opportunity, CHANCE).when(command).then_refused(InvalidError)
        assert refused.field == "#/on"
        assert str(refused) == "2026-01-01 is before it was discovered, 2026-01-05"
    undated = CHANCE.model_copy(update={"on": None})
    given(opportunity, undated).when(Lose(on=new_year)).then(OpportunityLost(on=new_year))


def test_a_latent_chance_becomes_real_by_advancing_also_within_its_stage() -> None:
    latent = CHANCE.model_copy(update={"latent": True})
    real = StageAdvanced(stage="Engaging", on=EASTER)
    command = Advance(stage="Engaging", on=EASTER)
    given(opportunity, latent).when(command).then(real)
    given(opportunity, latent, real).when(command).then_nothing()


def test_won_and_lost_are_outcomes_not_stages() -> None:
    for history, command in (
        ([], Discover(title="Pump", stage="Won")),
        ([CHANCE], Advance(stage="Lost")),
        ([CHANCE, WON], Reopen(stage="Won")),
    ):
        refused = given(opportunity, *history).when(command).then_refused(InvalidError)
        assert refused.field == "#/stage"


def test_it_is_won_or_lost_and_then_it_is_closed() -> None:
    given(opportunity, CHANCE).when(Win(value=Decimal(100), currency="USD", on=MONDAY)).then(WON)
    given(opportunity, CHANCE).when(Lose(reason="price")).then(LOST)
    for closing in (WON, LOST):
        for command in (
            Advance(stage="Proposal"),
            Win(value=Decimal(1), currency="USD"),
            Lose(),
            Revalue(expected_close_on=EASTER),
        ):
            given(opportunity, CHANCE, closing).when(command).then_refused(OpportunityClosedError)


def test_only_what_is_closed_is_reopened() -> None:
    given(opportunity, CHANCE).when(Reopen(stage="Proposal")).then_refused(
        OpportunityStillOpenError
    )
    again = OpportunityReopened(stage="Proposal", reason="they called", on=EASTER)
    given(opportunity, CHANCE, LOST).when(
        Reopen(stage="Proposal", reason="they called", on=EASTER)
    ).then(again)
    given(opportunity, CHANCE, LOST, again).when(Advance(stage="Offer", on=EASTER)).then(
        StageAdvanced(stage="Offer", on=EASTER)
    )


def test_it_is_handed_over_for_a_reason_also_when_it_is_won() -> None:
    handed = OpportunityReassigned(owner="employee-1", reason="leave", on=MONDAY)
    command = Reassign(owner="employee-1", reason="leave", on=MONDAY)
    given(opportunity, CHANCE, WON).when(command).then(handed)
    given(opportunity, CHANCE, handed).when(command).then_nothing()


def test_what_is_not_told_about_its_value_stays_as_it_is() -> None:
    later = OpportunityRevalued(
        amount=Decimal(10), currency="USD", expected_close_on=EASTER, on=MONDAY
    )
    given(opportunity, CHANCE).when(Revalue(expected_close_on=EASTER, on=MONDAY)).then(later)
    more = Revalue(amount=Decimal(20), currency="KRW", on=MONDAY)
    given(opportunity, CHANCE, later).when(more).then(
        OpportunityRevalued(amount=Decimal(20), currency="KRW", expected_close_on=EASTER, on=MONDAY)
    )
    given(opportunity, CHANCE, later).when(Revalue(expected_close_on=EASTER)).then_nothing()
    given(opportunity, CHANCE).when(Revalue()).then_refused(InvalidError)


def test_a_person_is_involved_once_in_each_role() -> None:
    buyer = PersonInvolved(person="person-1", role="buyer", on=MONDAY)
    command = InvolvePerson(person="person-1", role="buyer", on=MONDAY)
    given(opportunity, CHANCE).when(command).then(buyer)
    given(opportunity, CHANCE, buyer).when(command).then_nothing()
    given(opportunity, CHANCE, buyer).when(InvolvePerson(person="person-1", role="user")).then(
        PersonInvolved(person="person-1", role="user")
    )


def test_a_product_is_listed_once_and_repriced() -> None:
    listing = ListProduct(name="Pump", price=Decimal(10), currency="USD")
    given(product).when(listing).then(PUMP)
    given(product, PUMP).when(listing).then_refused(ProductAlreadyListedError)
    given(product).when(Reprice(price=Decimal(1), currency="USD")).then_refused(ProductUnknownError)
    given(product, PUMP).when(Reprice(price=Decimal(12), currency="USD")).then(
        ProductRepriced(price=Decimal(12), currency="USD")
    )
    given(product, PUMP).when(Reprice(price=Decimal("10.00"), currency="USD")).then_nothing()


def test_a_price_has_a_currency() -> None:
    for command in (
        ListProduct(name="Pump", price=Decimal(1)),
        MirrorProduct(name="Pump", currency="USD"),
    ):
        assert given(product).when(command).then_refused(InvalidError).field == "#/currency"


def test_a_mirrored_product_has_the_price_of_its_row() -> None:
    row = MirrorProduct(name="Pump", price=Decimal(10), currency="USD")
    given(product).when(row).then(PUMP)
    given(product, PUMP).when(row).then_nothing()
    given(product, PUMP).when(MirrorProduct(name="Pump")).then_nothing()
    given(product, PUMP).when(MirrorProduct(name="Pump", price=Decimal(9), currency="USD")).then(
        ProductRepriced(price=Decimal(9), currency="USD")
    )


@for_all(
    st.lists(facts(OpportunityEvent), max_size=6),
    st.lists(commands(OpportunityCommand), max_size=6),
)
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(opportunity, history, asked)


@for_all(st.lists(facts(ProductEvent), max_size=6), st.lists(commands(ProductCommand), max_size=6))
def test_so_it_is_with_products(history: list[Any], asked: list[Any]) -> None:
    check_decider(product, history, asked)


def test_c_09_an_open_opportunity_of_a_leaver_is_the_receivers() -> None:
    chance = OpportunityDiscovered(title="Pumps", stage="Prospecting", owner="employee-1")
    take = TakeOver(giver="employee-1", receiver="employee-2", on=MONDAY)
    theirs = OpportunityReassigned(owner="employee-2", reason="handover", on=MONDAY)
    given(opportunity, chance).when(take).then(theirs)
    given(opportunity, chance, theirs).when(take).then_nothing()
    given(opportunity, chance, OpportunityLost()).when(take).then_refused(OpportunityClosedError)
    # Its hands go on from the last one, whatever day that was.
    ahead = OpportunityReassigned(owner="employee-1", reason="unstated", on=FEBRUARY)
    given(opportunity, chance, ahead).when(take).then(
        OpportunityReassigned(owner="employee-2", reason="handover", on=FEBRUARY)
    )
