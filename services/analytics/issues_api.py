"""HTTP for figures about issues (I-05, I-09, I-11): each opens into the cases behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, get_args

from services.analytics.api import Analytics, At, Seller, employee, explained, facts_of
from services.analytics.cells import Cell, IssueAxis
from services.analytics.complaints import days_old
from services.analytics.figures import Row
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import (
    TOTAL,
    Key,
    Part,
    PartOf,
    PartsOf,
    Reason,
    in_order,
    ratio,
    tallied,
)
from services.analytics.report_by import IssuesBy
from services.analytics.row_keys import (
    COMPANY,
    SELLER,
    UNIT,
    USUAL,
    Keys,
    of_words,
    one_of,
    or_none,
)
from services.analytics.tables import Apart, Grain
from services.analytics.tree import Organization
from shared.events.issues import IssueKind, Severity
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


OF_WHOM = frozenset({"seller", "team", "total"})
OF_AGE = OF_WHOM | {"age"}
# So written that text order is that of age.
AGES = ((7, "00-07 days"), (30, "08-30 days"), (90, "31-90 days"))
OLDEST = "91+ days"


# What is told of a case may be left open.
KEYS: Mapping[IssuesBy, Keys] = {
    "severity": or_none(one_of(get_args(Severity))),
    "status": of_words("issue_status", "a status"),
    "kind": or_none(one_of(get_args(IssueKind))),
    "cause": of_words("issue_cause", "a kind of cause"),
    "move": of_words("issue_move", "a change of status"),
    "age": one_of([OLDEST, *(text for _, text in AGES)]),
    "company": COMPANY,
    "seller": SELLER,
    "team": UNIT,
    "total": USUAL["total"],
}


def document(by: IssuesBy, amounts: Counter[str]) -> dict[str, Any]:
    """Return a row as it is answered; whether a level was kept, nobody may have said.

    Moves are counted apart from cases: of either, a row of the other tells nothing.
    """
    cases, still_open = amounts["cases"], amounts["open"]
    counted = {"cases": cases, "open": still_open, "closed": cases - still_open}
    counted |= {name: amounts[name] for name in ("kept", "missed", "reopened", "fed_back")}
    return {
        **(dict.fromkeys(counted) if by == "move" else counted),
        "moved": amounts["moved"] if by == "move" else None,
        "breach_rate": ratio(100 * amounts["missed"], amounts["kept"] + amounts["missed"]),
        "feedback_rate": ratio(100 * amounts["fed_back"], cases),
        "mean_age_days": ratio(amounts["age_days"], amounts["aged"]),
    }


AXES: dict[IssuesBy, IssueAxis] = {
    "seller": "issue_total",
    "team": "issue_total",
    "total": "issue_total",
    "severity": "issue_severity",
    "status": "issue_status",
    "kind": "issue_kind",
    "cause": "issue_cause",
    "age": "issue_age",
    "company": "issue_company",
    "move": "issue_move",
}


def axes_of(by: IssuesBy) -> tuple[IssueAxis, ...]:
    """Return the cells that a report needs; whose a case is only those of the total know."""
    return (AXES[by], "issue_age") if by in OF_WHOM else (AXES[by],)


def grain(by: IssuesBy, day: date) -> Grain:
    """Return what it tells apart: whose a case is, where that is asked for; else only the row."""
    return Grain(Apart(), last=day, owners=by in ("seller", "team"))


def in_issues(by: IssuesBy, organization: Organization, day: date) -> PartOf:
    axis = AXES[by]

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != axis:
            return None
        if cell.day > day:
            return "later"
        return Part(_key(by, cell, organization, day), cell.measure, amount)

    return part_of


def aged(by: IssuesBy, organization: Organization, day: date) -> PartsOf:
    """Say what a case that is open adds to how old such cases are on a day."""

    def parts_of(cell: Cell, amount: int) -> Iterator[Part]:
        of_open = cell.axis == "issue_age" and cell.measure == "open"
        if not of_open or cell.day > day or by not in OF_AGE:
            return
        key = _key(by, cell, organization, day)
        yield Part(key, "aged", amount)
        yield Part(key, "age_days", amount * days_old(cell.value, day))

    return parts_of


def _key(by: IssuesBy, cell: Cell, organization: Organization, day: date) -> Key:
    match by:
        case "total":
            return TOTAL
        case "seller":
            return cell.owner or None
        case "team":
            return organization.place(cell.owner, day).team
        case "age":
            days = days_old(cell.value, day)
            return next((text for most, text in AGES if days <= most), OLDEST)
        case _:
            return cell.value or None


@router.get("/issues")
async def issues(
    runtime: Analytics, moment: At, by: IssuesBy = "severity", seller: Seller = None
) -> dict[str, Any]:
    """Cases by severity, status, kind, cause, age, company, seller, team, or in all, on a day.

    `kept` and `missed` tell of service levels where somebody said, `breach_rate` which share of
    them was missed; `reopened` and `fed_back` count cases, `feedback_rate` is the share of cases of
    which the customer was told. By `cause` a case stands under the kind of its root cause
    (`unsorted`: a cause of no kind; null: none is found), by `age` under how old it is or, once it
    is closed, was on that day. `mean_age_days` is of what is open, told by age, seller, team and in
    all. By `move`, `moved` counts how often one status followed another, and nothing else is
    counted; where a field is not kept by what is asked for, it is null. `seller` narrows what is
    told by age, seller, team or in all. Rates in percent.
    """
    day = moment.day(runtime)
    figures = await moment.figures(
        runtime,
        axes_of(by),
        owner=employee(seller),
        grain_of=lambda _: grain(by, day),
    )
    places = figures.organization
    rows = tallied(figures.cells, in_issues(by, places, day), aged(by, places, day))
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **document(by, rows[key])}
            for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/issues/why")
async def explain_issues(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    by: IssuesBy,
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The cases behind a row of `/analytics/issues`."""
    owner, row = employee(seller), Row(by, key, KEYS[by], "issue")
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        places, day = figures.organization, moment.day(runtime)
        part_of, also = in_issues(by, places, day), aged(by, places, day)
        told = await explained(figures, key, part_of, owner, paged, also)
    return {"by": by, **moment.document(), **told}
