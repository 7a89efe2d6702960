"""A projection folds facts into views, one question each. Pure: it stores nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from shared.events import Envelope, Event
from shared.personal import personal_fields

V = TypeVar("V")
E = TypeVar("E", bound=Event)
Fold = Callable[[V, E, Envelope], V | None]
Keys = Callable[[Envelope], Sequence[str]]
ZonedFold = Callable[[V, E, Envelope, tzinfo], V | None]
ZonedKeys = Callable[[Envelope, tzinfo], Sequence[str]]


def by_stream(at: Envelope) -> Sequence[str]:
    return (at.stream,)


class Projection(Generic[V]):
    """How facts become the views that answer one question.

    `name` is for ever. Bump `version` when a fold changes: the new one builds beside the old one
    from the first fact, and queries switch when it has caught up. `view` is a frozen dataclass
    whose only required field is its key. `indexes` names the fields that queries filter by.
    A `published` projection is also a compacted topic `views.<name>`. `streams` names the kinds of
    streams it follows, where those are not all of its topics'. One that `opens` is told how sealed
    words read (`at.words`): it is built anew whenever somebody was erased, and keeps none of them.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int,
        view: type[V],
        indexes: Sequence[str] = (),
        published: bool = False,
        streams: Sequence[str] = (),
        opens: bool = False,
    ) -> None:
        self.name = name
        self.version = version
        self.view = view
        self.indexes = tuple(indexes)
        self.published = published
        self.opens = opens
        self.streams = frozenset(streams)
        self.folds: dict[type[Event], tuple[Keys, Fold[V, Any]]] = {}
        self._zoned: dict[type[Event], tuple[ZonedKeys | None, ZonedFold[V, Any]]] = {}

    def within(self, zone: tzinfo) -> Projection[V]:
        """Return the projection as it reckons days in the company's zone; left alone, in UTC.

        The zone is part of what the views mean, and they do not say which one it was: when the
        company's zone changes, the views of every projection that asks for days must be rebuilt
        (`sellers rebuild`), or days of both zones stand side by side. `verify` names them.
        """
        if not self._zoned:
            return self
        bound = copy(self)
        zoned = {event: _bound(*known, zone) for event, known in self._zoned.items()}
        bound.folds = self.folds | zoned
        return bound

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({event.topic for event in self.folds}))

    def follows(self, stream: str) -> bool:
        """Whether facts of this stream can concern the views at all."""
        return not self.streams or stream.partition("-")[0] in self.streams

    @cached_property
    def personal(self) -> bool:
        """Whether its views can hold words about a person."""
        return any(personal_fields(event) for event in self.folds)

    @property
    def keyed_by_stream(self) -> bool:
        """Whether every fact concerns the view of its own stream and no other."""
        return all(keys is by_stream for keys, _ in self.folds.values())

    @cached_property
    def codec(self) -> TypeAdapter[V]:
        return TypeAdapter(self.view)

    def on(self, event_type: type[E], keys: Keys = by_stream) -> Callable[[Fold[V, E]], Fold[V, E]]:
        """Register the fold of one event; what a projection handles is this table.

        `keys` says which views a fact concerns. A fold is total: it never refuses a fact. It
        returns the next view, or None to delete it.
        """

        def register(fold: Fold[V, E]) -> Fold[V, E]:
            self._register(event_type, (keys, fold))
            return fold

        return register

    def on_zoned(
        self, event_type: type[E], keys: ZonedKeys | None = None
    ) -> Callable[[ZonedFold[V, E]], ZonedFold[V, E]]:
        """Register a fold that asks on which day something happened: it is told the zone, too."""

        def register(fold: ZonedFold[V, E]) -> ZonedFold[V, E]:
            self._register(event_type, _bound(keys, fold, UTC))
            self._zoned[event_type] = (keys, fold)
            return fold

        return register

    def _register(self, event_type: type[Event], known: tuple[Keys, Fold[V, Any]]) -> None:
        if event_type in self.folds:
            raise TypeError(f"{self.name} folds {event_type.__name__} twice")
        self.folds[event_type] = known

    def keys(self, at: Envelope) -> Sequence[str]:
        """Return the keys of the views that this fact concerns; facts not folded concern none."""
        registered = self.folds.get(type(at.data))
        return () if registered is None else tuple(dict.fromkeys(registered[0](at)))

    def apply(self, key: str, view: V | None, at: Envelope) -> V | None:
        """Return the next view of `key`, or None where there is none (any more)."""
        registered = self.folds.get(type(at.data))
        if registered is None:
            return view
        blank: Any = self.view
        return registered[1](blank(key) if view is None else view, at.data, at)

    def replay(
        self, history: Iterable[Envelope], views: dict[str, V] | None = None
    ) -> dict[str, V]:
        """Fold a whole history in memory: what a view means, and what `verify` compares with.

        Given what the history before it came to, go on with that.
        """
        views = {} if views is None else views
        for at in history:
            for key in self.keys(at):
                view = self.apply(key, views.get(key), at)
                if view is None:
                    views.pop(key, None)
                else:
                    views[key] = view
        return views

    def to_document(self, view: V) -> dict[str, Any]:
        """Return the view as JSON values: instants and dates as text, decimals as text."""
        document: dict[str, Any] = self.codec.dump_python(view, mode="json")
        return document

    def from_document(self, document: dict[str, Any]) -> V:
        return self.codec.validate_python(document)


def _bound(
    keys: ZonedKeys | None, fold: ZonedFold[V, Any], zone: tzinfo
) -> tuple[Keys, Fold[V, Any]]:
    return (
        by_stream if keys is None else lambda at: keys(at, zone),
        lambda view, event, at: fold(view, event, at, zone),
    )
