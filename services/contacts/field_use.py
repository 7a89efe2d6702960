"""Which fields of our book are filled in: what nobody fills should not be asked. Pure (C-07)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import get_args

from shared.events import REGISTRY, Envelope, Event
from shared.events.contacts import CompanyEvent, PersonEvent
from shared.events.touches import TouchRecorded
from shared.projection import Projection

COUNTED: tuple[type[Event], ...] = (*get_args(PersonEvent), *get_args(CompanyEvent), TouchRecorded)


@dataclass(frozen=True, slots=True)
class FieldUse:
    """Answers: of so many facts of this kind, in how many was each field filled in?

    In parts, by the last sign of the stream: not every fact of a kind waits for the same document.
    """

    key: str
    wire: str = ""
    facts: int = 0
    filled: dict[str, int] = field(default_factory=dict)


field_use = Projection(
    "field_use",
    version=1,
    view=FieldUse,
    indexes=("wire",),
    streams=("person", "company", "touch"),
)


def _part(at: Envelope) -> tuple[str, ...]:
    return (f"{at.wire}/{at.stream[-1]}",)


def counted(use: FieldUse, event: Event, at: Envelope) -> FieldUse:
    filled = dict(use.filled)
    for name in optional(type(event)):
        if getattr(event, name) not in (None, (), ""):
            filled[name] = filled.get(name, 0) + 1
    return replace(use, wire=at.wire, facts=use.facts + 1, filled=filled)


for counted_event in COUNTED:
    field_use.on(counted_event, keys=_part)(counted)


def optional(event: type[Event]) -> list[str]:
    """Return the fields that may stay empty; those with a value of their own never do."""
    return [
        name
        for name, one in event.model_fields.items()
        if not one.is_required() and one.get_default(call_default_factory=True) in (None, ())
    ]


@dataclass(frozen=True, slots=True)
class Field:
    """How often a field was filled in where it could have been."""

    fact: str
    field: str
    facts: int
    filled: int
    share: float


def seldom_filled(parts: Iterable[FieldUse], share: float) -> list[Field]:
    """Return the fields that fewer facts than that share fill in, the emptiest first."""
    return sorted(
        (one for one in _fields(list(parts)) if one.share < share),
        key=lambda one: (one.share, one.fact, one.field),
    )


def _fields(parts: list[FieldUse]) -> Iterator[Field]:
    for wire in sorted({part.wire for part in parts}):
        of_kind = [part for part in parts if part.wire == wire]
        facts = sum(part.facts for part in of_kind)
        for name in optional(REGISTRY[wire]) if wire in REGISTRY else ():
            filled = sum(part.filled.get(name, 0) for part in of_kind)
            yield Field(wire, name, facts, filled, round(filled / facts, 4))
