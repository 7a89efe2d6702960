"""Facts about what a company measures itself by, and of what no number tells.

Streams: `kpi-<id>`, one for each figure that the company defines, `review-<id>`, one for each time
that somebody was coached about one (N-02, N-03), `assessment-<id>`, one for each time that a
leader said how somebody worked (N-12), and `look-<id>`, one for each report that a colleague looks
at on a day (N-13).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from shared.events.base import Dated

KpiUnit = Literal["number", "percent", "minutes", "days", "money"]
KpiFrequency = Literal["day", "week", "month", "quarter"]
KpiLevel = Literal["seller", "team", "division", "company", "total"]


class KpiDefined(Dated, wire="analytics.kpi_defined.v1"):
    """From now on it can be read by this definition, beside the ones before it (N-02).

    `expression` is over the names of measures; `definition` counts the definitions of this figure.
    Of the two thresholds the nearer one to the target warns, the other one alarms.
    """

    definition: int
    name: str
    expression: str
    measured_in: KpiUnit
    frequency: KpiFrequency
    level: KpiLevel
    product: str | None = None
    direction: Literal["up", "down"]
    target: Decimal | None = None
    warns_at: Decimal | None = None
    alarms_at: Decimal | None = None


class KpiSwitched(Dated, wire="analytics.kpi_switched.v1"):
    """Who asks for the figure without saying by which definition gets it by this one (N-02)."""

    definition: int
    reason: str | None = None


class KpiRetired(Dated, wire="analytics.kpi_retired.v1"):
    """Nobody measures themselves by it any more; what it was stays to be read (N-02)."""

    reason: str


class KpiCoached(Dated, wire="analytics.kpi_coached.v1"):
    """A coach and who is responsible talked about the figure of a period (N-03)."""

    kpi: str
    coach: str
    of: str
    period: str
    facts: str
    problem: str | None = None
    cause: str | None = None
    actions: tuple[str, ...] = ()


class AssessmentGiven(Dated, wire="analytics.assessment_given.v1"):
    """A leader says how somebody worked in a period, beside what the numbers say (N-12).

    `process` and `quality` from 1 to 5; `beside` are the figures that it was written beside.
    """

    leader: str
    of: str
    period: str
    process: int | None = None
    quality: int | None = None
    words: str
    beside: tuple[str, ...] = ()


class AssessmentAnswered(Dated, wire="analytics.assessment_answered.v1"):
    """Whom it is about says what they think of it (N-12, N-13)."""

    words: str


class AssessmentWithdrawn(Dated, wire="analytics.assessment_withdrawn.v1"):
    """The leader does not stand by it any more (N-12)."""

    reason: str


class FiguresLookedAt(Dated, wire="analytics.figures_looked_at.v1"):
    """Somebody saw what others did or have in hand, who can see that (N-13): daily by report.

    `viewer` is a colleague, or who signed in and is none of us (`user-...`), or a system
    (`key-...`). `report` is the path that was asked for; `of` are those whom it was the first time
    of that day.
    """

    viewer: str
    report: str
    of: tuple[str, ...]


KpiEvent = KpiDefined | KpiSwitched | KpiRetired
AssessmentEvent = AssessmentGiven | AssessmentAnswered | AssessmentWithdrawn
AnalyticsEvent = KpiEvent | KpiCoached | AssessmentEvent | FiguresLookedAt
