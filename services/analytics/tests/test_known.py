"""What did the report say then? (C-06) A fact counts only where it had been recorded by then."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.tests.counting import Counting
from services.analytics.tests.test_ledger import FROZEN
from services.analytics.tests.world import KIM, World, found, on, won
from shared.events import Event
from shared.events.opportunities import CoachingHeld, CommitmentMade, TargetSet
from shared.events.organization import EmployeeAssigned
from shared.events.touches import TouchRecorded
from shared.log import Partition
from shared.reading import Token
from shared.testing import recorded

THEN = "2026-06-01T00:00:00Z"
LATER = datetime(2026, 7, 1, 9, tzinfo=UTC)
REPORTS = (
    *(("pipeline", {"by": by}) for by in ("stage", "team", "seller", "company", "total")),
    ("inflow", {}),
    ("touches", {"by": "seller"}),
    ("forecast", {}),
    ("yield", {}),
    ("yield", {"by": "seller", "seller": KIM}),
    ("why", {"by": "total", "key": "total"}),
    ("why", {"by": "product", "key": "Product X"}),
    ("touches/why", {"by": "seller", "key": KIM}),
    ("yield/why", {"by": "seller", "key": KIM, "kind": "touch"}),
)


async def learnt_late(world: World, stream: str, *events: Event, after: int = 0) -> None:
    await world.append(recorded(*events, stream=stream, after=after, recorded_at=LATER))
    await world.fold()


@pytest.mark.parametrize(("path", "query"), REPORTS)
async def test_c_06_by_all_that_is_known_a_report_is_the_live_one(
    world: World, path: str, query: dict[str, str]
) -> None:
    moment = (
        query if path in ("inflow", "touches", "touches/why") else query | {"as_of": "2026-12-31"}
    )
    stands_by = CommitmentMade(
        seller=KIM, confidence="commit", amount=Decimal(70), currency="USD", close_on=on("05-15")
    )
    await learnt_late(world, "opportunity-4", stands_by, after=1)
    live = await world.get(path, **moment)
    known = await world.get(path, **moment, known_at="2100-01-01T00:00:00Z")
    assert known["known_at"] == "2100-01-01T00:00:00.000000Z"
    assert known.get("rows", known.get("contributions")) != []
    assert known | {"known_at": None} == live


async def test_c_06_what_was_entered_late_was_not_in_the_report_of_that_day(world: World) -> None:
    before = await world.rows(by="total", as_of="2026-05-31")
    await learnt_late(world, "opportunity-5", found(KIM, "01-10"), won("900", "02-10"))
    now = await world.rows(by="total", as_of="2026-05-31")
    assert (now["total"]["won"], now["total"]["value_won"]) == (3, "1050.5")
    assert await world.rows(by="total", as_of="2026-05-31", known_at=THEN) == before
    why = await world.get("why", by="total", key="total", as_of="2026-05-31", known_at=THEN)
    assert "opportunity-5" not in {one["stream"] for one in why["contributions"]}


async def test_c_06_a_stream_ends_where_the_knowledge_of_it_did(world: World) -> None:
    await learnt_late(world, "opportunity-4", won("10", "04-05"), after=1)
    rows = await world.rows(by="total", as_of="2026-05-31", known_at=THEN)
    assert (rows["total"]["won"], rows["total"]["open"]) == (2, 1)
    rows = await world.rows(by="total", as_of="2026-05-31")
    assert (rows["total"]["won"], rows["total"]["open"]) == (3, 0)


async def test_c_06_our_organisation_was_what_we_knew_of_it(world: World) -> None:
    moved = EmployeeAssigned(unit="unit-red", on=on("05-01"))
    await learnt_late(world, KIM, moved, after=3)
    await world.client.get("/analytics/touches", headers={"X-At-Least": Token(KIM, 4).encode()})
    assert (await world.rows(by="team", as_of="2026-05-31"))["Red"]["open"] == 1
    then = await world.rows(by="team", as_of="2026-05-31", known_at=THEN)
    assert (then["Red"]["open"], then["Blue"]["open"]) == (0, 1)


async def test_c_06_touches_and_targets_entered_late_are_not_known_yet(world: World) -> None:
    touch = TouchRecorded(
        publisher="p", publisher_id="2", person="person-1", channel="call", employee=KIM
    )
    await learnt_late(world, "touch-2", touch)
    goal: dict[str, Any] = {"owner": KIM, "measure": "count_won", "amount": 3}
    period = {"period_from": on("01-01"), "period_to": on("12-31")}
    await learnt_late(world, "target-kim", TargetSet(**goal, **period))
    headers = {"X-At-Least": Token("target-kim", 1).encode()}
    live = await world.client.get("/analytics/attainment", headers=headers)
    assert [row["target"] for row in live.json()["rows"]] == ["target-kim"]
    assert (await world.get("attainment", known_at=THEN))["rows"] == []
    unknown = {"target": "target-kim", "known_at": THEN}
    answer = await world.client.get("/analytics/attainment/why", params=unknown)
    assert answer.status_code == 404
    assert [row["touches"] for row in (await world.get("touches", known_at=THEN))["rows"]] == [1]
    assert [row["touches"] for row in (await world.get("touches"))["rows"]] == [2]


async def test_c_06_without_a_day_it_is_the_day_on_which_it_was_known(world: World) -> None:
    early = await world.rows(by="team", known_at="2026-03-31T12:00:00Z")
    assert early["Red"]["open"] == 1  # Kim moves to the blue team on the first of April.
    assert (await world.rows(by="team", known_at=THEN))["Blue"]["open"] == 1


async def test_an_instant_without_a_zone_is_refused(world: World) -> None:
    answer = await world.client.get("/analytics/pipeline?known_at=2026-06-01T00:00:00")
    assert answer.status_code == 422
    assert "known_at" in answer.text


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("forecast-ledger", {}),
        ("forecast-ledger/why", {"by": "total", "key": "total"}),
        ("attainment", {}),
        ("forecasts/1", {}),
        ("why", {"by": "total", "key": "total"}),
    ],
)
async def test_c_06_the_log_is_folded_once_for_an_answer(
    world: World, path: str, query: dict[str, str]
) -> None:
    """Of touches nothing but the figures is folded: each of their partitions is read once."""
    goal = TargetSet(
        owner=KIM,
        measure="count_won",
        amount=Decimal(3),
        period_from=on("01-01"),
        period_to=on("12-31"),
    )
    talk = CoachingHeld(
        session="s1", step="goal", stage="Engaging", coach="employee-han", facts="2", on=on("03-05")
    )
    await world.append(recorded(goal, stream="target-kim"))
    await world.append(recorded(FROZEN, stream="forecast-1"))
    await world.append(recorded(talk, stream="opportunity-4", after=1))
    await world.fold()
    for stream, asked, version in (
        ("target-kim", "attainment", 1),
        ("opportunity-4", "attainment", 2),
        ("forecast-1", "forecasts/1", 1),
    ):
        headers = {"X-At-Least": Token(stream, version).encode()}
        answer = await world.client.get(f"/analytics/{asked}", headers=headers)
        assert answer.status_code == 200, answer.text
    read = world.runtime.log = Counting(world.runtime.log)
    await world.get(path, known_at="2100-01-01T00:00:00Z", as_of="2026-12-31", **query)
    assert len(read.of("touches")) == len(await read.ends("touches"))


class Reading:
    """Counts how many records of deals are read from the log."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records, self._read = 0, world.runtime.log.read
        monkeypatch.setattr(world.runtime.log, "read", self._counted)

    async def _counted(self, partition: Partition, first: int, last: int) -> Any:
        async for records in self._read(partition, first, last):
            if partition.topic == "opportunities":
                self.records += len(records)
            yield records

    async def of(self, asking: Any) -> tuple[Any, int]:
        """Return what is answered, and how many records were read for it."""
        before = self.records
        return await asking, self.records - before


