"""N_07: each rule calls whom it concerns when its time has come, and nobody before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.alerts.defaults import AlertsDefaults
from services.alerts.projections import watching
from services.alerts.rules import ALL, RULES, Rule, marks_of
from services.alerts.watching import Alert, alerts_until
from shared.events import Envelope
from shared.events.alerts import CustomerWon
from shared.events.contacts import (
    BuyingRoleStated,
    PersonOwnerAssigned,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitFollowUpReassigned,
)
from shared.events.issues import (
    CommitmentBroken,
    CommitmentKept,
    CommitmentMade,
    DeadlineMissed,
    IssueClosed,
)
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    NextStepAgreed,
    NextStepDone,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityResumed,
    OpportunitySnoozed,
    OpportunityWon,
    StageAdvanced,
)
from shared.events.organization import HandoverCustomerMet, HandoverReceiverNamed
from shared.events.touches import TouchRecorded
from shared.testing import check_projection, recorded

JANUARY = date(2026, 1, 1)
FAR = datetime(2027, 1, 1, tzinfo=UTC)


def day(n: int) -> date:
    return JANUARY + timedelta(days=n)


def known(n: int, event: Any, stream: str, version: int = 1) -> Envelope:
    """A fact that happened on that day and was recorded at noon of it."""
    at = datetime.combine(day(n), datetime.min.time(), UTC) + timedelta(hours=12)
    dated = event.model_copy(update={"on": day(n)}) if "on" in type(event).model_fields else event
    (fact,) = recorded(dated, stream=stream, after=version - 1, occurred_at=at)
    return replace(fact, recorded_at=at)


def rule(name: str) -> Rule:
    return next(one for one in ALL if one.name == name)


def calls(name: str, *facts: Envelope, days: int | None = None, now: datetime = FAR) -> list[Alert]:
    """All that the rule calls for, of whatever subject."""
    chosen = rule(name)
    terms = AlertsDefaults().of(chosen).terms(chosen)
    if days is not None:
        terms = replace(terms, days=days)
    found = marks_of(chosen, facts, UTC).values()
    return [alert for marks in found for alert in alerts_until(marks, terms, UTC, now)]


def told(*alerts: Alert) -> list[tuple[str, str | None]]:
    return [(f"{alert.at:%Y-%m-%d}", alert.owner) for alert in alerts]


def test_n_07_every_rule_has_a_table_and_terms() -> None:
    assert [one.name for one in ALL] == list(RULES)
    assert set(AlertsDefaults.model_fields) == {*RULES, "version"}


FOUND = OpportunityDiscovered(title="Pump", stage="Discovered", owner="employee-1")


def test_n_07_an_opportunity_with_which_nothing_happens_is_stale_once() -> None:
    found = known(0, FOUND, "opportunity-1")
    assert told(*calls("stale_opportunity", found)) == [("2026-02-01", "employee-1")]
    moved = known(20, StageAdvanced(stage="In work"), "opportunity-1", 2)
    assert told(*calls("stale_opportunity", found, moved)) == [("2026-02-21", "employee-1")]
    again = known(40, StageAdvanced(stage="In work"), "opportunity-1", 2)
    assert told(*calls("stale_opportunity", found, again)) == [
        ("2026-02-01", "employee-1"),
        ("2026-03-13", "employee-1"),
    ]
    lost = known(10, OpportunityLost(), "opportunity-1", 2)
    assert calls("stale_opportunity", found, lost) == []


def test_n_07_what_rests_does_not_cry_wolf() -> None:
    found = known(0, FOUND, "opportunity-1")
    rests = OpportunitySnoozed(reason="budget in summer", resume_on=day(150))
    asleep = known(5, rests, "opportunity-1", 2)
    assert told(*calls("stale_opportunity", found, asleep)) == [("2026-07-01", "employee-1")]
    resumed = known(50, OpportunityResumed(), "opportunity-1", 3)
    assert told(*calls("stale_opportunity", found, asleep, resumed)) == [
        ("2026-03-23", "employee-1")
    ]


def test_n_07_whoever_has_it_by_then_is_called() -> None:
    found = known(0, FOUND, "opportunity-1")
    given = OpportunityReassigned(owner="employee-2", reason="leave")
    assert told(*calls("stale_opportunity", found, known(3, given, "opportunity-1", 2))) == [
        ("2026-02-04", "employee-2")
    ]


def test_n_07_an_overdue_promise_calls_who_keeps_it_at_once() -> None:
    made = CommitmentMade(what="an offer", person="person-1", owner="employee-1")
    broken = CommitmentBroken(clock="deadline", by=FAR, set_by="fact", owner="employee-2")
    facts = [
        known(0, made, "commitment-1"),
        known(4, broken, "commitment-1", 2),
        known(5, CommitmentKept(result="sent"), "commitment-1", 3),
    ]
    assert told(*calls("overdue_commitment", *facts)) == [("2026-01-05", "employee-2")]
    assert calls("overdue_commitment", facts[0], facts[2]) == []
    missed = DeadlineMissed(answer_by=FAR, set_by="fact", owner="employee-3")
    assert told(*calls("overdue_commitment", known(2, missed, "issue-1", 3))) == [
        ("2026-01-03", "employee-3")
    ]


def test_n_07_of_what_is_settled_in_time_nothing_is_remembered() -> None:
    view = watching(AlertsDefaults().rules(), 1).projection
    settled = [
        known(1, IssueClosed(), "issue-1", 2),
        known(1, CommitmentKept(result="."), "commitment-1", 2),
    ]
    assert view.replay(settled) == {}


def touch(n: int, number: int = 1, **more: Any) -> Envelope:
    event = TouchRecorded(
        publisher="crm", publisher_id=str(number), person="person-1", channel="call",
        employee="employee-1", **more,
    )  # fmt: skip
    return known(n, event, f"touch-{number}")


def test_n_07_a_gap_in_the_cadence_calls_who_was_last_in_touch_or_owns_the_person() -> None:
    assert told(*calls("cadence_gap", touch(0), touch(30, 2))) == [("2026-04-02", "employee-1")]
    owner = known(1, PersonOwnerAssigned(owner="employee-2"), "person-1")
    assert told(*calls("cadence_gap", touch(0), owner)) == [("2026-03-03", "employee-2")]


def test_n_07_a_campaign_is_nobodys_attention() -> None:
    sent = TouchRecorded(
        publisher="crm", publisher_id="2", person="person-1", channel="campaign",
        company="company-1",
    )  # fmt: skip
    mailed = known(30, sent, "touch-2")
    assert calls("cadence_gap", touch(0), mailed) == calls("cadence_gap", touch(0))
    won = CustomerWon(opportunity="opportunity-1", company="company-1", owner="employee-1")
    assert len(calls("post_win_neglect", known(20, won, "win-1"), mailed)) == 1


def test_n_07_a_buyer_whom_nobody_touches_is_a_gap_in_coverage() -> None:
    buys = BuyingRoleStated(company="company-1", role="decision_maker")
    assert told(*calls("coverage_gap", known(0, buys, "person-1"))) == [("2026-04-02", None)]
    assert told(*calls("coverage_gap", known(0, buys, "person-1"), touch(10))) == [
        ("2026-04-12", "employee-1")
    ]
    no_more = known(20, BuyingRoleStated(company="company-1", role="none"), "person-1", 2)
    assert calls("coverage_gap", known(0, buys, "person-1"), no_more) == []
    assert calls("coverage_gap", touch(0)) == []


def test_n_07_a_customer_whom_nobody_touches_after_a_win_is_neglected() -> None:
    won = CustomerWon(opportunity="opportunity-1", company="company-1", owner="employee-1")
    facts = [known(0, won, "win-1")]
    assert told(*calls("post_win_neglect", *facts)) == [("2026-02-01", "employee-1")]
    assert calls("post_win_neglect", *facts, touch(10, company="company-1")) == []
    assert len(calls("post_win_neglect", *facts, touch(10, company="company-2"))) == 1
    assert len(calls("post_win_neglect", *facts, touch(0, company="company-1"))) == 1


def test_n_07_a_milestone_that_passed_calls_who_was_to_do_it() -> None:
    found = known(0, FOUND, "opportunity-1")
    step = NextStepAgreed(stage="In work", what="Call.", due_on=day(9))
    action = ActionAgreed(action="a1", what="Ask.", owner="employee-3", due_on=day(4))
    facts = [found, known(1, step, "opportunity-1", 2), known(1, action, "opportunity-1", 3)]
    every = calls("milestone", *facts)
    assert [one.part for one in every] == ["a1", "next step"]
    assert told(*every) == [("2026-01-06", "employee-3"), ("2026-01-11", "employee-1")]
    done = [
        known(2, NextStepDone(), "opportunity-1", 4),
        known(3, ActionDone(action="a1"), "opportunity-1", 5),
    ]
    assert calls("milestone", *facts, *done) == []
    won = OpportunityWon(value=Decimal(1), currency="KRW")
    assert calls("milestone", *facts, known(2, won, "opportunity-1", 4)) == []


def test_n_07_what_was_promised_at_a_visit_is_a_milestone_of_who_keeps_it_by_then() -> None:
    promised = VisitFollowUpPromised(
        follow_up="1", what="Samples", owner="employee-1", due_on=day(9)
    )
    facts = [known(0, promised, "visit-1")]
    assert told(*calls("milestone", *facts)) == [("2026-01-11", "employee-1")]
    given = VisitFollowUpReassigned(follow_up="1", owner="employee-2")
    assert told(*calls("milestone", *facts, known(1, given, "visit-1", 2))) == [
        ("2026-01-11", "employee-2")
    ]
    kept = known(2, VisitFollowUpKept(follow_up="1"), "visit-1", 2)
    assert calls("milestone", *facts, kept) == []


def test_n_07_who_takes_over_meets_a_customer_by_the_day_agreed() -> None:
    named = known(0, HandoverReceiverNamed(receiver="employee-2", meet_by=day(6)), "handover-1")
    assert told(*calls("first_meeting", named)) == [("2026-01-08", "employee-2")]
    met = HandoverCustomerMet(receiver="employee-2", person="person-1")
    assert calls("first_meeting", named, known(3, met, "handover-1", 2)) == []


def test_n_07_what_is_entered_late_is_looked_at_a_little_later() -> None:
    """An import of last year's deals calls for those that are open, not for every day between."""
    found = known(0, FOUND, "opportunity-1")
    learnt = datetime(2026, 6, 1, tzinfo=UTC)
    late = [
        replace(found, recorded_at=learnt),
        replace(known(50, StageAdvanced(stage="In work"), "opportunity-1", 2), recorded_at=learnt),
    ]
    (called,) = calls("stale_opportunity", *late)
    assert (called.at, called.since) == (learnt + timedelta(minutes=2), day(50))
    won = OpportunityWon(value=Decimal(1), currency="KRW")
    over = replace(known(60, won, "opportunity-1", 3), recorded_at=learnt)
    assert calls("stale_opportunity", *late, over) == []


HISTORIES: dict[str, list[Envelope]] = {
    "cadence_gap": [touch(0), touch(90, 2), touch(40, 3), touch(300, 4)],
    "coverage_gap": [
        known(0, BuyingRoleStated(company="company-1", role="influencer"), "person-1"),
        touch(10, 2),
        touch(150, 3),
    ],
    "post_win_neglect": [
        known(5, CustomerWon(opportunity="opportunity-1", company="company-1"), "win-1"),
        touch(3, 2, company="company-1"),
        touch(50, 3, company="company-1"),
    ],
}


@pytest.mark.parametrize("name", sorted(HISTORIES))
def test_n_07_a_watch_is_the_same_whatever_the_order_of_its_facts(name: str) -> None:
    chosen = rule(name)
    terms = AlertsDefaults().of(chosen).terms(chosen)
    streams = [[fact] for fact in HISTORIES[name]]
    (watch,) = check_projection(watching({chosen.name: terms}, 1).projection, streams).values()
    replayed = alerts_until(watch.marks, terms, UTC, FAR)
    assert [*watch.pending, *([watch.coming] if watch.coming else [])] == replayed
    assert replayed
