"""Delivers to all webhooks of the platform, in the one process that holds the lease.

Each webhook has tasks, connections and a bound of its own, so that one that does not answer delays
nobody else. Two processes at once, for a moment, deliver some facts twice, and lose none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.delivering import Delivering, Pause, Range, SigningSecret, Terms
from services.webhooks.kept import LIVE, Cursor, cursor_key, cursors_of, prune
from services.webhooks.keys import keys_of
from services.webhooks.model import GiveUp
from services.webhooks.posting import Limits, Receiver
from services.webhooks.projections import Place, WebhookCard, webhook_card
from services.webhooks.reading import Source
from services.webhooks.signing import Key
from services.webhooks.wants import topics_of
from shared.clock import derived_id
from shared.firing import Lease
from shared.log import Partition
from shared.observability import WEBHOOK_BEHIND
from shared.runtime import Runtime
from shared.service import Request

LOOK_S = 0.5
MEASURE_S = 5.0
PRUNE_S = 600.0
AGAIN_S = 5.0
THREADS = 32

log = structlog.get_logger()


@dataclass(slots=True)
class Sender:
    """All that runs for one webhook on its present terms."""

    terms: Terms
    receiver: Receiver
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.receiver.close()


@dataclass(slots=True)
class Dispatcher:
    """Starts and ends deliveries as the webhooks' views say."""

    runtime: Runtime
    source: Source
    threads: ThreadPoolExecutor
    keys: Mapping[str, Key]
    senders: dict[str, Sender] = field(default_factory=dict)
    # Those of which nothing can be sent, for the key of their secret is not here.
    unsigned: set[str] = field(default_factory=set)

    @property
    def defaults(self) -> WebhooksDefaults:
        found = self.runtime.domain.defaults
        assert isinstance(found, WebhooksDefaults)
        return found

    async def look(self) -> None:
        """Bring what runs in line with what is wanted."""
        cards = self.runtime.reader(webhook_card).every({"enabled": True})
        wanted = {card.webhook: terms async for card in cards if (terms := await self._terms(card))}
        for webhook in [w for w, s in self.senders.items() if wanted.get(w) != s.terms]:
            await self.senders.pop(webhook).stop()
        for webhook, terms in wanted.items():
            if webhook in self.senders:
                continue
            try:
                self.senders[webhook] = self._sender(terms)
            except ValueError:  # An address that another release took.
                log.exception("webhook_not_started", webhook=webhook)

    async def stop(self) -> None:
        await asyncio.gather(*(sender.stop() for sender in self.senders.values()))
        self.senders.clear()

    async def _terms(self, card: WebhookCard) -> Terms | None:
        if not card.enabled or card.url is None:
            return None
        secrets = signing(card, self.keys)
        if not secrets:
            if card.webhook not in self.unsigned:
                log.error("webhook_key_missing", webhook=card.webhook, key=card.secrets[:1])
            self.unsigned.add(card.webhook)
            return None
        self.unsigned.discard(card.webhook)
        ranges = await self._ranges(card)
        return Terms(
            webhook=card.webhook,
            url=card.url,
            wants=card.wants,
            secrets=secrets,
            enabling=card.enablings,
            skipped=frozenset(card.skipped),
            ranges=tuple(ranges),
            waits=self.defaults.retry_seconds,
            opens=card.words == "opened",
        )

    async def _ranges(self, card: WebhookCard) -> list[Range]:
        begins = offsets(card.begins)
        found = [
            Range(LIVE, partition, begins.get(partition, 0))
            for topic in topics_of(card.wants)
            for partition in sorted(await self._partitions(topic))
        ]
        return found + replays_of(card)

    async def _partitions(self, topic: str) -> list[Partition]:
        return [Partition(topic, n) for n in range(await self.runtime.log.partitions(topic))]

    def _sender(self, terms: Terms) -> Sender:
        limits = Limits(self.defaults.answer_seconds, self.defaults.at_once, self.defaults.networks)
        receiver = Receiver(terms.url, limits, self.threads)
        pause = Pause()
        sender = Sender(terms, receiver)
        for one in terms.ranges:
            delivering = Delivering(
                terms=terms,
                range=one,
                receiver=receiver,
                pause=pause,
                source=self.source,
                log=self.runtime.log,
                store=self.runtime.store,
                clock=self.runtime.clock,
                give_up=self._give_up(terms),
                seals=self.runtime.seals,
            )
            name = f"deliver {cursor_key(terms.webhook, one.run, one.partition)}"
            sender.tasks.append(asyncio.create_task(self._keep(name, delivering), name=name))
        return sender

    async def _keep(self, name: str, delivering: Delivering) -> None:
        """Deliver on after what nobody foresaw; it is no reason to answer nobody else."""
        while not delivering.done:
            try:
                await delivering.run()
            except Exception:
                log.exception("deliveries_failed", task=name)
                await asyncio.sleep(AGAIN_S)

    def _give_up(self, terms: Terms) -> Callable[[GiveUp], Awaitable[None]]:
        async def record(command: GiveUp) -> None:
            log.warning("webhook_disabled", webhook=terms.webhook, **command.model_dump())
            cause = derived_id(
                "webhook gave up", terms.webhook, str(terms.enabling), command.position
            )
            await self.runtime.service.handle(
                Request(stream=terms.webhook, command=command, actor="webhooks", id=cause)
            )

        return record


