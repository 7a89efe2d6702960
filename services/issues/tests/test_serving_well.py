"""How well customers are served: satisfaction (I_07), what we hear (I_11), the level (I_12)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.issues.agreements import (
    AgreementCommand,
    AgreeService,
    AssessService,
    agreement_card,
    answer_within,
    service_kept,
)
from services.issues.capture import captured, expressed_touch
from services.issues.main import domain, router
from services.issues.projections import issue_card
from services.issues.satisfaction import Month, satisfaction
from services.issues.tests.test_api import LATE, post, read
from shared.clock import SystemClock
from shared.events import Event, encode, timestamp
from shared.events.issues import (
    AgreementEvent,
    AnswerWithin,
    FeedbackGiven,
    IssueRegistered,
    SatisfactionStated,
    ServiceAgreed,
    ServiceAssessed,
    ServicePoint,
)
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog
from shared.reading import Token
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    recorded,
    serving,
)

decider = domain.decider("agreement-1")
# The sixth, in Seoul.
NIGHT = datetime(2026, 1, 5, 20, tzinfo=UTC)
JANUARY, MARCH = date(2026, 1, 5), date(2026, 3, 2)
POINTS = (ServicePoint(area="responsive", what="Within three days."),)
ANSWERS = (AnswerWithin(severity="high", days=3),)
AGREED = ServiceAgreed(points=POINTS, answers=ANSWERS, on=JANUARY)


def late(**told: Any) -> IssueRegistered:
    return IssueRegistered(kind="complaint", words="Late.", company="company-1", **told)


def test_i_12_excellent_service_is_agreed_with_a_customer_in_their_words() -> None:
    agree = AgreeService(points=POINTS, answers=ANSWERS, on=JANUARY)
    given(decider).when(agree).then(AGREED)
    later = agree.model_copy(update={"on": MARCH})
    given(decider, AGREED).when(later).then_nothing()
    assess = AssessService(area="responsive", score=4, on=MARCH)
    told = ServiceAssessed(area="responsive", score=4, on=MARCH)
    given(decider, AGREED).when(assess).then(told)
    given(decider, AGREED, told).when(assess).then_nothing()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "points or answers"),
        ({"answers": [{"severity": "high", "days": 1}] * 2}, "one number of days"),
        ({"answers": [{"severity": "high", "days": -1}]}, "within 0 to 400 days"),
        ({"points": [{"area": "responsive", "what": " "}]}, "what excellent service is"),
    ],
)
def test_i_12_an_agreement_that_says_nothing_is_refused(body: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        AgreeService(**body)


@for_all(
    st.lists(facts(AgreementEvent), max_size=6), st.lists(commands(AgreementCommand), max_size=6)
)
def test_i_12_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(decider, history, asked)


def test_i_12_each_issue_is_judged_by_what_was_agreed_when_it_was_registered() -> None:
    stricter = AGREED.model_copy(
        update={"on": MARCH, "answers": (AnswerWithin(severity="high", days=1),)}
    )
    card = check_projection(agreement_card, [recorded(AGREED, stricter, stream="agreement-1")])[
        "agreement-1"
    ]
    before = JANUARY - timedelta(days=1)
    assert [answer_within(card, "high", day) for day in (before, JANUARY, MARCH)] == [None, 3, 1]
    assert answer_within(card, "low", MARCH) is None
    told = [
        (late(severity="high", on=JANUARY), FeedbackGiven(result=".", on=date(2026, 1, 8))),
        (late(severity="high", on=JANUARY), FeedbackGiven(result=".", on=date(2026, 1, 9))),
        (late(severity="high", on=MARCH), FeedbackGiven(result=".", on=date(2026, 3, 4))),
        (late(severity="high", on=MARCH + timedelta(days=30)),),
        (late(severity="low", on=MARCH),),
    ]
    cards = [
        issue_card.replay(recorded(*one, stream=f"issue-{n}"))[f"issue-{n}"]
        for n, one in enumerate(told)
    ]
    kept = service_kept(card, cards, MARCH + timedelta(days=31))
    assert (kept.company, kept.kept, kept.late, kept.waiting) == ("company-1", 1, 2, 1)
    assert kept.share == 0.3333
    assert {one.issue: one.kept for one in kept.items} == {
        "issue-0": True, "issue-1": False, "issue-2": False, "issue-3": None,
    }  # fmt: skip


async def test_i_12_an_issue_owes_the_answer_that_is_agreed_with_its_customer() -> None:
    async with serving(domain, router) as client:
        body = {"answers": [{"severity": "moderate", "days": 3}], "on": "2026-01-01"}
        agreed = await post(client, "agreements/1/agree", body)
        await read(client, "/issues/agreements/1", agreed)
        made = await post(client, "1/register", LATE | {"company": "company-1"})
        card = (await read(client, "/issues/1", made)).json()
        # The end of the eighth of January, in Seoul.
        assert card["answer_by"] == "2026-01-08T15:00:00Z"
        told = await post(client, "1/give-feedback", {"result": "Sorry.", "on": "2026-01-07"})
        kept = (await read(client, "/issues/agreements/1", told)).json()
        assert (kept["kept"], kept["share"], kept["items"][0]["days"]) == (1, 1.0, 2)
        assert (await client.get("/issues/agreements/2")).status_code == 404
        other = await post(client, "2/register", LATE | {"company": "company-2"})
        assert (await read(client, "/issues/2", other)).json()["answer_by"] is None


async def test_i_12_an_issue_sent_again_after_an_agreement_is_the_same_issue() -> None:
    async with serving(domain, router) as client:
        told = LATE | {"company": "company-1"}
        await post(client, "1/register", told, idempotency_key="k")
        body = {"answers": [{"severity": "moderate", "days": 3}], "on": "2026-01-01"}
        agreed = await post(client, "agreements/1/agree", body)
        await read(client, "/issues/agreements/1", agreed)
        again = await post(client, "1/register", told, idempotency_key="k")
        assert (again.status_code, again.json()["duplicate"]) == (202, True)


def test_i_07_satisfaction_before_and_after_month_by_month_opens_into_its_issues() -> None:
    told = [
        (
            SatisfactionStated(score=2, when="before", on=JANUARY),
            SatisfactionStated(score=8, when="after", on=MARCH),
        ),
        (SatisfactionStated(score=5, when="before"),),
        (),
    ]
    cards = [
        issue_card.replay(recorded(late(on=JANUARY), *one, stream=f"issue-{n}"))[f"issue-{n}"]
        for n, one in enumerate(told)
    ]
    found = satisfaction(cards, JANUARY, MARCH)
    assert (found.issues, found.asked, found.both, found.change) == (3, 2, 1, 6.0)
    assert found.months == (Month("2026-01", 3.5, 2, None, 0), Month("2026-03", None, 0, 8.0, 1))
    assert [(one.issue, one.change) for one in found.items] == [("issue-0", 6), ("issue-1", None)]


def touch(about: Any) -> TouchRecorded:
    return TouchRecorded(
        publisher="crm", publisher_id="1", person="person-1", channel="visit", about=about
    )


def test_i_11_what_was_heard_and_not_registered_is_named() -> None:
    told = [
        recorded(touch("complaint"), stream="touch-1"),
        recorded(touch("complaint"), stream="touch-2"),
        recorded(touch("complaint"), stream="touch-3"),
        recorded(touch("general"), stream="touch-4"),
        recorded(
            late(touch="touch-1"), FeedbackGiven(result="Sorry.", touch="touch-3"),
            stream="issue-1",
        ),
    ]  # fmt: skip
    views = check_projection(expressed_touch, told)
    heard = [one for one in views.values() if one.heard_on is not None]
    found = captured(heard, {"issue-1"}, JANUARY, MARCH)
    assert (found.heard, found.registered, found.share) == (2, 1, 0.5)
    assert (found.fed_back, found.fed_back_share) == (1, 1.0)
    assert [one.touch for one in found.items] == ["touch-2"]
    nothing = captured([], set(), JANUARY, MARCH)
    assert (nothing.heard, nothing.share, nothing.fed_back_share) == (0, None, None)


async def test_i_07_i_11_are_one_call_each_and_days_that_cannot_be_are_refused() -> None:
    async with serving(domain, router) as client:
        await post(client, "1/register", LATE)
        said = {"score": 3, "when": "before", "on": "2026-01-06"}
        told = await post(client, "1/state-satisfaction", said)
        days = "first=2026-01-01&last=2026-02-01"
        found = (await read(client, f"/issues/satisfaction?{days}", told)).json()
        assert [(one["month"], one["before"]) for one in found["months"]] == [("2026-01", 3.0)]
        capture = (await read(client, f"/issues/capture?{days}", told)).json()
        assert (capture["heard"], capture["share"], capture["baseline"]) == (0, None, 0.1)
        wrong = await client.get("/issues/capture?first=2026-02-01&last=2026-01-01")
        assert wrong.status_code == 422
        for day in (date.min, date.max):
            far = await client.get(f"/issues/satisfaction?last={day}")
            assert far.status_code == 422
            assert far.json()["errors"][0]["pointer"] == "query/last"


async def test_i_11_what_was_captured_is_told_by_what_was_known_then() -> None:
    log, clock = MemoryLog(2), SystemClock()
    async with serving(domain, router, log=log) as client:

        async def told(stream: str, *events: Event, after: int = 0) -> str:
            when = {"occurred_at": NIGHT, "recorded_at": clock.now()}
            for fact in recorded(*events, stream=stream, after=after, **when):
                await log.append(fact.data.topic, stream, encode(fact))
            return Token(stream, after + len(events)).encode()

        async def captured_by(token: str, **more: str) -> tuple[int, int, int]:
            headers = {"X-At-Least": token}
            asked = {"first": "2026-01-06", "last": "2026-01-06", **more}
            answer = await client.get("/issues/capture", params=asked, headers=headers)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            return found["heard"], found["registered"], found["fed_back"]

        heard = await told("touch-1", touch("advice"))
        at_first = timestamp(clock.now())
        assert await captured_by(heard) == (1, 0, 0)
        case = IssueRegistered(kind="advice", words="Smaller.", touch="touch-1")
        done = await told("issue-1", case, FeedbackGiven(result="It is smaller."))
        assert await captured_by(done) == (1, 1, 1)
        assert await captured_by(done, known_at=at_first) == (1, 0, 0)
        assert await captured_by(done, known_at=timestamp(clock.now())) == (1, 1, 1)
        assert await captured_by(done, known_at="2020-01-01T00:00:00Z") == (0, 0, 0)


def test_i_11_the_day_it_was_heard_is_the_companys() -> None:
    (fact,) = recorded(touch("advice"), stream="touch-1", occurred_at=NIGHT)
    zoned = expressed_touch.within(ZoneInfo("Asia/Seoul"))
    assert zoned.replay([fact])["touch-1"].heard_on == date(2026, 1, 6)
