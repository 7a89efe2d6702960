"""Views of opportunities and products: unmoved by duplicates and by the order of streams."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.opportunities.projections import PROJECTIONS, Involved, opportunity_card, product_card
from shared.events import Envelope
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
    PersonInvolved,
    ProductEvent,
    ProductListed,
    ProductRepriced,
    StageAdvanced,
)
from shared.testing import check_projection, histories, recorded

MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)
CHANCE = OpportunityDiscovered(title="Pump", stage="Prospecting", latent=True, on=MONDAY)
WON = OpportunityWon(value=Decimal("100.50"), currency="USD", on=FRIDAY)


@for_all(histories({"opportunity": OpportunityEvent, "product": ProductEvent}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_a_latent_chance_becomes_real_by_advancing() -> None:
    told = recorded(CHANCE, stream="opportunity-1")
    assert check_projection(opportunity_card, [told])["opportunity-1"].latent
    more = recorded(CHANCE, StageAdvanced(stage="Engaging", on=FRIDAY), stream="opportunity-1")
    card = check_projection(opportunity_card, [more])["opportunity-1"]
    assert (card.latent, card.stage, card.stage_on, card.discovered_on) == (
        False,
        "Engaging",
        FRIDAY,
        MONDAY,
    )


def test_a_won_one_shows_what_the_customer_paid() -> None:
    card = check_projection(opportunity_card, [recorded(CHANCE, WON, stream="opportunity-1")])[
        "opportunity-1"
    ]
    assert (card.outcome, card.value, card.closed_on) == ("won", Decimal("100.50"), FRIDAY)


def test_reopened_it_shows_no_outcome_any_more() -> None:
    lost = OpportunityLost(reason="price", on=FRIDAY)
    again = OpportunityReopened(stage="Proposal")
    told = recorded(CHANCE, lost, again, stream="opportunity-1")
    card = check_projection(opportunity_card, [told])["opportunity-1"]
    assert (card.outcome, card.closed_on, card.lost_reason) == (None, None, None)
    assert (card.stage, card.stage_on) == ("Proposal", None)


def test_correcting_what_is_history_leaves_the_present() -> None:
    told = recorded(
        CHANCE,
        StageAdvanced(stage="Proposal", on=FRIDAY),
        EngagementCorrected(stage="Prospecting", on=FRIDAY, reason="typo"),
        OutcomeCorrected(value=Decimal(1), currency="USD", reason="typo"),
        stream="opportunity-1",
    )
    card = check_projection(opportunity_card, [told])["opportunity-1"]
    assert (card.stage, card.stage_on, card.value) == ("Proposal", FRIDAY, None)


def test_everybody_with_a_say_is_shown_with_their_role() -> None:
    told = recorded(CHANCE, PersonInvolved(person="person-1", role="buyer"), stream="opportunity-1")
    card = check_projection(opportunity_card, [told])["opportunity-1"]
    assert card.people == (Involved("person-1", "buyer"),)


def test_a_product_shows_its_present_price() -> None:
    told = recorded(
        ProductListed(name="Pump", price=Decimal(10), currency="USD"),
        ProductRepriced(price=Decimal(12), currency="USD"),
        stream="product-1",
    )
    assert check_projection(product_card, [told])["product-1"].price == Decimal(12)
