"""Who may see which figures: one's own, those of whom one leads, the company's."""

from __future__ import annotations

from shared.access.platform import of_domain
from shared.access.rules import EMPLOYEE, KEY, SELLER, UNIT, Of, Rules, Whose, rules, seller

A, KPI = "/analytics/assessments/{assessment}", "/analytics/kpis/{kpi}"
REVIEW = "/analytics/kpi-reviews/{review}"
# About nobody in particular, a report is about the company.
ABOUT: list[Whose] = [SELLER, UNIT]
OWNER = seller("owner")
BY_UNIT = (
    "adoption",
    "data-quality",
    "forecast",
    "inflow",
    "losses",
    "orders",
    "slippage",
    "stages",
    "touches",
    "workload",
)
BY_SELLER = ("growth", "issues", "yield")


def _reports(*names: str, why: str = "") -> list[str]:
    return [f"GET /analytics/{name}{why}" for name in names]


RULES: Rules = {
    **of_domain("analytics", "coaching.read", Of("stream")),
    **rules("figures.read", *_reports(*BY_UNIT, "daily-report"), whose=ABOUT),
    **rules("figures.read", *_reports(*BY_UNIT, why="/why"), whose=[*ABOUT, KEY]),
    **rules("figures.read", *_reports("pipeline", *BY_SELLER), whose=[SELLER]),
    **rules(
        "figures.read",
        "GET /analytics/why",
        *_reports(*BY_SELLER, why="/why"),
        whose=[SELLER, KEY],
    ),
    # What forecasts became of all: there is no way to ask for one seller's.
    **rules("figures.read", "GET /analytics/forecast-ledger"),
    **rules("figures.read", "GET /analytics/forecast-ledger/why", whose=[KEY]),
    **rules("figures.read", "GET /analytics/attainment", whose=[OWNER, UNIT]),
    **rules(
        "figures.read",
        "GET /analytics/attainment/why",
        whose=[Of("target", "target", place="query")],
    ),
    **rules(
        "figures.read",
        "GET /analytics/forecasts/{forecast}",
        whose=[Of("forecast", "forecast")],
    ),
    **rules("figures.read", "GET /analytics/evaluation", whose=[seller("of")]),
    **rules("figures.read", f"GET {KPI}/values", f"GET {KPI}/restatement", whose=[SELLER]),
    **rules("figures.read", f"GET {KPI}/why", whose=[KEY]),
    **rules(
        "catalogue.read",
        "GET /analytics/kpi-measures",
        "GET /analytics/kpis",
        f"GET {KPI}",
    ),
    **rules(
        "catalogue.write",
        f"POST {KPI}/define",
        f"POST {KPI}/retire",
        f"POST {KPI}/switch",
    ),
    **rules("operate", "GET /analytics/views/{name}/proof"),
    **rules(
        "coaching.read", f"GET {KPI}/reviews", "GET /analytics/assessments", whose=[seller("of")]
    ),
    **rules("coaching.read", f"GET {A}", whose=[Of("assessment", "assessment")]),
    **rules("coaching.read", f"GET {REVIEW}", whose=[Of("review", "review")]),
    **rules("coaching.write", f"POST {REVIEW}/hold", whose=[seller("of", "body")]),
    **rules("coaching.write", f"POST {A}/give", whose=[seller("of", "body")]),
    **rules("coaching.write", f"POST {A}/withdraw", whose=[Of("assessment", "assessment")]),
    **rules("coaching.answer", f"POST {A}/answer", whose=[Of("assessment", "assessment")]),
    # Whoever looks at another's figures is seen by that colleague, and by nobody else (N-13).
    **rules(
        "looks.read",
        "GET /analytics/looks/{employee}",
        "GET /analytics/about/{employee}",
        whose=[EMPLOYEE],
    ),
}
