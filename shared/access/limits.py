"""How often a system may ask: a bucket that fills again, in the memory of this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.access.principal import Quota, TooManyError

MINUTE_S = 60
# So many buckets are kept; the one that was not used for longest is full again anyway.
BUCKETS_MAX = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(slots=True)
class Limits:
    """Each process counts for itself: n processes let n times as many through."""

    now: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def take(self, quota: Quota) -> dict[str, str]:
        """Count one request; return what its answer tells (draft-ietf-httpapi-ratelimit-headers).

        Raises:
            TooManyError: with how long to wait.

        """
        size, now = quota.per_minute, self.now()
        bucket = self._buckets.get(quota.name)
        if bucket is None:
            bucket = self._buckets[quota.name] = _Bucket(size, now)
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(quota.name)
        bucket.left = min(size, bucket.left + (now - bucket.at) * size / MINUTE_S)
        bucket.at = now
        if bucket.left < 1:
            wait = max(1, math.ceil((1 - bucket.left) * MINUTE_S / size))
            headers = {**_told(quota, 0, wait), "Retry-After": str(wait)}
            raise TooManyError(f"this key may send {size} requests in a minute", headers)
        bucket.left -= 1
        full = math.ceil((size - bucket.left) * MINUTE_S / size)
        return _told(quota, int(bucket.left), full)


def _told(quota: Quota, left: int, reset_s: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"key";q={quota.per_minute};w={MINUTE_S}',
        "RateLimit": f'"key";r={left};t={reset_s}',
    }
