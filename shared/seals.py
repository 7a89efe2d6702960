"""Words about a person are sealed before they are kept, and opened for who may read them.

The journal, the log, every view and every topic of views hold sealed words; facts that hold none
pass untouched. Who decides, answers or looks something up opens what it needs. So destroying one
key takes a person's words from everywhere at once, and nothing that was folded changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson
import structlog

from shared.cipher import Cipher, UnreadableError
from shared.errors import InvalidError
from shared.events import Envelope
from shared.keyring import PLATFORM, KeyRing
from shared.personal import (
    CLEAR,
    ERASED,
    MARK,
    TOKEN,
    UNREADABLE,
    Words,
    personal_fields,
    tokens_in,
    with_words,
)
from shared.references import STREAM
from shared.store import TransientStoreError

T = TypeVar("T")
# In JSON, a sealed word stands between quotes and needs no escape.
STREAM_NAME = re.compile(STREAM)
QUOTED = b'"' + MARK.encode()
_IN_JSON = re.compile(rb'"(' + TOKEN.pattern.encode() + rb')"')
PEOPLE = "person-"
# What a seal adds at most, besides base64's third: whose it is, the field, nonce and tag.
HEAD_BYTES_MAX = 260
# How a command's hash begins that was made with a key, and how long one is that was not.
KEYED, PLAIN = "k", 32
Change = Callable[[str, str], str]

log = structlog.get_logger()


def has_words(fact: Envelope) -> bool:
    return bool(personal_fields(type(fact.data)))


def looks_sealed(value: bytes) -> bool:
    """Whether an encoded fact says, before anything of it was sealed, what only a seal may say."""
    return QUOTED in value


def check_clear(value: bytes) -> None:
    """Refuse words that look sealed: opened, they could say what their author may not read.

    Raises:
        InvalidError: somebody sent a sealed word back, or made one up.

    """
    if looks_sealed(value):
        raise InvalidError(f"text may not begin with {MARK!r}: that is how sealed words look")


def sealed_size(fact: Envelope, size: int) -> int:
    """Return how large an encoded fact is at most once its words are sealed."""
    said = (getattr(fact.data, name) for name in personal_fields(type(fact.data)))
    words = [word for told in said for word in ((told,) if isinstance(told, str) else told or ())]
    return size + sum(len(word.encode()) // 3 + HEAD_BYTES_MAX for word in words)


@dataclass(frozen=True, slots=True)
class Seals:
    """What seals and opens, with the keys of a ring. Without one nothing is sealed (tests)."""

    ring: KeyRing | None = None

    async def seal(self, facts: Sequence[Envelope]) -> list[Envelope]:
        """Return the facts as they may be kept: words about a person sealed with that one's key.

        Whose key was destroyed is not quoted any more: of such words only the mark is kept.
        """
        if self.ring is None:
            return list(facts)
        whose = {one for fact in facts if (one := _whose(fact)) is not None}
        for one in whose:
            if STREAM_NAME.fullmatch(one) is None:
                raise InvalidError(f"{one!r} names nobody whose words could be sealed")
        keys = await self._ciphers(whose, make=True)
        return [self._sealed(fact, keys) for fact in facts]

    def _sealed(self, fact: Envelope, keys: Mapping[str, Cipher | None]) -> Envelope:
        whose = _whose(fact)
        if whose is None:
            return fact
        cipher = keys[whose]
        return changed(fact, lambda name, text: cipher.seal(name, text) if cipher else ERASED)

    async def digests(self, asked: Sequence[tuple[str, str]]) -> list[str]:
        """Return hashes of commands made with a key: with a person's own, or with the platform's.

        From a plain hash a telephone number could be guessed, long after it was erased. What was
        hashed with a key stays as it is; where the key is gone, all that can be said is `KEYED`.
        """
        people = {stream for stream, _ in asked if stream.startswith(PEOPLE)}
        keys = await self._ciphers({*people, PLATFORM})
        return [_digest(keys, stream, plain) for stream, plain in asked]

    async def opened_facts(self, facts: Sequence[Envelope]) -> list[Envelope]:
        """Return the facts as they were told; what nobody can read any more says so."""
        tokens = {t for fact in facts if has_words(fact) for t in _tokens(fact)}
        read = await self.read(tokens)
        if not tokens:
            return list(facts)
        return [self._opened(fact, read) for fact in facts]

    def _opened(self, fact: Envelope, read: Mapping[str, str]) -> Envelope:
        def told(name: str, text: str) -> str:
            found = TOKEN.fullmatch(text)
            if found is None:
                return text
            # A word of somebody else, or of another field, was put here by nobody who may.
            here = found["whose"] == fact.whose and found["field"] == name
            return read.get(text, UNREADABLE) if here else UNREADABLE

        return changed(fact, told) if has_words(fact) else fact

    async def readable(self, whose: Collection[str]) -> frozenset[str]:
        """Return those of these people whose key is there."""
        keys = await self._ciphers(whose)
        return frozenset(one for one, key in keys.items() if key is not None)

    async def words_of(self, facts: Sequence[Envelope]) -> Words:
        """Return what a projection that opens may know of these facts."""
        if self.ring is None:
            return CLEAR
        tokens = {token for fact in facts if has_words(fact) for token in _tokens(fact)}
        read = await self.read(tokens)
        known = {token: text for token, text in read.items() if text not in (ERASED, UNREADABLE)}
        return Words(known, await self.blinder())

    async def blinder(self) -> Callable[[str], str]:
        """Return what notes a word blind, as folds do: to look up what they noted."""
        if self.ring is None:
            return CLEAR.blind
        cipher = (await self._ciphers({PLATFORM}, make=True))[PLATFORM]
        assert cipher is not None, "the platform's own key is never destroyed"
        return cipher.blind

    async def opened(self, documents: Sequence[T]) -> list[T]:
        """Return JSON documents with every sealed word in them opened."""
        tokens = {token for document in documents for token in tokens_in(document)}
        if not tokens:
            return list(documents)
        read = await self.read(tokens)
        return [with_words(document, read) for document in documents]

    async def opened_json(self, values: Sequence[bytes]) -> list[bytes]:
        """Return encoded JSON with every sealed word in it opened; all else stays to the byte."""
        sealed = [value for value in values if QUOTED in value]
        tokens = {found[1].decode() for value in sealed for found in _IN_JSON.finditer(value)}
        if not tokens:
            return list(values)
        read = {
            token.encode(): orjson.dumps(text) for token, text in (await self.read(tokens)).items()
        }
        return [_IN_JSON.sub(lambda found: read[found[1]], value) for value in values]

    async def read(self, tokens: Collection[str]) -> dict[str, str]:
        """Say how each of these sealed words reads: always a text, whatever became of its key."""
        whose = {found["whose"] for token in tokens if (found := TOKEN.fullmatch(token))}
        keys = await self._ciphers(whose) if whose and self.ring is not None else {}
        return {token: _read(token, keys) for token in tokens if TOKEN.fullmatch(token)}

    async def _ciphers(
        self, whose: Collection[str], *, make: bool = False
    ) -> dict[str, Cipher | None]:
        if self.ring is None or not whose:
            return {}
        try:
            return await self.ring.ciphers(whose, make=make)
        except UnreadableError as error:
            # A wrong master key is no reason to show or to keep anything otherwise than it is.
            raise TransientStoreError(f"keys cannot be unwrapped: {error}") from error


def _read(token: str, keys: Mapping[str, Cipher | None]) -> str:
    found = TOKEN.fullmatch(token)
    if found is None or found["whose"] not in keys:
        return UNREADABLE
    cipher = keys[found["whose"]]
    if cipher is None:
        return ERASED
    try:
        return cipher.open(token)
    except UnreadableError:
        log.warning("unreadable_word", whose=found["whose"], field=found["field"])
        return UNREADABLE


def _digest(keys: Mapping[str, Cipher | None], stream: str, plain: str) -> str:
    name = stream if stream.startswith(PEOPLE) else PLATFORM
    if name not in keys or len(plain) != PLAIN:
        return plain
    cipher = keys[name]
    return KEYED if cipher is None else f"{KEYED}{cipher.digest(plain)}"


def _whose(fact: Envelope) -> str | None:
    """Return by whose key the fact is sealed, None where it holds nobody's words."""
    return fact.whose if has_words(fact) else None


def whose_words(facts: Sequence[Envelope]) -> frozenset[str]:
    """Return whose keys it takes to read what the facts say."""
    tokens = {token for fact in facts if has_words(fact) for token in _tokens(fact)}
    return frozenset(f["whose"] for token in tokens if (f := TOKEN.fullmatch(token)))


def _tokens(fact: Envelope) -> list[str]:
    said = (getattr(fact.data, name) for name in personal_fields(type(fact.data)))
    return [token for words in said for token in tokens_in(words)]


def changed(fact: Envelope, change: Change) -> Envelope:
    """Return the fact with its words about a person changed; what is empty or sealed stays."""
    told: dict[str, Any] = {}
    for name in personal_fields(type(fact.data)):
        said = getattr(fact.data, name)
        if isinstance(said, str) and said:
            told[name] = change(name, said)
        elif isinstance(said, tuple):
            told[name] = tuple(change(name, word) if word else word for word in said)
    return replace(fact, data=fact.data.model_copy(update=told)) if told else fact
