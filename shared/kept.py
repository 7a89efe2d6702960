"""What a process has loaded stays: its garbage collector need not look through it each time."""

from __future__ import annotations

import gc


def keep_for_good() -> None:
    """Leave out of all later collections what there is now: modules, schemas, routes.

    They are most of a process's objects, and never garbage. A batch of 500 touches makes enough
    objects for a whole collection, which took a quarter of the time that the batch took.
    """
    gc.collect()
    gc.freeze()
