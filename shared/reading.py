"""Queries: one view, a page of views, at least as fresh as the reader's own last write."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from shared.builds import QUERY_S
from shared.errors import InvalidError, UnavailableError
from shared.projection import Projection
from shared.projector import Collections
from shared.published import Build, Rev
from shared.references import STREAM
from shared.store import Document, Sort, Store
from shared.topics import kinds_by_topic

V = TypeVar("V")

_STREAM = re.compile(STREAM)


class Token(NamedTuple):
    """What a POST answers with: read views that know at least this version of this stream."""

    stream: str
    version: int

    def encode(self) -> str:
        """Return it opaque: clients hand it back, they do not look inside."""
        return base64.urlsafe_b64encode(f"{self.stream}@{self.version}".encode()).decode()

    @staticmethod
    def decode(text: str) -> Token:
        try:
            stream, _, version = base64.urlsafe_b64decode(text.encode()).decode().rpartition("@")
            token = Token(stream, int(version))
        except (binascii.Error, ValueError) as error:
            raise InvalidError("not a token of ours", field="X-At-Least") from error
        if not _STREAM.fullmatch(token.stream) or token.version < 1:
            raise InvalidError("not a token of ours", field="X-At-Least")
        return token


class Seen(NamedTuple):
    """One view: at which version of its own stream, which state, which streams it lacks facts of.

    `version` is what a command to that stream may be made conditional on; `rev` tells the states of
    a view apart, also across rebuilds: another fold may have made another view of the same facts.
    """

    version: int
    rev: Rev
    value: Any
    parked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some views in the order of their keys, and where to go on."""

    items: list[Any]
    next_key: str | None
    parked: tuple[str, ...] = ()


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Reader(Generic[V]):
    """Reads one projection: its active version, on the primary."""

    projection: Projection[V]
    store: Store
    active: Callable[[], Awaitable[Build]]
    wait_s: float = 5.0
    poll_s: float = 0.02

    async def get(self, key: str, at_least: Token | None = None) -> Seen | None:
        """Return the view of `key`, or None where there is none.

        Raises:
            UnavailableError: the view does not know `at_least` in time, or never will, parked;
                or all that would make it is parked.

        """
        while True:
            asked_at, build = _now(), await self._fresh(at_least)
            # The head first: the view knows at least that version, whatever is folded meanwhile.
            head = await self.store.get(Collections(build.collection).heads, key)
            document = await self.store.get(build.collection, key)
            parked = await self._parked(build.collection, [key])
            if await self._still(build, asked_at):
                break
        if document is None and parked:
            raise self._held_up(parked[0])
        if document is None or document["view"] is None:
            return None
        version = 0 if head is None else head["version"]
        rev = Rev(build.version, build.generation, document["rev"])
        return Seen(version, rev, self._value(document, build), parked)

    async def page(
        self,
        where: Mapping[str, Any],
        *,
        limit: int,
        after: str | None = None,
        at_least: Token | None = None,
    ) -> Page:
        """Return the next `limit` views whose fields match `where`, by key."""
        condition: dict[str, Any] = {f"view.{name}": value for name, value in where.items()}
        condition.setdefault("view", {"$ne": None})
        if after is not None:
            condition["_id"] = {"$gt": after}
        sort: Sort = (("_id", 1),)
        while True:
            asked_at, build = _now(), await self._fresh(at_least)
            found = await self.store.find(build.collection, condition, sort=sort, limit=limit + 1)
            parked = await self._parked(build.collection, [document["_id"] for document in found])
            if await self._still(build, asked_at):
                break
        items = [self._value(document, build) for document in found[:limit]]
        return Page(items, found[limit - 1]["_id"] if len(found) > limit else None, parked)

    def _value(self, document: Document, build: Build) -> V:
        try:
            return self.projection.from_document(document["view"])
        except ValidationError as error:
            ours = self.projection.version
            if build.version == ours:
                raise  # What this very release wrote, it must be able to read.
            raise UnavailableError(
                f"{build.name}: this release reads version {ours}, which "
                f"{'is being built' if ours > build.version else 'a newer release has replaced'}; "
                f"queries are at version {build.version}",
                slug="view-being-built" if ours > build.version else "another-release",
                retry_after_s=5,
            ) from error

    async def _parked(self, collection: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Return the streams whose facts are set aside and would change one of these views."""
        wanted = {"keys": {"$in": list(keys)}}
        held = await self.store.find(Collections(collection).parked, wanted, fields=("stream",))
        return tuple(sorted({document["stream"] for document in held}))

    def _follows(self, stream: str) -> bool:
        """Whether a fact of this stream can ever come: a view of others has nothing to wait for."""
        declared, kind = kinds_by_topic(), stream.partition("-")[0]
        topics = (
            self.projection.topics
        )  # None: what is folded has no views, and heads all the same.
        comes = any(kind in declared.get(topic, (kind,)) for topic in topics)
        return (comes or not topics) and self.projection.follows(stream)

    def _held_up(self, stream: str) -> UnavailableError:
        return UnavailableError(
            f"{stream} is parked in {self.projection.name}: an operator has to replay it "
            "(`sellers parked`)",
            slug="stream-parked",
            retry_after_s=60,
        )

    async def _still(self, build: Build, asked_at: float) -> bool:
        """Whether what was read counts: who was held up for long may have read a dropped build."""
        return _now() <= asked_at + QUERY_S or await self.active() == build

    async def _fresh(self, at_least: Token | None) -> Build:
        """Wait on the heads of the very build that is read then."""
        deadline = _now() + self.wait_s
        while True:
            build = await self.active()
            if at_least is None or not self._follows(at_least.stream):
                return build
            head = await self.store.get(Collections(build.collection).heads, at_least.stream)
            if head is not None and head["version"] >= at_least.version:
                return build
            if head is not None and head["parked"]:
                raise self._held_up(at_least.stream)
            if _now() >= deadline:
                raise UnavailableError(
                    f"{self.projection.name} has not folded {at_least.stream} up to version "
                    f"{at_least.version} yet",
                    slug="projection-behind",
                )
            await asyncio.sleep(self.poll_s)
