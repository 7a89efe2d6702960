"""Before a meeting one call tells all that is known of those it is with (K-12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from services.calendar.before import Around, Before
from services.calendar.entry_views import EntryCard
from services.calendar.main import domain
from shared.clock import SystemClock
from shared.events import Envelope, Event, encode
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.contacts import (
    CompanyRegistered,
    PersonDetailsStated,
    PersonRegistered,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitPlanned,
)
from shared.events.issues import (
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    DeadlineSet,
    IssueClosed,
    IssueRegistered,
)
from shared.events.opportunities import (
    ActionAgreed,
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityLost,
    PersonInvolved,
    ProductListed,
)
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import recorded

TODAY = date(2026, 3, 1)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MEETING = EntryCard(
    "entry-9",
    seller="employee-1",
    category="customer",
    day=NINE.date(),
    starts_at=NINE,
    ends_at=NINE + timedelta(hours=1),
    people=("person-1",),
    company="company-1",
)


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    started = Runtime(domain, MemoryStore(), MemoryLog(2), SystemClock(), Settings())
    await started.start()
    yield started
    await started.stop()


async def told(runtime: Runtime, stream: str, *events: Event) -> list[Envelope]:
    facts = recorded(*events, stream=stream)
    for fact in facts:
        await runtime.log.append(fact.data.topic, stream, encode(fact))
    return facts


async def before(runtime: Runtime, card: EntryCard, *streams: tuple[str, int]) -> Before:
    found = None
    for stream, version in streams:
        found = await Around(runtime, Token(stream, version), TODAY).before(card)
    assert found is not None
    return found


def touch(number: int) -> TouchRecorded:
    return TouchRecorded(
        publisher="crm", publisher_id=str(number), person="person-1", channel="call"
    )


async def test_k_12_people_touches_issues_and_what_we_owe_are_in_one_answer(
    runtime: Runtime,
) -> None:
    kim = PersonRegistered(name="Kim"), PersonDetailsStated(name="Kim Min-jun")
    await told(runtime, "person-1", *kim)
    await told(runtime, "company-1", CompanyRegistered(name="Acme"))
    await told(runtime, "touch-1", touch(1))
    late = IssueRegistered(kind="complaint", words="Late again", person="person-1")
    answer_by = datetime(2026, 2, 1, tzinfo=UTC)
    await told(runtime, "issue-1", late, DeadlineSet(answer_by=answer_by))
    settled = IssueRegistered(kind="complaint", words="Old", person="person-1")
    await told(runtime, "issue-2", settled, IssueClosed())
    chance = OpportunityDiscovered(
        title="Pump", stage="Prospecting", company="company-1", product="product-1"
    )
    step = NextStepAgreed(stage="Prospecting", what="Send the offer", due_on=date(2026, 3, 9))
    action = ActionAgreed(
        action="1", what="Ask the boss", owner="employee-2", due_on=date(2026, 2, 9)
    )
    await told(runtime, "opportunity-1", chance, step, action)
    gone = OpportunityDiscovered(title="Gone", stage="Prospecting", company="company-1")
    await told(runtime, "opportunity-2", gone, OpportunityLost())
    listed = ProductListed(name="P-100", price=Decimal(5), currency="USD")
    await told(runtime, "product-1", listed)
    promised = [
        VisitFollowUpPromised(follow_up=n, what=what, owner="employee-3", due_on=date(2026, 4, 1))
        for n, what in (("1", "Samples"), ("2", "Done already"))
    ]
    planned = VisitPlanned(
        executive="employee-3", company="company-1", purpose="News", people=("person-1",)
    )
    await told(runtime, "visit-1", planned, *promised, VisitFollowUpKept(follow_up="2"))
    visit = EntryPlanned(
        seller="employee-1",
        category="customer",
        starts_at=NINE - timedelta(days=30),
        ends_at=NINE - timedelta(days=30) + timedelta(hours=1),
        person="person-1",
        title="First visit",
        note="Wants a quieter pump",
    )
    done = EntryDone(started_at=visit.starts_at, ended_at=visit.ends_at)
    await told(runtime, "entry-1", visit, done)
    known = await before(
        runtime, MEETING,
        ("person-1", 2), ("company-1", 1), ("touch-1", 1), ("issue-1", 2), ("issue-2", 2),
        ("opportunity-1", 3), ("opportunity-2", 2), ("product-1", 1), ("visit-1", 4),
        ("entry-1", 2),
    )  # fmt: skip
    (person,) = known.people
    assert (person.name, person.touch_count) == ("Kim Min-jun", 1)
    assert known.company is not None
    assert known.company.name == "Acme"
    assert [one.words for one in known.issues] == ["Late again"]
    assert [one.title for one in known.opportunities] == ["Pump"]
    assert [(one.name, one.price) for one in known.products] == [("P-100", "5")]
    assert [(one.what, one.overdue) for one in known.commitments] == [
        ("Late again", True),
        ("Ask the boss", True),
        ("Send the offer", False),
        ("Samples", False),
    ]
    assert [one.note for one in known.earlier] == ["Wants a quieter pump"]


async def test_k_12_the_opportunity_of_the_meeting_comes_first(runtime: Runtime) -> None:
    chance = OpportunityDiscovered(title="Pump", stage="Prospecting")
    await told(runtime, "opportunity-1", chance, PersonInvolved(person="person-1", role="user"))
    await told(runtime, "opportunity-2", chance.model_copy(update={"title": "Valve"}))
    card = EntryCard("entry-9", people=("person-1",), opportunity="opportunity-2")
    known = await before(runtime, card, ("opportunity-1", 2), ("opportunity-2", 1))
    assert [one.title for one in known.opportunities] == ["Valve", "Pump"]


async def test_k_12_only_the_last_touches_are_kept_whatever_came_first(runtime: Runtime) -> None:
    for number in range(25):
        await told(runtime, f"touch-{number}", touch(number))
    streams = [(f"touch-{number}", 1) for number in range(25)]
    (person,) = (await before(runtime, MEETING, *streams)).people
    assert (len(person.touches), person.touch_count) == (20, 25)


async def test_k_02_of_a_private_entry_nothing_is_looked_up(runtime: Runtime) -> None:
    private = EntryCard("entry-9", category="private", people=("person-1",))
    await told(runtime, "person-1", PersonRegistered(name="Kim"))
    known = await before(runtime, private, ("person-1", 1))
    assert known.people == ()


async def test_k_12_what_was_promised_to_the_customer_is_at_hand_until_it_is_kept(
    runtime: Runtime,
) -> None:
    made = CommitmentMade(what="An offer", person="person-1", owner="employee-1")
    moved = CommitmentMoved(due_by=datetime(2026, 2, 1, tzinfo=UTC), said="Sorry.")
    await told(runtime, "commitment-1", made, moved, CommitmentReassigned(owner="employee-2"))
    await told(runtime, "commitment-2", made, CommitmentKept(result="sent"))
    known = await before(runtime, MEETING, ("commitment-1", 3), ("commitment-2", 2))
    (owed,) = known.commitments
    assert (owed.what, owed.owner, owed.overdue) == ("An offer", "employee-2", True)
