"""The tables of a page, written by the runs themselves: what a page says was measured.

A table stands between `<!-- measured: NAME -->` and `<!-- end -->`. A run replaces the rows whose
first cell it has measured again, adds those that are new, and leaves the others as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from tests.faults.campaign import Kill, Outcome
from tests.faults.scenario import Told

KILLS = ("engine", "seeds", "bad", "kills", "touches a seed", "records a seed", "backlog at a kill")
KILLS += ("lost", "twice", "API back after node / worker / broker / store", "a seed takes")
FAULTS = (
    "fault",
    "what is done, on what",
    "acknowledged",
    "lost",
    "twice",
    "out of order",
    "`verify`",
    "what happened",
)
FAULTS += ("took",)
SERVERS = ("node", "worker", "broker", "store")

Row = Sequence[str]


def write(page: Path, name: str, header: Row, rows: Sequence[Row]) -> None:
    """Write these rows into the table of that name.

    Raises:
        ValueError: the page has no such table.

    """
    text = page.read_text(encoding="utf-8")
    place = re.search(rf"<!-- measured: {re.escape(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    if place is None:
        raise ValueError(f"{page} has no table between `<!-- measured: {name} -->` and an end")
    kept = [_cells(line) for line in place[1].splitlines()[2:]]
    held = {row[0]: row for row in kept if len(row) == len(header)}
    held |= {row[0]: row for row in rows}
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, held.values())]
    table = "".join(f"{line}\n" for line in lines)
    page.write_text(text[: place.start(1)] + table + text[place.end(1) :], encoding="utf-8")


def _line(cells: Row) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def add(file: Path, outcome: Outcome) -> None:
    """Add a seed to those that the file holds."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(outcome)) + "\n")


def summed(file: Path, engine: str) -> list[Outcome]:
    """Return all seeds of an engine that the file holds."""
    told = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Outcome(**{**one, "kills": [Kill(**kill) for kill in one["kills"]]})
        for one in told
        if one["engine"] == engine
    ]


def of_kills(engine: str, outcomes: Sequence[Outcome]) -> Row:
    """Return the row of one engine."""
    kills = [kill for outcome in outcomes for kill in outcome.kills]
    backlogs = [kill.backlog for kill in kills if kill.backlog is not None]
    back = (_span([k.away_s for k in kills if k.victim == server]) for server in SERVERS)
    return (
        engine,
        f"{len(outcomes)}",
        f"{sum(bool(outcome.wrong) for outcome in outcomes)}",
        f"{len(kills)}",
        _span([outcome.touches for outcome in outcomes]),
        _span([outcome.facts for outcome in outcomes]),
        _span(backlogs),
        f"{sum(outcome.lost for outcome in outcomes)}",
        f"{sum(outcome.twice for outcome in outcomes)}",
        f"{' / '.join(back)} s",
        f"{_span([outcome.seconds for outcome in outcomes])} s",
    )


def _span(values: Sequence[float]) -> str:
    if not values:
        return "none"
    low, high = min(values), max(values)
    digits = 1 if isinstance(low, float) and high < 10 else 0
    if len(values) == 1:
        return f"{low:,.{digits}f}"
    return f"{low:,.{digits}f} to {high:,.{digits}f}, median {median(values):,.{digits}f}"


def of_scenario(name: str, told: Told) -> Row:
    """Return the row of one scenario."""
    return (
        f"`{name}`",
        f"{told.fault} ({told.engines})",
        f"{told.touches:,} touches, {told.decisions:,} decisions",
        f"{told.lost}",
        f"{told.twice}",
        f"{told.disorder}",
        "equal" if not told.differences else f"{told.differences} differ",
        "; ".join([*(f"**{what}**" for what in told.wrong[:3]), *told.said]),
        f"{told.seconds:.0f} s",
    )
