"""O-08: how good an opportunity is, with its parts, and ranked by that above its amount."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.opportunities.defaults import OpportunitiesDefaults, QualityWeights
from services.opportunities.main import domain, router
from services.opportunities.record.quality import alerts, quality, snoozed_until
from services.opportunities.record.views import OpportunityRecord, opportunity_record
from shared.clock import SystemClock
from shared.events import Event, encode, timestamp
from shared.events.opportunities import (
    ActionAgreed,
    EvidenceRecorded,
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunitySnoozed,
    PersonAssessed,
    PersonInvolved,
    RecordEvent,
    StageAdvanced,
)
from shared.memory import MemoryLog
from shared.reading import Token
from shared.testing import facts, recorded, serving

RULES = OpportunitiesDefaults()
MONDAY, FRIDAY, LATER = date(2026, 1, 5), date(2026, 1, 9), date(2026, 6, 1)
CHANCE = OpportunityDiscovered(title="Pump", stage="Evaluated", amount=1, currency="USD", on=MONDAY)
SHOWN = EvidenceRecorded(stage="Evaluated", what="Visited", on=MONDAY)
STEP = NextStepAgreed(stage="Evaluated", what="Offer", due_on=FRIDAY, on=MONDAY)
DECIDER = PersonAssessed(person="person-1", influence="decides", stance="supporter", on=MONDAY)


def seen(*told: Any) -> OpportunityRecord:
    history = recorded(CHANCE, *told, stream="opportunity-1")
    return opportunity_record.replay(history)["opportunity-1"]


def parts(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults = RULES) -> list[int]:
    return [part.percent for part in quality(view, today, rules).parts]


def test_o_08_a_score_is_made_of_evidence_next_step_age_and_coverage() -> None:
    bare = quality(seen(), MONDAY, RULES)
    assert [(part.part, part.percent) for part in bare.parts] == [
        ("evidence", 0),
        ("next_step", 0),
        ("age", 100),
        ("coverage", 0),
    ]
    assert bare.score == 15
    users = [PersonInvolved(person=f"person-{n}", role="user") for n in (2, 3)]
    best = quality(seen(SHOWN, STEP, DECIDER, *users), MONDAY, RULES)
    assert best.score == 100
    assert all(part.why for part in best.parts)


def test_o_08_evidence_counts_for_its_stage_and_while_it_is_fresh() -> None:
    assert parts(seen(SHOWN), MONDAY)[0] == 100
    assert parts(seen(SHOWN), LATER)[0] == 50
    assert parts(seen(SHOWN.model_copy(update={"on": None})), MONDAY)[0] == 50
    in_work = StageAdvanced(stage="In work", on=FRIDAY)
    assert parts(seen(SHOWN, in_work), FRIDAY)[0] == 25


def test_o_08_a_next_step_counts_until_it_is_overdue() -> None:
    assert parts(seen(STEP), FRIDAY)[1] == 100
    assert parts(seen(STEP), LATER)[1] == 0
    assert parts(seen(STEP.model_copy(update={"due_on": None})), LATER)[1] == 50


def test_o_08_long_in_one_stage_counts_less_and_less() -> None:
    rules = OpportunitiesDefaults(stage_days=10)
    days = (date(2026, 1, 15), date(2026, 1, 25), date(2026, 2, 4), LATER)
    assert [parts(seen(), day, rules)[2] for day in days] == [100, 50, 0, 0]
    undated = OpportunityDiscovered(title="Pump", stage="Evaluated")
    assert parts(seen(undated), LATER, rules)[2] == 50


def test_o_08_coverage_is_who_decides_who_is_for_us_and_how_many_we_know() -> None:
    sceptic = DECIDER.model_copy(update={"stance": "sceptic"})
    assert parts(seen(sceptic), MONDAY)[3] == 100 * 4 // 9
    assert parts(seen(DECIDER), MONDAY)[3] == 100 * 7 // 9


def test_o_08_the_company_says_what_weighs_how_much() -> None:
    age_only = QualityWeights(evidence=0, next_step=0, age=1, coverage=0)
    rules = OpportunitiesDefaults(quality_weights=age_only)
    assert quality(seen(), MONDAY, rules).score == 100
    with pytest.raises(ValidationError):
        QualityWeights(evidence=0, next_step=0, age=0, coverage=0)


@for_all(st.lists(facts(OpportunityEvent | RecordEvent), max_size=8), st.dates(MONDAY, LATER))
def test_o_08_a_score_is_from_0_to_100_whatever_was_told(told: list[Any], today: date) -> None:
    found = quality(seen(*told), today, RULES)
    assert 0 <= found.score <= 100
    assert all(0 <= part.percent <= 100 for part in found.parts)


def test_a_snoozed_one_raises_no_alerts_until_its_day() -> None:
    overdue = ActionAgreed(action="a", what="Visit", owner="employee-1", due_on=FRIDAY)
    found = alerts(seen(STEP, overdue), LATER, RULES)
    assert [one.alert for one in found] == ["next_step_overdue", "stale", "action_overdue"]
    assert [one.alert for one in alerts(seen(), MONDAY, RULES)] == ["no_next_step"]
    rests = OpportunitySnoozed(reason="Budget next year", resume_on=LATER, on=FRIDAY)
    view = seen(STEP, overdue, rests)
    assert snoozed_until(view, date(2026, 5, 31)) == LATER
    assert alerts(view, date(2026, 5, 31), RULES) == ()
    assert snoozed_until(view, LATER) is None
    assert alerts(view, LATER, RULES) == found
    assert alerts(seen(STEP, OpportunityLost(on=FRIDAY)), LATER, RULES) == ()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_o_08_a_small_one_in_hand_ranks_above_a_large_hope(client: AsyncClient) -> None:
    async def post(number: int, step: str, **body: Any) -> Response:
        answer = await client.post(f"/opportunities/{number}/{step}", json=body)
        assert answer.status_code == 202, answer.text
        return answer

    for number, amount in ((1, "1000000"), (2, "10"), (3, "2000000")):
        discovered = {"title": "Pump", "amount": amount, "currency": "USD", "owner": "employee-1"}
        last = await post(number, "discover", **discovered)
        if number == 2:
            shown = {"stage": "Evaluated", "evidence": "Visited", "next_step": "Offer"}
            last = await post(number, "advance", **shown, next_step_due_on="2162-01-01")
    after = {"X-At-Least": last.json()["token"]}
    listed = (await client.get("/opportunities/ranked?owner=employee-1", headers=after)).json()
    order = ["opportunity-2", "opportunity-3", "opportunity-1"]
    assert [item["opportunity"] for item in listed["items"]] == order
    assert [item["quality"]["score"] for item in listed["items"]] == [75, 15, 15]
    assert [part["part"] for part in listed["items"][0]["quality"]["parts"]] == [
        "evidence",
        "next_step",
        "age",
        "coverage",
    ]
    first = (await client.get("/opportunities/ranked?limit=2")).json()
    assert len(first["items"]) == 2
    rest = await client.get(f"/opportunities/ranked?limit=2&cursor={first['next_cursor']}")
    assert [item["opportunity"] for item in rest.json()["items"]] == order[2:]
    assert rest.json()["next_cursor"] is None
    assert (await client.get("/opportunities/ranked?cursor=nonsense")).status_code == 422
    then = {"owner": "employee-1", "known_at": timestamp(SystemClock().now())}
    last = await post(2, "snooze", reason="Budget next year", resume_on="2162-01-01")
    after = {"X-At-Least": last.json()["token"]}
    awake = (await client.get("/opportunities/ranked?snoozed=false", headers=after)).json()
    assert [item["opportunity"] for item in awake["items"]] == order[1:]
    # What is told since changes no list of what was known then; before, nothing was known.
    known = (await client.get("/opportunities/ranked", params=then, headers=after)).json()
    assert known == listed
    long_ago = {"known_at": "2020-01-01T00:00:00Z"}
    assert (await client.get("/opportunities/ranked", params=long_ago)).json()["items"] == []
    page = (await client.get("/opportunities/2/page", headers=after)).json()
    assert (page["snoozed_until"], page["alerts"]) == ("2162-01-01", [])
    assert page["quality"]["score"] == 75
    assert (await client.get("/opportunities/9/page")).status_code == 404


async def test_o_02_latent_ones_are_ranked_apart(client: AsyncClient) -> None:
    answers = [
        await client.post(f"/opportunities/{n}/discover", json={"title": "P", "latent": n == 2})
        for n in (1, 2)
    ]
    after = {"X-At-Least": answers[-1].json()["token"]}
    for query, found in (("", ["opportunity-1"]), ("?latent=true", ["opportunity-2"])):
        listed = (await client.get(f"/opportunities/ranked{query}", headers=after)).json()
        assert [item["opportunity"] for item in listed["items"]] == found


def test_amounts_play_no_part_in_quality() -> None:
    large = CHANCE.model_copy(update={"amount": Decimal(10**9)})
    assert quality(seen(large), MONDAY, RULES) == quality(seen(), MONDAY, RULES)


async def test_a_list_of_what_was_known_lacks_what_was_set_aside_of_that_alone() -> None:
    """Of the second one a fact is missing; of the third, one that was recorded later."""
    log = MemoryLog(2)
    early, then, late = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))
    async with serving(domain, router, log=log) as client:

        async def told(number: int, event: Event, at: datetime, after: int = 0) -> Token:
            stream = f"opportunity-{number}"
            for fact in recorded(event, stream=stream, after=after, recorded_at=at):
                await log.append(fact.data.topic, stream, encode(fact))
            return Token(stream, after + 1)

        for number in (1, 2, 3):
            found = OpportunityDiscovered(title="Pump", stage="Prospecting", on=FRIDAY)
            token = await told(number, found, early)
            headers = {"X-At-Least": token.encode()}
            assert (await client.get("/opportunities/ranked", headers=headers)).status_code == 200
        await told(2, OpportunityLost(on=FRIDAY), early, after=2)
        await told(3, OpportunityLost(on=FRIDAY), late, after=2)
        for at, lacking in (
            (None, ["opportunity-2", "opportunity-3"]),
            (timestamp(late), ["opportunity-2", "opportunity-3"]),
            (timestamp(then), ["opportunity-2"]),
            ("2020-01-01T00:00:00Z", []),
        ):
            asked = {} if at is None else {"known_at": at}
            async with asyncio.timeout(30):  # It is set aside soon, and tells nobody.
                while True:
                    answer = (await client.get("/opportunities/ranked", params=asked)).json()
                    if answer["parked"] == lacking:
                        break
                    await asyncio.sleep(0.02)
            assert len(answer["items"]) == (0 if at and at < timestamp(early) else 3)
