"""Queries: one view, a page of views, at least as fresh as the reader's own last write."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from shared.builds import QUERY_S
from shared.errors import InvalidError, UnavailableError
from shared.folding import Foldings
from shared.projection import Projection
from shared.projector import Collections
from shared.published import Build
from shared.references import STREAM
from shared.seals import Seals
from shared.store import Document, Sort, Store
from shared.topics import kinds_by_topic

# So long who waits for what is folded here waits at most before looking for itself.
TOLD_S = 0.2
V = TypeVar("V")

_STREAM = re.compile(STREAM)
# How many parked streams a header names.
PARKED_MAX = 10
# How many views are read at a time where all are wanted.
PAGE = 200
# Why an answer is missing that waiting will not bring.
STREAM_PARKED = "stream-parked"


def lacking(parked: Sequence[str]) -> dict[str, str]:
    """Say which streams the answer lacks facts of: they are parked, `GET /parked` tells why."""
    return {"X-Parked": ", ".join(parked[:PARKED_MAX])} if parked else {}


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
    """One view: of which build and how often changed, and the streams it lacks facts of.

    `version` is the version of the view's own stream that it knows at least; None where the view is
    of no single stream. Who decides on what this says sends it back as `If-Match`.
    """

    build: Build
    rev: int
    value: Any
    parked: tuple[str, ...] = ()
    version: int | None = None

    @property
    def etag(self) -> str:
        """A strong entity tag (RFC 9110): of another build, too, a view is another one."""
        version = "" if self.version is None else self.version
        return f'"{version}-{self.build.version}.{self.build.generation}.{self.rev}"'


@dataclass(frozen=True, slots=True)
class Page:
    """Some views in the order of their keys, and where to go on."""

    items: list[Seen]
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
    seals: Seals = field(default_factory=Seals)
    # Where this process folds the projection, too, it says when it has.
    foldings: Foldings = field(default_factory=Foldings)

    async def get(self, key: str, at_least: Token | None = None) -> Seen | None:
        """Return the view of `key`, or None where there is none.

        Raises:
            UnavailableError: the view does not know `at_least` in time, or never will, parked;
                or all that would make it is parked.

        """
        with self._reading(at_least):
            while True:
                asked_at, build = _now(), await self._fresh(at_least)
                # Before the view: what is said of its stream may be too little, never too much.
                head = await self.store.get(Collections(build.collection).heads, key)
                document = await self.store.get(build.collection, key)
                parked = await self._parked(build.collection, [key])
                if await self._still(build, asked_at):
                    break
        if document is None or document["view"] is None:
            if parked:  # Of what is set aside one fact may be what makes the view.
                raise self._held_up(parked[0])
            return None
        version = None if head is None else head["version"]
        (seen,) = await self._seen(build, [document])
        return seen._replace(parked=parked, version=version)

    async def many(self, keys: Collection[str]) -> dict[str, V]:
        """Return those of these views that there are, as they are now.

        Raises:
            UnavailableError: they are of a version that this release cannot read.

        """
        build = await self.active()
        found = await self.store.get_many(build.collection, sorted(keys))
        held = {key: document for key, document in found.items() if document["view"] is not None}
        seen = await self._seen(build, list(held.values()))
        return {key: one.value for key, one in zip(held, seen, strict=True)}

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
        with self._reading(at_least):
            while True:
                asked_at, build = _now(), await self._fresh(at_least)
                collection = build.collection
                found = await self.store.find(collection, condition, sort=sort, limit=limit + 1)
                shown = found[:limit]
                parked = await self._parked(collection, [document["_id"] for document in shown])
                if await self._still(build, asked_at):
                    break
        items = await self._seen(build, shown)
        return Page(items, found[limit - 1]["_id"] if len(found) > limit else None, parked)

    async def every(
        self, where: Mapping[str, Any], at_least: Token | None = None
    ) -> AsyncIterator[V]:
        """Yield all views whose fields match `where`, page after page."""
        after: str | None = None
        while True:
            found = await self.page(where, limit=PAGE, after=after, at_least=at_least)
            for item in found.items:
                yield item.value
            after = found.next_key
            if after is None:
                return

    def _reading(self, at_least: Token | None) -> AbstractContextManager[None]:
        return nullcontext() if at_least is None else self.foldings.read()

    async def _seen(self, build: Build, documents: Sequence[Document]) -> list[Seen]:
        views = [document["view"] for document in documents]
        if self.projection.personal:
            views = await self.seals.opened(views)
        return [
            Seen(build, document["rev"], self._value(build, view))
            for document, view in zip(documents, views, strict=True)
        ]

    def _value(self, build: Build, view: Document) -> V:
        try:
            return self.projection.from_document(view)
        except ValidationError as error:
            if build.version == self.projection.version:
                raise
            raise UnavailableError(
                f"{self.projection.name} is being built for this release; until then it is that "
                f"of version {build.version}, which this release cannot read",
                slug="projection-being-built",
                retry_after_s=5,
            ) from error

    async def _parked(self, collection: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Return the streams whose facts are set aside and would change one of these views."""
        wanted = {"keys": {"$in": list(keys)}}
        held = await self.store.find(Collections(collection).parked, wanted, fields=("stream",))
        return tuple(sorted({document["stream"] for document in held}))

    def _follows(self, stream: str) -> bool:
        """Whether facts of this stream ever come; what is folded elsewhere, without topics, knows.

        A topic that is not declared may hold any.
        """
        declared, kind, topics = kinds_by_topic(), stream.partition("-")[0], self.projection.topics
        comes = not topics or any(kind in declared.get(topic, (kind,)) for topic in topics)
        return comes and self.projection.follows(stream)

    def _held_up(self, stream: str) -> UnavailableError:
        return UnavailableError(
            f"{stream} is parked in {self.projection.name}: an operator has to replay it "
            "(`sellers parked`)",
            slug=STREAM_PARKED,
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
                return build  # What happens on a stream that it does not follow changes nothing.
            times = self.foldings.times(build.collection)
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
            # Told of all that is folded here; asked for often where another process may fold it.
            here = self.foldings.takes_turns and times > 0
            within_s = TOLD_S if here else self.poll_s
            await self.foldings.beyond(build.collection, times, within_s)
