"""Issues as another system has them: the same again changes nothing, what is more is new."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.main import domain
from services.issues.mirroring import Change, Mirror
from services.issues.model import Assign, IssueAlreadyRegisteredError, Reopen
from services.issues.projections import issue_card
from shared.events.issues import (
    IssueAssigned,
    IssueClosed,
    IssueGraded,
    IssueRegistered,
    IssueReopened,
    IssuesEvent,
    ServiceLevelTold,
    StatusTold,
)
from shared.testing import check_projection, given, recorded

decider = domain.decider("issue-1")
NINE, MONDAY = datetime(2016, 2, 29, 9, tzinfo=UTC), date(2016, 2, 29)


def change(hour: int, status: str | None, **told: Any) -> Change:
    return Change(at=NINE + timedelta(hours=hour), on=MONDAY, status=status, **told)


def case(*changes: Change) -> Mirror:
    return Mirror(
        kind="complaint",
        words="Category 55",
        source_ref="INC1",
        opened_on=MONDAY,
        opened_at=NINE,
        person="person-1",
        changes=changes,
    )


NEW = change(0, "New", kept=True, severity="moderate")
ACTIVE = change(1, "Active", kept=True, severity="high", owner="employee-1")
CLOSED = change(2, "Closed", kept=False, severity="high", owner="employee-1", stage="closed")
AGAIN = change(3, "Active", kept=False, severity="high", owner="employee-1")


def facts_of(*commands: Mirror) -> list[IssuesEvent]:
    told: list[IssuesEvent] = []
    for command in commands:
        told += decider.decide(decider.state(told), command)
    return told


def test_each_change_becomes_what_is_new_in_it() -> None:
    told = facts_of(case(NEW, ACTIVE, CLOSED, AGAIN))
    assert [type(fact) for fact in told] == [
        IssueRegistered,
        StatusTold,
        IssueGraded,
        IssueAssigned,
        ServiceLevelTold,
        IssueClosed,
        IssueReopened,
        StatusTold,
    ]
    (closed,) = (fact for fact in told if isinstance(fact, IssueClosed))
    assert (closed.fed_back, closed.at, closed.on) == (False, CLOSED.at, MONDAY)


def test_a_status_that_system_does_not_know_is_none_of_its_statuses() -> None:
    told = facts_of(case(NEW, change(1, None), CLOSED))
    assert [fact.status for fact in told if isinstance(fact, StatusTold | IssueClosed)] == [
        *(None, "Closed"),
    ]


CHANGES = st.lists(
    st.builds(
        change,
        st.just(1),
        st.sampled_from(["New", "Active", None]),
        stage=st.sampled_from(["open", "answered", "closed"]),
        severity=st.sampled_from(["low", "high", None]),
        owner=st.sampled_from(["employee-1", "employee-2", None]),
        kept=st.sampled_from([True, False, None]),
    ),
    min_size=1,
    max_size=8,
)


@for_all(CHANGES, st.integers(1, 8))
def test_told_in_two_parts_it_is_the_same_as_told_at_once(
    changes: list[Change], first: int
) -> None:
    whole = facts_of(case(*changes))
    assert facts_of(case(*changes[:first]), case(*changes)) == whole
    assert facts_of(case(*changes), case(*changes)) == whole


@for_all(CHANGES, CHANGES)
def test_a_rewritten_past_comes_to_how_it_stands_there_now(
    before: list[Change], after: list[Change]
) -> None:
    there = decider.state(facts_of(case(*before), case(*after))).there
    last = after[-1]
    assert (there.status, there.closed) == (last.status, last.stage == "closed")
    for name in ("severity", "owner", "kept"):
        told = getattr(last, name)
        assert told is None or getattr(there, name) == told


def test_what_we_decide_here_stays_until_something_is_new_there() -> None:
    told = facts_of(case(NEW, ACTIVE))
    mine = IssueAssigned(owner="employee-2")
    given(decider, *told).when(Assign(owner="employee-2")).then(mine)
    given(decider, *told, mine).when(case(NEW, ACTIVE)).then_nothing()
    more = decider.decide(decider.state([*told, mine]), case(NEW, ACTIVE, CLOSED))
    state = decider.state([*told, mine, *more])
    assert (state.owner, state.closed) == ("employee-2", True)
    given(decider, *facts_of(case(NEW, CLOSED))).when(Reopen(reason="Late.")).then(
        IssueReopened(reason="Late.")
    )


def test_an_issue_that_was_entered_here_is_not_that_systems() -> None:
    ours = IssueRegistered(kind="complaint", words="Late.", person="person-1")
    given(decider, ours).when(case(NEW)).then_refused(IssueAlreadyRegisteredError)


def test_a_card_tells_what_that_system_says() -> None:
    told = recorded(*facts_of(case(NEW, ACTIVE, CLOSED)), stream="issue-1")
    card = check_projection(issue_card, [told])["issue-1"]
    assert (card.status, card.kept, card.severity, card.owner) == (
        *("Closed", False, "high", "employee-1"),
    )
    assert (card.open, card.fed_back, card.source_ref) == (False, False, "INC1")
