"""An event loop in which no time passes but the time it says, and chance decides who goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any


class EverybodyWaitsError(Exception):
    """Nothing is ready and no timer is set: the world stands still."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks that are ready in a random order; waiting makes the clock jump."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now_s = 0.0
        self._selector = self  # The base class asks it for input, of which there is none here.
        self._clock_resolution = 1e-6
        # Tasks of dead processes stay where they are. Collecting one would run its `finally`.
        self.tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._task)
        self.set_exception_handler(lambda _loop, _context: None)

    def _task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        self.tasks.append(task)
        return task

    def time(self) -> float:
        return self._now_s

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise EverybodyWaitsError
        self._now_s += timeout
        return []

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """What another thread would do is done at once: it takes no time here, either."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - for whoever waits for the thread.
            done.set_exception(error)
        return done

    def _run_once(self) -> None:
        if len(self._ready) > 1:
            ready = list(self._ready)
            self._random.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)
        super()._run_once()

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def end_tasks(self) -> None:
        """Cancel whatever is left and let it unwind."""
        left = [task for task in self.tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left))
        self.tasks.clear()
