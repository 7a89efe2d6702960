"""A steady stream of touches and decisions, and a file of everything that was acknowledged.

Rule: a line is in the ledger only after its 202 came; what got none is sent again with its id.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Self
from urllib.parse import quote

from sellers.client import Api

PERSONS = 25
RHYTHM_S = 0.02
PATIENCE_S = 120.0
# Every so often a publisher that is not sure sends the same touch again, and somebody we know gets
# another telephone number: a decision on a stream that has others.
AGAIN = 0.1
DECIDED = 0.25


class Ledger:
    """Sends until it is stopped; `touches` is {person: ids of its acknowledged touches}."""

    def __init__(
        self, url: str, path: Path, seed: int, *, rhythm_s: float = RHYTHM_S, persons: int = PERSONS
    ) -> None:
        self.path = path
        self.touches: dict[str, set[str]] = defaultdict(set)
        self.people: dict[str, str] = {}
        # What was decided last about each person, and up to which version of its stream.
        self.phones: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.decisions = 0
        # Idempotency-Key -> where and what it was.
        self.commands: dict[str, tuple[str, dict[str, str]]] = {}
        self.moments: list[float] = []
        self.failure: BaseException | None = None
        self._url = url
        self._random = Random(seed)
        self._name = f"f{seed}"
        self._rhythm_s, self._persons = rhythm_s, persons
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Wait until whatever was sent is acknowledged."""
        self._stopping.set()
        self._thread.join(PATIENCE_S)

    @property
    def acknowledged(self) -> int:
        return sum(map(len, list(self.touches.values()))) + self.decisions

    def longest_gap_s(self, since: float, until: float) -> float:
        """Return the longest time between two acknowledgements in that stretch."""
        within = [moment for moment in self.moments if since <= moment <= until]
        return max(after - before for before, after in pairwise([since, *within, until]))

    def _run(self) -> None:
        try:
            with (
                Api(self._url, patience_s=PATIENCE_S, actor="faults") as api,
                self.path.open("a") as file,
            ):
                number = 0
                while not self._stopping.wait(self._rhythm_s):
                    number += 1
                    for line in self._turn(api, number):
                        file.write(json.dumps(line) + "\n")
                        file.flush()
        except BaseException as error:  # noqa: BLE001 - it ends in the outcome of the seed.
            self.failure = error

    def _turn(self, api: Api, number: int) -> list[dict[str, Any]]:
        person = f"{self._name}-{self._random.randrange(self._persons)}"
        lines = []
        if person not in self.people:
            name = f"Person {person}"
            lines.append(self._decide(api, person, "register", f"register-{person}", name=name))
            self.people[person] = name
        elif self._random.random() < DECIDED:
            phone = f"+82 {number}"
            key = f"{self._name}-phone-{number}"
            lines.append(self._decide(api, person, "state-details", key, phone=phone))
            self.phones[person] = phone
        lines.append(self._touch(api, person, f"{self._name}-{number}"))
        if self._random.random() < AGAIN:
            self._touch(api, person, f"{self._name}-{self._random.randint(1, number)}", again=True)
        return lines

    def _decide(self, api: Api, person: str, what: str, key: str, **command: str) -> dict[str, Any]:
        path = f"/contacts/people/{person}/{what}"
        told = api.post(path, command, headers={"idempotency-key": key})
        self.decisions += 1
        self.commands[key] = path, command
        self.versions[told["stream"]] = told["version"]
        self.moments.append(time.monotonic())
        line = {"decision": key, "stream": told["stream"], "version": told["version"]}
        return {**line, "at": time.monotonic()}

    def _touch(self, api: Api, person: str, name: str, *, again: bool = False) -> dict[str, Any]:
        body = {"person": f"person-{person}", "channel": "call", "subject": name}
        if again:
            # The first one of that id counts, whoever the second one is about.
            body["note"] = "sent again"
        path = f"/touches?source={quote(self._name)}"
        told = api.post(path, body, headers={"idempotency-key": name})
        if not again:
            self.touches[person].add(told["stream"])
            self.moments.append(time.monotonic())
        return {"touch": name, "person": person, "stream": told["stream"]}
