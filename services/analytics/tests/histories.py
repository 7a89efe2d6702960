"""Random histories of all that figures are about: late, corrected, undone, handed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from shared.events import Envelope, Event
from shared.events.analytics import (
    AssessmentAnswered,
    AssessmentGiven,
    AssessmentWithdrawn,
    KpiCoached,
)
from shared.events.calendar import (
    Category,
    EntryCancelled,
    EntryDescribed,
    EntryDisplaced,
    EntryDone,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    EntryStarted,
    SeriesEnded,
    SeriesOccurrenceSkipped,
    SeriesOccurrenceTakenOut,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.events.issues import (
    ActionTaken,
    CauseFound,
    CauseRemoved,
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueEscalated,
    IssueGraded,
    IssueKind,
    IssueRegistered,
    IssueReopened,
    SatisfactionStated,
    ServiceLevelTold,
    Severity,
    StatusTold,
    UnitInformed,
)
from shared.events.opportunities import (
    CoachingHeld,
    CommitmentMade,
    CommitmentWithdrawn,
    EngagementCorrected,
    EvidenceRecorded,
    HandOffReported,
    NextStepAgreed,
    NextStepDone,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    OutcomeCorrected,
    PersonInvolved,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded
from shared.hand_offs import STEPS
from shared.testing import recorded

ZONE = ZoneInfo("Asia/Seoul")
BEGIN = date(2026, 1, 1)

DAYS = st.integers(0, 60).map(lambda number: BEGIN + timedelta(days=number))
MAYBE_DAY = st.none() | DAYS
OWNERS = st.sampled_from(["employee-a", "employee-b", "employee-c"])
PRODUCTS = st.none() | st.sampled_from(["product-x", "product-y"])
COMPANIES = st.none() | st.sampled_from(["company-p", "company-q"])
STAGES = st.sampled_from(["Prospecting", "Engaging", "Proposal"])
VALUES = st.decimals(0, 10**6, places=2)
PROFITS = st.one_of(VALUES, VALUES, st.none())
# The last one is none: what is told in it is summed apart from all currencies.
CURRENCIES = st.sampled_from(["USD", "KRW", "$"])
SELDOM = st.integers(0, 5).map(lambda number: number == 5)
TITLES = st.sampled_from(["Chance", "Better"])
SEVERITIES = st.sampled_from(get_args(Severity))
STATUSES = st.none() | st.sampled_from(["New", "Active", "Closed"])
WORTH: dict[str, Any] = {
    "amount": st.none() | VALUES,
    "currency": st.none() | CURRENCIES,
    "expected_close_on": MAYBE_DAY,
}
CATEGORIES = st.sampled_from(get_args(Category))
REASONS = st.sampled_from(["handover", "leave", "territory", "unstated"])


def discovered() -> st.SearchStrategy[Event]:
    return st.builds(
        OpportunityDiscovered,
        title=TITLES,
        stage=STAGES,
        latent=SELDOM,
        owner=st.none() | OWNERS,
        company=COMPANIES,
        product=PRODUCTS,
        **WORTH,
        on=MAYBE_DAY,
    )


def later() -> st.SearchStrategy[Event]:
    """Anything that may be recorded about it, in whatever order: folds are total."""
    return st.one_of(
        st.builds(StageAdvanced, stage=STAGES, on=MAYBE_DAY),
        st.builds(
            OpportunityWon,
            value=VALUES,
            currency=CURRENCIES,
            profit=PROFITS,
            on=MAYBE_DAY,
        ),
        st.builds(OpportunityLost, on=MAYBE_DAY),
        st.builds(OpportunityReopened, stage=STAGES, on=MAYBE_DAY),
        st.builds(OpportunityReassigned, owner=OWNERS, reason=REASONS, on=MAYBE_DAY),
        st.builds(OpportunityRevalued, **WORTH, on=MAYBE_DAY),
        st.builds(PersonInvolved, person=st.just("person-1"), role=st.just("buyer"), on=MAYBE_DAY),
        st.builds(
            OpportunityCorrected,
            title=TITLES,
            company=COMPANIES,
            product=PRODUCTS,
            reason=st.just("mistaken"),
            on=MAYBE_DAY,
        ),
        st.builds(
            OutcomeCorrected,
            value=st.none() | VALUES,
            currency=st.none() | CURRENCIES,
            profit=PROFITS,
            reason=st.just("mistaken"),
            on=MAYBE_DAY,
        ),
        st.builds(
            CommitmentMade,
            seller=OWNERS,
            confidence=st.sampled_from(["commit", "upside"]),
            amount=VALUES,
            currency=CURRENCIES,
            close_on=DAYS,
            on=MAYBE_DAY,
        ),
        st.builds(CommitmentWithdrawn, seller=OWNERS, on=MAYBE_DAY),
        st.builds(EvidenceRecorded, stage=STAGES, what=st.just("They asked."), on=MAYBE_DAY),
        st.builds(NextStepAgreed, stage=STAGES, what=st.just("Visit them."), on=MAYBE_DAY),
        st.builds(NextStepDone, on=MAYBE_DAY),
        st.builds(
            CoachingHeld,
            session=st.just("one"),
            step=st.just("kpi"),
            stage=STAGES,
            coach=OWNERS,
            seller=st.none() | OWNERS,
            facts=st.just("Slow."),
            on=MAYBE_DAY,
        ),
        st.builds(EngagementCorrected, stage=STAGES, reason=st.just("mistaken"), on=MAYBE_DAY),
        handed_off(),
    )


def handed_off(on: st.SearchStrategy[date | None] = MAYBE_DAY) -> st.SearchStrategy[Event]:
    """What another system says of an order, contract, delivery or invoice, in any order."""
    return st.builds(
        HandOffReported,
        step=st.sampled_from(STEPS),
        status=st.sampled_from(["confirmed", "delivered", " Cancelled", "a/b"]),
        reference=st.none() | st.sampled_from(["SO-1", "SO-2"]),
        amount=st.none() | VALUES,
        currency=st.none() | CURRENCIES,
        on=on,
    )


def told_by(seller: str, on: date) -> st.SearchStrategy[Event]:
    """What its seller says of it on a day while it is open."""
    ahead = st.integers(0, 60).map(lambda days: on + timedelta(days=days))
    worth = WORTH | {"expected_close_on": st.none() | ahead}
    return st.one_of(
        st.builds(StageAdvanced, stage=STAGES, on=st.just(on)),
        st.builds(OpportunityRevalued, **worth, on=st.just(on)),
        st.builds(EvidenceRecorded, stage=STAGES, what=st.just("They asked."), on=st.just(on)),
        st.builds(
            CommitmentMade,
            seller=st.just(seller),
            confidence=st.sampled_from(["commit", "upside"]),
            amount=VALUES,
            currency=CURRENCIES,
            close_on=ahead,
            on=st.just(on),
        ),
    )


def decided(on: date) -> st.SearchStrategy[Event]:
    return st.one_of(
        st.builds(
            OpportunityWon,
            value=VALUES,
            currency=CURRENCIES,
            profit=PROFITS,
            on=st.just(on),
        ),
        st.builds(OpportunityLost, on=st.just(on)),
    )


@st.composite
def course(draw: Any) -> list[Event]:
    """As it goes: days follow one another, and it is decided, if at all, by who has it."""
    seller, day = draw(OWNERS), BEGIN + timedelta(days=draw(st.integers(0, 20)))
    events = [draw(discovered()).model_copy(update={"owner": seller, "on": day})]
    for _ in range(draw(st.integers(1, 6))):
        day += timedelta(days=draw(st.integers(0, 9)))
        events.append(draw(told_by(seller, day)))
    if draw(st.booleans()):
        day += timedelta(days=draw(st.integers(0, 9)))
        events.append(draw(decided(day)))
        events += draw(st.lists(handed_off(), max_size=4))
    return events


@st.composite
def opportunity(draw: Any, number: int) -> list[Envelope]:
    if draw(st.booleans()):
        events = [*draw(course()), *draw(st.lists(later(), max_size=2))]
    else:
        events = draw(st.lists(later(), max_size=8))
        if draw(st.integers(0, 9)):  # Now and then nobody tells us of the discovery.
            events = [draw(discovered()), *events]
    if not events:
        return []
    day = draw(DAYS)
    at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    return recorded(*events, stream=f"opportunity-{number}", occurred_at=at)


@st.composite
def touch(draw: Any, number: int) -> list[Envelope]:
    event = TouchRecorded(
        publisher="crm",
        publisher_id=str(number),
        person="person-1",
        channel="call",
        employee=draw(st.none() | OWNERS),
    )
    day = draw(DAYS)
    at = datetime(day.year, day.month, day.day, draw(st.integers(0, 23)), tzinfo=UTC)
    return recorded(event, stream=f"touch-{number}", occurred_at=at)


def said_of_it() -> st.SearchStrategy[Event]:
    """Anything that may be recorded about an issue, in whatever order."""
    return st.one_of(
        st.builds(IssueAssigned, owner=OWNERS, on=MAYBE_DAY),
        st.builds(IssueGraded, severity=SEVERITIES, on=MAYBE_DAY),
        st.builds(StatusTold, status=STATUSES, on=MAYBE_DAY),
        st.builds(ServiceLevelTold, kept=st.booleans(), on=MAYBE_DAY),
        st.builds(
            CauseFound,
            cause=st.just("Nobody was told."),
            category=st.none() | st.sampled_from(["parts", "people"]),
            on=MAYBE_DAY,
        ),
        st.builds(ActionTaken, what=st.just("Call them."), on=MAYBE_DAY),
        st.builds(FeedbackGiven, result=st.just("Done."), on=MAYBE_DAY),
        st.builds(IssueClosed, status=STATUSES, on=MAYBE_DAY),
        st.builds(IssueReopened, on=MAYBE_DAY),
        st.builds(
            SatisfactionStated,
            score=st.integers(0, 10),
            when=st.sampled_from(["before", "after"]),
            on=MAYBE_DAY,
        ),
        seen_to(),
    )


def seen_to() -> st.SearchStrategy[Event]:
    """What else is done about an issue."""
    return st.one_of(
        st.builds(IssueEscalated, to=OWNERS, reason=st.just("Again."), on=MAYBE_DAY),
        st.builds(CauseRemoved, how=st.just("Repaired."), on=MAYBE_DAY),
        st.builds(UnitInformed, unit=st.just("unit-red"), on=MAYBE_DAY),
        st.builds(DeadlineSet, answer_by=instants(), on=MAYBE_DAY),
        st.builds(DeadlineMissed, answer_by=instants(), set_by=st.just("fact-1"), owner=OWNERS),
    )


@st.composite
def issue(draw: Any, number: int) -> list[Envelope]:
    events = draw(st.lists(said_of_it(), max_size=8))
    if draw(st.integers(0, 9)):  # Now and then nobody registered it.
        registered = st.builds(
            IssueRegistered,
            kind=st.sampled_from(get_args(IssueKind)),
            words=st.just("Late."),
            severity=SEVERITIES,
            company=COMPANIES,
            owner=st.none() | OWNERS,
            status=STATUSES,
            kept=st.none() | st.booleans(),
            on=MAYBE_DAY,
        )
        events = [draw(registered), *events]
    if not events:
        return []
    day = draw(DAYS)
    at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    return recorded(*events, stream=f"issue-{number}", occurred_at=at)


def instants() -> st.SearchStrategy[datetime]:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return st.integers(0, 60 * 24 * 60).map(lambda minutes: begin + timedelta(minutes=minutes))


def spans(begin: str, end: str) -> st.SearchStrategy[dict[str, datetime]]:
    minutes = st.integers(0, 600)
    return st.tuples(instants(), minutes).map(
        lambda told: {begin: told[0], end: told[0] + timedelta(minutes=told[1])}
    )


def came_of_it() -> st.SearchStrategy[Event]:
    """Anything that may be recorded about an entry, in whatever order."""
    return st.one_of(
        st.builds(EntryDescribed, category=CATEGORIES),
        st.builds(_moved, spans("starts_at", "ends_at"), SELDOM),
        st.builds(EntryStarted, started_at=instants()),
        spans("started_at", "ended_at").map(lambda times: EntryDone(**times)),
        st.builds(EntryMissed),
        st.builds(EntryDisplaced, by=st.just("entry-urgent")),
        st.builds(EntryCancelled),
        st.builds(EntryReassigned, seller=OWNERS, reason=REASONS, on=MAYBE_DAY),
    )


def _moved(times: dict[str, datetime], all_day: bool) -> EntryMoved:
    return EntryMoved(**times, all_day=all_day)


@st.composite
def ended(draw: Any, starts_at: datetime, ends_at: datetime) -> Event:
    """What becomes of it about when it was planned, or instead."""
    late, longer = (timedelta(minutes=draw(st.integers(0, 90))) for _ in range(2))
    done = EntryDone(started_at=starts_at + late, ended_at=ends_at + late + longer)
    instead = EntryMissed(), EntryDisplaced(by="entry-urgent"), EntryCancelled()
    return draw(st.sampled_from([done, done, *instead]))


@st.composite
def entry(draw: Any, number: int) -> list[Envelope]:
    events = draw(st.lists(came_of_it(), max_size=5))
    if draw(st.integers(0, 9)):  # Now and then nobody planned it.
        told = {"all_day": draw(SELDOM), "unplanned": draw(SELDOM)}
        times = draw(spans("starts_at", "ends_at"))
        whose = {"seller": draw(OWNERS), "category": draw(CATEGORIES)}
        events = [EntryPlanned(**whose, **times, **told), *events]
        if draw(st.booleans()):
            events.append(draw(ended(**times)))
    if not events:
        return []
    return recorded(*events, stream=f"entry-{number}", occurred_at=draw(instants()))


RULES = st.sampled_from(
    ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;COUNT=9"]
)
# Begins of series and what becomes of single times meet often: all are at some hours of few days.
HOURS = st.integers(0, 20 * 8).map(
    lambda number: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=3 * number)
)
TIMES = st.lists(HOURS, max_size=2).map(tuple)


@st.composite
def planned_series(draw: Any) -> SeriesPlanned:
    begin = draw(HOURS)
    return SeriesPlanned(
        seller=draw(OWNERS),
        category=draw(CATEGORIES),
        starts_at=begin,
        ends_at=begin + timedelta(minutes=draw(st.integers(0, 600))),
        zone=draw(st.sampled_from(["Asia/Seoul", "America/New_York"])),
        rule=draw(st.none() | RULES),
        dates=draw(TIMES),
        except_dates=draw(TIMES),
        all_day=draw(SELDOM),
    )


def became_of_it() -> st.SearchStrategy[Event]:
    """Anything that may be recorded about a series, in whatever order."""
    return st.one_of(
        planned_series(),
        st.builds(SeriesOccurrenceSkipped, occurrence=HOURS),
        st.builds(SeriesOccurrenceTakenOut, occurrence=HOURS),
        st.builds(SeriesEnded, last_day=DAYS),
        st.builds(SeriesReassigned, seller=OWNERS, reason=REASONS, on=MAYBE_DAY),
    )


@st.composite
def series(draw: Any, number: int) -> list[Envelope]:
    events = draw(st.lists(became_of_it(), max_size=6))
    if draw(st.integers(0, 9)):  # Now and then nobody planned it.
        events = [draw(planned_series()), *events]
    # A fact of a later year: more of its times count.
    years = sorted(draw(st.integers(2026, 2027)) for _ in events)
    instants = [datetime(year, 1, 1, 20, tzinfo=UTC) for year in years]
    return recorded(*events, stream=f"series-{number}", occurred_at=instants) if events else []


@st.composite
def feedback(draw: Any, number: int) -> list[Envelope]:
    """A review, or an assessment of which more is said, in whatever order."""
    whose = {"of": OWNERS, "period": st.just("2026-01"), "on": MAYBE_DAY}
    day = draw(instants())
    if draw(st.booleans()):
        told = {"kpi": st.just("kpi-1"), "coach": OWNERS, "facts": st.just("Few calls.")}
        coached = draw(st.builds(KpiCoached, **whose, **told))
        return recorded(coached, stream=f"review-{number}", occurred_at=day)
    said = st.one_of(
        st.builds(AssessmentGiven, **whose, leader=OWNERS, words=st.just("Well prepared.")),
        st.builds(AssessmentAnswered, words=st.just("Thank you."), on=MAYBE_DAY),
        st.builds(AssessmentWithdrawn, reason=st.just("Another's."), on=MAYBE_DAY),
    )
    events = draw(st.lists(said, min_size=1, max_size=4))
    return recorded(*events, stream=f"assessment-{number}", occurred_at=day)


@st.composite
def histories(draw: Any) -> Sequence[Sequence[Envelope]]:
    """One list of facts for each stream."""
    chances = draw(st.integers(0, 5))
    touched = draw(st.integers(0, 3))
    complained = draw(st.integers(0, 3))
    found = [draw(opportunity(number)) for number in range(chances)]
    found += [draw(issue(number)) for number in range(complained)]
    found += [draw(entry(number)) for number in range(draw(st.integers(0, 3)))]
    found += [draw(series(number)) for number in range(draw(st.integers(0, 2)))]
    found += [draw(feedback(number)) for number in range(draw(st.integers(0, 2)))]
    return [history for history in [*found, *(draw(touch(n)) for n in range(touched))] if history]
