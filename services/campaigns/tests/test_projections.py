"""Views of campaigns: the same whatever arrives first, or twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.campaigns.attribution import attributed, campaign_opportunity, campaign_person
from services.campaigns.projections import PROJECTIONS, campaign_card
from shared.events import Envelope
from shared.events.campaigns import (
    CampaignEnded,
    CampaignFeedbackGiven,
    CampaignPlanned,
    CampaignsEvent,
    CampaignStarted,
)
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReopened,
    OpportunityWon,
)
from shared.events.touches import TouchesEvent, TouchRecorded
from shared.testing import check_projection, histories, recorded

KINDS = {"campaign": CampaignsEvent, "touch": TouchesEvent, "opportunity": OpportunityEvent}
PLANNED = CampaignPlanned(
    name="Spring",
    goal="Meet.",
    audience="Buyers.",
    from_on=date(2026, 3, 1),
    until_on=date(2026, 4, 1),
)


@for_all(histories(KINDS, streams=3), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def touch(number: int, person: str = "person-1", **more: Any) -> list[Envelope]:
    told = {"publisher": "/m", "publisher_id": str(number), "channel": "email", **more}
    return recorded(TouchRecorded(person=person, **told), stream=f"touch-{number}")


def deal(number: int, *told: Any, campaign: str | None = "Spring", **more: Any) -> list[Envelope]:
    named = {"amount": Decimal(100), "currency": "KRW", "campaign": campaign, **more}
    found = OpportunityDiscovered(title="Pump", stage="Engaging", **named)
    return recorded(found, *told, stream=f"opportunity-{number}")


def test_a_campaign_is_called_as_the_plan_says_or_by_its_id() -> None:
    told = recorded(PLANNED, stream="campaign-Spring-26")
    assert check_projection(campaign_card, [told])["campaign-Spring-26"].called == "spring-26"
    named = PLANNED.model_copy(update={"known_as": " Spring  Fair "})
    told = recorded(named, stream="campaign-1")
    assert check_projection(campaign_card, [told])["campaign-1"].called == "spring fair"


def test_the_newest_word_of_each_seller_counts() -> None:
    said = [CampaignFeedbackGiven(seller="employee-1", useful=word) for word in ("no", "yes")]
    told = recorded(
        PLANNED, CampaignStarted(), *said, CampaignEnded(result="Good."), stream="campaign-1"
    )
    card = check_projection(campaign_card, [told])["campaign-1"]
    assert [(one.seller, one.useful) for one in card.feedback] == [("employee-1", "yes")]
    assert (card.state, card.result) == ("ended", "Good.")


def test_x_02_who_was_reached_and_who_answered_is_said_by_touches() -> None:
    told = [
        touch(1, campaign="Spring"),
        touch(2, campaign="SPRING ", direction="inbound", opportunity="opportunity-1"),
        touch(3, "person-2", campaign="spring"),
        touch(4, "person-2", campaign="autumn"),
        touch(5, "person-3"),
        touch(6, "person-4", campaign="spring", direction="inbound"),
    ]
    views = check_projection(campaign_person, told)
    spring = [view for key, view in views.items() if key.startswith("spring/")]
    assert views.keys() - {view.key for view in spring} == {"autumn/person-2"}
    one = views["spring/person-1"]
    assert (one.sent, one.responses, one.responded) == (1, 1, True)
    assert [each.touch for each in one.touches] == ["touch-1", "touch-2"]
    came = attributed(spring, [])
    assert (came.reached, came.sent, came.responded, came.responses) == (2, 2, 2, 2)
    assert (came.reached_and_responded, came.response_rate) == (1, 0.5)


def test_x_02_what_was_sold_is_said_by_opportunities_and_each_currency_stands_for_itself() -> None:
    won = OpportunityWon(value=Decimal("120.50"), currency="KRW")
    told = [
        deal(1, won),
        deal(2, OpportunityWon(value=Decimal(7), currency="USD")),
        deal(3, OpportunityLost()),
        deal(4, won, OpportunityReopened(stage="Engaging")),
        deal(5, won, campaign=None),
        deal(6, won, campaign="autumn"),
    ]
    views = check_projection(campaign_opportunity, told)
    assert "opportunity-5" not in views
    came = attributed([], [one for one in views.values() if one.campaign == "spring"])
    assert (came.opportunities, came.open, came.won, came.lost) == (4, 1, 2, 1)
    assert came.won_value == {"KRW": Decimal("120.50"), "USD": Decimal(7)}
    assert came.open_value == {"KRW": Decimal(100)}
    assert came.response_rate is None
