"""Which words of a fact are about a person, how they look once sealed, and how a fold reads them.

Pure: keys live in `shared/keyring.py`. A sealed word is text like any other, `enc:v1:<whose key>:
<field>:<what>`, so it fits the released schemas. The same words of the same person in the same
field are sealed to the same text: a fold that compares them need not open them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.references import ID

MARK = "enc:v1:"
TOKEN = re.compile(rf"{MARK}(?P<whose>[a-z]+-{ID}):(?P<field>[a-z_]+):(?P<sealed>[A-Za-z0-9_-]+)")
# What is read where the key is gone, and where there is none that fits: a text, never an error.
ERASED, UNREADABLE = "[erased]", "[sealed]"
SCHEMA_MARK = "x-personal"


class _Mark:
    """Marks a field; readers of the schema are told that its words may be sealed."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), SCHEMA_MARK: True}


# Words about a person: sealed with a key of that person's own before they reach the log.
Personal = Annotated[str, _Mark()]


def personal_fields(event: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of a fact that hold words about a person."""
    known = _FIELDS.get(event)
    if known is None:
        known = _FIELDS[event] = tuple(
            name
            for name, one in event.model_fields.items()
            if _marked((*one.metadata, one.annotation))
        )
    return known


_FIELDS: dict[type[BaseModel], tuple[str, ...]] = {}


def _marked(parts: tuple[Any, ...]) -> bool:
    return any(isinstance(part, _Mark) or _marked(get_args(part)) for part in parts)


def is_sealed(text: str) -> bool:
    return text.startswith(MARK)


def cut(text: str, at_most: int) -> str:
    """Return the beginning of a text; sealed words are kept whole, or nobody could open them."""
    return text if is_sealed(text) else text[:at_most]


def tokens_in(value: Any) -> Iterator[str]:
    """Yield every sealed word in a document, however deep."""
    if isinstance(value, str):
        if value.startswith(MARK):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tokens_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tokens_in(each)


def with_words(value: Any, opened: Mapping[str, str]) -> Any:
    """Return a document with these sealed words opened."""
    if isinstance(value, str):
        return opened.get(value, value) if value.startswith(MARK) else value
    if isinstance(value, dict):
        return {name: with_words(each, opened) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(with_words(each, opened) for each in value)
    return value


def _same(word: str) -> str:
    return word


@dataclass(frozen=True, slots=True)
class Words:
    """What a fold may know of sealed words: how they read, and how to note one for looking it up.

    Only a projection that `opens` is given more than `CLEAR`. What it keeps is noted `blind`: by a
    keyed hash, so that the same word is found again and the view does not say which one it is.
    """

    opened: Mapping[str, str] = field(default_factory=dict)
    blind: Callable[[str], str] = _same

    def plain(self, text: str | None) -> str | None:
        """Return the words, or None where nobody can read them any more."""
        return self.opened.get(text) if text is not None and text.startswith(MARK) else text


CLEAR = Words()
