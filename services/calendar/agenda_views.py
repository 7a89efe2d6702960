"""A seller's own calendar: zone, keys, who reads along. Pure folds, never refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.calendar import (
    AgendaFeedOpened,
    AgendaFeedRevoked,
    AgendaKeyRegistered,
    AgendaOverworkSeen,
    AgendaUrlFetched,
    AgendaZoneSet,
    FeedScope,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Key:
    """The public half of a key."""

    key: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Somewhere the calendar is read along; its token is nowhere with us."""

    feed: str
    scope: FeedScope
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Which version of a calendar elsewhere was read in last."""

    url_hash: str
    etag: str


@dataclass(frozen=True, slots=True)
class SeenWeek:
    """Who saw that it was too much, and how much it was by then (K-07)."""

    week: date
    minutes: int
    by: str


@dataclass(frozen=True, slots=True)
class AgendaCard:
    """Answers: in which zone does this seller live, to which key is theirs sealed, who reads it?

    The last key is the one that counts.
    """

    agenda: str
    zone: str | None = None
    keys: tuple[Key, ...] = ()
    feeds: tuple[Feed, ...] = ()
    fetched: tuple[Fetched, ...] = ()
    seen: tuple[SeenWeek, ...] = ()


agenda_card = Projection("agenda_card", version=2, view=AgendaCard, streams=("agenda",))


@agenda_card.on(AgendaZoneSet)
def zone_set(card: AgendaCard, event: AgendaZoneSet, at: Envelope) -> AgendaCard:
    return replace(card, zone=event.zone)


@agenda_card.on(AgendaKeyRegistered)
def key_registered(card: AgendaCard, event: AgendaKeyRegistered, at: Envelope) -> AgendaCard:
    return replace(card, keys=(*card.keys, Key(event.key, event.public_key)))


@agenda_card.on(AgendaFeedOpened)
def feed_opened(card: AgendaCard, event: AgendaFeedOpened, at: Envelope) -> AgendaCard:
    feeds = [one for one in card.feeds if one.feed != event.feed]
    return replace(card, feeds=(*feeds, Feed(event.feed, event.scope, event.name)))


@agenda_card.on(AgendaFeedRevoked)
def feed_revoked(card: AgendaCard, event: AgendaFeedRevoked, at: Envelope) -> AgendaCard:
    return replace(card, feeds=tuple(one for one in card.feeds if one.feed != event.feed))


@agenda_card.on(AgendaUrlFetched)
def url_fetched(card: AgendaCard, event: AgendaUrlFetched, at: Envelope) -> AgendaCard:
    known = [one for one in card.fetched if one.url_hash != event.url_hash]
    return replace(card, fetched=(*known, Fetched(event.url_hash, event.etag)))


@agenda_card.on(AgendaOverworkSeen)
def overwork_seen(card: AgendaCard, event: AgendaOverworkSeen, at: Envelope) -> AgendaCard:
    others = [one for one in card.seen if (one.week, one.by) != (event.week, event.by)]
    return replace(card, seen=(*others, SeenWeek(event.week, event.minutes, event.by)))


@dataclass(frozen=True, slots=True)
class FeedAccess:
    """Answers: whose calendar may who holds this token read, and how much of it? (K-11)."""

    key: str
    seller: str | None = None
    scope: FeedScope = "busy"


feed_access = Projection("feed_access", version=1, view=FeedAccess, streams=("agenda",))


def access_key(agenda: str, token_hash: str) -> str:
    return f"{agenda}/{token_hash}"


def _token(at: Envelope) -> Sequence[str]:
    assert isinstance(at.data, AgendaFeedOpened | AgendaFeedRevoked)
    return (access_key(at.stream, at.data.token_hash),)


@feed_access.on(AgendaFeedOpened, keys=_token)
def access_given(access: FeedAccess, event: AgendaFeedOpened, at: Envelope) -> FeedAccess:
    return replace(access, seller=event.seller, scope=event.scope)


@feed_access.on(AgendaFeedRevoked, keys=_token)
def access_taken(access: FeedAccess, event: AgendaFeedRevoked, at: Envelope) -> None:
    return None
