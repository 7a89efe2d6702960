"""Where all that is held about a colleague stands, so that they see what others see (N-13). Pure.

Each address is of a route that its owner may ask about themselves. A figure of somebody that is not
reached from here would be one that others know and they do not: a test compares this with the
rules of all routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.references import shortened


class Held(NamedTuple):
    """One thing that is held: what it is, where it stands, and what counts it here, if anything."""

    name: str
    says: str
    address: str
    counted_by: str | None = None


HELD = (
    Held("self", "who they are to the company", "/organization/employees/{id}"),
    Held("touches", "touches with customers", "/analytics/touches/why?by=seller{key}", "touch"),
    Held("deals", "opportunities of theirs", "/opportunities?owner={employee}", "opportunity"),
    Held("ranked", "those that are open, by quality", "/opportunities/ranked?owner={employee}"),
    Held(
        "introduced",
        "deals of several divisions that they introduced",
        "/opportunities/cross-division?introduced_by={employee}",
    ),
    Held(
        "orders", "what became of what they won", "/opportunities/reconciliation?owner={employee}"
    ),
    Held("commitments", "what they stand by", "/commitments?owner={employee}"),
    Held("forecasts", "frozen forecasts of theirs", "/forecasts?owner={employee}"),
    Held("targets", "what they are to reach", "/targets?owner={employee}"),
    Held("issues", "issues of theirs", "/issues?owner={employee}", "issue"),
    Held("promises", "promises to customers", "/issues/commitments?owner={employee}"),
    Held(
        "capture", "of what they heard, what was registered", "/issues/capture?employee={employee}"
    ),
    Held("agenda", "their days", "/calendar/agendas/{id}"),
    Held("entries", "entries of their calendar", "/calendar/entries?seller={employee}", "entry"),
    Held("series", "what repeats in it", "/calendar/series?seller={employee}", "series"),
    Held("rhythms", "regular meetings", "/calendar/rhythms?seller={employee}"),
    Held("busy", "when others see them busy", "/calendar/agendas/{id}/free-busy"),
    Held("time", "where their time went", "/calendar/time?seller={employee}"),
    Held("overwork", "weeks with too much work", "/calendar/overwork?seller={employee}"),
    Held("improvement", "what they may improve", "/calendar/improvement?seller={employee}"),
    Held("productivity", "what was won beside it", "/calendar/productivity?seller={employee}"),
    Held("day", "the report of their day", "/analytics/daily-report?seller={employee}"),
    Held("pipeline", "figures: their pipeline", "/analytics/pipeline?seller={employee}"),
    Held("inflow", "figures: what came in", "/analytics/inflow?seller={employee}"),
    Held("forecast", "figures: their forecast", "/analytics/forecast?seller={employee}"),
    Held("attainment", "figures: targets reached", "/analytics/attainment?owner={employee}"),
    Held("stages", "figures: their stages", "/analytics/stages?seller={employee}"),
    Held("slippage", "figures: what slipped", "/analytics/slippage?seller={employee}"),
    Held("ordered", "figures: what of it was ordered", "/analytics/orders?seller={employee}"),
    Held("yield", "figures: yield of touches", "/analytics/yield?seller={employee}"),
    Held("growth", "figures: their accounts", "/analytics/growth?seller={employee}"),
    Held("cases", "figures: their issues", "/analytics/issues?seller={employee}"),
    Held("contacts", "figures: their touches", "/analytics/touches?seller={employee}"),
    Held("workload", "figures: their workload", "/analytics/workload?seller={employee}"),
    Held("losses", "figures: what kept them from work", "/analytics/losses?seller={employee}"),
    Held("adoption", "figures: how regularly they enter", "/analytics/adoption?seller={employee}"),
    Held("data", "figures: quality of data", "/analytics/data-quality?seller={employee}"),
    Held("evaluation", "all measures, and what was said", "/analytics/evaluation?of={employee}"),
    Held(
        "assessments",
        "what leaders said of them",
        "/analytics/assessments?of={employee}",
        "assessment",
    ),
    Held("alerts", "alerts that wait for them", "/alerts/inbox/{id}"),
    Held("alerted", "all alerts to them", "/alerts?owner={employee}"),
    Held("handovers", "what they take over", "/organization/handovers?receiver={employee}"),
    Held("owned", "what they look after", "/organization/owned-items?owner={employee}"),
    Held("looks", "who looked at any of it", "/analytics/looks/{id}", "look"),
)


def index(employee: str, counts: Mapping[str, int]) -> list[dict[str, str | int | None]]:
    """Return where each thing stands; `count` is null where its own service counts it."""
    told = {
        "employee": employee,
        "id": shortened(employee),
        "key": f"&key={employee}&seller={employee}",
    }
    return [
        {
            "name": one.name,
            "says": one.says,
            "count": counts.get(one.counted_by) if one.counted_by is not None else None,
            "at": one.address.format(**told),
        }
        for one in HELD
    ]


def review_link(review: str) -> dict[str, str | int | None]:
    """Return where a talk about a figure of theirs stands (N-03)."""
    says = "a talk about a figure of theirs"
    at = f"/analytics/kpi-reviews/{shortened(review)}"
    return {"name": "review", "says": says, "count": 1, "at": at}
