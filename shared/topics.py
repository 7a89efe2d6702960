"""Reads the declaration of the log's topics, and refuses one that would lose facts."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.batch import INBOX
from shared.log import TopicSpec

# How the name of a topic ends on which those are answered who write to an inbox.
ANSWERS = "-answers"


class Topic(BaseModel):
    """One topic: `keep` everything for ever, or `compact` to the newest record of each key.

    What others send us lies in an inbox until it has long been read: it may `expire`. So may what
    we answer to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z]+(-inbox|-answers|\.[a-z_]+)?$")
    key: str
    partitions: int = Field(ge=1, le=256)
    cleanup: Literal["keep", "compact", "expire"]
    days: int | None = Field(None, ge=1)
    producers: tuple[str, ...]
    consumers: tuple[str, ...]

    @model_validator(mode="after")
    def _facts_are_kept(self) -> Topic:
        if (self.cleanup == "compact") != self.name.startswith("views."):
            raise ValueError("views.* are compacted, facts never are")
        if (self.cleanup == "expire") != self.name.endswith((INBOX, ANSWERS)):
            raise ValueError("inboxes expire, and answers; facts never do")
        if (self.cleanup == "expire") != (self.days is not None):
            raise ValueError("what expires does so after some `days`, nothing else has them")
        return self

    @property
    def is_inbox(self) -> bool:
        """Whether others write it."""
        return self.name.endswith(INBOX)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of streams whose facts it holds, as its key names them: `person-…`."""
        return tuple(re.findall(r"\b([a-z]+)-…", self.key))

    @property
    def spec(self) -> TopicSpec:
        kept_s = None if self.days is None else self.days * 24 * 3600
        return TopicSpec(
            self.name, self.partitions, compacted=self.cleanup == "compact", kept_s=kept_s
        )


class Topics(BaseModel):
    """The whole declaration."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    topics: tuple[Topic, ...]

    @model_validator(mode="after")
    def _named_once(self) -> Topics:
        names = [topic.name for topic in self.topics]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"declared twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _answers_are_kept_as_long(self) -> Topics:
        days = {topic.name: topic.days for topic in self.topics}
        for name, kept in days.items():
            asked = f"{name.removesuffix(ANSWERS)}{INBOX}"
            if name.endswith(ANSWERS) and kept != days.get(asked):
                raise ValueError(f"{name} has the days of {asked}")
        return self


def declared_topics() -> tuple[Topic, ...]:
    """Return shared/events/topics.yaml."""
    text = files("shared.events").joinpath("topics.yaml").read_text(encoding="utf-8")
    return Topics.model_validate(yaml.safe_load(text)).topics


@cache
def kinds_by_topic() -> dict[str, tuple[str, ...]]:
    """Return which kinds of streams each declared topic holds."""
    return {topic.name: topic.kinds for topic in declared_topics()}


def load_topics() -> list[TopicSpec]:
    """Return what every topic has to be."""
    return [topic.spec for topic in declared_topics()]
