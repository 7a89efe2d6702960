"""HTTP for figures about issues (I-05, I-09, I-11): each opens into the cases behind it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from services.analytics.api import Analytics, At, Seller, employee, explained
from services.analytics.cells import Cell, IssueAxis
from services.analytics.figures import Row
from services.analytics.pipeline import TOTAL, Part, PartOf, in_order, tallied
from services.analytics.report_by import IssuesBy
from services.analytics.tables import Apart, Grain
from services.analytics.tree import Organization
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


def document(amounts: Counter[str]) -> dict[str, int]:
    """Return a row as it is answered; whether a level was kept, nobody may have said."""
    cases, still_open = amounts["cases"], amounts["open"]
    names = ("kept", "missed", "reopened", "fed_back", "moved")
    rest = {name: amounts[name] for name in names}
    return {"cases": cases, "open": still_open, "closed": cases - still_open, **rest}


def axis_of(by: IssuesBy) -> IssueAxis:
    """Return the cells that a report needs; whose a case is only those of the total know."""
    match by:
        case "seller" | "team" | "total":
            return "issue_total"
        case "severity":
            return "issue_severity"
        case "status":
            return "issue_status"
        case "kind":
            return "issue_kind"
        case "company":
            return "issue_company"
        case "move":
            return "issue_move"


def grain(by: IssuesBy, day: date) -> Grain:
    """Return what it tells apart: whose a case is, where that is asked for; else only the row."""
    return Grain(Apart(), last=day, owners=by in ("seller", "team"))


def in_issues(by: IssuesBy, organization: Organization, day: date) -> PartOf:
    axis = axis_of(by)

    def part_of(cell: Cell, amount: int) -> Part | None:
        if cell.axis != axis or cell.day > day:
            return None
        match by:
            case "total":
                key = TOTAL
            case "seller":
                key = cell.owner
            case "team":
                key = organization.place(cell.owner, day).team or ""
            case _:
                key = cell.value
        return Part(key or None, cell.measure, amount)

    return part_of


@router.get("/issues")
async def issues(
    runtime: Analytics, moment: At, by: IssuesBy = "severity", seller: Seller = None
) -> dict[str, Any]:
    """Cases by severity, status, kind, company, seller, team, or in all, as they stood on a day.

    `kept` and `missed` tell of service levels where somebody said; `reopened` and `fed_back` count
    cases. By `move`, `moved` counts how often one status followed another. `seller` narrows what is
    told by seller, team or in all.
    """
    day = moment.day(runtime)
    figures = await moment.figures(
        runtime,
        (axis_of(by),),
        owner=employee(seller),
        grain_of=lambda _: grain(by, day),
    )
    part_of = in_issues(by, figures.organization, day)
    rows = tallied(figures.cells, part_of)
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **document(rows[key])} for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        "positions": figures.positions,
        "parked_facts": figures.parked,
    }


@router.get("/issues/why")
async def explain_issues(
    runtime: Analytics,
    moment: At,
    by: IssuesBy,
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The cases behind a row of `/analytics/issues`."""
    owner, row = employee(seller), Row(by, key, "issue")
    figures = await moment.figures(runtime, (), owner=owner, row=row)
    part_of = in_issues(by, figures.organization, moment.day(runtime))
    return {"by": by, **moment.document(), **await explained(figures, key, part_of, owner)}
