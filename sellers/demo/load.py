"""Loads the demo company through the API. Rule: every item has an id, so it is loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any

from sellers.client import Api
from sellers.demo.generator import demo_company
from sellers.demo.items import SOURCE, TOUCHES, Item, plain
from sellers.errors import CommandError
from sellers.workers import Workers

BATCH = 800
# A stream belongs to one domain, and each domain's items are sent one batch after the other.
LANES = 3
ACTOR = {"x-actor": "demo"}

Progress = Callable[[int, int], None]


class DemoError(CommandError):
    """The platform refused something: the demo and the rules do not fit each other."""


def silent(done: int, total: int) -> None:
    """Show nothing."""


def load_demo(client: Api, seed: int, size: int, end_on: date, progress: Progress = silent) -> int:
    """Send the demo company; return how many facts are new.

    Raises:
        DemoError: an item was refused.
        ApiError: the platform went away; load it again.

    """
    lanes: dict[str, list[Item]] = {}
    for item in demo_company(seed, size, end_on):
        lanes.setdefault(item.domain, []).append(item)
    loading = Loading(client, sum(map(len, lanes.values())), progress)
    with Workers(LANES, "demo") as workers:
        sent = [workers.submit(loading.send, *lane) for lane in lanes.items()]
        try:
            for lane in as_completed(sent):
                lane.result()
        finally:
            loading.stopped = True
    return loading.recorded


def hand_over_what_is_left(client: Api) -> int:
    """Let each who has left hand over what is still theirs (C-09); return how many did.

    What that is only the folded company knows. Done again, it is done already.
    """
    page = client.get("/organization/handovers", {"is_open": True, "limit": 200})
    theirs = [card for card in page["items"] if card["receiver"] is not None]
    for card in theirs:
        employee = card["employee"].removeprefix("employee-")
        once = {"idempotency-key": f"{SOURCE}/hand-over/{employee}"}
        asked = {"receiver": card["receiver"]}
        where = f"/organization/handovers/{employee}/hand-over"
        client.post(where, asked, headers=ACTOR | once)
    return len(theirs)


@dataclass(slots=True)
class Loading:
    """How far it is."""

    client: Api
    total: int
    progress: Progress
    done: int = 0
    recorded: int = 0
    stopped: bool = False
    _counting: Lock = field(default_factory=Lock)

    def send(self, domain: str, items: list[Item]) -> None:
        """Send one domain's items in their order."""
        for start in range(0, len(items), BATCH):
            if self.stopped:
                return
            batch = items[start : start + BATCH]
            recorded = self._touches(batch) if domain == TOUCHES else self._commands(domain, batch)
            with self._counting:
                self.done += len(batch)
                self.recorded += recorded
                self.progress(self.done, self.total)

    def _touches(self, batch: Iterable[Item]) -> int:
        touches = [{"id": item.id, "touch": item.command} for item in batch]
        body = {"source": SOURCE, "touches": touches}
        answer = self.client.post("/touches/batch", body, headers=ACTOR)
        for told in answer["events"]:
            if told["status"] == "rejected":
                raise DemoError(f"the demo's touch was rejected: {told['problem']['detail']}")
        accepted: int = answer["accepted"]
        return accepted

    def _commands(self, domain: str, batch: list[Item]) -> int:
        commands: list[dict[str, Any]] = [
            {
                "stream": item.stream,
                "type": item.type,
                "command": item.command,
                "id": item.id,
                **({"occurred_at": plain(item.occurred_at)} if item.occurred_at else {}),
            }
            for item in batch
        ]
        answer = self.client.post(f"/{domain}/commands", {"commands": commands}, headers=ACTOR)
        recorded = 0
        for item, result in zip(batch, answer["results"], strict=True):
            if result["status"] not in {"recorded", "unchanged", "duplicate"}:
                why = (result.get("problem") or {}).get("detail", result["status"])
                raise DemoError(f"the demo's {item.type} of {item.stream} was refused: {why}")
            recorded += result["recorded"]
        return recorded
