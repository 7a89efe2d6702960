"""Sends commands in bulk, a few requests at a time. Rule: results come back in the order sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

from sellers.client import Api
from sellers.importing.rows import Mirrored
from sellers.workers import Workers

# Each request is one transaction: 1,000 commands cost the servers a third less than 400 did. Below
# the platform's limit there is room for rows with long texts.
BATCH = 800
IN_FLIGHT = 2


@dataclass(frozen=True, slots=True)
class Told:
    """A command with the line that it comes from."""

    line: int
    key: str
    mirrored: Mirrored


Results = Callable[[Told, dict[str, Any]], None]


@dataclass(slots=True)
class Sending:
    """Keeps some requests in flight; `results` is called here, never in another thread."""

    client: Api
    results: Results
    batch: int = BATCH
    in_flight: int = IN_FLIGHT
    _workers: Workers = field(init=False)
    _collected: dict[str, list[Told]] = field(default_factory=dict)
    _sent: deque[tuple[list[Told], Future[list[dict[str, Any]]]]] = field(default_factory=deque)

    def __enter__(self) -> Self:
        self._workers = Workers(self.in_flight, "import").__enter__()
        return self

    def __exit__(self, *told: object) -> None:
        # After a failure nobody waits: what is on its way is the same when it is sent again.
        for _, answer in self._sent:
            answer.cancel()
        self._workers.__exit__(*told)

    def put(self, told: Told) -> None:
        """Send it soon. One stream may be told of once between two calls of `drain`."""
        collected = self._collected.setdefault(told.mirrored.domain, [])
        collected.append(told)
        if len(collected) >= self.batch:
            self._send(told.mirrored.domain)

    def drain(self) -> None:
        """Send the rest and wait for every result.

        Raises:
            ApiError: a request as a whole was not taken.

        """
        for domain in list(self._collected):
            self._send(domain)
        while self._sent:
            self._receive()

    def _send(self, domain: str) -> None:
        told = self._collected.pop(domain)
        while len(self._sent) >= self.in_flight:
            self._receive()
        self._sent.append((told, self._workers.submit(self._post, domain, told)))

    def _post(self, domain: str, told: list[Told]) -> list[dict[str, Any]]:
        commands = [
            {
                "stream": one.mirrored.stream,
                "type": one.mirrored.type,
                "command": one.mirrored.command,
                "origin": one.mirrored.origin,
            }
            for one in told
        ]
        answer = self.client.post(f"/{domain}/commands", {"commands": commands})
        results: list[dict[str, Any]] = answer["results"]
        return results

    def _receive(self) -> None:
        told, answer = self._sent.popleft()
        for one, result in zip(told, answer.result(), strict=True):
            self.results(one, result)
