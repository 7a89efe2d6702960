"""The next release, as a module that runs another: what people are called and reached by is v2.

`python -m tests.faults.release MODULE`. It does what docs/how-to/add-an-event.md tells to do: the
class gets the wire name v2, and an upcaster makes of v1's data what v2 would have recorded.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.events import contacts
from shared.events.base import REGISTRY, UPCASTERS

V1, V2 = "contacts.person_details_stated.v1", "contacts.person_details_stated.v2"


@contextmanager
def upgraded() -> Iterator[None]:
    """Read facts as the next release does, for a while."""
    upgrade()
    try:
        yield
    finally:
        stated = REGISTRY.pop(V2)
        stated.wire = V1
        REGISTRY[V1] = stated
        del UPCASTERS[V1]


def upgrade() -> None:
    stated = REGISTRY.pop(V1)
    assert stated is contacts.PersonDetailsStated
    stated.wire = V2
    REGISTRY[V2] = stated
    UPCASTERS[V1] = (V2, lambda data: {**data, "language": data.get("language")})


if __name__ == "__main__":
    upgrade()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
