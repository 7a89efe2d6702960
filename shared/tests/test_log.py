"""Every producer of ours asks one function for the partition, and it agrees with Kafka's own."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.kafka.partitions import partitions_of
from shared.log import partition_of

KEYS = [
    "a",  # a rest of one byte, then two, three and none
    "ab",
    "abc",
    "abcd",
    "deal-0192f3c4-7a9e-7c2e-b9b1-0f6f2c3a4d5e",
    "touch-메일-김영희@example.kr",
    "김",
    "김영희",
    "🙂",
]


@pytest.mark.parametrize("key", KEYS)
def test_known_keys_lie_where_kafkas_own_clients_put_them(key: str) -> None:
    assert partition_of(key, 12) == theirs(key, 12)


@given(key=st.text(min_size=1), partitions=st.integers(1, 64))
def test_any_key_lies_where_kafkas_own_clients_put_it(key: str, partitions: int) -> None:
    assert partition_of(key, partitions) == theirs(key, partitions)


@given(keys=st.lists(st.text(min_size=1, max_size=9)), partitions=st.integers(1, 64))
def test_many_lie_where_each_of_them_lies(keys: list[str], partitions: int) -> None:
    found = partitions_of([key.encode() for key in keys], partitions)
    assert found == [partition_of(key, partitions) for key in keys]


def theirs(key: str, partitions: int) -> int:
    everything = list(range(partitions))
    partition: int = DefaultPartitioner()(key.encode(), everything, everything)
    return partition
