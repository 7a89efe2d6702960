"""A log that tells from where which partitions were read."""

from __future__ import annotations

from typing import Any

from shared.log import Partition


class Counting:
    """Notes the partition and the first offset of each read."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.reads: list[tuple[Partition, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def read(self, partition: Partition, start: int, stop: int) -> Any:
        self.reads.append((partition, start))
        return self._log.read(partition, start, stop)

    def of(self, topic: str) -> list[int]:
        """Return from where the partitions of a topic were read."""
        return [start for partition, start in self.reads if partition.topic == topic]
