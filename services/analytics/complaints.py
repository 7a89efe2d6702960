"""How an issue stood, day by day, and what it adds to the figures about issues. Pure.

A case counts wherever it stands: where its severity, status or owner changes, it is taken away
there and added here, on that day. So a report as of a day sums all cells up to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from services.analytics.cells import Cell, IssueAxis, Sums
from services.analytics.told import Folded
from shared.events.issues import (
    CauseFound,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueGraded,
    IssueRegistered,
    IssueReopened,
    IssuesEvent,
    SatisfactionStated,
    ServiceLevelTold,
    StatusTold,
)

ARROW = "→"
# The kind of a cause of which nobody said one.
UNSORTED = "unsorted"


class Standing(Struct, frozen=True, gc=False):
    """How a case stood from a day on. `kept`: the service level; None: nobody says."""

    day: date
    owner: str = ""
    severity: str = "moderate"
    status: str = ""
    open: bool = True
    reopened: bool = False
    fed_back: bool = False
    kept: bool | None = None
    # Of which kind its cause is; "": nobody has found it.
    cause: str = ""


class Move(Struct, frozen=True, gc=False):
    """It went from one status to another, as another system says."""

    day: date
    before: str
    after: str


class Satisfied(Struct, frozen=True, gc=False):
    """How satisfied the customer was, from 0 to 10, before we did anything or after it (I-07)."""

    day: date
    score: int
    when: Literal["before", "after"]


class Issue(Folded, frozen=True, gc=False):
    """What its contributions need; nothing stands before somebody registered it."""

    stream: str
    kind: str = ""
    company: str = ""
    stood: tuple[Standing, ...] = ()
    moves: tuple[Move, ...] = ()
    satisfied: tuple[Satisfied, ...] = ()

    @property
    def owners(self) -> list[str]:
        return sorted({standing.owner for standing in self.stood})


def evolve_issue(known: Issue, event: IssuesEvent, day: date) -> Issue:
    """Apply a fact, on its day or on that of the one before it, whichever is later."""
    if isinstance(event, IssueRegistered):
        first = Standing(
            day, event.owner or "", event.severity, event.status or "", kept=event.kept
        )
        return replace(known, kind=event.kind, company=event.company or "", stood=(first,))
    if not known.stood:
        return known  # Nobody registered it: facts about nothing that we know.
    if isinstance(event, SatisfactionStated):
        told = Satisfied(day, event.score, event.when)
        # Of those before, or after, the newest is what they say.
        others = tuple(one for one in known.satisfied if one.when != event.when)
        return replace(known, satisfied=(*others, told))
    last = known.stood[-1]
    now = _stands(replace(last, day=max(day, last.day)), event)
    if replace(now, day=last.day) == last:
        return known
    moves = known.moves
    if now.status != last.status:
        moves = (*moves, Move(now.day, last.status, now.status))
    # Of a day only how it ended counts.
    before = known.stood if last.day < now.day else known.stood[:-1]
    return replace(known, stood=(*before, now), moves=moves)


def _stands(now: Standing, event: IssuesEvent) -> Standing:
    match event:
        case IssueAssigned(owner=owner):
            return replace(now, owner=owner)
        case IssueGraded(severity=severity):
            return replace(now, severity=severity)
        case StatusTold(status=status):
            return replace(now, status=status or "")
        case ServiceLevelTold(kept=kept):
            return replace(now, kept=kept)
        case CauseFound(category=category):
            return replace(now, cause=category or UNSORTED)
        case FeedbackGiven():
            return replace(now, fed_back=True)
        case IssueClosed(status=status):
            return replace(now, open=False, status=status or now.status)
        case IssueReopened():
            return replace(now, open=True, reopened=True, fed_back=False)
        case _:
            return now  # What else was done about it: no figure depends on that.


def count(sums: Sums, known: Issue) -> None:
    """Add what the issue adds to what; whose it is only where that is asked for."""
    before: tuple[Standing, str] | None = None
    closed: date | None = None
    for standing in known.stood:
        # What is told of it once it is closed makes it no older.
        closed = None if standing.open else closed or standing.day
        now = standing, aged(known.stood[0].day, closed)
        for cell in _at(known, *now, standing.day):
            sums[cell] += 1
        if before is not None:
            for cell in _at(known, *before, standing.day):
                sums[cell] -= 1
        before = now
    for move in known.moves:
        value = f"{move.before}{ARROW}{move.after}"
        sums[Cell("moved", "", "issue_move", value, move.day)] += 1
    owner = known.stood[-1].owner if known.stood else ""
    for told in known.satisfied:
        for measure, amount in (("answers", 1), ("scores", told.score)):
            cell = Cell(f"{measure}_{told.when}", owner, "satisfaction", known.company, told.day)
            sums[cell] += amount


def aged(registered: date, closed: date | None) -> str:
    """Write down how old a case is: since when it is open, or in how many days it was closed."""
    return registered.isoformat() if closed is None else f"{(closed - registered).days}"


def days_old(value: str, day: date) -> int:
    """Read what `aged` has written: how old an open case is depends on when somebody asks."""
    return int(value) if value.isdecimal() else (day - date.fromisoformat(value)).days


def _at(known: Issue, standing: Standing, age: str, day: date) -> Iterator[Cell]:
    measures = ["cases"]
    measures += ["open"] if standing.open else []
    measures += ["reopened"] if standing.reopened else []
    measures += ["fed_back"] if standing.fed_back else []
    measures += [] if standing.kept is None else ["kept" if standing.kept else "missed"]
    axes: tuple[tuple[IssueAxis, str, str], ...] = (
        ("issue_total", standing.owner, ""),
        ("issue_severity", "", standing.severity),
        ("issue_status", "", standing.status),
        ("issue_kind", "", known.kind),
        ("issue_cause", "", standing.cause),
        ("issue_company", "", known.company),
        ("issue_age", standing.owner, age),
    )
    for axis, owner, value in axes:
        for measure in measures:
            yield Cell(measure, owner, axis, value, day)
