"""By what each report may be asked for; no more, so that a command line is quick to show it."""

from __future__ import annotations

from typing import Literal

AdoptionBy = Literal[
    "seller", "team", "division", "company", "manager", "week", "month", "quarter", "total"
]
DealsBy = Literal[
    "seller",
    "team",
    "manager",
    "region",
    "stage",
    "age",
    "quality",
    "product",
    "company",
    "segment",
    "day",
    "week",
    "month",
    "quarter",
    "total",
]
ForecastBy = Literal[
    "total", "seller", "team", "manager", "region", "product", "day", "week", "month", "quarter"
]
GrowthBy = Literal["company", "segment", "seller", "team", "region", "total"]
IssuesBy = Literal[
    "severity",
    "status",
    "kind",
    "cause",
    "age",
    "company",
    "seller",
    "team",
    "move",
    "total",
]
LedgerBy = Literal["seller", "stage", "product", "roll_up", "quarter", "total"]
OrdersBy = Literal[
    "seller",
    "team",
    "manager",
    "region",
    "our_company",
    "product",
    "company",
    "segment",
    "step",
    "day",
    "week",
    "month",
    "quarter",
    "total",
]
PipelineBy = Literal[
    "stage",
    "product",
    "seller",
    "team",
    "manager",
    "region",
    "company",
    "age",
    "quality",
    "segment",
    "quarter",
    "total",
]
QualityBy = Literal["seller", "team", "division", "company", "manager", "kind", "total"]
TouchesBy = Literal["seller", "team", "division", "company", "day", "week", "month", "quarter"]
WorkloadBy = Literal[
    "seller",
    "team",
    "division",
    "company",
    "manager",
    "category",
    "day",
    "week",
    "month",
    "quarter",
    "total",
]
YieldBy = Literal["total", "seller", "team", "manager", "region", "month", "quarter"]
