"""What a company may choose about its alerts."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.alerts.rules import ALL, Rule
from services.alerts.watching import Terms
from shared.defaults import Section
from shared.events.alerts import RuleName


class RuleTerms(BaseModel):
    """Whether a rule calls, after how many days, and since when what falls due is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: bool = True
    days: int = Field(0, ge=0, le=3_650)
    in_force_from: AwareDatetime | None = None

    def terms(self, rule: Rule) -> Terms:
        since: datetime | None = self.in_force_from
        return Terms(self.days, rule.once, since)


class AlertsDefaults(Section):
    """The section `alerts` of a deployment's file: one table for each rule."""

    version: int = Field(
        1,
        ge=1,
        le=999,
        description="Whoever changes a rule below raises this by one, so that all facts are looked "
        "at anew. Try a change first (POST /alerts/dry-run). A rule waits `days`, is `on` or not, "
        "and with `in_force_from`, an instant, what fell due before is not told.",
    )
    overdue_commitment: RuleTerms = Field(
        RuleTerms(), description="A promise to a customer, or an answer, is overdue."
    )
    stale_opportunity: RuleTerms = Field(
        RuleTerms(days=30), description="Nothing happened with an open opportunity for so long."
    )
    cadence_gap: RuleTerms = Field(
        RuleTerms(days=60), description="Nobody was in touch with a person for so long."
    )
    milestone: RuleTerms = Field(
        RuleTerms(), description="What was to be done by a day is not, so many days after it."
    )
    coverage_gap: RuleTerms = Field(
        RuleTerms(days=90),
        description="Nobody was in touch with who decides or influences for so long.",
    )
    post_win_neglect: RuleTerms = Field(
        RuleTerms(days=30), description="Nobody was in touch with a customer so long after a win."
    )
    first_meeting: RuleTerms = Field(
        RuleTerms(), description="Who took over has not met a customer by the day agreed."
    )
    overwork: RuleTerms = Field(
        RuleTerms(),
        description="A week had more work outside working hours than `calendar` wants: told to "
        "the seller, and for its `own_first_days` to nobody else.",
    )

    def rules(self) -> dict[RuleName, Terms]:
        """Return the rules that are on, on their terms."""
        return {rule.name: self.of(rule).terms(rule) for rule in ALL if self.of(rule).on}

    def of(self, rule: Rule) -> RuleTerms:
        found = getattr(self, rule.name)
        assert isinstance(found, RuleTerms)
        return found
