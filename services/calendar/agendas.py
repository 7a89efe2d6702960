"""What a seller decides about their own calendar: zone, keys, who reads along. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from services.calendar.about import Text, Zone
from shared.command import Command, Day
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.calendar import (
    AgendaEvent,
    AgendaFeedOpened,
    AgendaFeedRevoked,
    AgendaKeyRegistered,
    AgendaOverworkSeen,
    AgendaUrlFetched,
    AgendaZoneSet,
    FeedScope,
)
from shared.exact import NOT_BLANK
from shared.references import ID, EmployeeStream

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# 32 bytes in base64.
PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
FeedId = Annotated[str, StringConstraints(pattern=rf"^{ID}$")]
FEEDS_MAX = 20
KEY_CHARS = 16


class FeedUnknownError(NotFoundError):
    """No feed of that id is open."""


class TooManyFeedsError(DomainError):
    """So many feeds are open that nobody knows any more who reads along."""


class FeedAlreadyOpenError(DomainError):
    """A feed is opened once; whoever lost its token revokes it and opens another."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """Only what a rule needs to know."""

    zone: str | None = None
    keys: tuple[str, ...] = ()
    feeds: dict[str, str] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()
    fetched: dict[str, str] = field(default_factory=dict)
    # Of which week who saw how many minutes.
    seen: dict[tuple[date, str], int] = field(default_factory=dict)


class SetZone(Command):
    zone: Zone


class RegisterKey(Command):
    """The public half of a key that the seller made; the other half stays with them."""

    public_key: PublicKey


class OpenFeed(Command):
    feed: FeedId
    seller: EmployeeStream
    token_hash: Hash
    scope: FeedScope = "details"
    name: Text | None = None


class RevokeFeed(Command):
    feed: FeedId


class NoteFetched(Command):
    """A calendar elsewhere has been read in, in the version `etag`."""

    url_hash: Hash
    etag: Annotated[str, StringConstraints(max_length=500, pattern=NOT_BLANK)]


class SeeOverwork(Command):
    """Who reads this has seen how much was worked in the week that begins on that Monday."""

    week: Day
    minutes: Annotated[int, Field(ge=1, le=10_080)]
    by: EmployeeStream

    def check(self, stream: str, today: date) -> None:
        super().check(stream, today)
        if self.week.weekday() != 0:
            raise InvalidError("a week begins on a Monday", field="#/week")


AgendaCommand = SetZone | RegisterKey | OpenFeed | RevokeFeed | NoteFetched | SeeOverwork


def key_id(public_key: str) -> str:
    """Return what a public key goes by: the beginning of its hash."""
    return sha256(public_key.encode()).hexdigest()[:KEY_CHARS]


def decide_agenda(agenda: Agenda, command: AgendaCommand) -> list[AgendaEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case SetZone(zone=zone):
            return [] if agenda.zone == zone else [AgendaZoneSet(zone=zone)]
        case RegisterKey(public_key=public_key):
            key = key_id(public_key)
            newest = agenda.keys[-1:] == (key,)
            return [] if newest else [AgendaKeyRegistered(key=key, public_key=public_key)]
        case OpenFeed(feed=feed, token_hash=token_hash):
            if agenda.feeds.get(feed) == token_hash:
                return []
            if feed in agenda.feeds or feed in agenda.revoked:
                raise FeedAlreadyOpenError
            if len(agenda.feeds) >= FEEDS_MAX:
                raise TooManyFeedsError(f"at most {FEEDS_MAX}: revoke one")
            return [AgendaFeedOpened(**command.model_dump())]
        case RevokeFeed(feed=feed):
            if feed in agenda.revoked:
                return []
            if feed not in agenda.feeds:
                raise FeedUnknownError
            return [AgendaFeedRevoked(feed=feed, token_hash=agenda.feeds[feed])]
        case NoteFetched(url_hash=url_hash, etag=etag):
            known = agenda.fetched.get(url_hash) == etag
            return [] if known else [AgendaUrlFetched(url_hash=url_hash, etag=etag)]
        case SeeOverwork(week=week, minutes=minutes, by=by):
            known = agenda.seen.get((week, by), 0) >= minutes
            return [] if known else [AgendaOverworkSeen(**command.model_dump())]
        case _:
            assert_never(command)


def evolve_agenda(agenda: Agenda, event: AgendaEvent) -> Agenda:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case AgendaZoneSet(zone=zone):
            return replace(agenda, zone=zone)
        case AgendaKeyRegistered(key=key):
            return replace(agenda, keys=(*agenda.keys, key))
        case AgendaFeedOpened(feed=feed, token_hash=token_hash):
            return replace(agenda, feeds={**agenda.feeds, feed: token_hash})
        case AgendaFeedRevoked(feed=feed):
            feeds = {known: token for known, token in agenda.feeds.items() if known != feed}
            return replace(agenda, feeds=feeds, revoked=agenda.revoked | {feed})
        case AgendaUrlFetched(url_hash=url_hash, etag=etag):
            return replace(agenda, fetched={**agenda.fetched, url_hash: etag})
        case AgendaOverworkSeen(week=week, minutes=minutes, by=by):
            return replace(agenda, seen={**agenda.seen, (week, by): minutes})
        case _:
            assert_never(event)
