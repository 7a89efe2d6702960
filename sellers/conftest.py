"""Tests here run the command line and the platform in one process: what it logs is no answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def quiet_platform() -> Iterator[None]:
    before = structlog.get_config()
    wrapper = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=wrapper, cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)
