"""What holds for every test: no width of anybody's terminal, and how hypothesis runs.

It has no deadlines, for they would measure what else the machine does.

In CI the examples are the same each time, so that a change fails for what it does; whoever works
here plays new ones, and adds what they find as a test.
"""

from __future__ import annotations

import os

from hypothesis import settings

# What is printed is as wide as no terminal says, whatever terminal the tests are run from.
os.environ.pop("COLUMNS", None)

settings.register_profile(
    "sellers",
    deadline=None,
    max_examples=60,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("sellers")
