"""Facts about campaigns, which marketing and sales run as one. Stream: `campaign-<id>`.

What a campaign reached and what came of it is not recorded here: touches and opportunities name it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from shared.events.base import Dated

Useful = Literal["yes", "partly", "no"]


class CampaignPlanned(Dated, wire="campaigns.campaign_planned.v1"):
    """A campaign is to reach somebody for a goal, and these sellers share it (X-02).

    `known_as` is what touches and opportunities call it, where that is not its id. Planned again,
    it replaces what was planned before.
    """

    name: str
    goal: str
    audience: str
    from_on: date
    until_on: date
    budget: Decimal | None = None
    currency: str | None = None
    planned_by: str | None = None
    sellers: tuple[str, ...] = ()
    known_as: str | None = None


class CampaignStarted(Dated, wire="campaigns.campaign_started.v1"):
    """The campaign goes out (X-02)."""


class CampaignEnded(Dated, wire="campaigns.campaign_ended.v1"):
    """The campaign is over, and what marketing makes of it (X-02). Told again, the newest holds."""

    result: str
    spent: Decimal | None = None
    currency: str | None = None


class CampaignFeedbackGiven(Dated, wire="campaigns.campaign_feedback_given.v1"):
    """A seller says what the campaign was worth to them, of an opportunity or altogether (X-02)."""

    seller: str
    useful: Useful
    words: str | None = None
    opportunity: str | None = None


CampaignsEvent = CampaignPlanned | CampaignStarted | CampaignEnded | CampaignFeedbackGiven