async def told(world: World, known_at: str = THEN) -> Any:
    """Return a report, and its explanation in two pages."""
    row = {"by": "total", "key": "total", "as_of": "2026-05-31", "known_at": known_at}
    report = await world.rows(by="total", as_of="2026-05-31", known_at=known_at)
    first = await world.get("why", **row, limit=2)
    rest = await world.get("why", **row, cursor=first["next_cursor"])
    return report, first["total"], [*first["contributions"], *rest["contributions"]]


async def test_c_06_what_was_known_is_folded_once_for_all_who_ask_of_that_instant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(world, monkeypatch)
    _, once = await reading.of(world.rows(by="total", known_at=THEN))
    assert once
    before, again = await reading.of(told(world))
    assert again == 0
    # What is learnt later is looked through, and is in none of it.
    await learnt_late(world, "opportunity-5", found(KIM, "01-10"), won("900", "02-10"))
    after, since = await reading.of(told(world))
    # For the figures, and for the names of products.
    assert (after, since) == (before, 2 + 2)
    row = {"by": "total", "key": "total", "known_at": THEN}
    left_out = (await world.get("why", **row))["left_out_facts"]
    assert [(one["reason"], one["count"]) for one in left_out] == [("recorded_later", 2)]


async def test_c_06_what_was_recorded_by_then_and_comes_late_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks differ, and a fact may reach the log after others that were recorded later."""
    reading = Reading(world, monkeypatch)
    before = await world.rows(by="total", as_of="2026-05-31", known_at=THEN)
    facts = recorded(found(KIM, "01-10"), won("900", "02-10"), stream="opportunity-5")
    await world.append(facts)
    await world.fold()
    after, anew = await reading.of(world.rows(by="total", as_of="2026-05-31", known_at=THEN))
    assert after["total"]["won"] == before["total"]["won"] + 1
    assert anew > 2
