"""What may happen to a webhook: who is told of which facts, where, and until when. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal, assert_never
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from services.webhooks.wants import Wants, topics_of
from shared.command import Command, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
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
    WebhooksEvent,
    WebhookWordsChosen,
    WordsSent,
)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Where = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[0-9]{1,6}/[0-9]{1,18}$")]
HOURS_MAX = 24 * 30
REPLAYS_MAX = 1_000
_URL = re.compile(r"[\x21-\x7e]{1,2000}")


class WebhookUnknownError(NotFoundError):
    """Nobody registered a webhook of that id."""


class WebhookAlreadyRegisteredError(DomainError):
    """A webhook is registered once; what changes has commands of its own."""


class WebhookRemovedError(DomainError):
    """It was removed: register another."""


class WebhookNotFailingError(DomainError):
    """Only a fact that could not be delivered is skipped."""


class TooManyReplaysError(DomainError):
    """So many replays were asked for that a new webhook says it better."""


def _address(text: str) -> str:
    if not _URL.fullmatch(text):
        raise ValueError("an address of http or https, without spaces")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address of http or https")
    if parts.username is not None or parts.password is not None:
        raise ValueError("without a name or a password: an address is a fact that others read")
    if parts.fragment:
        raise ValueError("without a fragment: none is ever sent")
    _ = parts.port  # Raises ValueError where that is no number of a port.
    return text


Address = Annotated[str, AfterValidator(_address)]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Only what a rule needs to know."""

    url: str | None = None
    wants: tuple[str, ...] = ()
    enabled: bool = False
    removed: bool = False
    # Where it could not deliver, when it gave up.
    stuck_at: str | None = None
    skipped: frozenset[str] = frozenset()
    replays: int = 0
    words: WordsSent = "sealed"


class Register(Command):
    """`begin`: only facts from now on, or all there are."""

    url: Address
    wants: Wants
    begin: Literal["now", "beginning"] = "now"
    description: Words | None = None


class RegisterAt(Register):
    """The same with what the platform knows: its key, and where the log ends now."""

    asked_as: ClassVar[str | None] = Register.__name__
    key: str = Field("", exclude=True)
    begins: tuple[From, ...] = Field((), exclude=True)


class ChooseFacts(Command):
    wants: Wants


class ChooseFactsAt(ChooseFacts):
    """The same with where the log ends now."""

    asked_as: ClassVar[str | None] = ChooseFacts.__name__
    begins: tuple[From, ...] = Field((), exclude=True)


class Move(Command):
    url: Address


class RotateSecret(Command):
    """For so many hours deliveries are signed with the old secret, too; 0: it has leaked."""

    both_for_hours: int = Field(24, ge=0, le=HOURS_MAX)


class RotateSecretAt(RotateSecret):
    """The same with what the platform knows: its key, and until when that is."""

    asked_as: ClassVar[str | None] = RotateSecret.__name__
    key: str = Field("", exclude=True)
    both_until: datetime | None = Field(None, exclude=True)


class ChooseWords(Command):
    """Whether words about people are delivered opened; until somebody says so they are not."""

    words: WordsSent


class Disable(Command):
    """Somebody asks for it."""


class GiveUp(Command):
    """A fact could not be delivered. Only who delivers says so, nobody by hand."""

    because: Disabling
    fact: str
    position: str
    attempts: int
    said: str


class Enable(Command):
    pass


class SkipFact(Command):
    """Leave out the one fact at which deliveries stopped: they cannot take it."""

    position: Where
    reason: Words | None = None


