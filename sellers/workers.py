"""A few threads for requests. Rule: they never keep a process alive that wants to end.

The standard executor's threads are waited for at exit, even when what they wait for is away.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Workers:
    """Runs what is submitted, in that order, as many at a time as there are threads."""

    def __init__(self, count: int, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True)
            for n in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take nothing more on; nobody waits for what is still running."""
        for _thread in self._threads:
            self._queue.put(None)

    def submit(self, work: Callable[..., T], *given: Any) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*given))
            except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                future.set_exception(error)

        self._queue.put(run)
        return future

    def _work(self) -> None:
        while (run := self._queue.get()) is not None:
            run()
