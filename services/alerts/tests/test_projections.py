"""N_07: what is raised live is what a replay of the history says, however late somebody looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.alerts.defaults import AlertsDefaults, RuleTerms
from services.alerts.main import domain
from services.alerts.model import (
    RaiseAlert,
    TellWin,
)
from services.alerts.projections import Watching, tell_win, watching, won_deal
from services.alerts.tests.test_rules import FOUND, day, known, rule, touch
from services.alerts.watching import MARKS_KEPT, MARKS_MAX, Watch, alerts_until
from shared.events import Envelope
from shared.events.alerts import AlertRaised, CustomerWon
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReopened,
    OpportunitySnoozed,
    OpportunityWon,
    StageAdvanced,
)
from shared.testing import check_projection, given, recorded

OPPORTUNITY = "opportunity-1"
STEPS: list[Any] = [
    StageAdvanced(stage="In work"),
    OpportunityLost(),
    OpportunityReopened(stage="In work", reason="again"),
    OpportunitySnoozed(reason="budget", resume_on=day(200)),
]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Live:
    """A rule on its own view, as its timer and its projector work it, whenever they do."""

    def __init__(self, chosen: Watching) -> None:
        self.chosen = chosen
        self.projection = chosen.projection.within(UTC)
        self.views: dict[str, Watch] = {}
        self.raised: list[tuple[datetime, str, str]] = []

    def fold(self, fact: Envelope) -> None:
        self.projection.replay([fact], self.views)

    def scan(self, now: datetime) -> None:
        while due := [v for v in self.views.values() if v.due_at is not None and v.due_at <= now]:
            for overdue in [one for view in due for one in self.chosen.timer.fire(view)]:
                command = overdue.command
                assert isinstance(command, RaiseAlert)
                if overdue.deadline > now:
                    continue
                self.raised.append((overdue.deadline, command.set_by, command.part))
                event = AlertRaised(**command.model_dump())
                (at,) = recorded(event, stream=overdue.stream, occurred_at=overdue.deadline)
                self.fold(replace(at, recorded_at=now))


@for_all(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(range(len(STEPS))), st.booleans()),
        max_size=12,
    ),
    st.integers(0, 100),
)
def test_n_07_live_and_replayed_a_rule_calls_for_the_same(
    steps: list[tuple[int, int, bool]], after: int
) -> None:
    chosen = rule("stale_opportunity")
    terms = AlertsDefaults().of(chosen).terms(chosen)
    live, n, history = Live(watching({chosen.name: terms}, 1)), 0, [known(0, FOUND, OPPORTUNITY)]
    live.fold(history[0])
    for later, step, looked in steps:
        n += later
        history.append(known(n, STEPS[step], OPPORTUNITY, len(history) + 1))
        if looked:
            live.scan(history[-1].recorded_at - timedelta(minutes=1))
        live.fold(history[-1])
    now = NOON + timedelta(days=n + after)
    live.scan(now)
    marks = [mark[1] for fact in history if (mark := chosen.mark(fact, UTC)) is not None]
    replayed = [(one.at, one.set_by, one.part) for one in alerts_until(marks, terms, UTC, now)]
    assert sorted(live.raised) == sorted(replayed)


def test_n_07_what_fell_due_before_a_rule_was_in_force_is_not_told() -> None:
    chosen = rule("stale_opportunity")
    since = RuleTerms(days=30, in_force_from=NOON + timedelta(days=40))
    live = Live(watching({chosen.name: since.terms(chosen)}, 2))
    live.fold(known(0, FOUND, OPPORTUNITY))
    live.scan(NOON + timedelta(days=60))
    assert live.raised == []
    live.fold(known(61, StageAdvanced(stage="In work"), OPPORTUNITY, 2))
    live.scan(NOON + timedelta(days=120))
    assert len(live.raised) == 1


def test_n_07_a_person_touched_very_often_is_remembered_as_they_stood() -> None:
    chosen = rule("cadence_gap")
    terms = AlertsDefaults().of(chosen).terms(chosen)
    live = Live(watching({chosen.name: terms}, 1))
    for number in range(MARKS_MAX + 1):
        live.fold(touch(number // 10, number))
    (watch,) = live.views.values()
    assert len(watch.marks) == MARKS_KEPT
    live.scan(NOON + timedelta(days=200))
    ((at, _, _),) = live.raised
    assert at.date() == day(MARKS_MAX // 10 + 61)


def test_n_07_a_won_deals_customer_is_known_by_its_company() -> None:
    told = recorded(
        OpportunityDiscovered(title="Pump", stage="A", company="company-1", owner="employee-1"),
        OpportunityWon(value=Decimal(1), currency="KRW", on=date(2026, 1, 5)),
        stream=OPPORTUNITY,
    )
    view = won_deal.replay(told)[OPPORTUNITY]
    (due,) = tell_win(view)
    command = due.command
    assert isinstance(command, TellWin)
    fact = CustomerWon(**command.model_dump())
    assert (due.stream, fact.company, fact.on) == ("win-1", "company-1", date(2026, 1, 5))
    both = check_projection(won_deal, [told, recorded(fact, stream="win-1")])
    assert (both[OPPORTUNITY].told, both[OPPORTUNITY].due_at) == ((date(2026, 1, 5),), None)
    decider = domain.decider("win-1")
    given(decider).when(command).then(fact)
    given(decider, fact).when(command).then_nothing()
