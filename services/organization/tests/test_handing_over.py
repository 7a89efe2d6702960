"""C-09: one decision moves all that a leaver looks after, and the dossier tells what to know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.organization.dossiers import Dossier, document, dossier, named_in, of_handover
from services.organization.handovers import (
    ITEMS_MAX,
    HandoverUnknownError,
    MoveItems,
)
from services.organization.main import domain, router
from services.organization.projections import handover_card, owned_item
from shared.documents import html, markdown
from shared.errors import InvalidError
from shared.events import Envelope
from shared.events.calendar import EntryPlanned, SeriesPlanned
from shared.events.contacts import (
    CompanyOwnerAssigned,
    CompanyRegistered,
    PersonAffiliated,
    PersonOwnerAssigned,
    PersonRegistered,
)
from shared.events.issues import (
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    DeadlineSet,
    FeedbackGiven,
    IssueClosed,
    IssueRegistered,
)
from shared.events.opportunities import (
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    StageAdvanced,
)
from shared.events.organization import (
    HandedItem,
    HandoverAcknowledged,
    HandoverItemsMoved,
    HandoverReceiverNamed,
    HandoverRescheduled,
    HandoverStarted,
)
from shared.events.touches import TouchRecorded
from shared.reading import Token
from shared.service import Request, fingerprint
from shared.settings import Settings
from shared.testing import check_projection, given, recorded, serving

decider = domain.decider("handover-1")
MARCH, MAY, JUNE, JULY = (date(2026, month, 1) for month in (3, 5, 6, 7))
BY = date(2026, 6, 15)
STARTED = HandoverStarted(employee="employee-1", cause="leaves", leaves_on=JUNE)
NAMED = HandoverReceiverNamed(receiver="employee-2", meet_by=BY, on=MARCH)


def handed(item: str, held_from: int = 1) -> HandedItem:
    return HandedItem(item=item, held_from=held_from)


def move(*items: HandedItem, **said: Any) -> MoveItems:
    return MoveItems(**{"receiver": "employee-2", "on": MARCH, "items": items} | said)


def moved(*items: HandedItem, receiver: str = "employee-2") -> HandoverItemsMoved:
    return HandoverItemsMoved(employee="employee-1", receiver=receiver, items=items, on=MARCH)


ACME, DEAL = handed("company-1"), handed("opportunity-1", 3)


def test_c_09_one_decision_names_who_takes_over_and_moves_everything() -> None:
    given(decider, STARTED).when(move(DEAL, ACME)).then(NAMED, moved(ACME, DEAL))


def test_c_09_asked_again_it_moves_what_came_since() -> None:
    known = (STARTED, NAMED, moved(ACME))
    given(decider, *known).when(move(ACME)).then_nothing()
    given(decider, *known).when(move(ACME, DEAL)).then(moved(DEAL))
    # It had become theirs again meanwhile.
    given(decider, *known).when(move(handed("company-1", 5))).then(moved(handed("company-1", 5)))


def test_c_09_some_of_it_may_go_to_others() -> None:
    to_another = move(ACME, DEAL, assign={"opportunity-1": "employee-3"})
    given(decider, STARTED).when(to_another).then(
        NAMED, moved(ACME), moved(DEAL, receiver="employee-3")
    )
    known = (STARTED, NAMED, moved(ACME), moved(DEAL, receiver="employee-3"))
    given(decider, *known).when(to_another).then_nothing()
    given(decider, *known).when(move(assign={"opportunity-1": "employee-3"})).then_nothing()


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (move(receiver="employee-1"), "#/receiver"),
        (move(ACME, assign={"company-1": "employee-1"}), "#/assign/company-1"),
        (move(ACME, assign={"company-9": "employee-3"}), "#/assign/company-9"),
    ],
)
def test_nothing_goes_to_the_leaver_and_nothing_that_is_not_theirs(
    command: MoveItems, field: str
) -> None:
    refused = given(decider, STARTED).when(command).then_refused(InvalidError)
    assert refused.field == field
    given(decider).when(command).then_refused(HandoverUnknownError)


def test_one_fact_moves_a_hundred_things_at_most() -> None:
    items = [handed(f"opportunity-{number:03}") for number in range(ITEMS_MAX + 1)]
    first, second = items[:ITEMS_MAX], items[ITEMS_MAX:]
    given(decider, STARTED).when(move(*items)).then(NAMED, moved(*first), moved(*second))


def test_the_day_of_the_first_meeting_stays_when_asked_again_and_goes_when_said() -> None:
    given(decider, STARTED, NAMED).when(move(meet_by=JULY)).then(
        HandoverReceiverNamed(receiver="employee-2", meet_by=JULY, on=MARCH)
    )
    later = HandoverReceiverNamed(receiver="employee-2", meet_by=JULY, on=MARCH)
    given(decider, STARTED, later).when(move()).then_nothing()


def test_the_same_request_is_the_same_whatever_there_was_to_move() -> None:
    first, second = (
        Request(stream="handover-1", command=asked, actor="tester")
        for asked in (move(ACME), move())
    )
    assert fingerprint(first) == fingerprint(second)


YES = HandoverAcknowledged(receiver="employee-2", on=BY)


@pytest.mark.parametrize(
    ("told", "day", "days", "until", "facts"),
    [
        ([STARTED], MAY, 0, None, [0]),
        ([STARTED], BY, 14, None, [0]),
        ([STARTED, NAMED, YES], JULY, 14, BY, [0, 2]),
        ([STARTED, HandoverRescheduled(leaves_on=JULY), NAMED, YES], JULY, 0, BY, [1, 3]),
    ],
)
def test_c_09_the_days_without_an_owner_rest_on_facts(
    told: list[Any], day: date, days: int, until: date | None, facts: list[int]
) -> None:
    history = recorded(*told, stream="handover-1")
    gap = check_projection(handover_card, [history])["handover-1"].on(day).gap
    assert (gap.days, gap.until, gap.history) == (days, until, "/organization/history/handover-1")
    assert gap.facts == tuple(history[place].id for place in facts)


def test_without_a_last_day_there_is_no_gap_to_measure() -> None:
    started = HandoverStarted(employee="employee-1", cause="moves")
    (card,) = check_projection(handover_card, [recorded(started, stream="handover-1")]).values()
    assert card.on(JULY).gap is None


NINE = datetime(2026, 5, 4, 9, tzinfo=UTC)
HERS: list[list[Envelope]] = [
    recorded(
        CompanyRegistered(name="Acme"),
        CompanyOwnerAssigned(owner="employee-1", on=MARCH),
        stream="company-1",
    ),
    recorded(
        PersonRegistered(name="<Ada>"),
        PersonAffiliated(company="company-1", on=MARCH),
        PersonOwnerAssigned(owner="employee-1", on=MARCH),
        stream="person-1",
    ),
    recorded(
        OpportunityDiscovered(
            title="Pumps", stage="Prospecting", owner="employee-1", company="company-1", on=MARCH
        ),
        StageAdvanced(stage="Engaging", on=MAY),
        NextStepAgreed(stage="Engaging", what="Show the plant", due_on=BY, on=MAY),
        stream="opportunity-1",
    ),
    recorded(
        IssueRegistered(kind="complaint", words="Late.", person="person-2", owner="employee-1"),
        DeadlineSet(answer_by=NINE),
        stream="issue-1",
    ),
    recorded(
        EntryPlanned(
            seller="employee-1", category="internal", starts_at=NINE, ends_at=NINE.replace(hour=10)
        ),
        stream="entry-1",
    ),
    recorded(
        EntryPlanned(
            seller="employee-1", category="private", starts_at=NINE, ends_at=NINE.replace(hour=10)
        ),
        stream="entry-2",
    ),
    recorded(
        SeriesPlanned(
            seller="employee-1",
            category="customer",
            title="Quarterly review",
            company="company-1",
            starts_at=NINE,
            ends_at=NINE.replace(hour=10),
            zone="Asia/Seoul",
            rule="FREQ=MONTHLY;INTERVAL=3",
        ),
        stream="series-1",
    ),
    recorded(
        TouchRecorded(publisher="p", publisher_id="1", person="person-1", channel="call"),
        stream="touch-1",
        occurred_at=NINE,
    ),
    recorded(PersonRegistered(name="Bo"), stream="person-2"),
]


def dossier_of(*more: list[Envelope], today: date, handover: Iterable[Any] = ()) -> Dossier:
    told = recorded(STARTED, *handover, stream="handover-1")
    card = check_projection(handover_card, [told])["handover-1"].on(today)
    streams: dict[str, list[Envelope]] = {}
    for history in (*HERS, *more, told):
        streams.setdefault(history[0].stream, []).extend(history)
    known = check_projection(owned_item, list(streams.values()))
    items = of_handover(card, known.values(), today)
    named = {name: known[name] for name in named_in(items) if name in known}
    return dossier(card, items, named, {"employee-1": "Cho", "employee-2": "Dag"}, today)


def test_c_09_the_dossier_tells_a_successor_all_that_facts_tell_by_customer() -> None:
    told = dossier_of(today=MAY)
    acme, bo, nobody = sorted(told.customers, key=lambda one: one.name or "~")
    assert (acme.name, [one.item for one in acme.items]) == (
        "Acme",
        ["company-1", "person-1", "opportunity-1", "series-1"],
    )
    deal = acme.items[2]
    assert (deal.stage, deal.stage_on, deal.next_step, deal.next_step_on) == (
        *("Engaging", MAY),
        *("Show the plant", BY),
    )
    assert deal.history == "/opportunities/history/opportunity-1"
    assert acme.items[1].last_touch_on == NINE.date()
    (issue,) = bo.items
    assert (bo.name, issue.due_on, issue.person_name) == ("Bo", NINE.date(), "Bo")
    # What is private is nobody else's.
    assert [one.item for one in nobody.items] == ["entry-1"]
    assert (told.total, told.moved) == (6, 0)


def test_c_09_the_dossier_says_what_is_moved_when_and_what_is_left() -> None:
    on_time = moved(handed("opportunity-1"), handed("company-1", 2))
    late = on_time.model_copy(update={"items": (handed("person-1", 3),), "on": BY})
    followed = recorded(
        OpportunityReassigned(owner="employee-2", reason="handover", on=MARCH),
        stream="opportunity-1",
        after=3,
    )
    told = dossier_of(followed, today=BY, handover=[NAMED, on_time, late])
    found = {one.item: one for customer in told.customers for one in customer.items}
    assert (found["opportunity-1"].moved, found["opportunity-1"].days) == (True, 0)
    # Its domain has not followed yet: it is said whose it is to be.
    company = found["company-1"]
    assert (company.moved, company.receiver, company.moved_on) == (False, "employee-2", MARCH)
    assert found["person-1"].days == 14
    assert (found["issue-1"].receiver, found["issue-1"].days) == (None, 14)
    # What the calendar had before today is past.
    assert "entry-1" not in found
    assert (told.total, told.moved) == (5, 1)


def test_an_earlier_handover_of_the_same_colleague_is_another() -> None:
    again = [moved(handed("opportunity-1")), STARTED.model_copy(update={"leaves_on": JULY})]
    followed = recorded(
        OpportunityReassigned(owner="employee-2", reason="handover", on=MARCH),
        stream="opportunity-1",
        after=3,
    )
    told = dossier_of(followed, today=MAY, handover=again)
    assert "opportunity-1" not in {one.item for group in told.customers for one in group.items}


def test_what_is_settled_needs_no_other_owner_and_what_is_reopened_does() -> None:
    lost = recorded(OpportunityLost(on=MAY), stream="opportunity-1", after=3)
    settled = recorded(FeedbackGiven(result="Sorry."), IssueClosed(), stream="issue-1", after=2)
    told = dossier_of(lost, settled, today=MAY)
    found = {one.item for customer in told.customers for one in customer.items}
    assert found == {"company-1", "person-1", "entry-1", "series-1"}
    reopened = recorded(
        OpportunityReopened(stage="Engaging", on=MAY), stream="opportunity-1", after=4
    )
    item = owned_item.replay([*HERS[2], *lost, *reopened])["opportunity-1"]
    assert (item.open, item.held_from) == (True, 5)


def test_c_09_the_dossier_is_read_as_a_page_and_no_name_is_markup() -> None:
    page = document(dossier_of(today=BY, handover=[NAMED]))
    assert [one.title for one in page.sections[:2]] == ["At a glance", "Days without an owner"]
    assert page.sections[1].rows[0][0] == "14"
    assert "<Ada>" not in html(page)
    assert "&lt;Ada&gt;" in html(page)
    assert "# Cho" in markdown(page)
    assert "Show the plant" in markdown(page)


async def test_c_09_nothing_is_moved_on_what_a_view_does_not_know_yet() -> None:
    async with serving(domain, router, settings=Settings(read_wait_s=0.2)) as client:
        for who in ("1", "2"):
            joined = await client.post(f"/organization/employees/{who}/join", json={"name": who})
            known = {"X-At-Least": joined.json()["token"]}
            await client.get(f"/organization/employees/{who}", headers=known)
        begun = {"employee": "employee-1", "cause": "moves", "leaves_on": "2026-06-01"}
        answer = await client.post("/organization/handovers/1/start", json=begun)
        path, to = "/organization/handovers/1/hand-over", {"receiver": "employee-2"}
        ahead = {"X-At-Least": Token("handover-1", 9).encode()}
        assert (await client.post(path, json=to, headers=ahead)).status_code == 503
        known = {"X-At-Least": answer.json()["token"]}
        moved_all = await client.post(path, json=to, headers=known)
        assert (moved_all.status_code, moved_all.json()["recorded"]) == (202, 1)
        stale = await client.post(path, json=to, headers=known | {"If-Match": '"1"'})
        assert stale.status_code == 412, stale.text
        other = await client.post("/organization/handovers/9/hand-over", json=to)
        assert other.status_code == 404


def test_c_09_what_was_promised_to_a_customer_is_owed_until_it_is_kept() -> None:
    due = datetime(2026, 3, 9, 9, tzinfo=UTC)
    promise = {"what": "an offer", "person": "person-1", "owner": "employee-1"}
    told = recorded(
        CommitmentMade(**promise, due_by=due),
        CommitmentMoved(due_by=due + timedelta(days=1), said="Sorry."),
        CommitmentReassigned(owner="employee-2"),
        CommitmentKept(result="sent"),
        stream="commitment-1",
    )
    zoned = owned_item.within(ZoneInfo("Asia/Seoul"))
    moved = zoned.replay(told[:3])["commitment-1"]
    assert (moved.kind, moved.owner, moved.open) == ("commitment", "employee-2", True)
    assert (moved.due_on, moved.title) == (date(2026, 3, 10), "an offer")
    assert not zoned.replay(told)["commitment-1"].open
