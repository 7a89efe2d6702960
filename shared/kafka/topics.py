"""Topics on Kafka: created once, compared ever after, never changed behind anybody's back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.kafka.clients import RETRY_S
from shared.log import LogUnavailableError, TopicMismatchError, TopicSpec

# How often an inbox begins another file: what has expired is gone so much later at most.
ROLLED_MS = 3_600_000


async def create(admin: Any, specs: Sequence[TopicSpec]) -> list[str]:
    """Create what is missing and return its names; an existing topic that differs is an error."""
    existing = await partition_counts(admin)
    missing = [spec for spec in specs if spec.name not in existing]
    await _create(admin, missing)
    existing = await _created(admin, specs)
    if differences := await _differences(admin, specs, existing):
        raise TopicMismatchError("; ".join(differences))
    return [spec.name for spec in missing]


async def partition_counts(admin: Any) -> dict[str, int]:
    described = await admin.describe_topics()
    return {each["topic"]: len(each["partitions"]) for each in described}


async def _created(admin: Any, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Wait, as long as the caller allows, until the brokers have heard of every topic."""
    while True:
        existing = await partition_counts(admin)
        if all(spec.name in existing for spec in specs):
            return existing
        await asyncio.sleep(RETRY_S)


async def _create(admin: Any, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    created = await admin.create_topics([_new_topic(spec) for spec in specs])
    for name, code, *reason in created.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise LogUnavailableError(f"{name}: {for_code(code).__name__} {reason}")


def _new_topic(spec: TopicSpec) -> Any:
    topic = NewTopic(spec.name, spec.partitions, 1, topic_configs=_settings(spec))
    # As many copies as the brokers are set to keep; the client's own check knows no such answer.
    topic.replication_factor = -1
    return topic


def _settings(spec: TopicSpec) -> dict[str, str]:
    if not spec.compacted:
        if spec.kept_s is None:
            return {"cleanup.policy": "delete", "retention.ms": "-1"}
        # A broker deletes whole segments, and never the one that is being written.
        kept = {"retention.ms": str(spec.kept_s * 1000), "segment.ms": str(ROLLED_MS)}
        return {"cleanup.policy": "delete", **kept}
    kept = {"delete.retention.ms": str(spec.tombstones_kept_s * 1000)}
    return {"cleanup.policy": "compact", "retention.ms": "-1", **kept}


async def _differences(
    admin: Any, specs: Sequence[TopicSpec], existing: Mapping[str, int]
) -> list[str]:
    found = [
        f"{s.name}: {existing[s.name]} partitions instead of {s.partitions}"
        for s in specs
        if existing[s.name] != s.partitions
    ]
    asked = [ConfigResource(ConfigResourceType.TOPIC, s.name, configs=_settings(s)) for s in specs]
    answers = await admin.describe_configs(asked) if asked else []
    held: dict[str, dict[str, str]] = {}
    for answer in answers:
        for code, reason, _kind, name, entries in answer.resources:
            if code:  # Not knowing how a topic is set is no proof that it is set right.
                raise LogUnavailableError(f"{name}: {for_code(code).__name__} {reason or ''}")
            held[name] = {entry[0]: entry[1] for entry in entries}
    for spec in specs:
        for setting, value in _settings(spec).items():
            if (is_now := held.get(spec.name, {}).get(setting, value)) != value:
                found.append(f"{spec.name}: {setting} is {is_now} instead of {value}")
    return found
