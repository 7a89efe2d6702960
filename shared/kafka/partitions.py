"""Partitions of many keys at once, the same as `shared.log.partition_of` says of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.log import MULTIPLIER, SEED


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Return the partition of each key, as `partition_of` does: those of a length all at once.

    One by one that took a tenth of the time in which a batch of touches is taken in.
    """
    alike: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        alike.setdefault(len(key), []).append(place)
    found = np.empty(len(keys), np.uint32)
    for places in alike.values():
        found[places] = _murmur2s([keys[place] for place in places])
    numbers: list[int] = ((found & 0x7FFFFFFF) % partitions).tolist()
    return numbers


def _murmur2s(keys: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Return what `_murmur2` does of each of some keys of the same length."""
    length = len(keys[0])
    data = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), length)
    whole = length // 4 * 4
    m = np.uint32(MULTIPLIER)
    h: npt.NDArray[np.uint32] = np.full(len(keys), SEED ^ length, np.uint32)
    for word in data[:, :whole].copy().view("<u4").T:
        k = word * m
        h = h * m ^ (k ^ (k >> np.uint32(24))) * m
    if whole < length:
        rest = np.zeros((len(keys), 4), np.uint8)
        rest[:, : length - whole] = data[:, whole:]
        h = (h ^ rest.view("<u4")[:, 0]) * m
    h = (h ^ (h >> np.uint32(13))) * m
    return h ^ (h >> np.uint32(15))
