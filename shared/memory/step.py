"""What every operation of a memory port does first: give somebody else a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

# Called with the operation's name before it happens and, for a write, with "<name>.done" before
# the caller hears of it. It may wait (a zombie), never return (a crash) or raise (an outage).
Step = Callable[[str], Awaitable[None]]


async def one_turn(_operation: str) -> None:
    """As real input and output do, so that no loop over a memory port starves the others."""
    await asyncio.sleep(0)
