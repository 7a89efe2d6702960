"""Facts that are set aside, for the operator: what, why, once more, or never again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sellers.errors import CommandError
from sellers.tables import columns

if TYPE_CHECKING:
    from rich.console import Console

    from sellers.client import Api


def held_by(api: Api) -> list[dict[str, Any]]:
    """Return every fact that is set aside."""
    return _every(api, "/parked", "parked")


def _every(api: Api, path: str, listed: str) -> list[dict[str, Any]]:
    """Return a whole list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api.get(path, {"cursor": cursor})
        found += page[listed]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


def place(fact: dict[str, Any]) -> tuple[str, str, str]:
    return fact["domain"], fact["collection"], str(fact["stream"])


def show_streams(api: Api, out: Console) -> None:
    """Show the streams with facts set aside, and the first reason of each."""
    streams: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for fact in held_by(api):
        streams.setdefault(place(fact), []).append(fact)
    if not streams:
        out.print("nothing is parked")
        return
    table = columns(("domain", "collection", "stream", "facts", "since", "reason"))
    for key, facts in streams.items():
        words = (str(len(facts)), str(facts[0]["parked_at"]), str(facts[0]["reason"]))
        table.add_row(*(Text(word) for word in (*key, *words)))
    out.print(table)


def of_stream(api: Api, stream: str) -> list[str]:
    """Return every parked fact of one stream as JSON.

    Raises:
        CommandError: nothing of it is parked.

    """
    facts = [fact for fact in held_by(api) if fact["stream"] == stream]
    if not facts:
        raise CommandError(f"nothing of {stream} is parked")
    return [json.dumps(fact, indent=2, ensure_ascii=False) for fact in facts]


def replay(api: Api, stream: str | None, out: Console) -> None:
    """Replay one parked stream, or all.

    Raises:
        CommandError: nothing of it is parked, or some of it still cannot be folded.

    """
    held = {place(fact) for fact in held_by(api) if stream is None or fact["stream"] == stream}
    if not held:
        if stream is not None:
            raise CommandError(f"nothing of {stream} is parked")
        out.print("nothing is parked")
        return
    left_over = 0
    for domain, collection, parked in sorted(held):
        command = {"domain": domain, "collection": collection, "stream": parked}
        left = api.post("/parked/replay", command)["left"]
        left_over += left
        told = "folded" if not left else f"{left} still parked"
        out.print(Text(f"{collection} {parked}: {told}"))
    if left_over:
        raise CommandError(f"{left_over} facts still cannot be folded: `sellers parked list`")


def drop(api: Api, position: str, reason: str, out: Console) -> None:
    """Leave one record out for good, wherever it is parked, and go on with its stream.

    Raises:
        CommandError: nothing is parked that lies at that position of the log.

    """
    held = [fact for fact in held_by(api) if fact["position"] == position]
    if not held:
        raise CommandError(f"nothing at {position} is parked; `sellers parked show STREAM`")
    for fact in held:
        domain, collection, stream = place(fact)
        command = {"domain": domain, "collection": collection, "stream": stream}
        answer = api.post("/parked/drop", command | {"position": position, "reason": reason})
        told = f"{answer['left']} still parked" if answer["left"] else "nothing left parked"
        out.print(Text(f"{collection} {stream}: {position} dropped, {told}"))


def show_dropped(api: Api, out: Console) -> None:
    """Show what was left out for good: where, by whom, when and why."""
    dropped = _every(api, "/parked/dropped", "dropped")
    if not dropped:
        out.print("nothing was dropped")
        return
    table = columns(("domain", "view", "stream", "position", "by", "at", "reason"))
    for fact in dropped:
        position = fact["_id"].removeprefix(f"{fact['sink']}/")
        words = (fact["domain"], fact["sink"], fact["stream"], position)
        table.add_row(
            *(Text(str(word)) for word in (*words, fact["by"], fact["dropped_at"], fact["reason"]))
        )
    out.print(table)
