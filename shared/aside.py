"""What of an inbox could not be read is sealed where it is set aside: who wrote it named somebody.

Each record has a key of its own. It is destroyed when the record leaves, and when somebody is
erased whom the record names: then nothing of it can be read any more, in no file of the store.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from shared.cipher import Cipher, UnreadableError
from shared.clock import derived_id
from shared.keyring import PLATFORM
from shared.personal import ERASED
from shared.seals import Seals
from shared.store import Document, Store

# What of a parked record others wrote, or what quotes it.
WRITTEN = ("key", "value", "headers", "reason")
FIELD = "record"
SEALED_REASON = "sealed; ask /parked for it"
DIGITS_MIN = 7
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Aside:
    """Seals records that are set aside, opens them for who mends them, and forgets them."""

    seals: Seals

    async def sealed(self, documents: Sequence[Document]) -> list[Document]:
        ring = self.seals.ring
        if ring is None or not documents:
            return list(documents)
        platform = (await ring.ciphers([PLATFORM], make=True))[PLATFORM]
        names = [_key_of(document, platform) for document in documents]
        ciphers = await ring.ciphers(names, make=True)
        return [_seal(d, n, ciphers[n]) for d, n in zip(documents, names, strict=True)]

    async def opened(self, documents: Sequence[Document]) -> list[Document]:
        """Return them as they came; of what nobody can read any more only the mark is left."""
        ring, names = self.seals.ring, [d["sealed"] for d in documents if d.get("sealed")]
        if ring is None or not names:
            return list(documents)
        ciphers = await ring.ciphers(names)
        return [_open(document, ciphers) for document in documents]

    async def forget(self, documents: Sequence[Document]) -> None:
        """Destroy the keys of records that have left."""
        if self.seals.ring is None:
            return
        for document in documents:
            if document.get("sealed"):
                await self.seals.ring.erase(document["sealed"])

    async def erase(self, store: Store, collection: str, words: Collection[str]) -> int:
        """Destroy every record that says one of these words; return how many there were."""
        held = await store.find(collection, {"sealed": {"$gt": ""}})
        naming = [
            kept
            for kept, said in zip(held, await self.opened(held), strict=True)
            if names(said, words)
        ]
        await self.forget(naming)
        if naming:
            log.info("set_aside_records_erased", collection=collection, count=len(naming))
        return len(naming)


def _key_of(document: Document, platform: Cipher | None) -> str:
    """Return the name of a record's key: the same record, parked again, has the same one."""
    said = base64.b64encode(document["value"] or b"").decode()
    digest = "" if platform is None else platform.digest(said)
    return f"aside-{derived_id('aside', document['_id'], digest)}"


def _seal(document: Document, name: str, cipher: Cipher | None) -> Document:
    told = {field: _text(document[field]) for field in WRITTEN}
    text = ERASED if cipher is None else cipher.seal(FIELD, orjson.dumps(told).decode())
    blank: Document = {"key": None, "value": text.encode(), "headers": [], "reason": SEALED_REASON}
    return {**document, **blank, "sealed": name}


def _open(document: Document, ciphers: dict[str, Cipher | None]) -> Document:
    if not document.get("sealed"):
        return document
    cipher = ciphers.get(document["sealed"])
    kept = {name: value for name, value in document.items() if name != "sealed"}
    gone: Document = {"key": None, "value": ERASED.encode(), "headers": [], "reason": ERASED}
    if cipher is None:
        return kept | gone
    try:
        told = orjson.loads(cipher.open(document["value"].decode()))
    except UnreadableError:
        return kept | gone
    return kept | {
        "key": _bytes(told["key"]),
        "value": _bytes(told["value"]),
        "headers": [[name, _bytes(value)] for name, value in told["headers"]],
        "reason": told["reason"],
    }


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [[name, _text(said)] for name, said in value]
    return value


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def names(document: Document, words: Collection[str]) -> bool:
    """Whether a record says one of these words, however it is broken."""
    parts = [document["key"], document["value"], *(value for _, value in document["headers"])]
    raw = "\n".join((part or b"").decode("utf-8", "replace") for part in parts)
    told = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), raw)
    told = _plain(told.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    numbers = re.sub(r"[^0-9]", "", told)
    return any(_says(told, numbers, _plain(word)) for word in words)


def _plain(text: str) -> str:
    """Return it without case, and with one blank where there are several."""
    return " ".join(text.casefold().split())


def _says(told: str, numbers: str, word: str) -> bool:
    digits = re.sub(r"[^0-9]", "", word)
    if len(digits) >= DIGITS_MIN and not re.search(r"[^0-9+()./ -]", word):
        return digits in numbers
    if not word.isascii():
        return word in told  # Other scripts put no blanks between words.
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", told) is not None
