"""The key of every person whose words are sealed: made once, wrapped, and destroyed once.

A key is `active` or `erased`, for ever: what was erased is remembered, so that nobody makes a
second key for somebody who was forgotten. Keys are kept in a database of their own: a backup of
facts and views must not hold what opens them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from shared.cipher import Cipher, Kms, fingerprint_of, fresh_key
from shared.clock import Clock
from shared.events import timestamp
from shared.store import Document, DuplicateKeyError, Store, TransientStoreError, WriteConflictError

KEYS = "keys"
ACTIVE, GONE = "active", "erased"
# The key by which words are noted blind is nobody's: it is destroyed with the platform.
PLATFORM = "platform-index"
# How long a process may go on with a key that another one has destroyed.
FRESH_S = 1.0
# Clocks of processes differ by less; what was destroyed so long ago is asked for again and again.
SKEW = timedelta(seconds=60)
# A key that was not asked for again for so long is read again, whatever was heard meanwhile.
KEPT_S = 300.0
TRIES = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of a key that was destroyed: proof, and nothing about whose words it sealed."""

    whose: str
    fingerprint: str | None
    erased_at: str

    @staticmethod
    def of(document: Document) -> Erased:
        return Erased(document["_id"], document["fingerprint"], document["erased_at"])


@dataclass(frozen=True, slots=True)
class _Held:
    """A key as this process knows it; None: it was destroyed."""

    cipher: Cipher | None
    read_at: float


@dataclass(slots=True)
class KeyRing:
    """The keys of all people. Every process keeps those that it needs, and hears of erasures."""

    store: Store
    kms: Kms
    clock: Clock
    remembered: int = 100_000
    _held: OrderedDict[str, _Held] = field(default_factory=OrderedDict)
    _heard_at: float = float("-inf")
    _since: str = ""

    async def prepare(self) -> None:
        await self.store.ensure_index(KEYS, ("erased_at",))
        await self.store.ensure_index(KEYS, ("master",))

    async def ciphers(
        self, whose: Collection[str], *, make: bool = False
    ) -> dict[str, Cipher | None]:
        """Return each one's key, or None where it was destroyed; without `make`, those there are.

        Raises:
            TransientStoreError: the keys are out of reach; nothing is sealed or opened without.

        """
        await self._hear()
        now = asyncio.get_running_loop().time()
        found = {one: held for one in whose if (held := self._held.get(one)) and self._fresh(held)}
        missing = sorted({*whose} - found.keys())
        for _ in range(TRIES if missing else 0):
            documents = await self.store.get_many(KEYS, missing)
            for one, document in documents.items():
                cipher = None if document["state"] == GONE else await self._unwrapped(document)
                found[one] = _Held(cipher, now)
            missing = [one for one in missing if one not in found]
            if not missing or not make:
                break
            await self._make(missing)
        else:
            if missing:
                raise TransientStoreError("keys could not be made: others make the same")
        self._keep(found)
        return {one: held.cipher for one, held in found.items()}

    async def _unwrapped(self, document: Document) -> Cipher:
        whose = document["_id"]
        return Cipher(whose, await self.kms.unwrap(document["key"], whose, document["master"]))

    async def _make(self, whose: Sequence[str]) -> None:
        """Make what nobody has made meanwhile; who was first counts, also for us."""
        documents = []
        for one in whose:
            key = fresh_key()
            documents.append(
                {
                    "_id": one,
                    "state": ACTIVE,
                    "key": await self.kms.wrap(key, one),
                    "master": self.kms.master,
                    "fingerprint": fingerprint_of(key),
                    "made_at": timestamp(self.clock.now()),
                }
            )
        try:
            await self.store.insert_many(KEYS, documents)
        except DuplicateKeyError:
            log.info("keys_made_elsewhere", count=len(documents))

    async def erase(self, whose: str) -> Erased:
        """Destroy a key. Destroyed once it stays so, and no other is made in its place."""
        while True:
            try:
                async with self.store.transaction() as tx:
                    document = await tx.get(KEYS, whose)
                    if document is None or document["state"] != GONE:
                        document = {
                            "_id": whose,
                            "state": GONE,
                            "fingerprint": document["fingerprint"] if document else None,
                            "erased_at": timestamp(self.clock.now()),
                        }
                        await tx.put_many(KEYS, [document])
            except WriteConflictError:
                continue
            self._held.pop(whose, None)
            return Erased.of(document)

    async def erased(self, since: str = "") -> list[Erased]:
        """Return which keys were destroyed since then, oldest first."""
        found = await self.store.find(KEYS, {"erased_at": {"$gt": since}})
        return sorted(map(Erased.of, found), key=lambda one: (one.erased_at, one.whose))

    async def gone(self, whose: Collection[str]) -> dict[str, Erased]:
        """Return what is left of those that were destroyed."""
        documents = await self.store.get_many(KEYS, whose)
        return {k: Erased.of(doc) for k, doc in documents.items() if doc["state"] == GONE}

    async def rewrap(self, batch: int = 500) -> int:
        """Wrap with the present master key what another one wrapped; return how many there were."""
        wrapped = 0
        while True:
            old = await self.store.find(
                KEYS, {"state": ACTIVE, "master": {"$ne": self.kms.master}}, limit=batch
            )
            if not old:
                return wrapped
            wrapped += sum([await self._rewrapped(document) for document in old])

    async def _rewrapped(self, old: Document) -> bool:
        whose = old["_id"]
        key = await self.kms.unwrap(old["key"], whose, old["master"])
        fresh = {"key": await self.kms.wrap(key, whose), "master": self.kms.master}
        try:
            async with self.store.transaction() as tx:
                now = await tx.get(KEYS, whose)
                if now is None or now["state"] != ACTIVE or now["master"] != old["master"]:
                    return False  # Destroyed, or wrapped by somebody else, meanwhile.
                await tx.put_many(KEYS, [{**now, **fresh}])
        except WriteConflictError:
            return False
        return True

    async def _hear(self) -> None:
        """Forget what others have destroyed; asked at most once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._heard_at <= FRESH_S:
            return
        asked = timestamp(self.clock.now() - SKEW)
        for one in await self.erased(self._since or asked):
            self._held.pop(one.whose, None)
        self._heard_at, self._since = now, asked

    def _fresh(self, held: _Held) -> bool:
        return asyncio.get_running_loop().time() - held.read_at <= KEPT_S

    def _keep(self, found: dict[str, _Held]) -> None:
        for one, held in found.items():
            self._held[one] = held
            self._held.move_to_end(one)
        while len(self._held) > self.remembered:
            self._held.popitem(last=False)