class Replay(Command):
    """Once more: what was recorded in a range of time, or lies in a range of positions.

    `after` and `until` are positions as in `logposition`, on any partitions; a partition that
    neither names is not replayed once one of them is given.
    """

    recorded_from: Instant | None = None
    recorded_before: Instant | None = None
    first: Annotated[tuple[Where, ...], Field(max_length=200)] = ()
    last: Annotated[tuple[Where, ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _says_a_range(self) -> Replay:
        times = self.recorded_from is not None or self.recorded_before is not None
        if times == bool(self.first or self.last):
            raise ValueError("a range of time, or `first` and `last` positions, one of both")
        first, before = self.recorded_from, self.recorded_before
        if first is not None and before is not None and first >= before:
            raise ValueError("`recorded_before` is not after `recorded_from`")
        return self


class ReplayBetween(Replay):
    """The same with what the platform knows: the partitions and where they end now."""

    asked_as: ClassVar[str | None] = Replay.__name__
    begins: tuple[From, ...] = Field((), exclude=True)
    ends: tuple[From, ...] = Field((), exclude=True)


class Remove(Command):
    reason: Words | None = None


WebhookCommand = (
    RegisterAt
    | ChooseFactsAt
    | Move
    | RotateSecretAt
    | ChooseWords
    | Disable
    | GiveUp
    | Enable
    | SkipFact
    | ReplayBetween
    | Remove
)


def decide_webhook(webhook: Webhook, command: WebhookCommand) -> list[WebhooksEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case RegisterAt():
            if webhook.url is not None:
                raise WebhookAlreadyRegisteredError(f"it goes to {webhook.url}")
            return [
                WebhookRegistered(
                    url=command.url,
                    wants=command.wants,
                    key=command.key,
                    begins=command.begins,
                    description=command.description,
                )
            ]
        case _ if webhook.url is None:
            raise WebhookUnknownError
        case Remove(reason=reason):
            return [] if webhook.removed else [WebhookRemoved(reason=reason)]
        case _ if webhook.removed:
            raise WebhookRemovedError
        case ChooseFactsAt(wants=wants, begins=begins):
            if wants == webhook.wants:
                return []
            held = topics_of(webhook.wants)
            new = tuple(one for one in begins if one.topic not in held)
            return [WebhookFactsChosen(wants=wants, begins=new)]
        case Move(url=url):
            return [] if url == webhook.url else [WebhookMoved(url=url)]
        case RotateSecretAt(key=key, both_until=both_until):
            return [WebhookSecretRotated(key=key, both_until=both_until)]
        case ChooseWords(words=words):
            return [] if words == webhook.words else [WebhookWordsChosen(words=words)]
        case Disable():
            return [WebhookDisabled(because="asked")] if webhook.enabled else []
        case GiveUp():
            return [WebhookDisabled(**command.model_dump())] if webhook.enabled else []
        case Enable():
            return [] if webhook.enabled else [WebhookEnabled()]
        case SkipFact(position=position, reason=reason):
            return _skip(webhook, position, reason)
        case ReplayBetween():
            return _replay(webhook, command)
        case _:
            assert_never(command)


def _skip(webhook: Webhook, position: str, reason: str | None) -> list[WebhooksEvent]:
    if position in webhook.skipped:
        return []
    if position != webhook.stuck_at:
        told = f"it stopped at {webhook.stuck_at}" if webhook.stuck_at else "it did not stop"
        raise WebhookNotFailingError(told, field="#/position")
    return [WebhookFactSkipped(position=position, reason=reason)]


def _replay(webhook: Webhook, command: ReplayBetween) -> list[WebhooksEvent]:
    if webhook.replays >= REPLAYS_MAX:
        raise TooManyReplaysError
    topics = topics_of(webhook.wants)
    ends = tuple(one for one in command.ends if one.topic in topics)
    if not ends:
        raise InvalidError("nothing that this webhook wants lies there", field="#/first")
    return [
        WebhookReplayAsked(
            begins=tuple(one for one in command.begins if one.topic in topics),
            ends=ends,
            recorded_from=command.recorded_from,
            recorded_before=command.recorded_before,
        )
    ]


def evolve_webhook(webhook: Webhook, event: WebhooksEvent) -> Webhook:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case WebhookRegistered(url=url, wants=wants):
            return replace(webhook, url=url, wants=wants, enabled=True)
        case WebhookFactsChosen(wants=wants):
            return replace(webhook, wants=wants)
        case WebhookMoved(url=url):
            # Who may read opened words there was never said.
            return replace(webhook, url=url, words="sealed")
        case WebhookWordsChosen(words=words):
            return replace(webhook, words=words)
        case WebhookDisabled(position=position):
            return replace(webhook, enabled=False, stuck_at=position)
        case WebhookEnabled():
            return replace(webhook, enabled=True)
        case WebhookFactSkipped(position=position):
            return replace(webhook, skipped=webhook.skipped | {position}, stuck_at=None)
        case WebhookReplayAsked():
            return replace(webhook, replays=webhook.replays + 1)
        case WebhookRemoved():
            return replace(webhook, removed=True, enabled=False)
        case WebhookSecretRotated():
            return webhook
        case _:
            assert_never(event)
