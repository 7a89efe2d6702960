"""`sellers erase PERSON` and `sellers erasures`: forget somebody, and show the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sellers.errors import CommandError
from sellers.tables import columns

if TYPE_CHECKING:
    from rich.console import Console

    from sellers.client import Api


def erase(api: Api, person: str, reason: str, basis: str, out: Console) -> None:
    """Have the key of a person destroyed, and say what is left.

    Raises:
        CommandError: that names no person.

    """
    kind, _, name = person.partition("-")
    if kind != "person" or not name:
        raise CommandError(f"{person!r} is no person: name one like person-7")
    body = {"reason": reason, "basis": basis}
    answer = api.post(f"/contacts/people/{quote(name, safe='')}/erase", body)
    for entry in answer["entries"]:
        counted = f"{entry['facts']} facts and {entry['touches']} touches"
        out.print(f"{entry['person']}: {counted} stay and say nothing of anybody any more")
        if entry["in_the_clear"]:
            clear = f"{entry['in_the_clear']} of them are older than sealing and in the clear"
            out.print(f"  {clear} on the log: docs/how-to/erase-a-person.md", style="bold red")
        out.print(f"  key {entry['key'] or 'never made'} destroyed at {entry['key_destroyed_at']}")


def show(api: Api, out: Console) -> None:
    """Print every erasure with what proves it."""
    table = columns(("person", "erased on", "by", "reason", "basis", "key"), ("facts", "touches"))
    cursor: str | None = None
    while True:
        page = api.get("/contacts/erasures", {"limit": 200, "cursor": cursor})
        for one in page["items"]:
            table.add_row(*_row(one))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    out.print(table)


def _row(one: dict[str, Any]) -> list[str]:
    key = one["key"] or ("never made" if one["key_destroyed_at"] else "about to be destroyed")
    said = (one["person"], one["erased_on"], one["by"], one["reason"], one["basis"], key)
    return [*(str(each or "") for each in said), f"{one['facts']:,}", f"{one['touches']:,}"]
