"""Adds to commands what no rule can know: the platform's key, and where the log ends now."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

from pydantic import BaseModel

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.keys import newest_key
from services.webhooks.model import (
    ChooseFacts,
    ChooseFactsAt,
    Move,
    Register,
    RegisterAt,
    Replay,
    ReplayBetween,
    RotateSecret,
    RotateSecretAt,
)
from services.webhooks.posting import check_reachable
from services.webhooks.wants import topics_of
from shared.addresses import AddressRefusedError
from shared.errors import InvalidError
from shared.events.webhooks import From
from shared.log import Log, Partition
from shared.pulling import fact_topics
from shared.runtime import Runtime


async def prepare(runtime: Runtime, command: BaseModel) -> BaseModel:
    """Return the command with what the platform knows."""
    if isinstance(command, Register | Move):
        defaults = runtime.domain.defaults
        assert isinstance(defaults, WebhooksDefaults)
        try:
            check_reachable(command.url, defaults.networks)
        except (ValueError, AddressRefusedError) as error:
            raise InvalidError(str(error), field="#/url") from error
    match command:
        case Register():
            now = command.begin == "now"
            begins = await _ends(runtime.log, topics_of(command.wants)) if now else ()
            key = newest_key(runtime.settings).name
            return RegisterAt(**command.model_dump(), key=key, begins=begins)
        case ChooseFacts():
            begins = await _ends(runtime.log, topics_of(command.wants))
            return ChooseFactsAt(**command.model_dump(), begins=begins)
        case RotateSecret():
            until = runtime.clock.now() + timedelta(hours=command.both_for_hours)
            key = newest_key(runtime.settings).name
            return RotateSecretAt(**command.model_dump(), key=key, both_until=until)
        case Replay():
            return await _replay(runtime, command)
        case _:
            return command


async def _ends(log: Log, topics: Collection[str]) -> tuple[From, ...]:
    found = await asyncio.gather(*map(log.ends, sorted(topics)))
    ends = sorted((partition, end) for one in found for partition, end in one.items())
    return tuple(From(topic=p.topic, partition=p.number, offset=end) for p, end in ends)


async def _replay(runtime: Runtime, command: Replay) -> ReplayBetween:
    known = {
        Partition(one.topic, one.partition): one.offset
        for one in await _ends(runtime.log, fact_topics())
    }
    first = _places(command.first, "first", known)
    last = _places(command.last, "last", known)
    chosen = {**first, **last} or known
    ends = {
        partition: min(last[partition] + 1, known[partition])
        if partition in last
        else known[partition]
        for partition in chosen
    }
    for partition, offset in first.items():
        if offset >= ends[partition]:
            raise InvalidError(f"nothing lies between it and {ends[partition]}", field="#/first")
    return ReplayBetween(**command.model_dump(), begins=_told(first), ends=_told(ends))


def _told(places: dict[Partition, int]) -> tuple[From, ...]:
    return tuple(
        From(topic=partition.topic, partition=partition.number, offset=offset)
        for partition, offset in sorted(places.items())
    )


def _places(named: Sequence[str], field: str, known: dict[Partition, int]) -> dict[Partition, int]:
    found: dict[Partition, int] = {}
    for place, name in enumerate(named):
        topic, number, offset = name.split("/")
        partition = Partition(topic, int(number))
        if partition not in known:
            raise InvalidError(f"no such partition: {topic}/{number}", field=f"#/{field}/{place}")
        if partition in found:
            raise InvalidError("one of each partition", field=f"#/{field}/{place}")
        found[partition] = int(offset)
    return found
