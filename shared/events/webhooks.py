"""Facts about who is told of facts, over HTTP, at an address of theirs.

Stream: `webhook-<id>`. No secret is in any of them: it is made of the platform's own key (`key`
says of which) and the place of the fact that made it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.events.base import Event

WordsSent = Literal["sealed", "opened"]
Disabling = Literal["asked", "failing", "gone"]


class From(BaseModel):
    """From which offset on a partition of the log is delivered."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: str
    partition: int
    offset: int


class WebhookRegistered(Event, wire="webhooks.webhook_registered.v1"):
    """Somebody wants to be told: of which facts (`wants`, patterns of types), and where.

    A partition that `begins` does not name is delivered from its first fact.
    """

    url: str
    wants: tuple[str, ...]
    key: str
    begins: tuple[From, ...] = ()
    description: str | None = None


class WebhookFactsChosen(Event, wire="webhooks.webhook_facts_chosen.v1"):
    """They want to be told of other facts. `begins` counts for topics that were not delivered."""

    wants: tuple[str, ...]
    begins: tuple[From, ...] = ()


class WebhookMoved(Event, wire="webhooks.webhook_moved.v1"):
    """They are to be told at another address."""

    url: str


class WebhookSecretRotated(Event, wire="webhooks.webhook_secret_rotated.v1"):
    """There is another secret; until then deliveries are signed with the one before, too."""

    key: str
    both_until: datetime | None = None


class WebhookWordsChosen(Event, wire="webhooks.webhook_words_chosen.v1"):
    """Words about people are delivered opened, or sealed again; nothing that was sent changes.

    It counts for the address that there is: one that they move to gets sealed words.
    """

    words: WordsSent


class WebhookDisabled(Event, wire="webhooks.webhook_disabled.v1"):
    """Nothing is delivered any more: somebody asked for it, they said 410, or it failed too often.

    `fact` and `position` name what could not be delivered, `said` the last answer to it.
    """

    because: Disabling
    fact: str | None = None
    position: str | None = None
    attempts: int | None = None
    said: str | None = None


class WebhookEnabled(Event, wire="webhooks.webhook_enabled.v1"):
    """Deliveries go on where they stopped."""


class WebhookFactSkipped(Event, wire="webhooks.webhook_fact_skipped.v1"):
    """One fact that they cannot take is not delivered to them, at this place of the log."""

    position: str
    reason: str | None = None


class WebhookReplayAsked(Event, wire="webhooks.webhook_replay_asked.v1"):
    """They want facts once more: of a range of the log, those recorded in a range of time.

    `begins` and `ends` hold the range of positions, from the first and up to the last exclusive.
    """

    ends: tuple[From, ...]
    begins: tuple[From, ...] = ()
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None


class WebhookRemoved(Event, wire="webhooks.webhook_removed.v1"):
    """They want to be told of nothing any more."""

    reason: str | None = None


WebhooksEvent = (
    WebhookRegistered
    | WebhookFactsChosen
    | WebhookMoved
    | WebhookSecretRotated
    | WebhookWordsChosen
    | WebhookDisabled
    | WebhookEnabled
    | WebhookFactSkipped
    | WebhookReplayAsked
    | WebhookRemoved
)
