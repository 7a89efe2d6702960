"""The tiny domain, running, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient

from shared.runtime import Runtime
from shared.tests.served import CARD, app_of
from shared.tests.tiny import build, running, tiny_domain


@pytest.fixture
async def served() -> AsyncIterator[Runtime]:
    async with running(build(tiny_domain(CARD))) as runtime:
        yield runtime


@pytest.fixture
async def client(served: Runtime) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app_of(served), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://tiny") as client:
        yield client
