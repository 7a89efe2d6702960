"""Sends calendars of other programs to the platform. Rule: a refused file stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text

from sellers.client import Api, ApiError
from sellers.errors import CommandError
from sellers.importing.revisions import superseded, without
from sellers.private import employee_id

ICS = "text/calendar"
SCHEMES = ("http://", "https://", "webcal://")
# What is wrong with a file; anything else is wrong with more than that.
TOO_LARGE = 413
REFUSED = (TOO_LARGE, 415, 422)
IN_PARTS = "export it in parts, as year by year: what is in two of them counts once"


def import_ics(
    api: Api, what: str, employee: str, category: str
) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield what came of each file, or of the address, and how many there are.

    Raises:
        CommandError: there is nothing of that name.

    """
    agenda, query = f"/calendar/agendas/{employee_id(employee)}", urlencode({"category": category})
    if what.lower().startswith(SCHEMES):
        done = api.post(f"{agenda}/import-url?{query}", {"url": what})
        yield {"source": "the address", **done}, 1
        return
    files = {file.name: file.read_bytes() for file in _files(Path(what))}
    older = superseded(files)
    for name, content in files.items():
        done = _imported(api, f"{agenda}/import.ics?{query}", name, without(content, older[name]))
        done["refused"] += [one.refused() for one in older[name]]
        yield {"source": name, **done}, len(files)


def _imported(api: Api, to: str, name: str, content: bytes) -> dict[str, Any]:
    """Return what came of one file, which may be that nothing can be read of it."""
    try:
        done: dict[str, Any] = api.send(to, content, ICS)
    except ApiError as error:
        if error.status not in REFUSED:
            raise  # It is not about this file.
        smaller = f"; {IN_PARTS}" if error.status == TOO_LARGE else ""
        refused = [{"component": "VCALENDAR", "name": name, "reason": f"{error}{smaller}"}]
        return {"events": 0, "recorded": 0, "unchanged": 0, "refused": refused}
    return done


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(path.glob("*.ics"))
        if not found:
            raise CommandError(f"no file of {path} ends with .ics")
        return found
    if not path.is_file():
        raise CommandError(f"{path} is no file, no directory and no address")
    return [path]


def show(done: list[dict[str, Any]], out: Console) -> None:
    """Say what became of it, and every refusal with its reason."""
    counts: Counter[str] = Counter()
    for one in done:
        counts.update({name: one[name] for name in ("events", "recorded", "unchanged")})
        counts["refused"] += len(one["refused"])
        for refused in one["refused"]:
            told = f"{one['source']}: {refused['component']} {refused['name']}: {refused['reason']}"
            out.print(Text(f"refused  {told}"))
    out.print(
        f"{counts['events']:,} events from {len(done):,} calendars: {counts['recorded']:,} "
        f"recorded, {counts['unchanged']:,} known already; {counts['refused']:,} refused"
    )
