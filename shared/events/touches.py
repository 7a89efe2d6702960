"""Touches: what happened with a customer, outside. Nothing may refuse them for business reasons.

Stream: `touch-<uuid of the publisher's (source, id)>`, always at version 1.
"""

from __future__ import annotations

from typing import Literal

from shared.events.base import Event
from shared.personal import Personal

Channel = Literal["visit", "call", "email", "chat", "event", "web", "campaign", "survey", "other"]
Topic = Literal[
    "opportunity", "complaint", "latent_opportunity", "survey", "advice", "promotion", "general"
]


class TouchRecorded(Event, wire="touches.touch_recorded.v1", whose=("person",)):
    """We were in touch with a customer: any employee, any channel, any topic (C-03, C-04).

    `publisher` and `publisher_id` are the CloudEvents (source, id) under which it was sent to us.
    `campaign` is what makes promotions the same one, wherever their words differ (C-14).
    `identity` is the address, number or foreign id by which the publisher named somebody, where it
    did not say which person of ours that is; `person` then follows from it.
    """

    publisher: str
    publisher_id: str
    person: str
    channel: Channel
    about: Topic = "general"
    direction: Literal["inbound", "outbound"] = "outbound"
    employee: str | None = None
    grade: str | None = None
    function: str | None = None
    company: str | None = None
    opportunity: str | None = None
    subject: Personal | None = None
    note: Personal | None = None
    campaign: str | None = None
    identity: Personal | None = None


TouchesEvent = TouchRecorded
