"""The company that reports are about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.analytics.tests.world import World, company


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with company() as world:
        yield world


@pytest.fixture
async def impatient() -> AsyncIterator[World]:
    """Whoever asks too early is told so soon."""
    async with company(read_wait_s=0.5) as world:
        yield world
