"""Why is this number: every row is the sum of its entities, and the rest is told with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.analytics.measures import recompute
from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import COLLECTION, KIM, LEE, World, on, won
from services.analytics.tests.world import found as opportunity_found
from services.analytics.why import NAMED_MAX, Explained, LeftOut
from shared.clock import derived_id
from shared.events import Event
from shared.events.analytics import KpiSwitched
from shared.events.calendar import AgendaZoneSet
from shared.events.opportunities import OpportunityLost
from shared.projector import Collections
from shared.testing import recorded

TOTAL = {"by": "total", "key": "total"}
ASKED = {"as_of": "2026-12-31"}


def reasons(answer: dict[str, Any]) -> dict[str, list[str]]:
    return {one["reason"]: one["streams"] for one in answer["left_out"]}


async def test_a_row_names_its_facts_and_what_is_not_in_it(world: World) -> None:
    of_kim = await world.get("why", by="seller", key=KIM, **ASKED)
    assert all(one["facts"] for one in of_kim["contributions"])
    streams = {one["stream"] for one in of_kim["contributions"]}
    everything = await world.get("why", by="total", key="total", **ASKED)
    # Of others who never had it nothing is said; who handed it over is told so.
    assert {s for told in reasons(of_kim).values() for s in told} <= {
        one["stream"] for one in everything["contributions"]
    } | set(reasons(everything).get("not_counted", [])) - streams
    early = await world.get("why", by="total", key="total", as_of="2025-01-01")
    assert early["contributions"] == []
    assert set(reasons(early)) == {"later"}
    assert len(early["left_out"][0]["streams"]) == early["left_out"][0]["count"]


@pytest.mark.parametrize("known", [{}, {"known_at": "2100-01-01T00:00:00Z"}])
async def test_of_other_teams_nothing_is_named(world: World, known: dict[str, str]) -> None:
    red = await world.get("why", by="team", key="Red", **ASKED, **known)
    assert red["contributions"]
    for told in red["left_out"]:
        assert told["count"]
        assert told["reason"] == "no_longer" or not told["streams"]
    # Of one seller's, what never was theirs is not even counted.
    nobodys = await world.get("why", **TOTAL, seller="han", **ASKED, **known)
    assert (nobodys["contributions"], nobodys["left_out"]) == ([], [])
    entries = await world.get("workload/why", by="total", key="total", unit="unit-red", **known)
    assert all(not told["streams"] for told in entries["left_out"])


@pytest.mark.parametrize(
    ("path", "query", "reason"),
    [
        ("why", {"by": "seller", "key": LEE, "seller": "kim"}, "other_row"),
        ("inflow/why", {"key": "2026-01", "last": "2025-12-31"}, "outside_period"),
        ("inflow/why", {"key": "2026-01", "as_of": "2025-12-31"}, "later"),
        ("touches/why", {"by": "seller", "key": KIM, "first": "2030-01-01"}, "outside_period"),
        ("touches/why", {"by": "seller", "key": KIM, "unit": "unit-blue"}, "other_unit"),
        ("data-quality/why", {"by": "total", "key": "total", **ASKED}, "not_counted"),
        ("adoption/why", {**TOTAL, "seller": "kim", "from": "2026-03-02"}, "other_function"),
    ],
)
async def test_every_report_says_why_something_is_left_out(
    world: World, path: str, query: dict[str, str], reason: str
) -> None:
    answer = await world.get(path, **query)
    assert answer["left_out_facts"] == []
    told = {one["reason"] for one in answer["left_out"]}
    assert reason in told, answer["left_out"]


async def test_facts_in_no_figure_are_told_with_each_row(world: World) -> None:
    gap = recorded(won("9", "03-05"), stream="opportunity-4", after=7)
    await world.append(gap)
    await world.fold()
    answer = await world.get("why", by="total", key="total", **ASKED)
    (aside,) = answer["left_out_facts"]
    assert (aside["reason"], aside["count"]) == ("parked", 1)
    assert aside["facts"] == [{"stream": "opportunity-4", "version": 8, "fact": gap[0].id}]
    # Who asks for the deals of another colleague is told that facts are set aside, not of whom.
    for asked in ({"by": "seller", "key": "employee-none"}, {**TOTAL, "seller": "han"}):
        (other,) = (await world.get("why", **asked, **ASKED))["left_out_facts"]
        assert (other["count"], other["facts"]) == (1, [])
    # Of a unit's, too: nobody knows of which one it is.
    (of_red,) = (await world.get("why", by="team", key="Red", **ASKED))["left_out_facts"]
    assert (of_red["count"], of_red["facts"]) == (1, [])


JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
THEN = {"known_at": "2026-06-15T00:00:00Z"}


def facts_left_out(answer: dict[str, Any]) -> dict[str, int]:
    return {one["reason"]: one["count"] for one in answer["left_out_facts"]}


async def test_c_06_what_was_recorded_later_is_counted_of_the_row_s_own(world: World) -> None:
    """Two of Lee's, one of Kim's, and of a KPI, of a colleague and of what is parked none."""
    lost = OpportunityLost(on=on("05-02"))
    told: tuple[tuple[str, tuple[Event, ...], int], ...] = (
        ("opportunity-3", (lost,), 2),
        ("opportunity-7", (opportunity_found(LEE, "06-01"),), 0),
        ("opportunity-4", (lost,), 1),
        ("kpi-won", (KpiSwitched(definition=1, on=on("06-01")),), 0),
        ("agenda-kim", (AgendaZoneSet(zone="Asia/Seoul"),), 0),
        ("opportunity-2", (lost,), 7),
    )
    for stream, events, after in told:
        await world.append(recorded(*events, stream=stream, after=after, recorded_at=JULY))
    await world.fold()
    rows = {
        KIM: {"by": "seller", "key": KIM},
        LEE: {"by": "seller", "key": LEE},
        "all": {"by": "total", "key": "total"},
        "none": {"by": "seller", "key": "employee-none"},
    }
    counts = {}
    for name, asked in rows.items():
        answer = await world.get("why", **THEN, **asked)
        counts[name] = facts_left_out(answer)
        assert answer["parked_facts"] == 0
    assert counts == {
        KIM: {"recorded_later": 1},
        LEE: {"recorded_later": 2},
        "all": {"recorded_later": 3},
        "none": {},
    }
    touches = await world.get("touches/why", by="seller", key=KIM, **THEN)
    assert touches["left_out_facts"] == []
    ledger = await world.get("forecast-ledger/why", by="total", key="total", **THEN)
    assert facts_left_out(ledger) == {"recorded_later": 3}


async def test_c_06_of_what_is_set_aside_only_what_was_there_then_is_told(world: World) -> None:
    """Of two facts that fork their streams one had been recorded, of two that were dropped, too."""
    aside = []
    for stream, after, at in (
        *(("opportunity-1", 1, JUNE), ("opportunity-2", 1, JUNE)),
        *(("opportunity-3", 1, JULY), ("opportunity-4", 0, JULY)),
    ):
        (told,) = recorded(won("9", "05-05"), stream=stream, after=after, recorded_at=at)
        aside.append(replace(told, id=derived_id(stream, "fork")))
    await world.append(aside)
    await world.fold()
    parked = await world.runtime.store.find(Collections(COLLECTION).parked, {})
    for stream in ("opportunity-2", "opportunity-4"):
        (place,) = [one["_id"] for one in parked if one["stream"] == stream]
        await world.projector.drop(stream, place, reason="Twice.", by="employee-han")
    now = await world.get("why", **TOTAL)
    assert (facts_left_out(now), now["parked_facts"]) == ({"parked": 2, "dropped": 2}, 2)
    then = await world.get("why", **TOTAL, **THEN)
    assert (facts_left_out(then), then["parked_facts"]) == ({"parked": 1, "dropped": 1}, 1)
    assert [one["facts"][0]["stream"] for one in then["left_out_facts"]] == [
        "opportunity-1",
        "opportunity-2",
    ]
    early = await world.get("why", **TOTAL, known_at="2025-01-01T00:00:00Z")
    assert (early["contributions"], early["parked_facts"]) == ([], 0)
    assert set(facts_left_out(early)) == {"recorded_later"}


def test_of_much_that_is_left_out_the_first_are_named_and_all_counted() -> None:
    many = [f"touch-{number:03}" for number in range(NAMED_MAX + 5)]
    rest = LeftOut()
    for stream in many:
        rest.add("later", stream)
    (told,) = rest.document(named=True)
    assert (told["count"], told["streams"]) == (NAMED_MAX + 5, many[:NAMED_MAX])
    rest = LeftOut()
    for stream in many:
        rest.add("no_longer", stream)
        rest.add("other_row", stream)
    been, never = rest.document(named=False)
    assert (been["streams"], never["streams"]) == (many[:NAMED_MAX], [])
    assert never["count"] == len(many)


def test_each_entity_counts_under_one_reason_the_one_that_says_most() -> None:
    entity = next(
        iter(recompute(recorded(won("1", "03-05"), stream="opportunity-1"), ZONE)[0].values())
    )
    told = Explained()
    told.add(entity, {}, {"later", "other_row"})
    told.add(entity, Counter(open=0), {"later"})
    told.add(entity, {}, set())
    assert told.left_out.streams == {
        "other_row": ["opportunity-1"],
        "no_longer": ["opportunity-1"],
        "not_counted": ["opportunity-1"],
    }
