"""O-07: beside each target stands who was coached for it, as it was known at any instant."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.coaching import LISTED_MAX, Coached, Session, Talks, coaching
from services.analytics.projections import Target, org_tree
from services.analytics.tests.world import FACTS, KIM, LEE, World, on
from services.analytics.tree import Organization
from shared.events import timestamp
from shared.events.analytics import KpiCoached
from shared.events.opportunities import CoachingHeld, TargetSet
from shared.reading import Token
from shared.testing import check_projection, recorded

COACH = "employee-han"


def held(session: str, day: str, seller: str | None = None) -> CoachingHeld:
    return CoachingHeld(
        session=session,
        step="goal",
        stage="Engaging",
        coach=COACH,
        seller=seller,
        facts="three calls, no answer",
        on=on(day),
    )


def review(of: str, day: str) -> KpiCoached:
    return KpiCoached(kpi="kpi-won", coach=COACH, of=of, period="2026-03", facts="2", on=on(day))


def target(**said: Any) -> TargetSet:
    first, last = on("03-01"), on("05-31")
    told = {"amount": Decimal(2), "measure": "count_won", "period_from": first, "period_to": last}
    return TargetSet(**told, **said)


TARGETS = {
    "kim": target(owner=KIM),
    "lee": target(owner=LEE),
    "red": target(unit="unit-red"),
    "blue": target(unit="unit-blue"),
    "x": target(product="product-x"),
    "y": target(product="product-y"),
}
# Deal 4 is Kim's, of product X; Kim went from red to blue on the first of April.
TALKS: dict[str, list[Any]] = {
    "opportunity-4": [
        held("before", "02-27"),
        held("s1", "03-05"),
        held("s2", "04-02", LEE),
    ],
    "review-r1": [review(KIM, "04-10")],
    "review-r2": [review("unit-red", "05-02")],
    "review-r3": [review(KIM, "06-01")],
}


@pytest.fixture
async def coached(world: World) -> World:
    for name, event in TARGETS.items():
        await world.append(recorded(event, stream=f"target-{name}"))
    for stream, events in TALKS.items():
        after = 1 if stream == "opportunity-4" else 0
        await world.append(recorded(*events, stream=stream, after=after))
    await world.fold()
    for token in (Token("target-y", 1), Token("review-r3", 1), Token("opportunity-4", 4)):
        headers = {"X-At-Least": token.encode()}
        answer = await world.client.get("/analytics/attainment", headers=headers)
        assert answer.status_code == 200, answer.text
    return world


async def talks(world: World, **asked: Any) -> dict[str, list[str]]:
    rows = (await world.get("attainment", **asked))["rows"]
    assert all(row["coached"] == len(row["coaching"]) for row in rows)
    found = {row["target"]: [one["session"] for one in row["coaching"]] for row in rows}
    return {name.removeprefix("target-"): sessions for name, sessions in found.items()}


async def test_o_07_a_target_tells_of_the_talks_in_its_period(coached: World) -> None:
    assert await talks(coached, as_of="2026-06-30") == {
        "kim": ["review-r1", "opportunity-4/s1"],
        "lee": ["opportunity-4/s2"],
        "red": ["review-r2", "opportunity-4/s1"],
        "blue": ["review-r1"],
        "x": ["opportunity-4/s2", "opportunity-4/s1"],
        "y": [],
    }
    # Of a day in the midst of it, what had been held until then.
    assert (await talks(coached, as_of="2026-04-05"))["kim"] == ["opportunity-4/s1"]


async def test_o_07_a_talk_says_who_coached_whom_and_where_it_opens(coached: World) -> None:
    rows = (await coached.get("attainment", as_of="2026-06-30", owner=KIM))["rows"]
    latest, first = rows[0]["coaching"]
    assert latest == {
        "session": "review-r1",
        "on": "2026-04-10",
        "coach": COACH,
        "seller": KIM,
        "about": "kpi-won",
        "step": "kpi",
        "opens": "/analytics/kpi-reviews/r1",
    }
    # Nobody said whose talk it was: who owned the deal on that day.
    assert (first["seller"], first["opens"]) == (KIM, "/opportunities/4/record")
    assert (await coached.client.get(latest["opens"])).status_code == 200


async def test_o_07_nobody_was_coached_before_it_was_known(coached: World) -> None:
    now = coached.runtime.clock.now()
    known = await talks(coached, as_of="2026-06-30", known_at=timestamp(now))
    assert known == await talks(coached, as_of="2026-06-30")
    before = timestamp(now - timedelta(days=3_650))
    assert await talks(coached, as_of="2026-06-30", known_at=before) == {}
    later = recorded(held("late", "03-09"), stream="opportunity-4", after=4)
    await coached.append(later)
    await coached.fold()
    headers = {"X-At-Least": Token("opportunity-4", 5).encode()}
    await coached.client.get("/analytics/attainment", headers=headers)
    assert "opportunity-4/late" in (await talks(coached, as_of="2026-06-30"))["kim"]


async def test_n_13_whoever_reads_of_somebody_s_coaching_has_looked_at_them(
    coached: World,
) -> None:
    asked = {"unit": "unit-blue", "as_of": "2026-06-30"}
    headers = {"X-Actor": "employee-boss"}
    answer = await coached.client.get("/analytics/attainment", params=asked, headers=headers)
    assert answer.status_code == 200
    months = await coached.client.get("/analytics/looks/kim")
    while not months.json()["items"]:
        months = await coached.client.get("/analytics/looks/kim")
    (look,) = months.json()["items"][0]["looks"]
    assert (look["viewer"], look["report"]) == ("employee-boss", "/analytics/attainment")


UNITS = ("unit-red", "unit-blue", "unit-east")
OF_NOBODY = [None, KIM, LEE]


def tree() -> Organization:
    histories = [recorded(*told, stream=stream) for stream, told in FACTS]
    return Organization(org_tree.replay(fact for history in histories for fact in history))


# Kim changes on the first of April.
DAYS = [on("01-01") + timedelta(days=15 * number) for number in range(8)]


def aims() -> Iterator[Target]:
    """Every target there may be, of every period between these days, and of an unknown one."""
    products = [None, "product-x", "product-z"]
    for owner, unit, product in itertools.product(OF_NOBODY, [None, *UNITS], products):
        told = {"owner": owner, "unit": unit, "product": product}
        yield Target("target-1", **told)
        for first, last in itertools.product(DAYS, DAYS):
            yield Target("target-1", **told, period_from=first, period_to=last)


def test_o_07_the_talks_found_are_those_that_helped() -> None:
    places = tree()
    whose = itertools.product(reversed(DAYS), [*OF_NOBODY, "unit-red"], [None, "product-x"])
    sessions = [
        Coached(Session(f"review-{number}"), seller, product, day)
        for number, (day, seller, product) in enumerate(whose)
    ]
    talks, found = Talks(sessions, places), 0
    for aim in aims():
        beside = talks.beside(aim, listed=True)
        helped = [one.document() for one in sessions if one.helps(aim, places)]
        assert (beside["coached"], beside["coaching"]) == (len(helped), helped[:LISTED_MAX]), aim
        found += len(helped)
    assert found > len(sessions)


class Looked(Coached):
    """Counts how often it is asked whether it helped."""

    times = 0

    def helps(self, target: Target, organization: Organization) -> bool:
        Looked.times += 1
        return super().helps(target, organization)


def test_o_07_many_targets_beside_many_talks_are_not_each_held_against_each() -> None:
    first, last = on("01-01"), on("12-31")
    sellers = [f"employee-{number}" for number in range(100)]
    sessions = [Looked(Session(f"review-{who}"), who, None, on("03-01")) for who in sellers]
    talks = Talks(sessions, Organization({}))
    wanted = [Target(f"t-{who}", who, period_from=first, period_to=last) for who in sellers]
    found = [talks.beside(one, listed=True)["coached"] for one in wanted]
    assert (found, Looked.times) == ([1] * 100, 100)


def test_o_07_talks_are_folded_in_any_order() -> None:
    histories = [recorded(*events, stream=stream) for stream, events in TALKS.items()]
    views = check_projection(coaching, histories)
    assert views["opportunity-4/s2"].seller == LEE
    assert views["review-r2"].day == on("05-02")
