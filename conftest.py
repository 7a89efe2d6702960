"""What holds for every test: no width of anybody's terminal, how it logs, and how hypothesis runs.

It has no deadlines, for they would measure what else the machine does.

In CI the examples are the same each time, so that a change fails for what it does; whoever works
here plays new ones, and adds what they find as a test.
"""

from __future__ import annotations

import os

import structlog
from hypothesis import settings

# What is printed is as wide as no terminal says, whatever terminal the tests are run from.
os.environ.pop("COLUMNS", None)

# A logged exception is its traceback. Where nobody configured logging and rich is installed, it is
# drawn with all that each local variable holds: seconds of work for every exception of a test.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

settings.register_profile(
    "sellers",
    deadline=None,
    max_examples=60,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("sellers")
