"""Random facts and commands of any domain, made from the fields their classes declare.

Ids come from small pools, so that random facts meet each other; words come from everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, reduce
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from shared.decider import Decider
from shared.errors import DomainError
from shared.events import Envelope
from shared.testing.histories import recorded

Strategy = st.SearchStrategy[Any]
# What a field may say goes by its name where the type alone would allow nonsense only.
STREAM_PATTERN = re.compile(r"\^([a-z]+)-")
WORDS = st.sampled_from(["a", "b", "Prospecting", "김민준", "O'Neil \u202e\x00", "\U0001f9ed" * 9])
BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
INSTANTS = st.integers(0, 99).map(lambda hours: BEGIN + timedelta(hours=hours))
DATES = st.dates(date(2026, 1, 1), date(2026, 1, 9))
LEAVES: Mapping[Any, Strategy] = {
    NoneType: st.none(),
    date: DATES,
    datetime: INSTANTS,
    AwareDatetime: INSTANTS,
    Decimal: st.decimals(0, 1_000, places=2),
}
CURRENCY_PATTERN = "^[A-Z]{3}$"


def models(kind: Any) -> tuple[type[BaseModel], ...]:
    """Return the classes that a union, or a single class, stands for."""
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def facts(kind: Any) -> Strategy:
    """Any fact of these kinds, whether or not a rule would ever decide it."""
    return st.one_of([_model(model) for model in models(kind)])


def commands(kind: Any) -> Strategy:
    """Any command of these kinds that fits its schema."""
    return st.one_of([_model(model) for model in models(kind)])


@cache
def _model(model: type[BaseModel]) -> Strategy:
    said = {name: _field(field) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries(said).map(lambda fields: _made(model, fields))


def _made(model: type[BaseModel], fields: Mapping[str, Any]) -> BaseModel:
    try:
        return model(**fields)
    except ValidationError:
        reject()  # Fields that are right each for itself may not fit together.


def _field(field: FieldInfo) -> Strategy:
    given = _typed(field.annotation, field.metadata)
    return given if field.is_required() else st.just(field.get_default()) | given


def _typed(kind: Any, metadata: Sequence[Any] = ()) -> Strategy:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *more = get_args(kind)
        return _typed(inner, [*more, *metadata])
    if origin in (Union, UnionType):
        return st.one_of([_typed(one, metadata) for one in get_args(kind)])
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is tuple and get_args(kind)[-1] is Ellipsis:
        return st.lists(_typed(get_args(kind)[0]), max_size=3).map(tuple)
    return _single(kind, metadata)


def _single(kind: Any, metadata: Sequence[Any]) -> Strategy:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind)
    if kind is str:
        return _text(metadata)
    if kind is int:
        return st.integers(*_bounds(metadata))
    return LEAVES[kind] if kind in LEAVES else st.from_type(kind)


def _text(metadata: Sequence[Any]) -> Strategy:
    pattern = next(_said(metadata, "pattern"), None)
    if pattern is None:
        return WORDS
    if pattern == CURRENCY_PATTERN:
        return st.sampled_from(["USD", "KRW"])
    stream = STREAM_PATTERN.match(pattern)
    if stream is None:
        return st.from_regex(pattern, fullmatch=True)
    return st.sampled_from([f"{stream[1]}-1", f"{stream[1]}-2"])


def _bounds(metadata: Sequence[Any]) -> tuple[int, int]:
    # JSON's whole numbers end at 64 bits; what commands let through ends long before.
    return next(_said(metadata, "ge"), -(10**6)), next(_said(metadata, "le"), 10**6)


def _said(metadata: Sequence[Any], name: str) -> Iterator[Any]:
    for constraint in metadata:
        inside = getattr(constraint, "__dict__", {}).get("metadata") or ()
        yield from _said(inside, name)
        value = getattr(constraint, name, None)
        if value is not None:
            yield value


@st.composite
def histories(
    draw: Any, kinds: Mapping[str, Any], *, streams: int = 2, length: int = 6
) -> list[list[Envelope]]:
    """Some streams of each kind with any facts in any order: what folds have to bear.

    `kinds` says which facts a kind of stream holds, as in {"person": PersonEvent}.
    """
    found = []
    for kind, events in kinds.items():
        # Touches are a stream each, with the one fact that they are.
        most = 1 if kind == "touch" else length
        for number in range(1, draw(st.integers(0, streams)) + 1):
            told = draw(st.lists(facts(events), min_size=1, max_size=most))
            at = draw(INSTANTS)
            found.append(recorded(*told, stream=f"{kind}-{number}", occurred_at=at))
    return found


def check_decider(
    decider: Decider[Any, Any, Any], history: Sequence[Any], asked: Sequence[Any]
) -> Any:
    """Assert what every decider promises; return the state after all that is not refused.

    `evolve` takes any facts in any order; whatever is decided can be evolved; and what has just
    been done is not done again: the same command then yields nothing, or is refused.
    """
    state = decider.state(history)
    for command in asked:
        try:
            events = decider.decide(state, command)
        except DomainError:
            continue
        state = reduce(decider.evolve, events, state)
        assert not _decided(decider, state, command), f"{command!r} would be done twice"
    return state


def _decided(decider: Decider[Any, Any, Any], state: Any, command: Any) -> list[Any]:
    try:
        return decider.decide(state, command)
    except DomainError:
        return []
