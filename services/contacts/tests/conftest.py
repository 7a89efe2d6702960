"""What tests of contacts share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Return the lines of the log that reading an inbox writes meanwhile."""
    for module in ("batch", "projector", "clearing"):
        # One that was used before the log was set up goes on as it was then.
        monkeypatch.setattr(f"shared.{module}.log", structlog.get_logger())
    with capture_logs() as told:
        yield told