def signing(card: WebhookCard, keys: Mapping[str, Key]) -> tuple[SigningSecret, ...]:
    """Return the secrets of a webhook that can be made here; none, where the newest cannot."""
    if not card.secrets or card.secrets[0].key not in keys:
        return ()
    return tuple(
        SigningSecret(keys[one.key].secret_of(card.webhook, one.version), one.until)
        for one in card.secrets
        if one.key in keys
    )


def offsets(places: Sequence[Place]) -> dict[Partition, int]:
    return {Partition(one.topic, one.partition): one.offset for one in places}


def replays_of(card: WebhookCard) -> list[Range]:
    """Return what a webhook wants once more, of the topics of what it wants now."""
    topics = topics_of(card.wants)
    return [
        Range(
            f"replay-{asked.replay}",
            partition,
            offsets(asked.begins).get(partition, 0),
            stop,
            asked.recorded_from,
            asked.recorded_before,
        )
        for asked in card.replays
        for partition, stop in offsets(asked.ends).items()
        if partition.topic in topics
    ]


def behind(card: WebhookCard, cursors: Mapping[str, Cursor], ends: Mapping[Partition, int]) -> int:
    """Return how many records lie behind what is delivered live."""
    begins, topics = offsets(card.begins), topics_of(card.wants)
    total = 0
    for partition, end in ends.items():
        if partition.topic in topics:
            cursor = cursors.get(f"{LIVE}/{partition.topic}/{partition.number}")
            reached = begins.get(partition, 0) if cursor is None else cursor.offset
            total += max(0, end - reached)
    return total


async def deliver(runtime: Runtime) -> None:
    """Deliver to all webhooks while the lease is ours, until cancelled."""
    await runtime.service.ready.wait()
    holder = f"{runtime.settings.instance}/{runtime.clock.new_id()}"
    lease = Lease("webhooks", holder, runtime.store, runtime.clock)
    keys = {key.name: key for key in keys_of(runtime.settings)}
    source = Source(runtime.log)
    # Not waited for at the end: looking up a name cannot be stopped.
    threads = ThreadPoolExecutor(THREADS, "webhooks")
    dispatcher = Dispatcher(runtime, source, threads, keys)
    reading = asyncio.create_task(source.run(), name="webhooks read")
    try:
        await _while_held(lease, dispatcher)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await dispatcher.stop()
        await lease.release()
        threads.shutdown(wait=False, cancel_futures=True)


async def _while_held(lease: Lease, dispatcher: Dispatcher) -> None:
    runtime = dispatcher.runtime
    pruned_at = measured_at = float("-inf")
    while True:
        if not await lease.held():
            await dispatcher.stop()
            await asyncio.sleep(LOOK_S)
            continue
        await dispatcher.look()
        began = asyncio.get_running_loop().time()
        if began - measured_at > MEASURE_S:
            measured_at = began
            async for card in runtime.reader(webhook_card).every({}):
                await _measure(runtime, card)
        if began - pruned_at > PRUNE_S:
            pruned_at, days = began, dispatcher.defaults.log_days
            async for card in runtime.reader(webhook_card).every({}):
                await prune(runtime.store, card.webhook, runtime.clock.now(), days)
        await asyncio.sleep(LOOK_S)


async def _measure(runtime: Runtime, card: WebhookCard) -> None:
    ends: dict[Partition, int] = {}
    if card.removed_at is not None:
        with suppress(KeyError):
            WEBHOOK_BEHIND.remove(card.webhook)
        return
    for topic in topics_of(card.wants):
        ends |= await runtime.log.ends(topic)
    WEBHOOK_BEHIND.labels(card.webhook).set(
        behind(card, await cursors_of(runtime.store, card.webhook), ends)
    )
