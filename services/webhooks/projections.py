"""What people ask about webhooks, and what who delivers has to know. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.events import Envelope
from shared.events.webhooks import (
    Disabling,
    From,
    WebhookDisabled,
    WebhookEnabled,
    WebhookFactsChosen,
    WebhookFactSkipped,
    WebhookMoved,
    WebhookRegistered,
    WebhookRemoved,
    WebhookReplayAsked,
    WebhookSecretRotated,
    WebhookWordsChosen,
    WordsSent,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Secret:
    """Of which key of the platform, and of which version of the stream, a secret is made."""

    key: str
    version: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ReplayWanted:
    """A range of the log that is delivered once more."""

    replay: int
    ends: tuple[Place, ...]
    begins: tuple[Place, ...] = ()
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookCard:
    """Answers: who is told of which facts, where, and does it work?

    `enablings` counts how often it was enabled: attempts are counted anew each time.
    """

    webhook: str
    url: str | None = None
    description: str | None = None
    wants: tuple[str, ...] = ()
    enabled: bool = False
    registered_at: datetime | None = None
    begins: tuple[Place, ...] = ()
    secrets: tuple[Secret, ...] = ()
    enablings: int = 0
    disabled_at: datetime | None = None
    disabled_because: Disabling | None = None
    stuck_fact: str | None = None
    stuck_at: str | None = None
    said: str | None = None
    skipped: tuple[str, ...] = ()
    replays: tuple[ReplayWanted, ...] = ()
    removed_at: datetime | None = None
    # Whether words about people are delivered opened; of another address it was never said.
    words: WordsSent = "sealed"


webhook_card = Projection("webhook_card", version=2, view=WebhookCard, indexes=("enabled",))


def _places(told: tuple[From, ...]) -> tuple[Place, ...]:
    return tuple(Place(one.topic, one.partition, one.offset) for one in told)


@webhook_card.on(WebhookRegistered)
def registered(card: WebhookCard, event: WebhookRegistered, at: Envelope) -> WebhookCard:
    return replace(
        card,
        url=event.url,
        description=event.description,
        wants=event.wants,
        enabled=True,
        registered_at=at.recorded_at,
        begins=_places(event.begins),
        secrets=(Secret(event.key, at.version),),
    )


@webhook_card.on(WebhookFactsChosen)
def facts_chosen(card: WebhookCard, event: WebhookFactsChosen, at: Envelope) -> WebhookCard:
    new = _places(event.begins)
    topics = {place.topic for place in new}
    held = tuple(place for place in card.begins if place.topic not in topics)
    return replace(card, wants=event.wants, begins=(*held, *new))


@webhook_card.on(WebhookMoved)
def moved(card: WebhookCard, event: WebhookMoved, at: Envelope) -> WebhookCard:
    return replace(card, url=event.url, words="sealed")


@webhook_card.on(WebhookWordsChosen)
def words_chosen(card: WebhookCard, event: WebhookWordsChosen, at: Envelope) -> WebhookCard:
    return replace(card, words=event.words)


@webhook_card.on(WebhookSecretRotated)
def secret_rotated(card: WebhookCard, event: WebhookSecretRotated, at: Envelope) -> WebhookCard:
    before = tuple(replace(one, until=event.both_until) for one in card.secrets[:1])
    return replace(card, secrets=(Secret(event.key, at.version), *before))


@webhook_card.on(WebhookDisabled)
def disabled(card: WebhookCard, event: WebhookDisabled, at: Envelope) -> WebhookCard:
    return replace(
        card,
        enabled=False,
        disabled_at=at.recorded_at,
        disabled_because=event.because,
        stuck_fact=event.fact,
        stuck_at=event.position,
        said=event.said,
    )


@webhook_card.on(WebhookEnabled)
def enabled(card: WebhookCard, event: WebhookEnabled, at: Envelope) -> WebhookCard:
    return replace(
        card,
        enabled=True,
        enablings=card.enablings + 1,
        disabled_at=None,
        disabled_because=None,
        stuck_fact=None,
        stuck_at=None,
        said=None,
    )


@webhook_card.on(WebhookFactSkipped)
def fact_skipped(card: WebhookCard, event: WebhookFactSkipped, at: Envelope) -> WebhookCard:
    return replace(card, skipped=tuple(dict.fromkeys((*card.skipped, event.position))))


@webhook_card.on(WebhookReplayAsked)
def replay_asked(card: WebhookCard, event: WebhookReplayAsked, at: Envelope) -> WebhookCard:
    asked = ReplayWanted(
        len(card.replays) + 1,
        _places(event.ends),
        _places(event.begins),
        event.recorded_from,
        event.recorded_before,
    )
    return replace(card, replays=(*card.replays, asked))


@webhook_card.on(WebhookRemoved)
def removed(card: WebhookCard, event: WebhookRemoved, at: Envelope) -> WebhookCard:
    return replace(card, enabled=False, removed_at=at.recorded_at)


PROJECTIONS = (webhook_card,)
